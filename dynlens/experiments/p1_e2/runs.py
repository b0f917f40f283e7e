r"""P1.E2: tensor completion by a CP factorization finds tensors of low rank.

Random tensors of CP rank 1 and 3 and norm 1, orders 3 and 4, dimension 8, a growing number of their
entries observed; CP factorizations with as many components as any tensor needs, from small and from
large Gaussian starts, by GroupRMSprop as published and by gradient flow. What is measured is the
reconstruction error, against that of keeping what is observed, and the rank of what was found.

References
----------
razin2020implicit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.curves import follow
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.cp import CPFactorization
from dynlens.observables.components import component_norms
from dynlens.observables.ranks import cp_rank_estimate, has_tensorly
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries, low_rank_tensor
from dynlens.problems.problem import Problem
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

DIM = 8
RANKS = (1, 3)
SCALES = (1e-1, 1e-2, 1e-3)
ETA = 1e-2
STEPS = {3: 100_000, 4: 20_000}  # at most, for each order
STOP, LATE_STOP = 1e-6, 1e-8  # the loss at which runs end: as published, and further
RTOL, T_END = 1e-4, 1e9
RANK_MSE = 1e-6  # at which a fit by least squares counts
MAX_RANK = {3: 12, 4: 12}  # tried for what was found; beyond, the rank is only called larger
ALS_STARTS = 1  # as published

Grid = dict[str, list[Any]]


@dataclass(frozen=True)
class Completion:
    """One tensor completed: how near to the target, of what rank, and how long that took.

    Errors and norms are relative to the target, and ``linear`` is the error of the entries that
    were seen with zeros elsewhere. ``cp_rank`` is infinite if no rank that was tried fits, and None
    where ranks were not estimated; ``steps`` is None for the flow. ``norm_1`` and ``norm_after``
    are of the largest component and of the first beyond the target's rank.
    """

    order: int
    method: str
    stop: float
    rank: int
    observed: int
    scale: float
    repeat: int
    error: float
    linear: float
    cp_rank: float | None
    norm_1: float
    norm_after: float
    mse: float
    fitted: float
    flow_time: float
    steps: int | None

    def same_but(self, *names: str) -> dict[str, Any]:
        """Return the axes of its case but those that are named: what a counterpart has, too."""
        axes = ("order", "method", "stop", "rank", "observed", "scale", "repeat")
        return {axis: getattr(self, axis) for axis in axes if axis not in names}


def completion(*, cp_rank: float, steps: float, **rest: Any) -> Completion:
    """Make one of a case and its results, where NaN stands for None."""
    return Completion(
        cp_rank=None if np.isnan(cp_rank) else cp_rank,
        steps=None if np.isnan(steps) else int(steps),
        **rest,
    )


def grids(quick: bool) -> tuple[Grid, ...]:
    """Cases that are run: descent at order 3, at order 4, descended further, and the flow."""
    if quick:
        small: Grid = {"observed": [100, 300], "scale": [1e-1, 1e-2], "repeat": [1]}
        few: Grid = {"observed": [300], "scale": [1e-1, 1e-2], "repeat": [1]}
        more: Grid = {"observed": [300], "scale": [1e-2], "repeat": [1]}
        return (
            _grid(3, "descent", small),
            _grid(3, "descent", more, LATE_STOP),
            _grid(3, "flow", few),
        )
    three: Grid = {
        "observed": [*range(50, 500, 50), 511],
        "scale": list(SCALES),
        "repeat": list(range(5)),
    }
    four: Grid = {"observed": [400, 800, 1600, 3200], "scale": list(SCALES), "repeat": [0, 1]}
    flow: Grid = {"observed": [100, 200, 300, 400], "scale": [1e-1, 1e-2], "repeat": [0, 1]}
    late: Grid = {"observed": [100, 200, 400], "scale": [1e-2, 1e-3], "repeat": [0, 1, 2]}
    return (
        _grid(3, "descent", three),
        _grid(4, "descent", four),
        _grid(3, "descent", late, LATE_STOP),
        _grid(3, "flow", flow),
    )


def _grid(order: int, method: str, rest: Grid, stop: float = STOP) -> Grid:
    return {"order": [order], "method": [method], "stop": [stop], "rank": list(RANKS), **rest}


def instance(order: int, rank: int, observed: int, repeat: int) -> tuple[Problem, Array, int]:
    """Problem, target, and seed of the start; more observations contain the fewer ones."""
    state = np.random.SeedSequence([order, rank, repeat]).generate_state(3)
    shape = (DIM,) * order
    target = low_rank_tensor(shape, rank=rank, seed=int(state[0]), norm=1.0)
    seen = Entries.sample(target, fraction=observed / target.size, seed=int(state[1]))
    model = CPFactorization(shape, prod(shape) // DIM)
    return Problem(model, SquaredLoss(reduction="mean", half=False), seen), target, int(state[2])


def case(
    order: int, method: str, stop: float, rank: int, observed: int, scale: float, repeat: int
) -> dict[str, float]:
    """Complete one tensor."""
    problem, target, seed = instance(order, rank, observed, repeat)
    theta0 = problem.init(scale, kind="gaussian", seed=seed)
    run = _descend if method == "descent" else _follow
    theta, clock = run(problem, theta0, stop)
    found = problem.end_to_end(theta)
    mse = float(problem.objective(theta))
    sizes = np.sort(component_norms(problem, problem.factors(theta)))[::-1]
    share = np.square(problem.observations.data).sum() / np.square(target).sum()
    cp_rank = np.nan
    if has_tensorly():
        cp_rank = cp_rank_estimate(
            found, tolerance=RANK_MSE, max_rank=MAX_RANK[order], seed=repeat, starts=ALS_STARTS
        )
    return {
        "error": float(np.linalg.norm(found - target) / np.linalg.norm(target)),
        "linear": float(np.sqrt(max(1 - share, 0.0))),
        "mse": mse,
        "fitted": float(mse <= stop),
        **clock,
        "cp_rank": float(cp_rank),
        "norm_1": float(sizes[0]),
        "norm_after": float(sizes[rank]),
    }


def _descend(problem: Problem, theta0: Array, stop: float) -> tuple[Array, dict[str, float]]:
    steps = STEPS[len(problem.model.tensor_shape)]
    run = gradient_descent(
        problem, theta0, eta=ETA, steps=steps, method="grouprmsprop", saves=2, stop_below=stop
    )
    clock = {"steps": run.attrs["steps"], "flow_time": run.attrs["flow_time"][-1]}
    return run.final, clock


def _follow(problem: Problem, theta0: Array, stop: float) -> tuple[Array, dict[str, float]]:
    curves, theta = follow(
        problem, theta0, _norms, first=1.0, t_end=T_END, stop_below=stop, rtol=RTOL
    )
    return theta, {"steps": np.nan, "flow_time": float(np.nanmax(curves["flow_time"]))}


def _norms(problem: Problem, theta: Array) -> Mapping[str, Array]:
    return {"values": np.sort(component_norms(problem, problem.factors(theta)))[::-1][:5]}


def measure(lab: Lab) -> Runs[Completion]:
    """Complete all tensors."""
    version = "1" if has_tensorly() else "1, without ranks"
    return lab.sweep(completion, *(Sweep(case, grid, version) for grid in grids(lab.quick)))


def table(runs: Runs[Completion]) -> list[dict[str, Any]]:
    """Rows of the table: one for each tensor."""
    return [vars(run) for run in runs]
