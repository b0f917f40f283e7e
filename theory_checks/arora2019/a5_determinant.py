"""The determinant of a balanced deep matrix factorization never changes sign.

Its rate is -L det W sum_r s_r^(1 - 2/L) <grad l(W), u_r v_r^T>: a linear equation for det W, whose
solutions are zero always or never. A consequence of Arora, Cohen, Hu & Luo (2019), Theorem 3, on
which Theorem 1 of Razin & Cohen (2020) rests.
"""

import sympy as sp

from dynlens import (
    BALANCED,
    Assumption,
    AtLeast,
    Check,
    Equal,
    Identities,
    Path,
    RandomStates,
    RateLaw,
    Start,
    Theorem,
    completion_problem,
)
from dynlens.symbolic import along_flow

INVERTIBLE = Assumption("det W is not zero", "Abs(determinant)", low=1e-12)
TRUSTED = Assumption("det W exceeds its error", "determinant", critical=True)


def log_growth(samples, exponent):
    """-L sum_r s_r^exponent <grad l(W), u_r v_r^T>."""
    powers = samples.read("singular_values") ** exponent
    return samples.read("depth") * (powers * samples.read("alignment")).sum(axis=-1)


def growth(samples):
    return samples.read("determinant") * log_growth(samples, 1 - 2 / samples.read("depth"))


def exponent_two_minus_two_over_L(samples):
    return samples.read("determinant") * log_growth(samples, 2 - 2 / samples.read("depth"))


def minus_two_alignments(samples):
    """-2 sum_r <grad l(W), u_r v_r^T>: at L = 2 no singular value is left."""
    return log_growth(samples, 0) * 2 / samples.read("depth")


def from_the_singular_values():
    """The product rule for s_r that grow at the rate -L s_r^(2 - 2/L) g_r."""
    L, *s = sp.symbols("L s_1:4", positive=True)
    g = sp.symbols("g_1:4")
    rates = {s_r: -L * s_r ** (2 - 2 / L) * g_r for s_r, g_r in zip(s, g, strict=True)}
    sum_of_terms = sum(s_r ** (1 - 2 / L) * g_r for s_r, g_r in zip(s, g, strict=True))
    return {"product of three": along_flow(sp.prod(s), rates) + L * sp.prod(s) * sum_of_terms}


def law(rate, assumptions=(BALANCED,)):
    # Nearer to zero, the factors' rounding errors are all that is left of the determinant.
    return RateLaw(
        of="determinant", rate=rate, where="Abs(determinant) - 1e-3", assumptions=assumptions
    )


def logarithm():
    return Equal(
        left="d_determinant / determinant", right=minus_two_alignments, assumptions=(BALANCED,)
    )


def same_sign(*assumptions):
    return AtLeast(left="sign(determinant) * sign(determinant_0)", right=1, assumptions=assumptions)


def flow(depth, t_end, determinant, kind="balanced"):
    start = Start(0.3, kind, 1, determinant)
    return Path(completion_problem(depth), start, t_end, rtol=1e-12, atol=1e-15)


flows = (*(flow(L, 50.0, 1) for L in (2, 3, 4)), *(flow(L, 10.0, -1) for L in (2, 3, 4)))
anywhere = tuple(RandomStates((d,) * (L + 1)) for d in (2, 3, 5) for L in (2, 3, 4, 6))

theorem = Theorem(
    id="A.5",
    title="the determinant of a balanced deep matrix factorization keeps its sign",
    source="arora2019implicit, Theorem 3, as used for razin2020implicit, Theorem 1",
    checks=(
        Check(law(growth), flows + anywhere),
        Check(logarithm(), tuple(RandomStates((d,) * 3) for d in (1, 2, 3, 5))),
        Check(same_sign(BALANCED, INVERTIBLE, TRUSTED), flows),
        Check(Identities("d/dt det W follows from d/dt s_r", from_the_singular_values)),
    ),
    controls={
        "exponent 2 - 2/L": Check(law(exponent_two_minus_two_over_L), anywhere),
        "no singular values at L = 3": Check(logarithm(), (RandomStates((2, 2, 2, 2)),)),
        "balancedness dropped": Check(
            law(growth, assumptions=()), (RandomStates((2, 2, 2), "gaussian"),)
        ),
        "sign kept from unbalanced starts": Check(
            same_sign(INVERTIBLE), (flow(2, 10.0, 1, "gaussian"),)
        ),
    },
)
