"""The regularizer, switched on late, lowers R and raises the effective rank across the regions.

Descent fits 30 % of the entries of a rank-one tensor; then it goes on for equally many steps with
lambda = 0, .02 or .1. R falls with lambda; of [[W; {1,2}]] the effective rank rises, and so does
the ratio of the second singular value to the first: a trend observed in two draws, no theorem. The
second value itself may fall. Where it is zero, the regularizer does nothing (L.T6, L.T7).
"""

import dynlens as dl

from . import flows

theorem = dl.Theorem(
    "L.T9",
    "the regularizer raises the effective rank",
    source="surrogate of razin2022implicit (code); observed",
    claims={
        "R falls": dl.AtLeast("R0", "R1"),
        "and further": dl.AtLeast("R1", "R2"),
        "the ratio rises": dl.AtLeast("ratio1", "ratio0"),
        "and further still": dl.AtLeast("ratio2", "ratio1"),
        "the effective rank rises": dl.AtLeast("rank1", "rank0"),
        "and on": dl.AtLeast("rank2", "rank1"),
    },
    on=flows.SWITCHED_ON,
    false={
        "nothing changes": {"claim": "R falls", "left": "R1", "right": "R0"},
        "the second value itself rises": {
            "claim": "the ratio rises",
            "left": "second2",
            "right": "second0",
        },
    },
)
