"""Where the gradient stays an eigenvector of the Hessian, descent runs ahead of the flow in time.

Then e(t) = -1/2 g(t) ln(|g(0)| / |g(t)|): a shift of the clock by eta/2 times the integral of the
eigenvalue (from F2.1, solved). It is so for scalar layers that start equal, which stay equal.
"""

import numpy as np
import sympy as sp

from dynlens import Check, DeepLinear, Equal, Full, Identities, Problem, SquaredLoss, Theorem
from dynlens.cases.descents import DescentCase

x, x0 = sp.symbols("x x_0", positive=True)
ARBITRARY = sp.Function("g")
CUBIC = sp.Lambda(x, x**3 + x)  # for the false variants, which a point must refute


HALF = sp.Rational(1, 2)


def solution(half=HALF, inverted=False, g=ARBITRARY):
    """e' = -H e - H g / 2 along theta' = -g in one dimension."""
    ratio = g(x) / g(x0) if inverted else g(x0) / g(x)
    e = -half * g(x) * sp.log(ratio)
    H = sp.diff(g(x), x)
    return {"e'": sp.diff(e, x) * -g(x) + H * e + H * g(x) / 2, "e(0)": e.subs(x, x0)}


def leading_error(samples):
    return samples.first_order(1.0, 0.5)


def closed(sign=1.0, half=0.5):
    def closed_form(samples):
        g = samples.problem.gradient(samples.theta)
        size = np.linalg.norm(g, axis=1, keepdims=True)
        return -half * g * np.log((size[0] / size) ** sign)

    return closed_form


def law(**changes):
    return Equal(left=leading_error, right=closed(**changes), tolerance=1e-8)


def equal_layers(depth, start):
    problem = Problem(DeepLinear((1,) * (depth + 1)), SquaredLoss(), Full([[1.0]]))
    return DescentCase(problem, (start,) * depth, 2.0, (0.04, 0.02, 0.01))


cases = (equal_layers(2, 0.4), equal_layers(3, 0.5), equal_layers(2, 1.6))
SOLVED = "e = -g/2 ln(g(0)/g) solves e' = -H e - H g / 2"

theorem = Theorem(
    id="F2.2",
    title="descent as a flow with a faster clock",
    source="hairer1993solving, II.8; solved",
    checks=(Check(Identities(SOLVED, solution)), Check(law(), cases)),
    controls={
        "ratio inverted": Check(law(sign=-1.0), cases),
        "without the 1/2": Check(law(half=1.0), cases),
        "ratio inverted, by algebra": Check(
            Identities(SOLVED, lambda: solution(inverted=True, g=CUBIC))
        ),
        "without the 1/2, by algebra": Check(Identities(SOLVED, lambda: solution(half=1, g=CUBIC))),
    },
)
