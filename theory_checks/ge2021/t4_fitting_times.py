r"""When each direction of the target is fitted, from the start alone.

The deflation of Ge et al. (2021) with its times, derived: component i goes to its winner k with a
lag and a factor p_k^(4/l), so that all of direction k grow together as

    a_k(0) = delta^2 sum_i (p_k^i)^(4/l) exp(-4 a_k lag_i),   t_k = ln(K_k / a_k(0) - 1) / (4 K_k).

Gradient descent grows by ln(1 + 2 K eta) / eta where the flow grows by 2 K. Without the
2-homogeneous parameterization times are powers of 1 / delta (Q1.T5). Times hold to within .1 %, the
asymptotics' own error at these delta, and .2 % for descent from 1e-15. When of two directions,
started alike, the first is half fitted, the second is at x / (1 + x), to within delta^2, with
x = delta^(2 - 2 K_2 / K_1) K_1^(K_2 / K_1) / K_2: stairs sharpen as delta tends to zero.
"""

import dynlens as dl

from .cases import DESCENT, FLOWS, PENALIZED, never_rises, squared_residual
from .staircase import Plateaus, Separation, Staircase, Vanilla

falling = [Staircase(delta, 0.05).path(20.0, rtol=1e-11, atol=1e-16) for delta in (1e-2, 1e-3)]
fitted = [Staircase(1e-3, 0.05).path(36.0, rtol=1e-11, atol=1e-16)]
bias = dl.Equal(squared_residual, 5 * 0.05**2 / 4, after=35.9, tolerance=1e-4)
sharp = dl.Equal("share", "law / (1 + law)", tolerance=1e-3, floor=0.0)

theorem = dl.Theorem(
    "Q2.T4",
    "fitting times of deflation, from the initialization",
    source="ge2021understanding; derived",
    claims={
        "times": dl.Check(dl.Equal("observed", "predicted", tolerance=1e-3), FLOWS),
        "descent": dl.Check(dl.Equal("observed", "predicted", tolerance=2e-3), DESCENT),
        "order": dl.Check(dl.Equal("place", "rank", scale="1", tolerance=0.0), FLOWS + DESCENT),
        "fall": dl.Check(dl.AtLeast(never_rises, "0", tolerance=0.0), falling),
        "bias": dl.Check(bias, fitted),
        "sharpness": dl.Check(sharp, [Separation()]),
        # Half-way the next direction is fitted to exp(-2 a_2 (t_2 - t_1)) = 4e-7 of it, or less.
        "stairs": dl.Check(dl.Equal("squared", "left", scale="1", tolerance=1e-5), [Plateaus()]),
        "vanilla": dl.Check(dl.Equal("observed", "exact", tolerance=2e-3), [Vanilla()]),
    },
    false={
        "no lag": {"right": "no_lag", "on": PENALIZED},
        "half the lag": {"right": "half_lag", "on": PENALIZED},
        "no factor p^(4/l)": {"right": "no_factor", "on": PENALIZED},
        "factor p^(8/l)": {"right": "squared_factor", "on": PENALIZED},
        "neither lag nor factor": {"right": "neither", "on": PENALIZED},
        "K = a": {"right": "whole_a", "on": PENALIZED},
        "K = a - penalty": {"right": "less_penalty", "on": PENALIZED},
        "rate 2 K": {"right": "half_rate", "on": PENALIZED},
        "in the order of the initial overlaps": {"claim": "order", "left": "overlap"},
        "times linear in 1 / delta": {"right": "linear", "on": PENALIZED},
        "the flow's times for descent": {"claim": "descent", "right": "flow"},
        "plateaus of sums of coefficients": {"claim": "stairs", "right": "linear"},
        "plateaus of equal heights": {"claim": "stairs", "right": "even"},
        "plateaus one direction late": {"claim": "stairs", "right": "late"},
        "vanilla components in logarithmic time": {"claim": "vanilla", "right": "logarithmic"},
        "deflation without sharpening": {"claim": "sharpness", "right": "law * delta**-0.2"},
    },
)
