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

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.deflation import ORDER, staircase, unit_starts
from dynlens.experiments.prose import columns, paragraph
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.instances import falling_coefficients
from dynlens.problems.losses import Ridge, SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
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


def ends(dimension: int, rank: int, components: int, penalty: float) -> dict[str, Any]:
    """Correlations and squared residual long after the last direction is fitted."""
    a = falling_coefficients(rank, RATIO)
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


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    edges: dict[str, list[Any]] = {
        "penalty": [0.1] if quick else list(EDGES),
        "steps": [8 if quick else 14],
    }
    with engine(each, 1 if quick else None) as map_:
        ended = results(Sweep(ends, grid), folder / "q2_e3-cases", map_)
        basins = results(Sweep(edge, edges), folder / "q2_e3-cases", map_)
    table = [
        {
            "penalty": one["penalty"],
            "quantity": f"bias {k + 1}",
            "low": float(a - x),
            "high": float(a - x),
            "law": float(min(one["penalty"] / 2, a)),
        }
        for one in ended
        for k, (a, x) in enumerate(_both(one))
    ]
    table += [
        {"penalty": one["penalty"], "quantity": "basin"}
        | {name: float(one[name]) for name in ("low", "high", "law")}
        for one in basins
    ]
    return leave(
        experiment, folder, table, _parts(ended, basins), {"": lambda: _panels(ended, basins)}
    )


def _both(one: Any) -> list[tuple[float, float]]:
    """Coefficients of the target and what is fitted of them."""
    a = falling_coefficients(int(one["rank"]), RATIO)
    return list(zip(a.tolist(), np.asarray(one["fitted"]).tolist(), strict=True))


def _parts(ended: Sequence[Any], basins: Sequence[Any]) -> Iterable[str]:
    one = ended[0]
    yield paragraph(
        [
            f"d = {one['dimension']}, {one['components']} components of length {DELTA:g}, loss "
            "½ |W - W*|^2 + ½ lambda sum |u_i|^2. How far short of their coefficients directions "
            "end, and the squared residual; a direction with a <= lambda/2 is not fitted at all."
        ],
        "The bias. ",
    )
    yield columns(
        ["lambda", "lambda / 2", *(f"direction {k + 1}" for k in range(len(_both(one)))), "|R|^2"],
        (
            [
                f"{one['penalty']:g}",
                f"{one['penalty'] / 2:g}",
                *(f"{a - x:.6f}" for a, x in _both(one)),
                f"{float(one['squared']):.6f}",
            ]
            for one in ended
        ),
    )
    off = max(abs(a - x - min(one["penalty"] / 2, a)) for one in ended for a, x in _both(one))
    yield paragraph([f"All are within {off:.1e} of min(lambda/2, a)."])
    yield paragraph(
        [
            f"Coefficients {PAIR[0]:g} and {PAIR[1]:g}, the first fitted but for lambda/2. The "
            "share of the second direction from which a tiny component goes there and not to the "
            "first, by bisection, beside lambda / (lambda + 2 a_2)."
        ],
        "The basin. ",
    )
    yield columns(
        ["lambda", "between", "and", "law"],
        (
            [f"{one['penalty']:g}", *(f"{float(one[k]):.6f}" for k in ("low", "high", "law"))]
            for one in basins
        ),
    )
    inside = sum(one["low"] <= one["law"] <= one["high"] for one in basins)
    yield paragraph([f"The law lies in {inside} of {len(basins)} brackets."])


def _panels(ended: Sequence[Any], basins: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.0))
    left, right = figure.subplots(1, 2)
    penalty = np.array([one["penalty"] for one in ended])
    dense = np.linspace(0.0, penalty.max(), 200)
    for k in range(len(_both(ended[0]))):
        a, colour = _both(ended[0])[k][0], plot.PALETTE[k]
        left.plot(dense, np.maximum(a - dense / 2, 0), color=colour, linewidth=1)
        fitted = [_both(one)[k][1] for one in ended]
        left.plot(penalty, fitted, "o", color=colour, markersize=4, label=f"$k = {k + 1}$")
    left.set(xlabel=r"penalty $\lambda$", ylabel=r"fitted $W(e_k^{\otimes 4})$ at the end")
    left.set_title(r"lines: $\max(a_k - \lambda/2,\, 0)$")
    left.set_ylim(bottom=0)
    left.legend(loc="lower left")
    edges = [one["penalty"] for one in basins]
    dense = np.linspace(0.0, 1.05 * max(edges), 200)
    law, wrong = dense / (dense + 2 * PAIR[1]), dense / (dense + PAIR[1])
    right.plot(dense, law, color=plot.BLACK, label=r"$\lambda / (\lambda + 2 a_2)$")
    right.plot(dense, wrong, ":", color=plot.GREY, label=r"not $\lambda / (\lambda + a_2)$")
    middle = [(one["low"] + one["high"]) / 2 for one in basins]
    right.plot(edges, middle, "o", color=plot.BLUE, label="bisected")
    right.set(xlabel=r"penalty $\lambda$", ylabel=r"edge of the basin, $\bar u_2^2$")
    right.legend()
    return figure


experiment = Experiment(
    id="Q2.E3",
    title="the penalty's bias, and its basin",
    source="ge2021understanding, on the regularizer; derived",
    run=run,
)
