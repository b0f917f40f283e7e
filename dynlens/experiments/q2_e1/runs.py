r"""Q2.E1: the directions of an orthogonal tensor are fitted one after another, at predicted times.

Gradient descent from directions drawn at random and of length 1e-15, without penalty: dimension 10,
rank 5, 50 components, coefficients falling by 1.2; then dimension 100, rank 20, 500 components,
whose 10^8 entries are never written down. Measured are the correlations :math:`W(e_k^{\otimes 4})`
and when they come to half of their coefficient, beside the times predicted from the start alone.

References
----------
ge2021understanding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.deflation import ORDER, half_times, staircase, unit_starts
from dynlens.experiments.lab import Lab, Runs
from dynlens.problems.instances import coefficients
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.closed_forms import fitting_times

SCALE, ETA, LOOKS = 1e-15, 0.05, 600
Grid = dict[str, list[Any]]
PAPER: Grid = {"dimension": [10], "rank": [5], "components": [50], "ratio": [1.2], "seed": [0]}
LARGE: Grid = {
    "dimension": [100],
    "rank": [20],
    "components": [500],
    "ratio": [1.1, 1.2],
    "seed": [0],
}
SMALL: Grid = {"dimension": [6], "rank": [3], "components": [20], "ratio": [1.2], "seed": [0]}
WIDER: Grid = {"dimension": [20], "rank": [6], "components": [60], "ratio": [1.3], "seed": [0]}


@dataclass(frozen=True, eq=False)
class Run:
    """Descent for orthogonal directions: correlations ``fitted`` (times, directions) at ``time``.

    ``squared`` is the squared residual; a direction comes to half of its coefficient at
    ``observed``, by the prediction for descent at ``descent``, and by that for the flow at
    ``flow``. A direction that is not fitted has an infinite time.
    """

    dimension: int
    rank: int
    components: int
    ratio: float
    seed: int
    time: Array
    fitted: Array
    squared: Array
    observed: Array
    descent: Array
    flow: Array

    @property
    def coefficients(self) -> Array:
        """Of the target, shape (rank,)."""
        return coefficients(self.rank, self.ratio)


def predicted(
    dimension: int, rank: int, components: int, ratio: float, seed: int, eta: float | None = ETA
) -> Array:
    """Fitting times of descent, or of the flow (eta=None), shape (rank,)."""
    problem = staircase(dimension, rank, components, ratio)
    start = unit_starts(problem, seed)
    return fitting_times(start, coefficients(rank, ratio), ORDER, scale=SCALE, eta=eta)


def case(dimension: int, rank: int, components: int, ratio: float, seed: int) -> dict[str, Any]:
    """Descend past the last predicted time; correlations and loss at evenly spaced steps."""
    sizes = dimension, rank, components, ratio
    problem = staircase(*sizes)
    descent, flow = predicted(*sizes, seed), predicted(*sizes, seed, eta=None)
    last = descent[np.isfinite(descent)].max()
    every = int(np.ceil(1.1 * last / ETA / LOOKS))
    run = gradient_descent(
        problem,
        problem.init(SCALE, kind="sphere", seed=seed),
        eta=ETA,
        steps=every * LOOKS,
        saves=every * np.arange(LOOKS + 1),
        observables=("fitted_coefficients", "loss"),
    )
    fitted = run.values("fitted_coefficients")
    return {
        "time": run.t,
        "fitted": fitted,
        "squared": 2 * run.values("loss"),
        "observed": half_times(run.t, fitted / coefficients(rank, ratio)),
        "descent": descent,
        "flow": flow,
    }


def measure(lab: Lab) -> Runs[Run]:
    """Descend at the paper's size, then at the large one."""
    return lab.sweep(
        Run, *(Sweep(case, g) for g in ((SMALL, WIDER) if lab.quick else (PAPER, LARGE)))
    )


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each direction of each run."""
    return [
        {
            "dimension": run.dimension,
            "rank": run.rank,
            "components": run.components,
            "ratio": run.ratio,
            "seed": run.seed,
            "direction": k + 1,
            "coefficient": float(a),
            "observed": float(run.observed[k]),
            "predicted": float(run.descent[k]),
            "flow": float(run.flow[k]),
            "fitted_share": float(run.fitted[-1, k] / a),
            "end": float(run.time[-1]),
        }
        for run in runs
        for k, a in enumerate(run.coefficients)
    ]
