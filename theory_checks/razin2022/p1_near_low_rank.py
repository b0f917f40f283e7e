"""Small local components put the tensor near one of low hierarchical rank.

Razin, Maman & Cohen (2022), Proposition 1. With B the largest Frobenius norm of a weight and the
local components of each node ordered by norm: if at every interior node nu

    sum over r > R'_nu of sigma^(nu, r)  <=  eps (|T| - N)^(-1) B^(|C(nu)| + 1 - |T|),

then the tensor is within eps of those whose matricizations at the children of nu have rank at most
R'_nu. Proved by taking the small components away, node by node: the tensor moves by at most

    sum over nu of B^(|T| - 1 - |C(nu)|) times the sum over r > R'_nu of sigma^(nu, r).
"""

import dynlens as dl

from . import truncation
from .truncation import LARGE, SMALL, exponent_lowered, least, moved, telescoped

theorem = dl.Theorem(
    "P3.P1",
    "small local components, near low hierarchical rank",
    source="razin2022implicit, Proposition 1; telescoped form derived",
    claims={
        "proposition": dl.AtLeast(truncation.epsilon, telescoped),
        "telescoped": dl.AtLeast(telescoped, moved),
        "with spectral norms": dl.AtLeast(truncation.with_spectral_norms, moved),
        "the true distance": dl.AtLeast(moved, least),
        # With equality: .35 times 3^4.
        "moved": dl.Check(dl.Equal(moved, 28.35, tolerance=1e-12), (LARGE,)),
        "attained": dl.Check(dl.Equal(telescoped, 28.35, tolerance=1e-12), (LARGE,)),
    },
    on=(*truncation.RANDOM, LARGE, SMALL),
    false={
        "exponent of B lowered by one": {"claim": "telescoped", "left": exponent_lowered},
        "exponent of B raised by one, B < 1": {
            "claim": "telescoped",
            "left": truncation.exponent_raised,
            "on": [SMALL],
        },
        "without B": {"claim": "telescoped", "left": truncation.without_B},
        "the tails of the singular values suffice": {"claim": "telescoped", "left": least},
    },
)
