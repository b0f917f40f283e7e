"""A component that sees its whole target saturates: logistic at depth 2, implicit beyond.

The rate law s' = L s^(2 - 2/L) (s* - s) of Arora et al. (2019) under full observation, solved.
"""

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    ClosedForm,
    DeepLinear,
    Full,
    Identities,
    Path,
    Problem,
    Reading,
    SquaredLoss,
    Theorem,
)
from dynlens.symbolic import compile_function, inverts_ode, solves_ode

s, s0, goal, t, u = sp.symbols("sigma sigma_0 goal t u", positive=True)
TARGET = 2.0

linear = goal - (goal - s0) * sp.exp(-t)  # L = 1
logistic = goal / (1 + (goal / s0 - 1) * sp.exp(-2 * goal * t))  # L = 2


def rate(depth):
    return depth * s ** (2 - sp.Rational(2, depth)) * (goal - s)


def cubic(x):
    """F_3, with a = goal^(1/3) and u = sigma^(1/3)."""
    a, v = sp.cbrt(goal), sp.cbrt(x)
    ratio = sp.sqrt(3) * sp.atan((2 * v + a) / (sp.sqrt(3) * a))
    logs = -sp.log(a - v) + sp.log(a**2 + a * v + v**2) / 2 - ratio
    return -1 / (a**3 * v) + logs / (3 * a**4)


def quartic(x):
    """F_4, with the inverse hyperbolic tangent."""
    root = sp.sqrt(x)
    return -1 / (2 * goal * root) + sp.atanh(root / sp.sqrt(goal)) / (2 * goal ** sp.Rational(3, 2))


def hypergeometric(x, depth):
    """F_L for every L >= 3."""
    v, b = x ** sp.Rational(1, depth), sp.Rational(2 - depth, depth)
    return v ** (2 - depth) / ((2 - depth) * goal) * sp.hyper((1, b), (b + 1,), x / goal)


def derivation():
    """Substitute every closed form into its rate law; sigma stays below its goal."""
    below = {"positive": [goal - s]}
    one = solves_ode(linear, rate(1), s, t, initial=(0, s0), limits=[(t, sp.oo, goal)])
    two = solves_ode(logistic, rate(2), s, t, initial=(0, s0), limits=[(t, sp.oo, goal)])
    implicit = {
        "L = 3": inverts_ode(cubic(s), rate(3), s, **below),
        "L = 4": inverts_ode(quartic(s), rate(4), s, **below),
    }
    return (
        {f"L = 1, {k}": v for k, v in one.items()}
        | {f"L = 2, {k}": v for k, v in two.items()}
        | implicit
    )


def network(depth, t_end, scale=0.01):
    """A rank-one start along the target's own singular vectors, 3 x 2."""
    left, right = np.array([0.6, 0.0, 0.8]), np.array([0.8, -0.6])
    model = DeepLinear.of(shape=(3, 2), depth=depth)
    problem = Problem(model, SquaredLoss(), Full(TARGET * np.outer(left, right)))
    start = model.ravel(model.balanced_factors(scale * np.outer(left, right)))
    return Path(problem, tuple(start.tolist()), t_end, rtol=1e-12, atol=1e-14)


TOP = {"sigma": Reading("singular_values", where=(0,))}


def explicit(formula):
    return ClosedForm(left="sigma", right=formula, given={"goal": TARGET}, readings=TOP)


def implicit(formula, name):
    """t = F(sigma) - F(sigma_0), with F compiled from its sympy expression."""
    compiled = compile_function(formula.subs(goal, int(TARGET)), [s], name=name)

    def time_map(samples):
        sigma = samples.read(Reading("singular_values", where=(0,)))
        return compiled(sigma) - compiled(sigma[0])

    time_map.__name__ = f"F(sigma) - F(sigma_0), {name}"
    # Near the goal F is steep: the time is as accurate as sigma's distance to the goal.
    return ClosedForm(left="t", right=time_map, where="1.99 - sigma", readings=TOP, tolerance=1e-7)


def escape(factor):
    """Time to leave a small start, sigma_0^(-(L-2)/L) / ((L-2) goal); asserted past half-way."""
    return ClosedForm(
        left="t",
        right=f"sigma_0**(-1/2) / ({factor} * goal)",
        given={"goal": TARGET},
        readings=TOP,
        where="sigma - 1",
        tolerance=0.1,
    )


theorem = Theorem(
    id="CF2",
    title="saturation under full observation",
    source="arora2019implicit, Theorem 3, solved",
    checks=(
        Check(
            Identities(
                "the closed forms solve sigma' = L sigma^(2 - 2/L) (goal - sigma)",
                derivation,
                show=lambda: {
                    "L = 2": logistic,
                    "L = 3": cubic(s),
                    "L = 4": quartic(s),
                    "L": hypergeometric(s, 5),
                },
            )
        ),
        Check(explicit(linear), (network(1, 5.0),)),
        Check(explicit(logistic), (network(2, 4.0),)),
        Check(implicit(cubic(s), "cubic"), (network(3, 2.6),)),
        Check(implicit(quartic(s), "quartic"), (network(4, 2.8),)),
        Check(implicit(hypergeometric(s, 3), "hyper3"), (network(3, 2.6),)),
        Check(implicit(hypergeometric(s, 5), "hyper5"), (network(5, 2.9),)),
        Check(implicit(hypergeometric(s, 6), "hyper6"), (network(6, 2.9),)),
        Check(escape(2), (network(4, 27.0, scale=1e-4),)),
    ),
    controls={
        "logistic rate goal instead of 2 goal": Check(
            explicit(goal / (1 + (goal / s0 - 1) * sp.exp(-goal * t))), (network(2, 4.0),)
        ),
        "L = 4 law used for L = 3": Check(implicit(quartic(s), "quartic"), (network(3, 2.6),)),
        "escape time without the factor L - 2": Check(escape(1), (network(4, 27.0, scale=1e-4),)),
        "logistic rate goal, by algebra": Check(
            Identities(
                "sigma' = 2 sigma (goal - sigma)",
                lambda: solves_ode(goal / (1 + (goal / s0 - 1) * sp.exp(-goal * t)), rate(2), s, t),
            )
        ),
    },
)
