"""Gradient flow conserves W_{j+1}^T W_{j+1} - W_j W_j^T for every pair of neighbouring layers.

Arora, Cohen & Hazan (2018), in the proof of Theorem 1. It holds from every start and for every loss
of the end-to-end matrix; in particular, factors that start balanced stay balanced.
"""

from functools import reduce
from itertools import pairwise

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    Conserved,
    DeepLinear,
    Entries,
    Equal,
    HuberLoss,
    Identities,
    Path,
    Problem,
    RandomStates,
    RateLaw,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
    low_rank_matrix,
)
from dynlens.symbolic import along_flow


def rates_for_any_gradient(widths=(2, 3, 2, 2)):
    """Rate of a general linear combination of the entries, for each j."""

    def matrix(name, rows, columns):
        return sp.Matrix(rows, columns, lambda i, k: sp.Symbol(f"{name}_{i}{k}"))

    factors = [matrix(f"w{j}", above, below) for j, (below, above) in enumerate(pairwise(widths))]
    end_to_end = reduce(lambda product, factor: factor * product, factors)
    # At a given state, a loss with gradient G moves the factors as <G, W> does.
    slope = (matrix("g", *end_to_end.shape).T * end_to_end).trace()
    fields = {w: -sp.diff(slope, w) for factor in factors for w in factor}
    combined = {}
    for j, (below, above) in enumerate(pairwise(factors), start=1):
        difference = above.T * above - below * below.T
        weighted = (matrix("c", *difference.shape) * difference).trace()
        combined[f"j = {j}"] = along_flow(weighted, fields)
    return combined


def keeps_its_start(quantity):
    """The claim that a function of the samples keeps its initial value."""

    def at_the_start(samples):
        return quantity(samples)[:1]

    return Equal(left=quantity, right=at_the_start, scale="parameter_norm**2", tolerance=1e-8)


def transposed_gram_differences(samples):
    factors = pairwise(samples.problem.factors(samples.theta))
    return np.stack([above @ above.mT - below @ below.mT for below, above in factors], axis=1)


def norm_differences(samples):
    return np.diff(samples.read("factor_norms"))


def completion(depth):
    return Path(completion_problem(depth), Start(0.3, "balanced", seed=1, determinant=1), 50.0)


rectangular = Problem(
    DeepLinear((4, 3, 5, 3)),
    HuberLoss(0.5),
    Entries.sample(low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=0),
)
gaussian = Start(0.5, "gaussian", seed=0)
unbalanced = Path(completion_problem(2), gaussian, 4.0)
descent = Path(completion_problem(2), gaussian, 4.0, eta=1e-2)
paths = (*map(completion, (2, 3, 4)), unbalanced, Path(rectangular, gaussian, 20.0))
anywhere = tuple(
    RandomStates(widths, start="gaussian", loss=loss, fraction=0.6)
    for widths in ((2, 2, 2), (4, 3, 5), (3, 5, 2, 4), (2,) * 7)
    for loss in (SquaredLoss(), SquaredLoss("mean", half=False), HuberLoss(0.5))
)

theorem = Theorem(
    id="A.1",
    title="differences of neighbouring Gram matrices are conserved",
    source="arora2018optimization, proof of Theorem 1",
    checks=(
        Check(Conserved(of="imbalances"), paths),
        Check(RateLaw(of="imbalances", rate=0, scale="parameter_norm * gradient_norm"), anywhere),
        Check(Identities("d/dt imbalances = 0 for every gradient", rates_for_any_gradient)),
    ),
    controls={
        "W_{j+1} W_{j+1}^T - W_j W_j^T": Check(
            keeps_its_start(transposed_gram_differences), (unbalanced,)
        ),
        # All these norms are equal, and stay so, if the start is balanced; this one is not.
        "norms instead of their squares": Check(keeps_its_start(norm_differences), (unbalanced,)),
        "conserved by gradient descent": Check(Conserved(of="imbalances"), (descent,)),
    },
)
