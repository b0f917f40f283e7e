"""Q2.E4 in words and a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, each, paragraph
from dynlens.experiments.q2_e4.runs import DELTA, LATE, D, M, Run, best_tilt


def text(runs: Runs[Run]) -> Iterable[str]:
    """Paragraphs and a table."""
    yield paragraph(
        [
            f"{M} components of length {DELTA:g} in dimension {D}, gradient flow, no penalty. "
            "'tilt' is the angle to the mean, averaged over components by mass, as a share of the "
            "angle between the mean and v_1, when a mass of 0.1 is fitted; 'law' is that of the "
            f"best direction. 'last' is at t = {LATE:g}."
        ]
    )
    yield columns(
        ["order", "v1 . v2", "less (l-2)/l", "seed", "tilt", "law", "last tilt", "last error"],
        (
            [
                str(run.order),
                f"{run.cosine:.4f}",
                f"{run.offset:+g}",
                str(run.seed),
                *(f"{tilt:.4f}" for tilt in (run.tilt, run.law, run.last_tilt)),
                f"{run.last_error:.1e}",
            ]
            for run in runs
        ),
    )
    yield paragraph(_law(runs))
    other = Runs(run for run in runs if abs(run.last_tilt - 1) > 0.01 and run.last_error < 1e-6)
    if other:
        yield paragraph(
            [
                f"{len(other)} runs, all of order {each(other.values('order'), 'd')}, fit the "
                "target to rounding with components that are not v_1 and v_2 (last tilt): it has "
                "other decompositions into more summands, and nothing prefers the shortest."
            ]
        )


def _law(runs: Runs[Run]) -> Iterable[str]:
    above = max(run.tilt for run in runs if run.offset > 0)
    below = min(run.tilt for run in runs if run.offset < 0)
    farthest = max(runs, key=lambda run: abs(run.tilt - run.law))
    nearest, *further = sorted({abs(run.offset) for run in runs})
    said = (
        f"Above the threshold the first stage is tilted by at most {above:.4f}, below it by at "
        f"least {below:.4f}; all are within {abs(farthest.tilt - farthest.law):.4f} of the law"
    )
    if not further:  # all are equally near to the threshold
        yield f"{said}."
    elif abs(farthest.offset) == nearest:
        yield f"{said}, the farthest where it is nearest to the threshold and alignment slowest."
    else:
        yield f"{said}, the farthest at {farthest.offset:+g} from the threshold."


def tilts(runs: Runs[Run]) -> Any:
    """Draw the tilts of the first stage against the cosine, and two runs."""
    from dynlens import plot

    figure = plot.Picture(figsize=(7.2, 3.2))
    left, right = figure.subplots(1, 2)
    orders = runs.values("order")
    for l, colour, mark in zip(orders, plot.PALETTE, "osD", strict=False):
        mine = runs.where(order=l)
        cosines = [run.cosine for run in mine]
        dense = np.linspace(min(cosines) - 0.01, max(cosines) + 0.01, 300)
        left.plot(dense, [best_tilt(l, x) for x in dense], color=colour, linewidth=1)
        left.plot(cosines, [run.tilt for run in mine], mark, color=colour, markersize=4)
        left.plot([], [], mark + "-", color=colour, markersize=4, label=f"order {l}")
        left.axvline((l - 2) / l, color=colour, linestyle=":", linewidth=0.9)
    left.set(xlabel=r"cosine $v_1 \cdot v_2$", ylabel=r"tilt of the first stage (1: $v_1$)")
    left.set_title("lines: best direction; dotted: $(l-2)/l$")
    left.legend()
    middle = 4 if 4 in orders else orders[0]
    looks = ((plot.VERMILLION, "-"), (plot.BLUE, "--"))
    for offset, (colour, dash) in zip((-0.1, 0.1), looks, strict=True):
        run = runs.one(order=middle, offset=offset, seed=0)
        label = rf"$v_1 \cdot v_2 = {run.cosine:.2f}$"
        right.plot(run.time, run.tilts, dash, color=colour, label=f"tilt, {label}")
        right.plot(run.time, run.errors, dash, color=colour, alpha=0.4, label=f"error, {label}")
    right.set(xlabel="time", ylabel="tilt; relative error", ylim=(-0.03, 1.6))
    right.set_title(f"order {middle}, along two runs")
    right.legend(fontsize=7)
    return figure
