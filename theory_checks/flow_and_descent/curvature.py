"""The lowest curvature of deep linear networks, its bound, and the networks of F5.4."""

from functools import reduce
from itertools import combinations

import numpy as np

import dynlens as dl


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
    return dl.RandomStates((2,) * (depth + 1), "gaussian", scale, count=40, **changes)


ANYWHERE = tuple(
    states(depth, scale, loss=loss)
    for depth in (2, 3, 4)
    for scale in (0.05, 0.3, 1.0, 2.0)
    for loss in (dl.SquaredLoss(), dl.HuberLoss(0.5))
)


def scalar(depth, *theta):
    return dl.States(
        dl.Problem(dl.DeepLinear((1,) * (depth + 1)), dl.SquaredLoss(), dl.Full([[1.0]])), (theta,)
    )


AT_ZERO = scalar(2, 0.0, 0.0)


def minus_one(samples):
    return -np.ones(len(samples))


def passage(depth, eps):
    """x' = (1 - x^n) x^(n-1), and the integral s of what is negative in the curvature."""
    n = depth
    t_end = {2: 60.0, 3: 2 / eps, 4: 1.5 / eps**2}[n]  # well beyond the time that fitting takes
    simple = f"({n} * x**{2 * n - 2} + {n - 1} * (x**{n} - 1) * x**{n - 2})"
    fields = {"x": f"(1 - x**{n}) * x**{n - 1}", "s": f"Max(0, -{simple})"}
    return dl.SystemPath(fields, {"x": eps, "s": 0.0}, t_end, rtol=1e-11)


EPSILONS = {2: (0.1, 0.01), 3: (0.1, 0.03, 0.01, 0.003), 4: (0.1, 0.01)}
PASSAGES = {n: [passage(n, eps) for eps in EPSILONS[n]] for n in EPSILONS}
