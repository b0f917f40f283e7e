"""Gradient descent breaks the flow's conservation laws by exactly eta^2 times their gradient's.

Two scalar layers, loss r^2 / 2, r = a b - 1: every step multiplies a^2 - b^2 by 1 - eta^2 r^2.
In general W_{j+1}^T W_{j+1} - W_j W_j^T gains eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T), G the layers'
gradients. The laws that break are those of Arora, Cohen & Hazan (2018); derived from the update.
"""

from functools import reduce
from itertools import pairwise

import sympy as sp

from dynlens import (
    Check,
    Conserved,
    DeepLinear,
    Entries,
    Full,
    HuberLoss,
    Identities,
    Path,
    Problem,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
    low_rank_matrix,
)
from dynlens.claims.orders import Recursion, step_imbalances


def matrix(name, rows, columns):
    return sp.Matrix(rows, columns, lambda i, k: sp.Symbol(f"{name}_{i}{k}"))


def one_step(order=2, widths=(2, 3, 2, 2)):
    """Imbalances after one step of descent, less before, less the law: a zero for each j."""
    eta = sp.Symbol("eta")
    factors = [matrix(f"w{j}", above, below) for j, (below, above) in enumerate(pairwise(widths))]
    end_to_end = reduce(lambda product, factor: factor * product, factors)
    # At a given state, a loss with gradient C has the layers' gradients of <C, W>.
    loss = (matrix("c", *end_to_end.shape).T * end_to_end).trace()
    gradients = [factor.applyfunc(lambda w: sp.diff(loss, w)) for factor in factors]
    moved = [factor - eta * g for factor, g in zip(factors, gradients, strict=True)]
    found = {}
    for j in range(len(factors) - 1):
        law = gap(gradients, j) * eta**order
        change = gap(moved, j) - gap(factors, j) - law
        weights = matrix("x", *change.shape)
        found[f"j = {j + 1}"] = (weights * change).trace()
    return found


def gap(parts, j):
    return parts[j + 1].T * parts[j + 1] - parts[j] * parts[j].T


def scalar(start, eta, steps):
    problem = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    return Path(problem, start, eta * steps, eta=eta, saves=steps + 1)


def layers(problem, eta, steps, scale=0.5):
    return Path(problem, Start(scale, "gaussian", seed=0), eta * steps, eta=eta, saves=steps + 1)


def factor(text):
    """The imbalance of two scalar layers is multiplied by this at every step (loss = r^2 / 2)."""
    return Recursion("imbalances", factor=text)


# The parameters are (b, a): the first layer first.
products = (scalar((0.4, 2.0), 0.05, 400), scalar((0.9, 2.5), 0.1, 50))
rectangular = Problem(
    DeepLinear((4, 3, 5, 3)),
    HuberLoss(0.5),
    Entries.sample(low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=0),
)
networks = (
    *(layers(completion_problem(depth), 0.05, 400) for depth in (2, 3, 4)),
    layers(rectangular, 0.05, 400),
)


def doubled(samples):
    return 2 * step_imbalances(samples)


def subtracted(samples):
    return -step_imbalances(samples)


theorem = Theorem(
    id="F6",
    title="conservation laws that gradient descent breaks",
    source="arora2018optimization, proof of Theorem 1, for the flow; for descent derived",
    checks=(
        Check(Identities("a step of eta adds eta**2 times the gradients' imbalances", one_step)),
        Check(factor("1 - 2 * eta**2 * loss"), products),
        Check(Recursion("imbalances", increment=step_imbalances), networks + products),
    ),
    controls={
        "factor 1 + eta^2 r^2": Check(factor("1 + 2 * eta**2 * loss"), products),
        "conserved": Check(factor("1"), products),
        "exp(-eta/2 times the integral of r^2)": Check(factor("exp(-(eta**2) * loss)"), products),
        "layers: conserved": Check(Conserved("imbalances"), networks),
        "layers: twice the law": Check(Recursion("imbalances", increment=doubled), networks),
        "layers: the other sign": Check(Recursion("imbalances", increment=subtracted), networks),
        "layers: first order in eta": Check(
            Identities("a step of eta adds eta times them", lambda: one_step(order=1))
        ),
    },
)
