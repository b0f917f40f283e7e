"""Gradient descent beside the flow: values, distances, stability, and the shift in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.comparison.comparison import Comparison
from dynlens.comparison.summary import MOSTLY
from dynlens.plot.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    WIDTH,
    Axes,
    Picture,
    positive,
    shade,
    spaced,
    styled,
)
from dynlens.plot.trajectories import clock, draw_legend, lines_of, run_names
from dynlens.support import validation

ABOVE: Any = {
    "ncols": 3,
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "borderaxespad": 0.2,
    "columnspacing": 1.0,
}


@styled
def plot_comparison(comparison: Comparison) -> Picture:
    """Draw gradient descent beside the flow, and what is between them.

    Parameters
    ----------
    comparison : Comparison
        From `dynlens.compare`.

    Returns
    -------
    Figure
        From above: the first observable that was compared (the end-to-end tensor's norm if there
        was none), of the flow and of descent; the distance between the parameters, what the
        first-order theory predicts of it, what it leaves, and the flow's own numerical error; the
        sharpness of both beside ``1/eta`` and ``2/eta``; by how much descent is behind the flow's
        path, as measured and as predicted. Crosses are event times: the delays at which
        observables pass half of their change. It is drawn where it is most of the distance. What
        lies beyond the horizon is shaded.
    """
    validation.instance("comparison", comparison, Comparison, "from `compare(flow, descent)`.")
    figure = Picture(figsize=(WIDTH, 8.6))
    panels = figure.subplots(4, 1, sharex=True, height_ratios=(1, 1.1, 0.8, 0.9))
    for axes, draw in zip(panels, (_values, _distances, _sharpness, _delays), strict=True):
        draw(axes, comparison)
        shade(axes, comparison.horizon, float(comparison.flow.t[-1]))
    panels[0].set_xlim(comparison.flow.t[0], comparison.flow.t[-1])
    panels[-1].set_xlabel(clock((comparison.flow, comparison.descent)))
    return figure


def _values(axes: Axes, comparison: Comparison) -> None:
    """Draw an observable of both."""
    name = next(iter(comparison.names), "frobenius_norm")
    runs = (comparison.flow, comparison.descent)
    if not comparison.names:
        arrays = [run.observe(name) for run in runs]
    else:
        arrays = [comparison.data[f"{name}_{source}"] for source in ("flow", "descent")]
    labels = [lines_of(axes, array, k) for k, array in enumerate(arrays)]
    axes.set_ylabel(spaced(name))
    draw_legend(axes, labels[0], run_names(runs), **ABOVE)


def _distances(axes: Axes, comparison: Comparison) -> None:
    data = comparison.data
    lines = (
        ("parameter_distance", "distance of parameters", BLUE, "-"),
        ("predicted_distance", "predicted, η |e(t)|", BLACK, "--"),
        ("remainder", "what that leaves", GREEN, "-."),
        ("aligned_distance", "distance from its path", PURPLE, (0, (3, 1, 1, 1))),
        ("parameter_distance_error", "the flow's own error", ORANGE, ":"),
    )
    for name, label, colour, dashes in lines:
        values = positive(data[name].to_numpy())
        if np.any(np.isfinite(values)):
            width = 2.4 if name == "parameter_distance" else 1.4
            axes.plot(
                data["time"], values, linestyle=dashes, color=colour, label=label, linewidth=width
            )
    axes.set_yscale("log")
    axes.set_ylabel("Euclidean distance")
    _beside(axes)


def _sharpness(axes: Axes, comparison: Comparison) -> None:
    stable = comparison.stability
    for values, label, colour, dashes in (
        (stable.flow, "sharpness along the flow", BLUE, "-"),
        (stable.descent, "along descent", VERMILLION, "--"),
    ):
        axes.plot(stable.t, positive(values[:, 1]), dashes, color=colour, label=label)
    for level, name in ((1, "1/η"), (2, "2/η")):
        axes.axhline(level / stable.eta, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(
            name,
            (1, level / stable.eta),
            (2, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=GREY,
        )
    axes.set_yscale("log")
    axes.set_ylabel("sharpness")
    _beside(axes)


def _delays(axes: Axes, comparison: Comparison) -> None:
    data = comparison.data
    t, inside = data["time"].to_numpy(), data["time"].to_numpy() <= comparison.horizon
    # Where a shift leaves most of the gap, it is not what separates the two.
    mainly = data["aligned_distance"] < MOSTLY * data["parameter_distance"]
    shift = np.where(inside & mainly.to_numpy(), data["time_shift"].to_numpy(), np.nan)
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.plot(t, shift, color=BLUE, label="delay behind the flow")
    predicted = np.where(inside & mainly.to_numpy(), data["clock_shift"].to_numpy(), np.nan)
    if np.any(np.isfinite(predicted)):
        axes.plot(t, predicted, "--", color=BLACK, label="if along one eigendirection")
    shifts = comparison.shifts
    markers: Any = (
        ({"marker": "x", "color": VERMILLION}, "events", [s.delay for s in shifts]),
        (
            {"marker": "o", "color": GREEN, "fillstyle": "none"},
            "predicted by e(t)",
            [s.first_order for s in shifts],
        ),
    )
    for style, label, values in markers:
        if shifts and np.any(np.isfinite(values)):
            at = [s.t_flow for s in shifts]
            axes.plot(at, values, linestyle="none", markersize=6, label=label, **style)
    drawn = np.concatenate([shift, predicted, [s.delay for s in shifts]])
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn):
        low, high = np.percentile(drawn, [2, 98])
        events = [s.delay for s in shifts] or [0.0]
        low, high = min(low, *events, 0.0), max(high, *events, 0.0)
        room = 0.12 * (high - low) or 1.0
        axes.set_ylim(low - room, high + room)
    axes.set_ylabel("delay of descent")
    _beside(axes)


def _beside(axes: Axes) -> None:
    """Put a legend above the panel, where no line can hide it."""
    axes.legend(**ABOVE)
