"""How far the margin is from the best one: an entropy of the weights over log t.

With p = alpha / sum alpha, log t (gamma - min z w / |w|) -> gamma (H(p) + log max p), which is zero
if and only if the weights are equal. Derived from N1.1: z_i w = log t - log alpha_i + o(1).
Extrapolated in 1 / log t, the limit is known to a thousandth at best.
"""

import dynlens as dl

from .cases import FLAT, SPANNED, SYMMETRIC

theorem = dl.Theorem(
    "N1.3",
    "the gap of the margin is an entropy over log t",
    source="derived from soudry2018implicit, Theorem 3",
    claims=[
        dl.Limit("log(1 + t) * (gamma - least)", "gamma * excess", scale="gamma", tolerance=1e-2)
    ],
    on=[SPANNED[0], FLAT, SYMMETRIC],
    false={
        "the entropy alone": {"value": "gamma * entropy"},
        "for every data set the same order": {"value": "gamma * 0.1", "on": [SYMMETRIC]},
        "no gap of this order": {"value": "0"},
    },
)
