"""Order four: the path of one component under a constant residual, with an elementary clock.

Ge et al. (2021) analyse 2-homogeneous components of order 4; derived, see Q1.T6. In order 4
t(s) = -sum_{a_k > 0} ln(beta_k) / (8 a_k) + sum_{a_k = 0} p_k^2 tau (1 - exp(-s)).
"""

import dynlens as dl
from theory_checks.wang2020.frozen import SmallComponent

from .directions import Clock

theorem = dl.Theorem(
    "Q2.T1",
    "a component under a constant residual, order four",
    source="ge2021understanding; derived",
    claims={
        "path": dl.Check(
            dl.Equal("state", "closed", scale="size", tolerance=1e-11),
            [SmallComponent(4, 2), SmallComponent(4, 2, 0.1)],
        ),
        "clock": dl.Check(dl.Equal("clock", "active + lost", tolerance=1e-12), [Clock()]),
    },
    false={
        "4 a_k instead of 8 a_k": {"claim": "clock", "right": "2 * active + lost"},
        "directions outside the span forgotten": {"claim": "clock", "right": "active"},
        "kappa swapped": {"right": "swapped", "on": [SmallComponent(4, 2, 0.1)]},
    },
)
