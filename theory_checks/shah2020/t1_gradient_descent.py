"""Gradient descent on an over-parameterized regression keeps what it started with off the rows.

Gradients lie in the row space of X, so w_t - w_0 does: with P = X^+ X the limit is

    w = w_mn + (I - P) w_0,    w_mn = X^+ y,

the solution nearest to the start, of least norm from w_0 = 0 (Shah et al. 2020; classical).
"""

import dynlens as dl

from .descents import Ends

theorem = dl.Theorem(
    "Q4.T1",
    "gradient descent keeps its start off the row space",
    source="shah2020generalization; derived",
    claims={
        "from anywhere": dl.Check(
            dl.Equal("w", "w_mn_shifted", tolerance=1e-11), [Ends("plain", started=True)]
        ),
        "from zero": dl.Check(dl.Equal("w", "w_mn", tolerance=1e-11), [Ends("plain")]),
    },
    false={
        "the solution of least norm from any start": {"claim": "from anywhere", "right": "w_mn"},
        "the start counts for the norm of D": {"claim": "from anywhere", "right": "nearest_D"},
    },
)
