"""Sums of R rank-one tensors of order N have R (N - 1) independent laws: differences of norms.

Derived, for N >= 3 where two modes at least have dimension two or more. A matrix (N = 2) also keeps
inner products of different components; numbers (1, 1, 1) have a single gradient, and so more.
"""

import dynlens as dl

from . import cases

COUNT = "R * (N - 1)"

theorem = dl.Theorem(
    "C.4",
    "the number of conservation laws of sums of rank-one tensors",
    source="marcotte2023abide, razin2021implicit; derived",
    claims={
        "at most": dl.Equal("most", COUNT),
        "at least": dl.Equal("least", COUNT),
        "stated": dl.Equal("stated", COUNT),
    },
    on=[cases.SUMS],
    false={
        "for matrices": {"on": [cases.MATRIX]},
        "for numbers": {"on": [cases.NUMBERS]},
        "R N": {"right": "R * N"},
    },
)
