r"""Q2.E4: two directions close to each other are fitted by their mean first.

Target :math:`v_1^{\otimes l} + v_2^{\otimes l}` with unit vectors at a given cosine, trained from a
tiny random start to the end. When the first stage is half done, where do the components that carry
it point? At the mean iff :math:`v_1 \cdot v_2 > (l-2)/l`; below that at a maximizer of
:math:`\langle W^*, u^{\otimes l}\rangle` between :math:`v_1` and the mean.

References
----------
ge2021understanding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

D, M, DELTA = 4, 12, 1e-12
EARLY, LATE, LOOKS = 60.0, 2000.0, 601
OFFSETS = (-0.3, -0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2)
FULL = {"order": (3, 4, 6), "offset": OFFSETS, "seed": (0, 1, 2)}
SMALL = {"order": (4,), "offset": (-0.1, 0.1), "seed": (0,)}


@dataclass(frozen=True, eq=False)
class Run:
    """Training for two directions at an angle: a tilt is 0 at their mean and 1 at either of them.

    ``tilt`` is of the first stage and ``law`` that of the best direction; ``tilts`` and ``errors``
    are along the run, at ``time``; ``last_tilt`` and ``last_error`` long after.
    """

    order: int
    offset: float
    seed: int
    cosine: float
    tilt: float
    law: float
    tilts: Array
    errors: Array
    time: Array
    last_tilt: float
    last_error: float


def best_tilt(order: int, cosine: float) -> float:
    """Angle between the mean and the best direction, as a share of that between mean and v_1."""
    phi = np.arccos(cosine) / 2
    share = np.linspace(0.0, 1.0, 20_001)
    pull = np.cos((1 - share) * phi) ** order + np.cos((1 + share) * phi) ** order
    return float(share[pull.argmax()])


def case(order: int, offset: float, seed: int) -> dict[str, Any]:
    """Tilt of the first stage (0 the mean, 1 v_1 or v_2), and along the run; the last error."""
    cosine = (order - 2) / order + offset
    phi = np.arccos(cosine) / 2
    mean, across = np.eye(D)[:2]
    v = [np.cos(phi) * mean + s * np.sin(phi) * across for s in (1.0, -1.0)]
    target = RankOneSum((1.0, 1.0), v, order)  # type: ignore[arg-type]
    problem = Problem(SymmetricTensor(D, order, M, degree=2), SquaredLoss(), target)
    grid = np.append(np.linspace(0.0, EARLY, LOOKS), LATE)
    start = problem.init(DELTA, kind="sphere", seed=seed)
    flow = gradient_flow(problem, start, grid, rtol=1e-8, atol=1e-8 * DELTA)
    tilts = np.array([_tilt(problem, theta, phi) for theta in flow.theta])
    errors = flow.values("residual_norm") / np.sqrt(target.squared_norm)
    mass = flow.values("component_masses").sum(axis=1)
    first = int(np.flatnonzero(mass > 0.1)[0])
    return {
        "cosine": cosine,
        "tilt": tilts[first],
        "law": best_tilt(order, cosine),
        "tilts": tilts[:LOOKS],
        "errors": errors[:LOOKS],
        "time": flow.t[:LOOKS],
        "last_tilt": tilts[-1],
        "last_error": errors[-1],
    }


def _tilt(problem: Problem, theta: Array, phi: float) -> float:
    """Angle to the mean over phi, averaged over components by their mass."""
    (u,) = problem.factors(theta)
    mass = np.square(u).sum(axis=1)
    # Turned by half a turn it is the same component for even orders; those of odd ones that look
    # away carry no mass.
    angles = np.arctan2(np.linalg.norm(u[:, 1:], axis=1), np.abs(u[:, 0]))
    return float(mass @ angles / mass.sum() / phi)


def measure(lab: Lab) -> Runs[Run]:
    """Train at every cosine, order and seed."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    return lab.sweep(Run, Sweep(case, grid))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    names = ("order", "offset", "seed", "cosine", "tilt", "law", "last_tilt", "last_error")
    return [{name: getattr(run, name) for name in names} for run in runs]
