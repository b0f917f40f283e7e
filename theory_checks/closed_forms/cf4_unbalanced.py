"""Two unbalanced factors: a hyperbolic sine under constant alignment, an implicit law with a goal.

With sigma = a b the difference a^2 - b^2 is conserved (Arora et al. 2018), so that
sigma' = gamma sqrt(Delta^2 + 4 sigma^2).
"""

import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    ClosedForm,
    DeepLinear,
    Full,
    HuberLoss,
    Identities,
    Path,
    Problem,
    Reading,
    SquaredLoss,
    Theorem,
)
from dynlens.symbolic import along_flow, inverts_ode, is_zero, solves_ode

D, s, s0, t, goal, a, b = sp.symbols("Delta sigma sigma_0 t goal a b", positive=True)
g = sp.Symbol("gamma", real=True)

speed = sp.sqrt(D**2 + 4 * s**2)
growth = D / 2 * sp.sinh(2 * g * t + sp.asinh(2 * s0 / D))
K = sp.sqrt(D**2 + 4 * goal**2)
time_map = sp.log((D**2 + 4 * goal * s + K * speed) / (goal - s)) / K


def derivation():
    """Reduce the factors' flow to sigma and Delta, then substitute the closed forms."""
    flow = {a: g * b, b: g * a}
    reduced = along_flow(a * b, flow) - (g * speed).subs({s: a * b, D: sp.Abs(a**2 - b**2)})
    w = sp.symbols("w1:5", positive=True)
    norms = [along_flow(x**2, {x: g * sp.prod(w) / x}) - 2 * g * sp.prod(w) for x in w]
    return {
        "Delta is conserved": along_flow(a**2 - b**2, flow),
        "sigma' = gamma sqrt(Delta^2 + 4 sigma^2)": is_zero(reduced),
        **solves_ode(growth, g * speed, s, t, initial=(0, s0)),
        "with a goal": inverts_ode(time_map, (goal - s) * speed, s, positive=[goal - s]),
        "N factors: equal rates of squared norms": sum(sp.expand(x) ** 2 for x in norms),
    }


DELTA, START = 0.3, (0.4**0.5, 0.1**0.5)
PRODUCT = {"sigma": Reading("end_to_end", where=(0, 0))}
NUMBERS = {"Delta": DELTA, "gamma": 0.7, "goal": 2.0}


def network(loss, target, t_end):
    problem = Problem(DeepLinear((1, 1, 1)), loss, Full([[target]]))
    return Path(problem, START, t_end, rtol=1e-12, atol=1e-14)


constant = (network(HuberLoss(0.7), 1000.0, 2.0),)
saturating = (network(SquaredLoss(), 2.0, 3.0),)


def law(left, right, **changes):
    return ClosedForm(left=left, right=right, given=NUMBERS, readings=PRODUCT, **changes)


def implicit(formula):
    return law("t", formula - formula.subs(s, s0), where="1.99 - sigma")


theorem = Theorem(
    id="CF4",
    title="two unbalanced factors",
    source="arora2018optimization, conservation; solved",
    checks=(
        Check(
            Identities(
                "sigma(t) solves sigma' = gamma sqrt(Delta^2 + 4 sigma^2)",
                derivation,
                show=lambda: {"sigma(t)": growth, "t": time_map},
            )
        ),
        Check(law("sigma", growth), constant),
        Check(implicit(time_map), saturating),
        # Between the balanced law, below, and the comparison solution with sigma + Delta, above.
        Check(
            AtLeast(
                left="sigma", right="sigma_0 * exp(2 * gamma * t)", given=NUMBERS, readings=PRODUCT
            ),
            constant,
        ),
        Check(
            AtLeast(
                left="(sigma_0 + Delta) * exp(2 * gamma * t) - Delta",
                right="sigma",
                given=NUMBERS,
                readings=PRODUCT,
            ),
            constant,
        ),
    ),
    controls={
        "balanced law from an unbalanced start": Check(
            law("sigma", s0 * sp.exp(2 * g * t)), constant
        ),
        "rate gamma instead of 2 gamma": Check(
            law("sigma", D / 2 * sp.sinh(g * t + sp.asinh(2 * s0 / D))), constant
        ),
        "K without the factor 4": Check(implicit(time_map.subs(4 * goal**2, goal**2)), saturating),
        "sigma' = gamma sqrt(Delta^2 + sigma^2), by algebra": Check(
            Identities(
                "sigma(t) solves it", lambda: solves_ode(growth, g * sp.sqrt(D**2 + s**2), s, t)
            )
        ),
    },
)
