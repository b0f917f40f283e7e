"""Bounds on the distance of gradient descent to the flow, from classical to sharp.

With E = theta_n - theta(t), t = n eta, and H on the segments between the two (Hairer, Norsett &
Wanner 1993, I.7 and II.3, for the field -g):

    F4.1  |E| <= eta/2 max |Hg| (exp(Lambda t) - 1) / Lambda    if |H| <= Lambda;
    F4.2  |E| <= eta/2 max |Hg| (1 - (1 - eta mu)^n) / mu       if H >= mu, eta (mu + Lambda) <= 2;
    F4.3  |e| <= 1/2 int |Hg| exp(-int_s^t m)                   for e of F2.1, m = lambda_min(H);
    F5.2  |E| <= eta int beta gamma exp(-int_s^t m)             on a tube around the flow

with beta >= |H|, gamma >= |g|, m <= lambda_min on the tube (Elkabetz & Cohen 2021; constants
derived). Maxima over segments and tubes are sampled here, not certified.
"""

import numpy as np

import dynlens as dl
from dynlens.claims.orders import Order

from . import bounds
from .bounds import CASES, FLAT, UNSTABLE, VALLEY, distance, leading_error, sharp, tube

after = {"after": 1e-3}  # at time 0 both sides are zero but for rounding
flat_tube, early_tube = tube(exponent=np.zeros_like), tube(exponent=bounds.at_the_start)

theorem = dl.Theorem(
    "F4",
    "a priori bounds on the distance of descent to the flow",
    source="hairer1993solving, I.7 and II.3; elkabetz2021continuous; constants derived",
    claims={
        "F4.1": dl.AtLeast(bounds.classical, distance, **after),
        "F4.2": dl.AtLeast(bounds.one_sided, distance, **after),
        "F4.3": dl.AtLeast(sharp(), leading_error),
        "F5.2": dl.Check(
            dl.AtLeast(tube(), distance, **after), [VALLEY, bounds.SADDLE, bounds.CONVEX, FLAT]
        ),
        "order": dl.Check(Order(expected=1.0), [VALLEY]),
        # F4.3 is sharp, and exponential growth cannot be avoided.
        "attained": dl.Check(
            dl.Equal(sharp(), leading_error, after=1.0, tolerance=0.05), [UNSTABLE]
        ),
        "growth": dl.Check(
            dl.Equal(bounds.escaping, leading_error, where="2.5 - t", after=0.5, tolerance=0.05),
            [UNSTABLE],
        ),
    },
    on=CASES,
    false={
        "F4.2 without its condition on the step": {"claim": "F4.2", "on": [bounds.COARSE]},
        "F4.3 with 1/4": {"claim": "F4.3", "left": sharp(factor=0.25)},
        "F4.3 with exp(+int m)": {"claim": "F4.3", "left": sharp(sign=-1.0), "on": [UNSTABLE]},
        "F5.2 without the exponential": {"claim": "F5.2", "left": flat_tube, "on": [UNSTABLE]},
        "F5.2 with the curvature of the start": {"claim": "F5.2", "left": early_tube, "on": [FLAT]},
        "F5.2 with eta^2": {"claim": "F5.2", "left": tube(power=2)},
        "the distance is of order 1/2": {"claim": "order", "expected": 0.5},
        "the distance is of order 2": {"claim": "order", "expected": 2.0},
        "no exponential growth: t/2 |theta(0)|": {
            "claim": "F4.3",
            "left": bounds.linear,
            "on": [UNSTABLE],
        },
    },
)
