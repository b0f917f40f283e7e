"""Two unbalanced factors: a hyperbolic sine under constant alignment, an implicit law with a goal.

With sigma = a b the difference a^2 - b^2 is conserved (Arora et al. 2018), so that
sigma' = gamma sqrt(Delta^2 + 4 sigma^2). The balanced law bounds sigma from below, and that of
sigma + Delta from above.
"""

import sympy as sp

import dynlens as dl

from . import algebra, cases
from .algebra import D, duration, g, s, s0, t, unbalanced_growth

given = {"readings": cases.PRODUCT, "given": cases.UNBALANCED}

theorem = dl.Theorem(
    "CF4",
    "two unbalanced factors",
    source="arora2018optimization, conservation; solved",
    claims={
        "algebra": dl.Identities(
            "sigma(t) solves sigma' = gamma sqrt(Delta^2 + 4 sigma^2)",
            algebra.unbalanced,
            show=lambda: {"sigma(t)": unbalanced_growth, "t": duration()},
        ),
        "growth": dl.ClosedForm("sigma", unbalanced_growth, **given),
        "goal": dl.Check(
            dl.ClosedForm("t", duration(), where="1.99 - sigma", **given), [cases.SATURATING]
        ),
        "above": dl.AtLeast("sigma", "sigma_0 * exp(2 * gamma * t)", **given),
        "below": dl.AtLeast("(sigma_0 + Delta) * exp(2 * gamma * t) - Delta", "sigma", **given),
    },
    on=[cases.CONSTANT],
    false={
        "balanced law from an unbalanced start": {"right": s0 * sp.exp(2 * g * t)},
        "rate gamma instead of 2 gamma": {"right": unbalanced_growth.subs(g, g / 2)},
        "K without the factor 4": {"claim": "goal", "right": duration(factor=1)},
        "sigma' = gamma sqrt(Delta^2 + sigma^2), by algebra": {
            "derive": lambda: algebra.unbalanced(speed=sp.sqrt(D**2 + s**2))
        },
    },
)
