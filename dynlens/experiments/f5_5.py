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
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.comparison.first_order import first_order_error
from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.base import Each, Experiment, Result, as_csv, write
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


def runs(setting: Setting) -> dict[str, Any]:
    """Descend at every step size; what is compared, at common times."""
    problem = setting.problem()
    theta0 = problem.init(setting.scale, kind="gaussian", seed=1)
    steps = round(setting.t_end / ETA)
    marks = np.unique(np.linspace(0, steps, LOOKS + 1).round().astype(np.int64))
    descents = {
        rho: gradient_descent(problem, theta0, eta=ETA / rho, steps=rho * steps, saves=rho * marks)
        for rho in (1, *RATIOS)
    }
    base = descents[1]
    leading = first_order_error(problem, theta0, base.t, rtol=1e-9, atol=1e-12)
    return {
        "name": setting.name,
        "t": base.t,
        # Along the polygon through the saved iterates, which is shorter by a ten-thousandth or so.
        "travelled": np.append(0.0, np.cumsum(np.linalg.norm(np.diff(base.theta, axis=0), axis=1))),
        "loss": {rho: run.values("loss") for rho, run in descents.items()},
        "distance": {
            rho: np.linalg.norm(base.theta - descents[rho].theta, axis=1) for rho in RATIOS
        },
        "leading": np.linalg.norm(leading.error, axis=1),
    }


def rows_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table, one for each ratio."""
    rows = []
    for rho in RATIOS:
        distance = found["distance"][rho]
        predicted = ETA * (1 - 1 / rho) * found["leading"]
        k = int(distance.argmax())
        change = np.abs(found["loss"][1] - found["loss"][rho])
        rows.append(
            {
                "problem": found["name"],
                "ratio": rho,
                "distance": float(distance[k]),
                "predicted": float(predicted[k]),
                "time": float(found["t"][k]),
                "travelled": float(found["travelled"][-1]),
                "worst_prediction": float(np.abs(distance - predicted).max() / distance[k]),
                "loss_difference": float(change.max()),
                "loss": float(found["loss"][1][-1]),
            }
        )
    return rows


def edge(eta: float) -> dict[str, Any]:
    """Descend on two scalar layers from a sharp place; the sharpness at a minimum is a^2 + b^2."""
    problem = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    run = gradient_descent(problem, EDGE_START, eta=eta, steps=EDGE_STEPS, saves=EDGE_STEPS + 1)
    with np.errstate(over="ignore", invalid="ignore"):
        sharpness: Array = curvature_range(problem, run.theta)[:, 1]
        loss = run.values("loss")
    return {
        "eta": eta,
        "theta": run.theta,
        "loss": loss,
        "sharpness": sharpness,
        "status": run.status,
    }


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    from dynlens.experiments import f5_5_report

    found = [runs(setting) for setting in each(settings(quick))]
    edges = [edge(eta) for eta in EDGE_ETAS]
    table = [row for one in found for row in rows_of(one)]
    text = f5_5_report.text(table, edges)
    figures = f5_5_report.draw(found, edges, folder)
    files = (write(folder / "f5_5.csv", as_csv(table)), write(folder / "f5_5.txt", text + "\n"))
    return Result(experiment.id, experiment.title, tuple(table), text, figures, files)


experiment = Experiment(
    id="F5.5",
    title="descent at a step and at a fraction of it; the edge of stability",
    source="elkabetz2021continuous, the experiments; cohen2021gradient",
    run=run,
)
