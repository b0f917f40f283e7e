"""The gradient of the surrogate, and what follows from it.

With g = Cx, h = Cy, units u and v, c = u . v,

    d|c|/dC = sign(c) [(v - c u) x^T / |g| + (u - c v) y^T / |h|]

(derived). So <dR, C> = 0: R does not see the size of C. dR C^T is symmetric, and dR = 0 at rank
one, where R = 1 is the maximum. On finitely many inputs 1 - R is quadratic there; the mean over
all Gaussian inputs has a corner (L.T5).
"""

import dynlens as dl

from . import algebra, surrogate

matrices, zero = surrogate.MATRICES, {"scale": "1", "tolerance": 1e-13}

theorem = dl.Theorem(
    "L.T6",
    "the gradient of the surrogate",
    source="surrogate of razin2022implicit (code); derived",
    claims={
        "algebra": dl.Identities("d|c|/dg = (v - c u) / |g|", algebra.gradient),
        "gradient": dl.Check(
            dl.Equal("gradient", "differences", tolerance=1e-7), surrogate.EVERYWHERE
        ),
        "no pull on the size": dl.Check(dl.Equal("pull", "0", **zero), surrogate.EVERYWHERE),
        "symmetric": dl.Check(dl.Equal("asymmetry", "0", **zero), matrices),
        "zero at rank one": dl.Check(
            dl.Equal("gradient", "0", scale="1", tolerance=1e-9), surrogate.RANK_ONE
        ),
        "one at rank one": dl.Check(dl.Equal("R", "1", tolerance=1e-13), surrogate.RANK_ONE),
        "quadratic": dl.Check(dl.PowerLaw("1 - R", "eps", exponent=2), [surrogate.NEAR_RANK_ONE]),
    },
    false={
        "without the terms in c": {"claim": "gradient", "left": "without_c"},
        "transposed": {"claim": "symmetric", "left": "asymmetry_transposed"},
        "without the terms in c, the size": {
            "claim": "no pull on the size",
            "left": "pull_without_c",
        },
        "zero everywhere": {"claim": "zero at rank one", "on": matrices},
        "a corner on finitely many inputs": {"claim": "quadratic", "exponent": 1},
    },
)
