r"""Q2.E3: what the penalty does: a bias of half of it, and a basin for what is fitted.

The instance of Q2.E1 along the flow for several penalties :math:`\lambda`: each direction ends
:math:`\lambda/2` short of its coefficient. Then two directions, the first of which is fitted, and
a tiny component between them: the largest share :math:`\bar u_2^2` from which it still goes to the
first, by bisection of whole runs, beside :math:`\lambda / (\lambda + 2 a_2)`.

References
----------
ge2021understanding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.deflation import ORDER, staircase, unit_starts
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.instances import coefficients
from dynlens.problems.losses import Ridge, SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.closed_forms import basin_edge, fitting_times

RATIO, DELTA = 1.2, 1e-5
PAIR, TINY = (1.0, 0.7), 1e-12
FULL = {
    "dimension": (10,),
    "rank": (5,),
    "components": (50,),
    "penalty": (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
}
SMALL = {"dimension": (6,), "rank": (3,), "components": (20,), "penalty": (0.0, 0.1)}
EDGES = (0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, eq=False)
class End:
    """What is fitted long after the last direction is, and the squared residual then."""

    dimension: int
    rank: int
    components: int
    penalty: float
    fitted: Array
    squared: float

    @property
    def bias(self) -> list[float]:
        """How far short of its coefficient each direction ends."""
        short: list[float] = (coefficients(self.rank, RATIO) - self.fitted).tolist()
        return short

    @property
    def law(self) -> list[float]:
        """The bias that the penalty should leave: half of it, or all that there is."""
        return [min(self.penalty / 2, a) for a in coefficients(self.rank, RATIO).tolist()]


@dataclass(frozen=True)
class Edge:
    """A bracket of the share at which a tiny component changes sides, and where it should be."""

    penalty: float
    steps: int
    low: float
    high: float
    law: float


class Measured(NamedTuple):
    """What the experiment measures: the bias of the penalty, and the edge of the basin."""

    ends: Runs[End]
    edges: Runs[Edge]


def ends(dimension: int, rank: int, components: int, penalty: float) -> dict[str, Any]:
    """Correlations and squared residual long after the last direction is fitted."""
    a = coefficients(rank, RATIO)
    problem = staircase(dimension, rank, components, RATIO, penalty)
    starts = unit_starts(problem, 0)
    alive = a > penalty / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        times = fitting_times(starts, a, ORDER, scale=DELTA, penalty=penalty)
    t_end = 1.3 * times[alive].max() + 20.0 / (a - penalty / 2)[alive].min()
    start = problem.init(DELTA, kind="sphere", seed=0)
    flow = gradient_flow(problem, start, [t_end], rtol=1e-9, atol=1e-9 * DELTA)
    return {
        "fitted": flow.values("fitted_coefficients")[-1],
        "squared": flow.values("residual_norm")[-1] ** 2,
    }


def edge(penalty: float, steps: int) -> dict[str, Any]:
    """Bracket of the share of the second direction at which a tiny component changes sides."""
    target = RankOneSum.orthogonal(PAIR, dimension=2, order=ORDER)
    model = SymmetricTensor(2, ORDER, 2, degree=2)
    problem = Problem(model, SquaredLoss(), target, Ridge(penalty))
    fitted = [np.sqrt(PAIR[0] - penalty / 2), 0.0]  # stationary

    def goes_to_second(share: float) -> bool:
        tiny = TINY * np.sqrt([1 - share, share])
        start = np.concatenate([fitted, tiny])
        t_end = 20.0 / penalty  # alignment has the rate 2 lambda
        flow = gradient_flow(problem, start, [t_end], rtol=1e-9, atol=1e-9 * TINY)
        u = flow.final[2:]
        return bool(u[1] ** 2 > u[0] ** 2)

    low, high = 0.0, 1.0
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if goes_to_second(middle) else (middle, high)
    return {"low": low, "high": high, "law": basin_edge(penalty / 2, PAIR[1], ORDER)}


def measure(lab: Lab) -> Measured:
    """Follow the flow to its end under every penalty, and bisect for the edges."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    edges: dict[str, list[Any]] = {
        "penalty": [0.1] if lab.quick else list(EDGES),
        "steps": [8 if lab.quick else 14],
    }
    return Measured(lab.sweep(End, Sweep(ends, grid)), lab.sweep(Edge, Sweep(edge, edges)))


def table(measured: Measured) -> list[dict[str, Any]]:
    """Rows of the table: one for each direction's bias, then one for each edge."""
    rows = [
        {
            "penalty": end.penalty,
            "quantity": f"bias {k + 1}",
            "low": bias,
            "high": bias,
            "law": law,
        }
        for end in measured.ends
        for k, (bias, law) in enumerate(zip(end.bias, end.law, strict=True))
    ]
    rows += [
        {
            "penalty": one.penalty,
            "quantity": "basin",
            "low": one.low,
            "high": one.high,
            "law": one.law,
        }
        for one in measured.edges
    ]
    return rows
