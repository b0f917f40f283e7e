"""Gradient descent is theta(t) + eta e(t) + O(eta^2), where e' = -H e - 1/2 H g along the flow.

The expansion of the global error of Euler's method, in Hairer, Norsett & Wanner (1993), II.8, for
the field -g; the forcing is the one that implicit gradient regularization adds to the flow (Barrett
& Dherin 2021).
"""

from itertools import combinations_with_replacement

import sympy as sp

from dynlens import (
    Check,
    DeepLinear,
    Entries,
    Full,
    Identities,
    Problem,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
    low_rank_matrix,
)
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import LeadingError, Order


def defect(forcing=0.5, linear=1):
    """Coefficients of h^0, h^1 and h^2 in one step of descent from theta(t) + h e(t).

    What is left at h^3 is the local error, so by stability the global one is of order h^2. Up to
    h^2 only two derivatives of the objective enter, so a general cubic stands for all.
    """
    x, e, h = sp.symbols("x:2"), sp.symbols("e:2"), sp.Symbol("h")
    powers = [c for degree in (1, 2, 3) for c in combinations_with_replacement(x, degree)]
    objective = sum(sp.Symbol(f"c{k}") * sp.prod(power) for k, power in enumerate(powers))
    g = sp.Matrix([objective]).jacobian(x).T
    H = sp.hessian(objective, x)
    theta, error = sp.Matrix(x), sp.Matrix(e)
    slope = -sp.nsimplify(linear) * H * error - sp.nsimplify(forcing) * H * g
    # Taylor expansions of both sides; theta'' = H g along the flow.
    later = theta - h * g + h**2 / 2 * H * g + h * (error + h * slope)
    descended = theta + h * error - h * (g + h * H * error)
    left = (later - descended).expand()
    return {f"h^{k}, {i}": left[i].coeff(h, k) for k in (0, 1, 2) for i in (0, 1)}


ETAS = (0.02, 0.01, 0.005, 0.0025)

completions = tuple(
    DescentCase(completion_problem(depth), Start(scale, kind, seed=seed), 4.0, ETAS)
    for depth, kind, scale, seed in (
        (2, "gaussian", 0.5, 0),
        (2, "balanced", 0.3, 1),
        (3, "gaussian", 0.6, 0),
        (3, "balanced", 0.3, 1),
    )
)
scalar = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
rectangular = Problem(
    DeepLinear((4, 3, 3)),
    SquaredLoss("mean", half=False),
    Entries.sample(low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=0),
)
saddle = DescentCase(scalar, (0.05, 0.1), 4.0, ETAS)  # H is indefinite on the way out
others = (
    DescentCase(scalar, (1.7, 0.3), 3.0, ETAS),
    saddle,
    DescentCase(rectangular, Start(0.5, "gaussian", seed=0), 10.0, (0.08, 0.04, 0.02, 0.01)),
)
everywhere = completions + others

# The saddle tells all the false equations from the true one: the linear term matters there.
wrong = {
    "forcing of the other sign": {"forcing": -0.5},
    "forcing doubled": {"forcing": 1.0},
    "no linear term": {"linear": 0.0},
}

theorem = Theorem(
    id="F2.1",
    title="the leading error of gradient descent along the flow",
    source="hairer1993solving, II.8; barrett2021implicit",
    checks=(
        Check(Identities("one step from theta + h e errs by O(h^3)", defect)),
        Check(Order(expected=1.0, band=0.05), everywhere),
        Check(Order(expected=2.0, band=0.1, remainder=True), everywhere),
        Check(Order(expected=2.0, band=0.1, remainder=True, quantity="end_to_end"), completions),
        Check(LeadingError(), everywhere),
    ),
    controls={
        "descent is closer than first order": Check(Order(expected=2.0), completions),
        **{
            f"{name}: second order": Check(
                Order(expected=2.0, band=0.1, remainder=True, **coefficients), (saddle,)
            )
            for name, coefficients in wrong.items()
        },
        **{
            f"{name}: in every component": Check(LeadingError(**coefficients), (saddle,))
            for name, coefficients in wrong.items()
        },
        **{
            f"{name}: one step": Check(
                Identities(
                    "one step from theta + h e errs by O(h^3)",
                    lambda coefficients=coefficients: defect(**coefficients),
                )
            )
            for name, coefficients in wrong.items()
        },
    },
)
