"""Gradient descent is theta(t) + eta e(t) + O(eta^2), where e' = -H e - 1/2 H g along the flow.

The expansion of the global error of Euler's method, in Hairer, Norsett & Wanner (1993), II.8, for
the field -g; the forcing is the one that implicit gradient regularization adds to the flow (Barrett
& Dherin 2021).
"""

import dynlens as dl
from dynlens.claims.orders import LeadingError, Order

from . import algebra, cases

# The saddle tells all the false equations from the true one: the linear term matters there.
wrong = {
    "forcing of the other sign": {"forcing": -0.5},
    "forcing doubled": {"forcing": 1.0},
    "no linear term": {"linear": 0.0},
}
on_saddle = {"on": [cases.SADDLE]}

theorem = dl.Theorem(
    "F2.1",
    "the leading error of gradient descent along the flow",
    source="hairer1993solving, II.8; barrett2021implicit",
    claims={
        "one step": dl.Identities("one step from theta + h e errs by O(h^3)", algebra.defect),
        "distance": Order(expected=1.0, band=0.05),
        "remainder": Order(expected=2.0, band=0.1, remainder=True),
        "of the matrix": dl.Check(
            Order(expected=2.0, band=0.1, remainder=True, quantity="end_to_end"),
            cases.COMPLETIONS,
        ),
        "limit": LeadingError(),
    },
    on=cases.LADDERS,
    false={
        "descent is closer than first order": {"claim": "distance", "expected": 2.0},
        **{
            f"{name}: second order": {"claim": "remainder", **equation, **on_saddle}
            for name, equation in wrong.items()
        },
        **{
            f"{name}: in every component": {"claim": "limit", **equation, **on_saddle}
            for name, equation in wrong.items()
        },
        **{
            f"{name}: one step": {"derive": algebra.defect_of(**equation)}
            for name, equation in wrong.items()
        },
    },
)
