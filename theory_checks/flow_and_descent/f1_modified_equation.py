"""One step of gradient descent is nearly a flow, and nearer to a modified one.

The step errs from the flow for time eta by -eta^2/2 H g + O(eta^3); from the gradient flow of
l + eta/4 |g|^2 by eta^3 f_2 + O(eta^4) (Barrett & Dherin 2021); with the correction eta^2 f_2,

    f_2 = -1/3 H^2 g - 1/12 D^3 l [g, g],

it errs by O(eta^4) (backward error analysis, Hairer, Lubich & Wanner 2006, IX; f_2 derived). f_2
is no gradient in general. The principal flow (Rosca et al. 2023) errs by the part with D^3 l alone.
"""

import dynlens as dl

from . import algebra, one_step
from .algebra import HALF, THIRD, TWELFTH
from .one_step import limit

theorem = dl.Theorem(
    "F1",
    "one step of descent and the modified equation",
    source="barrett2021implicit; hairer2006geometric, IX; rosca2023continuous; f_2 derived",
    claims={
        "algebra": dl.Identities("one step of descent, expanded to eta^3", algebra.expansion),
        "flow": dl.PowerLaw("to_flow", "eta", 2),
        "first": dl.PowerLaw("to_first", "eta", 3),
        "second": dl.PowerLaw("to_second", "eta", 4),
        "principal": dl.PowerLaw("to_principal", "eta", 3),
        "size": dl.Equal(limit("to_flow", 2), one_step.half_Hg, tolerance=0.02),
        "size, first": dl.Equal(limit("to_first", 3), one_step.size_of_second, tolerance=0.02),
        "size, principal": dl.Equal(limit("to_principal", 3), one_step.third_alone, tolerance=0.02),
    },
    on=one_step.STEPS,
    false={
        "eta/2 |g|^2 instead of eta/4": {"derive": lambda: algebra.expansion(first=1)},
        "the other sign": {"derive": lambda: algebra.expansion(first=-HALF)},
        "1/3 and 1/12 exchanged": {
            "derive": lambda: algebra.expansion(square=TWELFTH, cubic=THIRD)
        },
        "every correction is a gradient": {
            "statement": "curl f_2 = 0",
            "derive": algebra.curl_of_second,
        },
        "the first modified flow is of order 4": {"claim": "first", "exponent": 4},
        "the principal flow is of order 4": {"claim": "principal", "exponent": 4},
        "the flow errs by |H g|": {"claim": "size", "right": one_step.size_of_Hg},
    },
)
