"""A problem has the laws of its model, and none besides if its entries form a connected pattern.

Derived; so the completion problem of Razin & Cohen (2020) conserves balancedness and nothing else.
A diagonal, a row or one entry alone leave more: 6, 5 and 7 instead of 3.
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "C.9",
    "conservation laws of problems of which a part is observed",
    source="marcotte2023abide; derived",
    claims={
        "at most": dl.Equal("most", "model"),
        "at least": dl.Equal("least", "model"),
        "no fewer": dl.Check(
            dl.AtLeast("least", "model"),
            [cases.CONNECTED, cases.DIAGONAL, cases.ROW, cases.ENTRY],
        ),
    },
    on=[cases.CONNECTED],
    false={
        "the diagonal seen": {"claim": "at most", "on": [cases.DIAGONAL]},
        "one row seen": {"claim": "at most", "on": [cases.ROW]},
        "one entry seen": {"claim": "at most", "on": [cases.ENTRY]},
    },
)
