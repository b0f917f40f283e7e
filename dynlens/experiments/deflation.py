"""What the experiments on deflation share: their target, and when its directions are fitted."""

from __future__ import annotations

import numpy as np

from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.instances import coefficients
from dynlens.problems.losses import Ridge, SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.typing import Array

ORDER = 4


def staircase(
    dimension: int, rank: int, components: int, ratio: float, penalty: float = 0.0
) -> Problem:
    """2-homogeneous components for orthogonal directions; loss ½ |W - W*|^2 and penalty."""
    target = RankOneSum.orthogonal(coefficients(rank, ratio), dimension=dimension, order=ORDER)
    model = SymmetricTensor(dimension, ORDER, components, degree=2)
    return Problem(model, SquaredLoss(), target, Ridge(penalty))


def unit_starts(problem: Problem, seed: int) -> Array:
    """Directions of the start that ``init(..., kind="sphere", seed=seed)`` draws."""
    theta = problem.init(1.0, kind="sphere", seed=seed)
    return np.asarray(problem.factors(theta)[0])


def half_times(t: Array, shares: Array) -> Array:
    """When each column of shares first comes to one half; infinite if it does not.

    Between looks along a straight line in log(x / (1 - x)), which is what a logistic law has.
    """
    bounded = np.clip(shares, 1e-300, 1 - 1e-12)
    logit = np.log(bounded / (1 - bounded))
    times = np.full(shares.shape[1], np.inf)
    for k, column in enumerate(logit.T):
        above = np.flatnonzero(column >= 0)
        if above.size and above[0] > 0:
            ends = slice(above[0] - 1, above[0] + 1)
            times[k] = np.interp(0.0, column[ends], t[ends])
    return times
