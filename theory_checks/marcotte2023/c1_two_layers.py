"""Two linear layers of widths n-r-m have k (2 r + 1 - k) / 2 independent laws, k = min(r, n + m).

Marcotte, Gribonval & Peyré (2023): they are the entries of W_2^T W_2 - W_1 W_1^T, and no others.
Where r > n + m these are dependent. With one input and one output there is a single gradient, and
more laws of degree two than entries, though all are functions of these.
"""

import dynlens as dl

from . import cases

COUNT = "k * (2 * r + 1 - k) / 2"

theorem = dl.Theorem(
    "C.1",
    "the number of conservation laws of two linear layers",
    source="marcotte2023abide",
    claims={
        "at most": dl.Equal("most", COUNT),
        "at least": dl.Equal("least", COUNT),
        "stated": dl.Equal("stated", COUNT),
        "quadratic": dl.Check(dl.Equal("found", "gram"), [cases.NARROW, cases.WIDE]),
    },
    on=[cases.NARROW, cases.WIDE, cases.ONE_FIELD],
    false={
        "r (r + 1) / 2": {"right": "r * (r + 1) / 2", "on": [cases.WIDE]},
        "r^2": {"right": "r**2"},
        "the Gram laws span all of degree two": {"claim": "quadratic", "on": [cases.ONE_FIELD]},
    },
)
