"""Through a point of rank k two linear layers have an orbit of dimension N k - k (k + 1) / 2.

The rank is that of both factors stacked, N = n + m rows and r columns. The laws' gradients have
rank k (2 r + 1 - k) / 2 there; the dimension exceeds the sum of both by (N - k)(r - k), since the
rank itself cannot change: near such a point there is more than the laws say (derived).
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "C.2",
    "orbits of two linear layers through points of low rank",
    source="marcotte2023abide; derived",
    claims={
        "orbit": dl.Equal("orbit", "N * k - k * (k + 1) / 2"),
        "gradients": dl.Equal("gradients", "k * (2 * r + 1 - k) / 2"),
        "missing": dl.Equal("missing", "(N - k) * (r - k)"),
    },
    on=cases.POINTS,
    false={
        "the dimension less the number of laws": {"claim": "orbit", "right": "dimension - laws"},
        "N k": {"claim": "orbit", "right": "N * k"},
        "laws and orbit fill the space": {"claim": "missing", "right": "0 * k", "scale": "1"},
    },
)
