"""What the experiments on fresh components share: their target, and errors after each epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynlens.dynamics.phases import modified_descent
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import Ridge, SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.typing import Array

PENALTY, ETA, SCALE = 0.01, 0.02, 0.01
RANK = 3
FITTED = 0.05  # an error below this: no direction is missing


def instance(components: int, *, dimension: int, seed: int) -> Problem:
    """Rank three, order three, norm one, directions not orthogonal; |W - W*|^2 and penalty."""
    drawn = RankOneSum.random([1.0, -0.8, 0.6], dimension=dimension, order=3, seed=seed)
    coefficients = drawn.c / np.sqrt(drawn.squared_norm)
    target = RankOneSum(tuple(coefficients), drawn.directions, 3)
    model = SymmetricTensor(dimension, 3, components, degree=2)
    return Problem(model, SquaredLoss(half=False), target, Ridge(PENALTY, half=False))


def trained_errors(
    problem: Problem, *, seed: int, epochs: int, steps: int, fresh: bool = True
) -> Array:
    """Relative errors after each epoch, shape (epochs,)."""
    settings: dict[str, Any] = {"eta": ETA, "scale": SCALE, "seed": seed, "fresh": fresh}
    runs: Sequence[Any] = modified_descent(problem, epochs=epochs, steps=steps, **settings)
    return np.array([float(run.values("residual_norm")[-1]) for run in runs])
