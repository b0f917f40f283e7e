"""The determinant of a balanced deep matrix factorization never changes sign.

Its rate is -L det W sum_r s_r^(1 - 2/L) <grad l(W), u_r v_r^T>: a linear equation for det W, whose
solutions are zero always or never. At L = 2 no singular value is left in the sum. A consequence of
Arora, Cohen, Hu & Luo (2019), Theorem 3, on which Theorem 1 of Razin & Cohen (2020) rests.
"""

import dynlens as dl

from . import algebra, cases, laws

flows = [*cases.POSITIVE, *cases.NEGATIVE]
invertible = dl.Assumption("det W is not zero", "Abs(determinant)", low=1e-12)
trusted = dl.Assumption("det W exceeds its error", "determinant", critical=True)
balanced = {"assumptions": [dl.BALANCED]}
# Nearer to zero, the factors' rounding errors are all that is left of the determinant.
measured = {"where": "Abs(determinant) - 1e-3", "scale": laws.size_of_growth}

theorem = dl.Theorem(
    "A.5",
    "the determinant of a balanced deep matrix factorization keeps its sign",
    source="arora2019implicit, Theorem 3, as used for razin2020implicit, Theorem 1",
    claims={
        "rate": dl.RateLaw("determinant", laws.growth, **balanced, **measured),
        "L = 2": dl.Check(
            dl.Equal("d_determinant / determinant", laws.minus_two_alignments, **balanced),
            cases.TWO_LAYERS,
        ),
        "sign": dl.Check(
            dl.AtLeast(
                "sign(determinant) * sign(determinant_0)",
                1,
                assumptions=[dl.BALANCED, invertible, trusted],
            ),
            flows,
        ),
        "algebra": dl.Identities(
            "d/dt det W follows from d/dt s_r", derive=algebra.determinant_from_singular_values
        ),
    },
    on=[*flows, *cases.EVERY_SIZE],
    false={
        "exponent 2 - 2/L": {"rate": laws.exponent_two_minus_two_over_L, "on": cases.EVERY_SIZE},
        "no singular values at L = 3": {"claim": "L = 2", "on": cases.states((2, 2, 2, 2))},
        "balancedness dropped": {"assumptions": [], "on": cases.UNBALANCED_STATES},
        "sign kept from unbalanced starts": {
            "claim": "sign",
            "assumptions": [invertible],
            "on": [cases.UNBALANCED_POSITIVE],
        },
    },
)
