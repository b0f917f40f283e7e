"""Q1.E4 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, paragraph
from dynlens.experiments.q1_e4.runs import Run
from dynlens.theory.closed_forms import half_time, vanilla_time

NAMES = {True: "2-homogeneous", False: "vanilla"}
ALIKE = 0.01  # orders are alike if their times are within this share of one another


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(
        [
            "One aligned component of length delta, coefficient one, loss ½ |W - W*|^2: time of "
            "the flow until W(e^l) = 1/2. 'exact' is the integral in closed form, 'leading' its "
            "first term: ln(1/delta) / 2, or delta^(2-l) / (l (l-2)) for vanilla components with "
            "l > 2."
        ]
    )
    yield columns(
        ["component", "order", "delta", "time", "exact", "leading"],
        (
            [
                NAMES[run.homogeneous],
                str(run.order),
                f"{run.delta:g}",
                *(f"{time:.6g}" for time in (run.time, run.exact, run.leading)),
            ]
            for run in sorted(runs, key=lambda run: (not run.homogeneous, run.order, -run.delta))
        ),
    )
    off = max(abs(run.time / run.exact - 1) for run in runs)
    yield paragraph([f"All times are within {off:.1e} of the closed form.", *_laws(runs)])


def _laws(runs: Runs[Run]) -> Iterable[str]:
    for order in runs.values("order"):
        first, last = _falling(runs, False, order)[-2:]
        if order > 2:
            slope = np.log(last.time / first.time) / np.log(last.delta / first.delta)
            yield f"Order {order}, vanilla: exponent {slope:.3f} ({2 - order} in the limit)."
        first, last = _falling(runs, True, order)[-2:]
        slope = (last.time - first.time) / np.log(first.delta / last.delta)
        yield f"Order {order}, 2-homogeneous: {slope:.4f} per ln(1/delta) (1/2)."


def _falling(runs: Runs[Run], homogeneous: bool, order: int) -> list[Run]:
    """Runs of one kind, from the largest start to the smallest."""
    mine = runs.where(homogeneous=homogeneous, order=order)
    return sorted(mine, key=lambda run: -run.delta)


def _alike(runs: Runs[Run]) -> bool:
    """Whether the times from every start are nearly the same for all orders."""
    times = [[run.time for run in mine] for _, mine in runs.by("delta")]
    return all(max(some) < (1 + ALIKE) * min(some) for some in times)


def times(runs: Runs[Run]) -> Any:
    """Draw the times against the start, for vanilla and for 2-homogeneous components."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH, 3.2))
    axes = figure.subplots(1, 2)
    for ax, homogeneous in zip(axes, (False, True), strict=True):
        for order, colour, mark in zip(runs.values("order"), plot.PALETTE, "osD^", strict=False):
            mine = _falling(runs, homogeneous, order)
            size = 11 - 1.5 * order  # marks lie on top of one another where times agree
            delta = [run.delta for run in mine]
            ax.plot(
                delta,
                [run.time for run in mine],
                mark,
                color=colour,
                markersize=size,
                fillstyle="none",
                label=f"order {order}",
            )
            dense = np.geomspace(min(delta), max(delta), 60)
            ax.plot(dense, [_law(homogeneous, order, x) for x in dense], color=colour, linewidth=1)
        alike = _alike(runs.where(homogeneous=homogeneous))
        ax.set(
            xscale="log",
            xlabel=r"start $\delta$",
            title=NAMES[homogeneous] + (", all orders alike" if alike else ""),
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
