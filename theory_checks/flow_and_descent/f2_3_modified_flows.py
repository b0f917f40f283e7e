"""Over a fixed time descent stays within O(eta^2) of its modified flows.

One order better than the flow's O(eta), and no better: the local errors of F1 add up (backward
error analysis, Hairer, Lubich & Wanner 2006, IX). With the correction f_2 it is O(eta^3).
"""

import dynlens as dl

from .one_step import RUNS

theorem = dl.Theorem(
    "F2.3",
    "the distance of descent to its modified flows",
    source="barrett2021implicit; hairer2006geometric, IX",
    claims={
        "flow": dl.PowerLaw("to_flow", "eta", 1, band=0.1),
        "first": dl.PowerLaw("to_first", "eta", 2, band=0.1),
        "second": dl.PowerLaw("to_second", "eta", 3, band=0.1),
        "principal": dl.PowerLaw("to_principal", "eta", 2, band=0.1),
    },
    on=RUNS,
    false={
        "the modified flow is of order 3": {"claim": "first", "exponent": 3},
        "the modified flow is no better than the flow": {"claim": "first", "exponent": 1},
        "the principal flow is of order 3": {"claim": "principal", "exponent": 3},
    },
)
