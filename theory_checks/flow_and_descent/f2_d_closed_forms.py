"""Closed forms of the flow, checked against gradient descent less its leading error.

Components that start along those of the target, all of their K vectors with one norm x, stay so and
never meet: x' = x^(K-1) (s - x^K), solved in closed form (for singular values Arora et al. 2019;
for CP components Razin, Maman & Cohen 2021; for local components of a tree, where K counts all
vectors and a local component has only some of them, Razin, Maman & Cohen 2022). Descent obeys the
closed form to O(eta); with the correction eta e(t) of F2.1 to O(eta^2). No flow is integrated for
the closed form, and no descent is compared with another.
"""

import dynlens as dl

from .aligned import FAMILIES, order

theorem = dl.Theorem(
    "F2.D",
    "closed forms of the flow hold for descent less its leading error",
    source="arora2019implicit; razin2021implicit; razin2022implicit; hairer1993solving, II.8",
    claims={
        **{
            name: dl.Check(order(family, 1.0, band=0.02), [family.case])
            for name, family in FAMILIES.items()
        },
        **{
            f"{name}, corrected": dl.Check(
                order(family, 2.0, band=0.1, remainder=True), [family.case]
            )
            for name, family in FAMILIES.items()
        },
    },
    false={
        f"{name}: {what}": {"claim": f"{name}, corrected", **changes}
        for name, family in FAMILIES.items()
        for what, changes in {
            "without the correction": {"remainder": False},
            "correction of the wrong sign": {"forcing": -0.5},
            "half the correction": {"forcing": 0.25},
            "another clock": {"closed": family.another_clock},
        }.items()
    },
)
