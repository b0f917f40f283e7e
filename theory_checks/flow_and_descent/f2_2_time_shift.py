"""Where the gradient stays an eigenvector of the Hessian, descent runs ahead of the flow in time.

Then e(t) = -1/2 g(t) ln(|g(0)| / |g(t)|): a shift of the clock by eta/2 times the integral of the
eigenvalue (from F2.1, solved). It is so for scalar layers that start equal, which stay equal.
"""

import dynlens as dl

from . import algebra, clocks
from .algebra import CUBIC

theorem = dl.Theorem(
    "F2.2",
    "descent as a flow with a faster clock",
    source="hairer1993solving, II.8; solved",
    claims=[
        dl.Identities(
            "e = -g/2 ln(g(0)/g) solves e' = -H e - H g / 2", derive=algebra.faster_clock
        ),
        dl.Equal(clocks.leading_error, clocks.ahead(), tolerance=1e-8),
    ],
    on=clocks.EQUAL_LAYERS,
    false={
        "ratio inverted": {"right": clocks.ahead(sign=-1.0)},
        "without the 1/2": {"right": clocks.ahead(half=1.0)},
        "ratio inverted, by algebra": {
            "derive": lambda: algebra.faster_clock(inverted=True, g=CUBIC)
        },
        "without the 1/2, by algebra": {"derive": lambda: algebra.faster_clock(half=1, g=CUBIC)},
    },
)
