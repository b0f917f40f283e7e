"""P1.E1 in pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dynlens.experiments.lab import Runs
from dynlens.experiments.p1_e1.runs import ETA, Measured, Run, linear_flip, lost
from dynlens.support.typing import Array


def growth(measured: Measured) -> Any:
    """Draw |W11| against the loss, and beside the law, for every depth."""
    from matplotlib.lines import Line2D

    from dynlens import plot

    colours = {"balanced": plot.BLUE, "unbalanced": plot.VERMILLION}
    runs = measured.runs
    depths = runs.values("depth")
    figure = plot.Picture(figsize=(2.6 * len(depths), 4.6))
    axes = figure.subplots(2, len(depths), sharex=True, sharey="row", height_ratios=(2, 1))
    for column, depth in zip(axes.T, depths, strict=True):
        column[0].set_title(f"depth {depth}")
        _law(column[0])
        column[1].axhline(1, color="black", linestyle=":", linewidth=1.3, zorder=4)
        # Thin lines over broad ones, balanced starts over the others.
        order = {"descent": 0, "flow": 1, "exact": 1}
        mine = runs.where(depth=depth)
        for run in sorted(mine, key=lambda run: (order[run.source], run.start == "balanced")):
            look = _look(run.source, colours[run.start])
            column[0].plot(run.loss, np.abs(run.w11), **look)
            column[1].plot(run.loss, run.scaled, **look)
            _flip(column[0], run, look["color"])
        column[1].set_xlabel("loss")
    _scales(axes[0], (1.3, 8e-5), (0.2, 130))
    axes[1, 0].set_ylim(0, 1.15)
    axes[0, 0].set_ylabel(r"$|W_{11}|$")
    axes[1, 0].set_ylabel(r"$|W_{11}|\sqrt{2\,\mathrm{loss}}$")
    entries = [
        Line2D([], [], color=plot.BLUE, label="balanced start"),
        Line2D([], [], color=plot.VERMILLION, label="unbalanced starts"),
        Line2D([], [], **_look("descent", plot.GREY), label="gradient descent"),
        Line2D([], [], **_look("flow", plot.GREY), label="gradient flow"),
        Line2D([], [], **_look("exact", plot.GREY), label=r"flow in $\ln\,\det\,W$"),
        Line2D([], [], **_dots(plot.GREY), label=r"$\det\,W$ becomes negative"),
        Line2D([], [], color="black", linestyle=":", label=r"$1/\sqrt{2\,\mathrm{loss}}$"),
    ]
    figure.legend(handles=entries, loc="outside lower center", ncols=4)
    return figure


def saturation(measured: Measured) -> Any:
    """Draw the three reasons for which curves of depth 2 saturate."""
    from dynlens import plot

    figure = plot.Picture(figsize=(8.4, 3.2))
    left, middle, right = figure.subplots(1, 3)
    steps = [(2**k, run) for k, run in enumerate(measured.steps)][::2]
    _ladder(
        left,
        {rf"$\eta = {ETA[2]:g}$" + (f" / {n}" if n > 1 else ""): run for n, run in steps},
        measured.symmetric,
        "symmetric start",
    )
    _ladder(
        right,
        {rf"rtol $10^{{{round(np.log10(run.precision))}}}$": run for run in measured.tolerances},
        measured.runs.one(depth=2, start="balanced", source="exact"),
        r"flow in $\ln\,\det\,W$",
    )
    _scales((left, right), (0.5, 8e-5), (0.7, 130))
    unbalanced = measured.runs.where(depth=2, start="unbalanced")
    _signs(middle, unbalanced)
    titles = (
        (left, measured.steps, "(a) descent breaks the balance", "(a) descent by step"),
        (middle, unbalanced, r"(b) unbalanced starts lose $\det\,W > 0$", "(b) unbalanced starts"),
        (right, measured.tolerances, "(c) rounding loses the sign", "(c) flow by tolerance"),
    )
    for ax, runs, if_lost, if_kept in titles:
        ax.set_title(if_lost if lost(runs) else if_kept, fontsize=8.5)
    return figure


def _ladder(ax: Any, runs: Mapping[str, Run], free: Run, name: str) -> None:
    """|W11| against loss for a ladder of numerics, and for a run that is free of them."""
    from matplotlib import colormaps

    from dynlens import plot

    shades = colormaps["cividis"](np.linspace(0.0, 0.85, len(runs)))
    for shade, (label, run) in zip(shades, runs.items(), strict=True):
        ax.plot(run.loss, np.abs(run.w11), color=shade, label=label)
        _flip(ax, run, shade)
    ax.plot(free.loss, np.abs(free.w11), color=plot.VERMILLION, linestyle="--", label=name)
    _law(ax)
    ax.set(xlabel="loss", ylabel=r"$|W_{11}|$")
    ax.legend(loc="upper left")


def _signs(ax: Any, runs: Runs[Run]) -> None:
    """Determinants of depth 2 from unbalanced starts, relative to the squared norm."""
    from matplotlib.lines import Line2D

    from dynlens import plot

    for run in runs:
        ax.plot(run.t, run.det / run.norm**2, **_look(run.source, plot.VERMILLION))
        ax.plot(linear_flip(run.seed), 0.0, **_dots(plot.VERMILLION))
    ax.axhline(0, color="black", linestyle=":", linewidth=1.3)
    ax.set(xlim=(0, 13), ylim=(-0.5, 0.5), xlabel="time")
    ax.set_ylabel(r"$\det\,W\,/\,\Vert W\Vert^2$")
    entries = [
        Line2D([], [], **_look("descent", plot.VERMILLION), label="gradient descent"),
        Line2D([], [], **_look("flow", plot.VERMILLION), label="gradient flow"),
        Line2D([], [], **_dots(plot.VERMILLION), label="sign change of the linear flow"),
    ]
    ax.legend(handles=entries, loc="upper right")


def _look(source: str, colour: str) -> dict[str, Any]:
    if source == "descent":
        return {"color": colour, "linewidth": 4.0, "alpha": 0.3, "solid_capstyle": "butt"}
    style = {"flow": "-", "exact": "--"}[source]
    return {"color": colour, "linewidth": 1.1, "linestyle": style}


def _dots(colour: Any) -> dict[str, Any]:
    return {
        "color": colour,
        "marker": "o",
        "markersize": 4.5,
        "markerfacecolor": "white",
        "linestyle": "none",
        "zorder": 5,
    }


def _flip(ax: Any, run: Run, colour: Any) -> None:
    if run.flip is not None:
        x, y = (np.interp(run.flip, run.t, v) for v in (run.loss, np.abs(run.w11)))
        ax.plot(x, y, **_dots(colour))


def _law(ax: Any) -> None:
    loss: Array = np.geomspace(1e-4, 1.0, 50)
    name = r"$1/\sqrt{2\,\mathrm{loss}}$"
    ax.plot(loss, 1 / np.sqrt(2 * loss), ":", color="black", linewidth=1.3, zorder=4, label=name)


def _scales(axes: Iterable[Any], losses: tuple[float, float], sizes: tuple[float, float]) -> None:
    for ax in axes:
        ax.set(xscale="log", yscale="log", xlim=losses, ylim=sizes)
