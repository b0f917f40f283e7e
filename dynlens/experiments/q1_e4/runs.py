r"""Q1.E4: how long components take to leave zero.

One component along the only direction of the target, of size delta in the beginning, followed by
gradient flow until half of the coefficient is fitted. A vanilla component takes a power of
1/delta for orders above two, a 2-homogeneous one a logarithm for every order.

References
----------
wang2020beyond
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.deflation import half_times
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
from dynlens.theory.closed_forms import half_time, vanilla_time

LOOKS, RTOL = 401, 1e-11
FULL = {"order": (2, 3, 4, 5), "delta": (0.1, 0.03, 0.01, 0.003, 0.001)}
SMALL = {"order": (2, 3, 4), "delta": (0.1, 0.01)}


@dataclass(frozen=True)
class Run:
    """One component from its start ``delta``: when half is fitted, and when that was predicted."""

    homogeneous: bool
    order: int
    delta: float
    exact: float
    leading: float
    time: float


def case(homogeneous: bool, order: int, delta: float) -> dict[str, Any]:
    """Time until half of the coefficient, one, is fitted, and what is predicted."""
    target = RankOneSum.orthogonal([1.0], dimension=1, order=order)
    degree = 2 if homogeneous else order
    problem = Problem(SymmetricTensor(1, order, 1, degree), SquaredLoss(), target)
    stop = 0.5 ** (1 / order)
    exact = half_time(1.0, delta**2) if homogeneous else vanilla_time(delta, stop, 1.0, order)
    # No further than that: what is fitted makes the flow stiff, on this scale of time.
    grid = np.append(0.0, np.linspace(exact - 0.2, exact + 0.2, LOOKS))
    settings: dict[str, Any] = {"method": "DOP853", "compiled": False, "rtol": RTOL}
    flow = gradient_flow(problem, [delta], grid, atol=1e-3 * RTOL * delta, **settings)
    leading = np.log(1 / delta) / 2
    if not homogeneous and order > 2:
        leading = 1 / (order * (order - 2) * delta ** (order - 2))
    return {
        "time": half_times(flow.t, flow.values("fitted_coefficients"))[0],
        "exact": exact,
        "leading": leading,
    }


def measure(lab: Lab) -> Runs[Run]:
    """Follow both kinds of component, for every order and start."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    return lab.sweep(Run, Sweep(case, {"homogeneous": [False, True], **grid}))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    return [vars(run) for run in runs]
