"""One descent on every backend: how far apart the weights are in the end."""

from __future__ import annotations

from functools import partial

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries, low_rank_matrix, low_rank_tensor
from dynlens.problems.problem import Problem

ETA, STEPS, SCALE, SEED = 0.02, 6000, 0.4, 3


def agreement_problems() -> dict[str, Problem]:
    """Return a problem of each model: a small matrix and a small tensor, partly observed."""
    matrix = Entries.sample(low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=1)
    target = low_rank_tensor((4, 3, 5), rank=2, seed=0, norm=2.0)
    tensor = Entries.sample(target, fraction=0.5, seed=1)
    tree = HierarchicalTensor((4, 3, 5), ((0, 1), 2), widths=(3, 4))
    return {
        "matrix": Problem(DeepLinear((4, 5, 3)), SquaredLoss(), matrix),
        "CP": Problem(CPFactorization((4, 3, 5), 4), SquaredLoss(), tensor),
        "hierarchical": Problem(tree, SquaredLoss(), tensor),
    }


def weight_gaps(problem: Problem, device: str = "cpu", steps: int = STEPS) -> dict[str, float]:
    """Largest difference to the numpy loop's last weights, relative to the largest of these."""
    start = problem.init(SCALE, seed=SEED)
    run = partial(gradient_descent, problem, start, eta=ETA, steps=steps, saves=2)
    reference = run(backend="numpy").final
    there = partial(run, backend="torch", device=device)
    runs = {
        "numba": run(),
        "torch, float64": there(),
        "torch, float32": there(dtype="float32"),
    }
    size = np.abs(reference).max()
    return {name: float(np.abs(run.final - reference).max() / size) for name, run in runs.items()}
