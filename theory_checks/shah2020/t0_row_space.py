"""All solutions of a regression are the same on the row space of the data.

P = X^+ X projects onto it. If Xw = y then P w = X^+ y = w_mn, the solution of least norm: one
projection turns any interpolator into it (Shah et al. 2020; the projection derived).
"""

import dynlens as dl

from . import cases

# Rounding is that of w, up to a hundred times as long as w_mn.
same = {"scale": "size + least", "tolerance": 1e-12}

theorem = dl.Theorem(
    "Q4.T0",
    "all interpolators agree on the row space",
    source="shah2020generalization; derived",
    claims={
        "given": dl.Equal("fitted", "y", **same),
        "then": dl.Equal("projected", "w_mn", **same),
        "shortest": dl.AtLeast("size", "least"),
    },
    on=cases.INTERPOLATORS,
    false={
        "whether or not the data are fitted": {
            "claim": "then",
            "on": [cases.Interpolators(off=0.1)],
        },
        "without the projection": {"claim": "then", "left": "w"},
    },
)
