"""Observables against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from dynlens.dynamics.trajectory import Trajectory
from dynlens.plot.style import (
    DASHES,
    GREY,
    PALETTE,
    WIDTH,
    Axes,
    Picture,
    shade,
    spaced,
    styled,
)
from dynlens.support import validation

if TYPE_CHECKING:
    import xarray as xr

MANY = 8  # entries beyond which the legend names the ends only


@styled
def plot_observable(
    trajectories: Trajectory | Sequence[Trajectory],
    name: str,
    *,
    log: str = "",
    legend: bool | Sequence[str] = True,
    horizon: float | None = None,
    **parameters: Any,
) -> Picture:
    """Draw an observable against time, one line for each of its entries.

    Parameters
    ----------
    trajectories : Trajectory or sequence of Trajectory
        Several are told apart by the style of their lines: solid, dashed, dotted, …
    name : str
        Name of the observable.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    legend : bool or sequence of str
        Whether to draw one, or the names of the trajectories in it.
    horizon : float, optional
        Time beyond which the numbers are not trusted; shaded.
    **parameters
        Of the observable, such as ``p=0.5``.

    Returns
    -------
    Figure
        Dotted verticals mark the events that happened.
    """
    runs = [trajectories] if isinstance(trajectories, Trajectory) else list(trajectories)
    for run in runs:
        validation.instance("trajectories", run, Trajectory, "from `gradient_flow`, say.")
    if not runs:
        raise ValueError("`trajectories` is empty; pass at least one.")
    validation.one_of("log", log, ("", "x", "y", "xy"))
    names = run_names(runs) if isinstance(legend, bool) else list(legend)
    if len(names) != len(runs):
        raise ValueError(f"`legend` has {len(names)} names for {len(runs)} trajectories.")
    figure = Picture(figsize=(WIDTH, 3.4))
    axes: Axes = figure.add_subplot()
    labels = [_entries(axes, run, name, k, parameters) for k, run in enumerate(runs)]
    _scale(axes, log)
    _marks(axes, runs)
    end = max(run.t[-1] for run in runs)
    if horizon is not None:
        shade(axes, horizon, end)
    shown = ", ".join(f"{key} = {value:g}" for key, value in parameters.items())
    axes.set_ylabel(spaced(name) + (f" ({shown})" if shown else ""))
    axes.set_xlabel(clock(runs))
    if legend:
        draw_legend(axes, labels[0], names)
    return figure


def run_names(runs: Sequence[Trajectory]) -> list[str]:
    """Names by which a legend tells runs apart."""
    return [
        f"descent, η = {run.attrs['eta']:g}"
        if run.source == "descent" and "eta" in run.attrs
        else run.source
        for run in runs
    ]


def _entries(
    axes: Axes, run: Trajectory, name: str, k: int, parameters: dict[str, Any]
) -> list[tuple[str, Any]]:
    """Draw the entries of one run's observable; return their labels with colours."""
    return lines_of(axes, run.observe(name, **parameters), k)


def lines_of(axes: Axes, array: xr.DataArray, k: int) -> list[tuple[str, Any]]:
    """Draw the entries of the k-th labelled array against time."""
    t, dims, shape = array["time"].to_numpy(), array.dims[1:], array.shape[1:]
    values = array.to_numpy().reshape(len(t), -1)
    colours = _colours(values.shape[1])
    labels = []
    for entry in range(values.shape[1]):
        place = zip(dims, np.unravel_index(entry, shape) if shape else (), strict=True)
        named = [(dim, array[dim].values[i] if dim in array.coords else i) for dim, i in place]
        label = ", ".join(f"{dim} {where}" for dim, where in named)
        axes.plot(t, values[:, entry], DASHES[k % len(DASHES)], color=colours[entry])
        labels.append((label, colours[entry]))
    return labels


def _colours(count: int) -> list[Any]:
    if count <= len(PALETTE):
        return list(PALETTE[:count])
    scale = mpl.colormaps["cividis"]
    return [scale(k / (count - 1)) for k in range(count)]


def _scale(axes: Axes, log: str) -> None:
    if "x" in log:
        axes.set_xscale("log", nonpositive="mask")
    if "y" in log:
        axes.set_yscale("log", nonpositive="mask")
    axes.margins(x=0)


def _marks(axes: Axes, runs: Sequence[Trajectory]) -> None:
    crossings = {(c.name, c.t) for run in runs for c in run.crossings}
    for name, t in sorted(crossings, key=lambda pair: pair[1]):
        axes.axvline(t, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(
            name,
            (t, 1),
            (-2, -2),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            rotation=90,
            ha="right",
            va="top",
            color=GREY,
            fontsize=7,
            path_effects=[withStroke(linewidth=3, foreground="white")],
            zorder=1.5,  # under the lines
        )


def clock(runs: Sequence[Trajectory]) -> str:
    """Label of the time axis."""
    sources = {run.source for run in runs}
    if sources == {"descent"}:
        return "time t = η · step"
    return "time t" + (" (descent: t = η · step)" if "descent" in sources else " of the flow")


def draw_legend(axes: Axes, labels: list[tuple[str, Any]], names: list[str], **place: Any) -> None:
    """Tell entries by colour and runs by style."""
    handles = []
    if len(labels) > 1:
        shown = labels if len(labels) <= MANY else [labels[0], labels[-1]]
        handles += [Line2D([], [], color=colour, label=label) for label, colour in shown]
    if len(names) > 1:
        handles += [
            Line2D([], [], color=GREY, linestyle=DASHES[k % len(DASHES)], label=name)
            for k, name in enumerate(names)
        ]
    if handles:
        axes.legend(handles=handles, **place)
