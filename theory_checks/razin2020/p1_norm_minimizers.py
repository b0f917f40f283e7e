"""Among the solutions of the completion problem, small norms mean a small unobserved entry.

Razin & Cohen (2020), Proposition 1. Over {W : W_12 = W_21 = 1, W_22 = 0}, near-minimizers of any
(quasi-)norm have their entry W_11 in a bounded set, since norm(W) >= |W_11| norm(E_11) / c -
norm(E_12 + E_21) with c of the weak triangle inequality; for every Schatten-p (quasi-)norm,
0 < p <= oo, the only minimizer has W_11 = 0, and norm 2^(1/p).
"""

import dynlens as dl

from . import algebra, cases

POWERS = {0.3: 2 ** (1 / 0.3 - 1), 0.5: 2, 1: 1, 2: 1, 5: 1}  # p and c
FORM = "(2 * cosh(p * asinh(Abs(w11) / 2)))**(1 / p)"  # least, and 2^(1/p), at W_11 = 0 alone
# A norm that is not least at W_11 = 0; E_11 has norm 1 in it, and E_12 + E_21 norm 3.
TILTED = "Abs(w11 - w12) + Abs(w12) + Abs(w21) + Abs(w22)"


def schatten(claim, right, **given):
    """The claim about the Schatten-p norm for every p, by a name with p."""
    return {
        f"p = {p}: {right}": claim(
            "norm", right, given={"p": p, "c": c, **given}, readings=cases.schatten(p)
        )
        for p, c in POWERS.items()
    }


LEAST = FORM.replace("Abs(w11)", "least")

theorem = dl.Theorem(
    "P1.P1",
    "norm minimizers over the solutions are bounded",
    source="razin2020implicit, Proposition 1",
    claims={
        **schatten(dl.Equal, FORM),
        "p = oo": dl.Equal("spectral_norm", "exp(asinh(Abs(w11) / 2))", readings=cases.W),
        "least": dl.Identities(
            "every Schatten norm is least at W_11 = 0 alone", algebra.least_at_zero
        ),
        **schatten(dl.AtLeast, LEAST, least=0),
        **schatten(dl.AtLeast, "Abs(w11) / c - 2**(1 / p)"),
        "spectral": dl.AtLeast("spectral_norm", "Abs(w11) - 1", readings=cases.W),
        "tilted": dl.AtLeast(TILTED, "Abs(w11) - 3", readings=cases.W),
    },
    on=[cases.SOLUTIONS],
    false={
        "every norm is least at W_11 = 0": {
            "claim": "tilted",
            "right": TILTED.replace("w11", "0"),
        },
        "least value 2^p": {"claim": f"p = 2: {LEAST}", "right": "2**p"},
        "minimizer at |W_11| = 1": {"claim": f"p = 1: {LEAST}", "given": {"p": 1, "least": 1}},
        "norms grow twice as fast": {"claim": "spectral", "right": "2 * Abs(w11) - 1"},
    },
)
