"""The Hessian of a deep linear network is bounded below by the gradient times n - 2 layers.

Elkabetz & Cohen (2021): for l convex and n layers,

    lambda_min  >=  -(n - 1) |grad l(W)| max over |J| = n - 2 of the product of |W_j|_op, j in J,

unbounded over all of space, yet mild along flows from near zero: for n equal scalar layers, started
at eps, the integral of |min(lambda_min, 0)| is (n - 1) ln(1/eps) + O(1), while fitting takes a time
of eps^-(n-2) / (n-2).
"""

from functools import reduce
from itertools import combinations

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    DeepLinear,
    Equal,
    Full,
    HuberLoss,
    Identities,
    Problem,
    RandomStates,
    SquaredLoss,
    States,
    SystemPath,
    Theorem,
)


def lowest(samples):
    return np.array([np.linalg.eigvalsh(samples.problem.hessian(row))[0] for row in samples.theta])


def bound(factor=lambda n: n - 1, layers=lambda n: n - 2):
    def low(samples):
        problem, depth = samples.problem, int(samples.read("depth"))
        norms = [np.linalg.norm(W, 2, axis=(-2, -1)) for W in problem.factors(samples.theta)]
        groups = list(combinations(norms, layers(depth)))
        most = np.max(
            [reduce(np.multiply, group, np.ones(len(samples))) for group in groups], axis=0
        )
        gradient = problem.tensor_gradient(samples.read("end_to_end"))
        return -factor(depth) * np.linalg.norm(gradient, axis=(-2, -1)) * most

    return low


def states(depth, scale, **changes):
    return RandomStates((2,) * (depth + 1), "gaussian", scale, count=40, **changes)


anywhere = tuple(
    states(depth, scale, loss=loss)
    for depth in (2, 3, 4)
    for scale in (0.05, 0.3, 1.0, 2.0)
    for loss in (SquaredLoss(), HuberLoss(0.5))
)


def scalar(depth, *theta):
    return States(Problem(DeepLinear((1,) * (depth + 1)), SquaredLoss(), Full([[1.0]])), (theta,))


at_zero = scalar(2, 0.0, 0.0)


def minus_one(samples):
    return -np.ones(len(samples))


def spectrum():
    """Eigenvalues of n equal scalar layers, n = 2, 3, 4: one simple, n - 1 alike."""
    x = sp.Symbol("x", positive=True)
    found = {}
    for n in (2, 3, 4):
        w = sp.symbols(f"w:{n}")
        hessian = sp.hessian((sp.prod(w) - 1) ** 2 / 2, w).subs({v: x for v in w})
        one = sp.ones(n, 1)
        simple = n * x ** (2 * n - 2) + (n - 1) * (x**n - 1) * x ** (n - 2)
        other = sp.Matrix([1, -1, *[0] * (n - 2)])
        for name, vector, value in (
            ("simple", one, simple),
            ("multiple", other, (1 - x**n) * x ** (n - 2)),
        ):
            gap = hessian * vector - value * vector
            found[f"n = {n}, {name}"] = sp.expand(sum(v**2 for v in gap.expand()))
    return found


def passage(depth, eps, t_end):
    """x' = (1 - x^n) x^(n-1), and the integral s of what is negative in the curvature."""
    n = depth
    simple = f"({n} * x**{2 * n - 2} + {n - 1} * (x**{n} - 1) * x**{n - 2})"
    fields = {"x": f"(1 - x**{n}) * x**{n - 1}", "s": f"Max(0, -{simple})"}
    return SystemPath(fields, {"x": eps, "s": 0.0}, t_end, rtol=1e-11)


def integral(depth, eps):
    """(n-1) ln x + ln(1 - x^n) from eps to where the curvature turns, x^n = (n-1) / (2n-1)."""
    n, turn = depth, (depth - 1) / (2 * depth - 1)
    return (n - 1) * np.log(turn ** (1 / n) / eps) + np.log((1 - turn) / (1 - eps**n))


EPSILONS = (0.1, 0.03, 0.01, 0.003)
fitting = {(3, eps): passage(3, eps, 2 / eps) for eps in EPSILONS}
# At depth 2 fitting takes a time of ln(1/eps), at depth 4 of eps^-2 / 2.
fitting |= {(2, eps): passage(2, eps, 60.0) for eps in (0.1, 0.01)}
fitting |= {(4, eps): passage(4, eps, 1.5 / eps**2) for eps in (0.1, 0.01)}


def collected(case, value):
    path = fitting[case]
    return Check(Equal("s", f"{value!r}", after=0.75 * path.t_end, tolerance=1e-8), (path,))


theorem = Theorem(
    id="F5.4",
    title="the curvature of deep linear networks, and along their flows",
    source="elkabetz2021continuous, on deep linear networks; constants derived",
    checks=(
        Check(AtLeast(lowest, bound(), tolerance=1e-9), anywhere),
        Check(Equal(left=lowest, right=minus_one), (at_zero,)),
        Check(Equal(left=lowest, right=bound()), (at_zero,)),
        Check(Identities("the spectrum of n equal scalar layers", spectrum)),
        *(collected(case, float(integral(*case))) for case in fitting),
    ),
    controls={
        "n - 2 instead of n - 1": Check(AtLeast(lowest, bound(factor=lambda n: n - 2)), (at_zero,)),
        # A weaker bound is as true; what fails is that it is attained.
        "n instead of n - 1, attained": Check(
            Equal(left=lowest, right=bound(factor=lambda n: n)), (at_zero,)
        ),
        "product over n - 1 layers": Check(
            AtLeast(lowest, bound(layers=lambda n: n - 1)), (states(2, 0.05), states(3, 0.05))
        ),
        # (a, 0, 0): lambda_min = -|a|.
        "bounded below over all of space": Check(
            AtLeast(lowest, "-100"), (scalar(3, 1000.0, 0.0, 0.0),)
        ),
        "slope n in ln(1/eps)": collected((3, 0.01), float(integral(3, 0.01) + np.log(100.0))),
        "without the constant": collected((3, 0.01), float(2 * np.log(100.0))),
    },
)
