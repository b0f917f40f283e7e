r"""Q1.E4: how long components take to leave zero.

One component along the only direction of the target, of size delta in the beginning, followed by
gradient flow until half of the coefficient is fitted. A vanilla component takes a power of
1/delta for orders above two, a 2-homogeneous one a logarithm for every order.

References
----------
wang2020beyond
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.deflation import half_times
from dynlens.experiments.prose import columns, paragraph
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.problem import Problem
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.sweep import Sweep
from dynlens.theory.closed_forms import half_time, vanilla_time

LOOKS, RTOL = 401, 1e-11
NAMES = {True: "2-homogeneous", False: "vanilla"}
FULL = {"order": (2, 3, 4, 5), "delta": (0.1, 0.03, 0.01, 0.003, 0.001)}
SMALL = {"order": (2, 3, 4), "delta": (0.1, 0.01)}


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


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    sweep = Sweep(case, {"homogeneous": [False, True], **grid})
    with engine(each, 1 if quick else None) as map_:
        runs = results(sweep, folder / "q1_e4-cases", map_)
    table = [
        {name: value if np.ndim(value) == 0 else float(value) for name, value in one.items()}
        for one in runs
    ]
    return leave(experiment, folder, table, _parts(runs), {"": lambda: _times(runs)})


def _pick(runs: Sequence[Any], homogeneous: bool, order: int) -> list[Any]:
    mine = [one for one in runs if (one["homogeneous"], one["order"]) == (homogeneous, order)]
    return sorted(mine, key=lambda one: -one["delta"])


def _parts(runs: Sequence[Any]) -> Iterable[str]:
    yield paragraph(
        [
            "One aligned component of length delta, coefficient one, loss ½ |W - W*|^2: time of "
            "the flow until W(e^l) = 1/2. 'exact' is the integral in closed form, 'leading' its "
            "first term: ln(1/delta) / 2, or delta^(2-l) / (l (l-2)) for vanilla components with "
            "l > 2."
        ]
    )
    ordered = sorted(runs, key=lambda o: (not o["homogeneous"], o["order"], -o["delta"]))
    yield columns(
        ["component", "order", "delta", "time", "exact", "leading"],
        (
            [
                NAMES[one["homogeneous"]],
                str(one["order"]),
                f"{one['delta']:g}",
                *(f"{float(one[name]):.6g}" for name in ("time", "exact", "leading")),
            ]
            for one in ordered
        ),
    )
    off = max(abs(float(one["time"]) / float(one["exact"]) - 1) for one in runs)
    yield paragraph([f"All times are within {off:.1e} of the closed form.", *_laws(runs)])


def _laws(runs: Sequence[Any]) -> Iterable[str]:
    for order in sorted({one["order"] for one in runs}):
        mine = _pick(runs, False, order)[-2:]
        delta, time = (np.log([float(one[k]) for one in mine]) for k in ("delta", "time"))
        if order > 2:
            slope = (time[1] - time[0]) / (delta[1] - delta[0])
            yield f"Order {order}, vanilla: exponent {slope:.3f} ({2 - order} in the limit)."
        both = _pick(runs, True, order)[-2:]
        slope = (float(both[1]["time"]) - float(both[0]["time"])) / (delta[0] - delta[1])
        yield f"Order {order}, 2-homogeneous: {slope:.4f} per ln(1/delta) (1/2)."


def _times(runs: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.2))
    axes = figure.subplots(1, 2)
    for ax, homogeneous in zip(axes, (False, True), strict=True):
        orders = sorted({one["order"] for one in runs})
        for order, colour, mark in zip(orders, plot.PALETTE, "osD^", strict=False):
            mine = _pick(runs, homogeneous, order)
            size = 11 - 1.5 * order  # marks lie on top of one another where times agree
            delta = [one["delta"] for one in mine]
            ax.plot(
                delta,
                [one["time"] for one in mine],
                mark,
                color=colour,
                markersize=size,
                fillstyle="none",
                label=f"order {order}",
            )
            dense = np.geomspace(min(delta), max(delta), 60)
            ax.plot(dense, [_law(homogeneous, order, x) for x in dense], color=colour, linewidth=1)
        ax.set(
            xscale="log",
            xlabel=r"start $\delta$",
            title=NAMES[homogeneous] + ", all orders alike" * homogeneous,
        )
        ax.invert_xaxis()
    axes[0].set(yscale="log", ylabel="time to half fitted; lines: closed form")
    axes[1].set_ylim(bottom=0)
    axes[0].legend()
    axes[1].legend()
    return figure


def _law(homogeneous: bool, order: int, delta: float) -> float:
    if homogeneous:
        return half_time(1.0, delta**2)
    return vanilla_time(delta, 0.5 ** (1 / order), 1.0, order)


experiment = Experiment(
    id="Q1.E4",
    title="escape from zero, vanilla and 2-homogeneous",
    source="wang2020beyond, on the saddle at zero; derived",
    run=run,
)
