"""Alignment takes a time of order d / (a log m); meanwhile lengths shrink under the penalty.

The length of the first part of a phase in Ge et al. (2021), derived: the best of m random
directions has w_k^2 of about 2 ln(m) / d (approached from below, like ln ln m / ln m), and one with
share x is aligned after about 1 / (8 a x). A component with the correlation sigma grows at the rate
2 sigma - lambda; as sigma never falls while nothing is fitted, it is shorter than at its start as
long as 2 sigma < lambda. Means over 200 draws carry five standard errors: each of the 18
inequalities about them is refuted by chance with probability 3e-7.
"""

import dynlens as dl

from .directions import Best
from .staircase import Staircase

early = [Staircase(1e-3, 0.3).path(1.0)]
grow = "vector_norms * (2 * residual_correlations - penalty)"
short = "penalty - 2 * residual_correlations"

theorem = dl.Theorem(
    "Q2.T8",
    "the time that alignment takes",
    source="ge2021understanding; derived",
    claims={
        "share at most": dl.AtLeast("1 + 5 * error", "ratio"),
        "share at least": dl.AtLeast("ratio + 5 * error", "0.65"),
        # Theta(d / log m): between a fifth and the whole of d / (8 a 2 ln(m) / d) times two.
        "time at most": dl.AtLeast("d / (8 * log(m))", "time"),
        "time at least": dl.AtLeast("time", "d / (40 * log(m))"),
        "growth": dl.Check(
            dl.Equal("time / time_0", "d / d_0", tolerance=0.05),
            [Best(counts=(m,)) for m in (1000, 10_000)],
        ),
        "rate": dl.Check(dl.RateLaw("vector_norms", grow, given={"penalty": 0.3}), early),
        "shrink": dl.Check(
            dl.AtLeast("vector_norms_0", "vector_norms", where=short, given={"penalty": 0.3}),
            early,
        ),
    },
    on=[Best()],
    false={
        "alignment time ~ log d": {
            "claim": "growth",
            "right": "log(d) / log(d_0)",
            "on": [Best(counts=(1000,))],
        },
        "the best share ~ 4 ln(m) / d": {"claim": "share at least", "right": "2"},
        "lengths never shrink": {
            "claim": "shrink",
            "left": "vector_norms",
            "right": "vector_norms_0",
        },
        "lengths shrink at half the penalty": {"claim": "rate", "given": {"penalty": 0.15}},
    },
)
