r"""F5.5: gradient descent at a step beside descent at a fraction of it, and the edge of stability.

Iterates at :math:`\eta_0 = 10^{-3}` beside every :math:`\rho`-th iterate at :math:`\eta_0/\rho`, on
a deep matrix factorization and a CP factorization from near zero: losses, and the distance in
weight space, against the distance travelled. To first order two such runs are
:math:`\eta_0 (1 - 1/\rho) |e(t)|` apart, e the leading error of descent along the flow.
Then two scalar layers, whose minima have any sharpness, at steps below and above the edge.

References
----------
elkabetz2021continuous, cohen2021gradient, hairer1993solving
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dynlens.comparison.first_order import first_order_error
from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.problems.curvature import curvature_range
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Full, low_rank_matrix, low_rank_tensor
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

ETA = 1e-3
RATIOS = (2, 5, 10, 20)
LOOKS = 1600  # common times
EDGE_START = (3.0, 0.35)
EDGE_ETAS = (0.2, 0.35, 0.5)
EDGE_STEPS = 400


@dataclass(frozen=True)
class Setting:
    """A problem, the scale of its start, and how long it is followed."""

    name: str
    model: Model
    scale: float
    t_end: float

    def problem(self) -> Problem:
        """Pose it: a target of rank two and norm four, all of it seen."""
        shape = self.model.tensor_shape
        draw: Any = low_rank_matrix if len(shape) == 2 else low_rank_tensor
        target = draw(shape, rank=2, seed=0)
        return Problem(self.model, SquaredLoss(), Full(4.0 * target / np.linalg.norm(target)))


def settings(quick: bool) -> tuple[Setting, ...]:
    """Return the two problems, small ones for the quick version."""
    if quick:
        return (
            Setting("deep linear", DeepLinear((4,) * 4), 0.2, 4.0),
            Setting("CP", CPFactorization((3,) * 3, 4), 0.3, 4.0),
        )
    return (
        Setting("deep linear", DeepLinear((8,) * 4), 0.1, 16.0),
        Setting("CP", CPFactorization((6,) * 3, 8), 0.1, 20.0),
    )


@dataclass(frozen=True, eq=False)
class Descents:
    """Descent at `ETA` beside descent at a fraction of it, at common times ``t``.

    ``travelled`` is the way so far of the run at `ETA`, and ``leading`` the norm of the leading
    error of descent along the flow. Losses are by ratio of the steps, 1 included; distances in
    weight space by ratio.
    """

    name: str
    t: Array
    travelled: Array
    leading: Array
    losses: Mapping[int, Array]
    distances: Mapping[int, Array]

    def pair(self, ratio: int) -> Pair:
        """Compare two of the runs."""
        distance, predicted = self.distances[ratio], self.predicted(ratio)
        k = int(distance.argmax())
        return Pair(
            problem=self.name,
            ratio=ratio,
            distance=float(distance[k]),
            predicted=float(predicted[k]),
            time=float(self.t[k]),
            travelled=float(self.travelled[-1]),
            worst_prediction=float(np.abs(distance - predicted).max() / distance[k]),
            loss_difference=float(np.abs(self.losses[1] - self.losses[ratio]).max()),
            loss=float(self.losses[1][-1]),
        )

    def predicted(self, ratio: int) -> Array:
        """Distance of two of the runs, to first order in the step."""
        return ETA * (1 - 1 / ratio) * self.leading


class Pair(NamedTuple):
    """How far apart two runs come, and how far they should be there to first order."""

    problem: str
    ratio: int
    distance: float
    predicted: float
    time: float
    travelled: float
    worst_prediction: float
    loss_difference: float
    loss: float


@dataclass(frozen=True, eq=False)
class Edge:
    """Descent on two scalar layers from a sharp place, at every step."""

    eta: float
    theta: Array
    loss: Array
    sharpness: Array
    status: str


class Measured(NamedTuple):
    """What the experiment measures: pairs of runs on two problems, and the edge of stability."""

    descents: Runs[Descents]
    edges: Runs[Edge]


def descents(setting: Setting) -> Descents:
    """Descend at every step size; what is compared, at common times."""
    problem = setting.problem()
    theta0 = problem.init(setting.scale, kind="gaussian", seed=1)
    steps = round(setting.t_end / ETA)
    marks = np.unique(np.linspace(0, steps, LOOKS + 1).round().astype(np.int64))
    runs = {
        rho: gradient_descent(problem, theta0, eta=ETA / rho, steps=rho * steps, saves=rho * marks)
        for rho in (1, *RATIOS)
    }
    base = runs[1]
    leading = first_order_error(problem, theta0, base.t, rtol=1e-9, atol=1e-12)
    # Along the polygon through the saved iterates, which is shorter by a ten-thousandth or so.
    sides = np.linalg.norm(np.diff(base.theta, axis=0), axis=1)
    return Descents(
        name=setting.name,
        t=base.t,
        travelled=np.append(0.0, np.cumsum(sides)),
        leading=np.linalg.norm(leading.error, axis=1),
        losses={rho: run.values("loss") for rho, run in runs.items()},
        distances={rho: np.linalg.norm(base.theta - runs[rho].theta, axis=1) for rho in RATIOS},
    )


def edge(eta: float) -> Edge:
    """Descend on two scalar layers from a sharp place; the sharpness at a minimum is a^2 + b^2."""
    problem = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    run = gradient_descent(problem, EDGE_START, eta=eta, steps=EDGE_STEPS, saves=EDGE_STEPS + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        sharpness: Array = curvature_range(problem, run.theta)[:, 1]
        loss = run.values("loss")
    return Edge(eta, run.theta, loss, sharpness, run.status)


def measure(lab: Lab) -> Measured:
    """Descend on both problems, and below and above the edge."""
    found = Runs(descents(setting) for setting in lab.each(settings(lab.quick)))
    return Measured(found, Runs(edge(eta) for eta in EDGE_ETAS))


def pairs(measured: Measured) -> Runs[Pair]:
    """Every pair of runs, by problem and ratio."""
    return Runs(one.pair(ratio) for one in measured.descents for ratio in RATIOS)


def table(measured: Measured) -> list[dict[str, Any]]:
    """Rows of the table: one for each pair."""
    return [pair._asdict() for pair in pairs(measured)]
