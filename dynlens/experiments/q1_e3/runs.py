"""Q1.E3: whether the number of components that training needs grows with the dimension.

Rank three, eight components, dimensions from 8 to 64: errors of 2-homogeneous descent with fresh
components after each epoch, beside that of the best linearized model of the same width, which can
only be as good as its share of the N dimensions.

References
----------
wang2020beyond
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.experiments.fresh_components import instance, trained_errors
from dynlens.experiments.lab import Lab, Runs
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.lazy_tensors import lazy_dimension, lazy_error_bound

M, STEPS = 8, 1200
FULL = {"dimension": (8, 16, 32, 64), "seed": (0, 1, 2), "epochs": (10,)}
SMALL = {"dimension": (8, 16), "seed": (1,), "epochs": (2,)}


@dataclass(frozen=True, eq=False)
class Run:
    """Training in one dimension; ``error[k]`` is the relative error after epoch k + 1.

    ``lazy`` is the least root mean square error of a linearized model of the same width.
    """

    dimension: int
    seed: int
    epochs: int
    error: Array
    lazy: float


def case(dimension: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors after each epoch, and the least a linearized model leaves in the mean."""
    problem = instance(M, dimension=dimension, seed=seed)
    bound = lazy_error_bound(dimension, 3, lazy_dimension(dimension, 3, M))
    return {
        "error": trained_errors(problem, seed=seed, epochs=epochs, steps=STEPS),
        "lazy": np.sqrt(float(bound)),
    }


def measure(lab: Lab) -> Runs[Run]:
    """Train in every dimension."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    return lab.sweep(Run, Sweep(case, grid))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    return [
        {
            "dimension": run.dimension,
            "seed": run.seed,
            "components": M,
            "lazy": run.lazy,
            **{f"error_{k + 1}": float(error) for k, error in enumerate(run.error)},
        }
        for run in runs
    ]
