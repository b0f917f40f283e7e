"""Two layers that start from a positive multiple of the identity fit the completion problem.

Razin & Cohen (2020), Proposition 4: W(0) = alpha I with 0 < alpha <= 1 gives loss -> 0. The rate,
loss ~ (6 t)^(-2/3) / 2, is derived from the reduced flow.
"""

import dynlens as dl

from . import two_layers
from .two_layers import LOSS

ALPHAS = (1e-3, 0.1, 1.0)
LATE = tuple(two_layers.reduced(alpha, 1e8) for alpha in ALPHAS)
# The factors themselves, up to where their determinant is lost.
EARLY = tuple(
    dl.Path(dl.completion_problem(2), dl.Start(alpha, "identity"), 30.0, saves="log")
    for alpha in ALPHAS
)

theorem = dl.Theorem(
    "P1.P4",
    "two layers from a multiple of the identity reach zero loss",
    source="razin2020implicit, Proposition 4; rate derived",
    claims={
        # Over the last two decades of time, where the slope is near its limit.
        "rate": dl.PowerLaw(LOSS, "t", -2 / 3, after=1e6, band=2e-3),
        "within twice the limit": dl.AtLeast("(6 * t)**(-2 / 3)", LOSS, after=20.0),
        "above half the limit": dl.AtLeast(LOSS, "(6 * t)**(-2 / 3) / 4", after=20.0),
        "factors": dl.Check(dl.AtLeast("(6 * t)**(-2 / 3)", "loss", after=20.0), EARLY),
    },
    on=LATE,
    false={
        "loss = O(1 / t)": {"claim": "rate", "exponent": -1.0},
        "loss <= 1 / t": {"claim": "within twice the limit", "left": "1 / t"},
        "exponential convergence": {"claim": "within twice the limit", "left": "exp(-t / 100)"},
        "loss ~ t^(-1/2)": {"claim": "rate", "exponent": -1 / 2},
        "loss bounded away from zero": {"claim": "above half the limit", "right": "1e-3"},
    },
)
