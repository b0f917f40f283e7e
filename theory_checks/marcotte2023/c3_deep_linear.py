"""L square layers of width d have (L - 1) d (d + 1) / 2 independent laws: balancedness, no other.

Marcotte, Gribonval & Peyré (2023). It fails for other widths: 1-2-3-1 has one output and so ten
laws, of which balancedness is nine.
"""

import dynlens as dl

from . import cases

COUNT = "(L - 1) * d * (d + 1) / 2"

theorem = dl.Theorem(
    "C.3",
    "balancedness is all that square deep linear networks conserve",
    source="marcotte2023abide",
    claims={
        "at most": dl.Equal("most", COUNT),
        "at least": dl.Equal("least", COUNT),
        "stated": dl.Equal("most", "stated"),
    },
    on=[cases.SQUARE],
    false={
        "traces alone": {"claim": "at most", "right": "L - 1"},
        "all entries, not the symmetric ones": {"claim": "at least", "right": "(L - 1) * d**2"},
        "for any widths": {"claim": "stated", "on": [cases.BOTTLENECK]},
    },
)
