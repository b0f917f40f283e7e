"""F5.5 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dynlens.experiments.f5_5.runs import (
    EDGE_START,
    EDGE_STEPS,
    ETA,
    RATIOS,
    Edge,
    Measured,
    Pair,
    pairs,
)
from dynlens.experiments.lab import Runs
from dynlens.experiments.prose import columns, each, paragraph

SMALL = 0.01  # a share of the way travelled that is next to nothing
RIGHT = 0.1  # a prediction is right to its error, up to this one
FAR = 0.5  # sharpness below this share of 2 / eta is far below it

# -- words -----------------------------------------------------------------------------------------


def text(measured: Measured) -> Iterable[str]:
    """Paragraphs and a table."""
    found = pairs(measured)
    yield paragraph(_setting())
    yield columns(
        ("problem", "ratio", "distance", "predicted", "at t", "worst", "loss differs by"),
        (
            (
                pair.problem,
                str(pair.ratio),
                f"{pair.distance:.4g}",
                f"{pair.predicted:.4g}",
                f"{pair.time:.3g}",
                f"{pair.worst_prediction:.1%}",
                f"{pair.loss_difference:.2g}",
            )
            for pair in found
        ),
    )
    yield paragraph(_distances(found))
    yield "The edge of stability   [cohen2021gradient]"
    yield paragraph(_edge(measured.edges))


def _setting() -> Iterable[str]:
    yield (
        f"Iterates at the step {ETA:g} beside every rho-th iterate at {ETA:g} / rho, rho = "
        f"{each(RATIOS, 'd')}, from a start near zero, for a target of rank two. 'distance' is the "
        "largest between the two runs' parameters, 'predicted' is eta (1 - 1/rho) |e(t)| there, "
        "'worst' the largest error of that prediction along the run, in units of the largest "
        "distance."
    )


def _distances(found: Runs[Pair]) -> Iterable[str]:
    worst = max(pair.worst_prediction for pair in found)
    yield (
        f"The first-order prediction is right to {worst:.1%} everywhere."
        if worst < RIGHT
        else f"The first-order prediction fails: it is off by up to {worst:.1%}."
    )
    for pair in found.where(ratio=RATIOS[-1]):
        yield (
            f"{pair.problem[0].upper()}{pair.problem[1:]}: {pair.distance:.2g} at most, while "
            f"descent travels {pair.travelled:.3g} (a share of "
            f"{pair.distance / pair.travelled:.1g}) and comes to a loss of {pair.loss:.1e}."
        )
    share = max(pair.distance / pair.travelled for pair in found)
    if share < SMALL:
        yield (
            f"At a step of {ETA:g} descent is the flow to better than a hundredth of the way "
            f"({share:.1g}); a smaller step takes it nowhere else."
        )
    else:
        yield f"At a step of {ETA:g} descent leaves the flow by up to {share:.1g} of the way."


def _edge(edges: Runs[Edge]) -> Iterable[str]:
    start = ", ".join(f"{x:g}" for x in EDGE_START)
    a, b = EDGE_START
    ends = np.hypot(a**2 - b**2, 2.0)  # the flow conserves a^2 - b^2, and a b = 1 at its end
    yield (
        f"Two scalar layers (a b - 1)^2 / 2 from ({start}), {EDGE_STEPS} steps. At a minimum the "
        f"sharpness is a^2 + b^2, and the flow from here ends where it is {ends:.4g}."
    )
    for one in edges:
        limit = f"eta = {one.eta:g} (2 / eta = {2 / one.eta:.4g})"
        if one.status == "diverged":
            yield f"At {limit} descent diverges after {len(one.loss) - 1} steps."
            continue
        end = f"ends at sharpness {one.sharpness[-1]:.4g} with loss {one.loss[-1]:.1e}"
        share = one.sharpness[-1] * one.eta / 2
        if one.sharpness[0] < 2 / one.eta or share >= 1:
            yield f"At {limit} descent {end}, {_beside(share)}."
            continue
        far = float(np.abs(one.theta[-1] - one.theta[0]).max())
        yield (
            f"At {limit} no minimum nearby is stable: descent leaves them (by {far:.2g}) and "
            f"{end}, "
            + (
                "far below 2 / eta. Sharpness ends below 2 / eta, but need not end at it."
                if share < FAR
                else f"{_beside(share)}."
            )
        )


def _beside(share: float) -> str:
    """Where a sharpness of so many times 2 / eta is."""
    if share >= 1:
        return "not below 2 / eta"
    return "below 2 / eta and above 1 / eta" if share > 0.5 else "below 1 / eta"


# -- pictures --------------------------------------------------------------------------------------


def distances(measured: Measured) -> Any:
    """Draw losses, and the distance in weights, against the way travelled."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH * 1.25, 2.6 * len(measured.descents) + 0.4))
    panels = figure.subplots(len(measured.descents), 2, squeeze=False, sharex="row")
    for (losses, apart), one in zip(panels, measured.descents, strict=True):
        travelled = one.travelled
        losses.semilogy(travelled, one.losses[1], color=plot.BLACK, label="η₀")
        for k, rho in enumerate(RATIOS):
            colour = plot.PALETTE[k]
            losses.semilogy(travelled, one.losses[rho], ":", color=colour, label=f"η₀ / {rho}")
            apart.plot(travelled, one.distances[rho], color=colour, label=f"η₀ / {rho}")
            name = "predicted" if rho == RATIOS[-1] else None
            apart.plot(
                travelled, one.predicted(rho), "--", color=plot.BLACK, linewidth=0.9, label=name
            )
        losses.set_ylabel("loss")
        losses.set_title(one.name)
        apart.set_title("distance in weights from the run at η₀")
        apart.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
        apart.set_ylim(bottom=0)
        for axes in (losses, apart):
            axes.set_xlabel("distance travelled")
            axes.set_xlim(0, travelled[-1])
    panels[0][0].legend()
    panels[0][1].legend()
    return figure


def edges(measured: Measured) -> Any:
    """Draw sharpness and loss at steps below and above the edge."""
    from dynlens import plot

    figure = plot.Picture(figsize=(plot.WIDTH * 1.25, 3.0))
    sharp, losses = figure.subplots(1, 2)
    shown = 40  # steps; nothing moves later
    for k, one in enumerate(measured.edges):
        colour, eta = plot.PALETTE[k], one.eta
        kept = slice(0, shown + 1)
        # What overflows leaves the figure, as descent leaves the problem.
        values = np.where(one.sharpness < 1e3, one.sharpness, np.nan)[kept]
        heights = np.where(one.loss < 1e6, one.loss, np.nan)[kept]
        steps = np.arange(len(values))
        sharp.plot(steps, values, color=colour, label=f"η = {eta:g}")
        sharp.axhline(2 / eta, color=colour, linestyle=":", linewidth=1)
        sharp.annotate(
            f"2 / {eta:g}",
            (1, 2 / eta),
            (3, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=colour,
        )
        losses.semilogy(steps, np.where(heights > 1e-16, heights, np.nan), color=colour)
    sharp.set_ylim(0, 15)
    sharp.set_ylabel("sharpness")
    losses.set_ylabel("loss")
    for axes in (sharp, losses):
        axes.set_xlabel("step")
        axes.set_xlim(0, shown)
    sharp.legend()
    return figure
