r"""Q2.E2: the smaller the start, the sharper the stairs.

The instance of Q2.E1 along the flow, from several lengths delta. Stairs keep their width while the
time between them grows like ln(1/delta): when the first direction is half fitted, the second has
:math:`1 / (1 + e^{4 a_2 (t_2 - t_1)})` of its coefficient by the logistic law, which falls like
:math:`\delta^{2 (1 - a_2/a_1)}`.

References
----------
ge2021understanding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.deflation import ORDER, half_times, staircase, unit_starts
from dynlens.experiments.lab import Lab, Runs
from dynlens.problems.instances import coefficients
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.closed_forms import fitting_times

LOOKS, RATIO = 801, 1.2
FULL = {
    "dimension": (10,),
    "rank": (5,),
    "components": (50,),
    "delta": (1e-1, 1e-2, 1e-3, 1e-5, 1e-8, 1e-12),
}
SMALL = {"dimension": (6,), "rank": (3,), "components": (20,), "delta": (1e-2, 1e-4, 1e-6)}


@dataclass(frozen=True, eq=False)
class Run:
    """The flow from components of length ``delta``.

    Shares of the coefficients ``share`` (times, directions) at ``time``, and when they come to a
    half: ``observed`` and ``predicted``. When the first does, the second has the share ``behind``,
    and ``law`` by the logistic law.
    """

    dimension: int
    rank: int
    components: int
    delta: float
    time: Array
    share: Array
    observed: Array
    predicted: Array
    behind: float
    law: float


def predicted(dimension: int, rank: int, components: int, delta: float) -> Array:
    """Fitting times of the flow; for large starts nobody claims that they hold."""
    start = unit_starts(staircase(dimension, rank, components, RATIO), 0)
    return fitting_times(start, coefficients(rank, RATIO), ORDER, scale=delta)


def case(dimension: int, rank: int, components: int, delta: float) -> dict[str, Any]:
    """Follow the flow; correlations along it, and what the second has at the first's time."""
    sizes, a = (dimension, rank, components), coefficients(rank, RATIO)
    problem, times = staircase(*sizes, RATIO), predicted(*sizes, delta)
    grid = np.linspace(0.0, 1.1 * np.nanmax(times) + 3.0, LOOKS)
    start = problem.init(delta, kind="sphere", seed=0)
    flow = gradient_flow(problem, start, grid, rtol=1e-8, atol=1e-8 * delta)
    share = flow.values("fitted_coefficients") / a
    observed = half_times(flow.t, share)
    logs = np.log(np.maximum(share[:, 1], 1e-300))
    behind = np.exp(np.interp(observed[0], flow.t, logs))
    return {
        "time": flow.t,
        "share": share,
        "observed": observed,
        "predicted": times,
        "behind": behind,
        "law": 1 / (1 + np.exp(4 * a[1] * (times[1] - times[0]))),
    }


def measure(lab: Lab) -> Runs[Run]:
    """Follow the flow from every length, the largest first."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    return lab.sweep(Run, Sweep(case, grid))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    return [
        {
            "delta": run.delta,
            "behind": run.behind,
            "law": run.law,
            **{f"time_{k + 1}": float(t) for k, t in enumerate(run.observed)},
            **{f"predicted_{k + 1}": float(t) for k, t in enumerate(run.predicted)},
        }
        for run in runs
    ]
