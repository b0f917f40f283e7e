r"""Aligned components of one direction fit it together, by a logistic law.

Ge et al. (2021), derived: with all components along e_k, of any number and any order,
a' = 4 a (K - a) for their mass a = sum |w_i|^2 and K = a_k - lambda / 2. Without the factors ½ of
loss and penalty the rate doubles. If K <= 0 the component dies.
"""

from dataclasses import replace

import dynlens as dl

from . import algebra
from .cases import aligned

law = dl.ClosedForm(
    "mass",
    "K / (1 + (K / (share * mass_0) - 1) * exp(-rate * K * t))",
    readings={"mass": dl.Reading("fitted_coefficients", where=(0,))},
    given={"K": 1.3 - 0.1 / 2, "rate": 4, "share": 1},
    tolerance=1e-9,
    floor=1e-12,
)
given = dict(law.given)
twice, dying = ({**given, "rate": 8}, {**given, "K": 0.04 - 0.1 / 2})

theorem = dl.Theorem(
    "Q2.T3",
    "the logistic law of fitting one direction",
    source="ge2021understanding; derived",
    claims=[
        law,
        dl.Identities("the logistic curve solves a' = 4 a (K - a)", algebra.logistic_curve),
        dl.Check(replace(law, given=twice), [aligned(half=False)]),
        dl.Check(replace(law, given=dying), [aligned(a=0.04, delta=0.1)]),
    ],
    on=[aligned(), aligned(order=3), aligned(order=5, count=1), aligned(order=6, count=2)],
    false={
        "rate 2 K": {"given": {**given, "rate": 2}},
        "rate 8 K": {"given": {**given, "rate": 8}},
        "without the ½, rate 4 K": {"on": [aligned(half=False)]},
        "K = a": {"given": {**given, "K": 1.3}},
        "K = a - penalty": {"given": {**given, "K": 1.2}},
        "initial mass of one component": {"given": {**given, "share": 1 / 5}},
    },
)
