"""How far a component may stray from a fitted direction and still come back.

Ge et al. (2021) need a penalty for local stability; derived: between residuals r_1 (lambda/2 once
e_1 is fitted) and a_2, e_1 attracts iff r_1 |w_1|^(l-2) > a_2 |w_2|^(l-2), and near e_1 the cosine
with e_2 decays at the rate l r_1 = l lambda / 2. Basin and rate vanish with the penalty.
"""

import dynlens as dl

from .directions import Edges, Rates

theorem = dl.Theorem(
    "Q2.T6",
    "the basin of a fitted direction, and its rate",
    source="ge2021understanding; derived",
    claims={
        "basin": dl.Check(
            dl.Equal("end", "edge", scale="1", tolerance=1e-10), [Edges(l) for l in (3, 4, 6)]
        ),
        "rate": dl.Check(
            dl.Equal("rate", "order * penalty / 2", tolerance=1e-9), [Rates(l) for l in (3, 4, 6)]
        ),
        # Of 1 - w_1^2, order 4.
        "square": dl.Check(dl.Equal("2 * rate", "4 * penalty", tolerance=1e-9), [Rates(4)]),
    },
    false={
        "edge lambda / (lambda + a_2), order 4": {"right": "twice", "on": [Edges(4)]},
        "the same edge for every penalty": {"right": "fixed", "on": [Edges(4)]},
        "rate l lambda": {"claim": "rate", "right": "order * penalty"},
        "1 - w_1^2 decays at 2 lambda, order 4": {"claim": "square", "right": "2 * penalty"},
    },
)
