"""F5.5 in words and pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments.f5_5 import EDGE_START, EDGE_STEPS, ETA, RATIOS
from dynlens.experiments.prose import columns, each, paragraph

Found = Mapping[str, Any]


def text(table: Sequence[Mapping[str, Any]], edges: Sequence[Found]) -> str:
    """Return the table and what it says."""
    head = ("problem", "ratio", "distance", "predicted", "at t", "worst", "loss differs by")
    rows = (
        (
            row["problem"],
            str(row["ratio"]),
            f"{row['distance']:.4g}",
            f"{row['predicted']:.4g}",
            f"{row['time']:.3g}",
            f"{row['worst_prediction']:.1%}",
            f"{row['loss_difference']:.2g}",
        )
        for row in table
    )
    return "\n\n".join(
        [
            "F5.5  descent at a step and at a fraction of it   [elkabetz2021continuous]",
            paragraph(_setting()),
            columns(head, rows),
            paragraph(_distances(table)),
            "The edge of stability   [cohen2021gradient]",
            paragraph(_edge(edges)),
        ]
    )


def _setting() -> Iterable[str]:
    yield (
        f"Iterates at the step {ETA:g} beside every rho-th iterate at {ETA:g} / rho, rho = "
        f"{each(RATIOS, 'd')}, from a start near zero, for a target of rank two. 'distance' is the "
        "largest between the two runs' parameters, 'predicted' is eta (1 - 1/rho) |e(t)| there, "
        "'worst' the largest error of that prediction along the run, in units of the largest "
        "distance."
    )


def _distances(table: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    worst = max(row["worst_prediction"] for row in table)
    yield f"The first-order prediction is right to {worst:.1%} everywhere."
    for name in dict.fromkeys(row["problem"] for row in table):
        row = next(r for r in table if r["problem"] == name and r["ratio"] == RATIOS[-1])
        yield (
            f"{name[0].upper()}{name[1:]}: {row['distance']:.2g} at most, while descent travels "
            f"{row['travelled']:.3g} (a share of {row['distance'] / row['travelled']:.1g}) and "
            f"comes to a loss of {row['loss']:.1e}."
        )
    share = max(row["distance"] / row["travelled"] for row in table)
    if share < 0.01:
        yield (
            f"At a step of {ETA:g} descent is the flow to better than a hundredth of the way "
            f"({share:.1g}); a smaller step takes it nowhere else."
        )


def _edge(edges: Sequence[Found]) -> Iterable[str]:
    start = ", ".join(f"{x:g}" for x in EDGE_START)
    a, b = EDGE_START
    ends = np.hypot(a**2 - b**2, 2.0)  # the flow conserves a^2 - b^2, and a b = 1 at its end
    yield (
        f"Two scalar layers (a b - 1)^2 / 2 from ({start}), {EDGE_STEPS} steps. At a minimum the "
        f"sharpness is a^2 + b^2, and the flow from here ends where it is {ends:.4g}."
    )
    for one in edges:
        limit = f"eta = {one['eta']:g} (2 / eta = {2 / one['eta']:.4g})"
        if one["status"] == "diverged":
            yield f"At {limit} descent diverges after {len(one['loss']) - 1} steps."
            continue
        sharp = one["sharpness"]
        end = f"ends at sharpness {sharp[-1]:.4g} with loss {one['loss'][-1]:.1e}"
        if sharp[0] < 2 / one["eta"]:
            yield f"At {limit} descent {end}, below 2 / eta and above 1 / eta."
        else:
            far = float(np.abs(one["theta"][-1] - one["theta"][0]).max())
            yield (
                f"At {limit} no minimum nearby is stable: descent leaves them (by {far:.2g}) and "
                f"{end}, far below 2 / eta. Sharpness ends below 2 / eta, but need not end at it."
            )


# -- pictures --------------------------------------------------------------------------------------


def draw(found: Sequence[Found], edges: Sequence[Found], folder: Path) -> tuple[Path, ...]:
    """Draw both figures, as ``.png`` and ``.pdf``."""
    from dynlens import plot

    figures = {"f5_5": _pairs(found), "f5_5_edge": _edges(edges)}
    return tuple(
        plot.save(figure, folder / f"{name}.{kind}")
        for name, figure in figures.items()
        for kind in ("png", "pdf")
    )


def _pairs(found: Sequence[Found]) -> Any:
    from dynlens import plot

    @plot.styled
    def drawn() -> plot.Picture:
        figure = plot.Picture(figsize=(plot.WIDTH * 1.25, 2.6 * len(found) + 0.4))
        panels = figure.subplots(len(found), 2, squeeze=False, sharex="row")
        for (losses, apart), one in zip(panels, found, strict=True):
            travelled = one["travelled"]
            losses.semilogy(travelled, one["loss"][1], color=plot.BLACK, label="η₀")
            for k, rho in enumerate(RATIOS):
                colour = plot.PALETTE[k]
                losses.semilogy(travelled, one["loss"][rho], ":", color=colour, label=f"η₀ / {rho}")
                apart.plot(travelled, one["distance"][rho], color=colour, label=f"η₀ / {rho}")
                predicted = ETA * (1 - 1 / rho) * one["leading"]
                name = "predicted" if rho == RATIOS[-1] else None
                apart.plot(travelled, predicted, "--", color=plot.BLACK, linewidth=0.9, label=name)
            losses.set_ylabel("loss")
            losses.set_title(one["name"])
            apart.set_title("distance in weights from the run at η₀")
            apart.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
            apart.set_ylim(bottom=0)
            for axes in (losses, apart):
                axes.set_xlabel("distance travelled")
                axes.set_xlim(0, travelled[-1])
        panels[0][0].legend()
        panels[0][1].legend()
        return figure

    return drawn()


def _edges(edges: Sequence[Found]) -> Any:
    from dynlens import plot

    @plot.styled
    def drawn() -> plot.Picture:
        figure = plot.Picture(figsize=(plot.WIDTH * 1.25, 3.0))
        sharp, losses = figure.subplots(1, 2)
        shown = 40  # steps; nothing moves later
        for k, one in enumerate(edges):
            colour, eta = plot.PALETTE[k], one["eta"]
            kept = slice(0, shown + 1)
            # What overflows leaves the figure, as descent leaves the problem.
            values = np.where(one["sharpness"] < 1e3, one["sharpness"], np.nan)[kept]
            heights = np.where(one["loss"] < 1e6, one["loss"], np.nan)[kept]
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
            losses.semilogy(steps, plot_positive(heights), color=colour)
        sharp.set_ylim(0, 15)
        sharp.set_ylabel("sharpness")
        losses.set_ylabel("loss")
        for axes in (sharp, losses):
            axes.set_xlabel("step")
            axes.set_xlim(0, shown)
        sharp.legend()
        return figure

    def plot_positive(values: Any) -> Any:
        return np.where(values > 1e-16, values, np.nan)

    return drawn()
