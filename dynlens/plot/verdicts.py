"""What decided a verdict: residuals and numerical errors beside the tolerance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from dynlens.claims.theorem import Theorem
from dynlens.plot.evidence import Evidence, gather
from dynlens.plot.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    SKY,
    VERMILLION,
    WIDTH,
    Axes,
    Picture,
    positive,
    shade,
    spaced,
    styled,
)
from dynlens.support import validation
from dynlens.support.typing import Array
from dynlens.verdict import Measured

FEW = 15  # samples below which they are marked one by one


@styled
def plot_verdict(subject: Theorem | Evidence) -> Picture:
    """Draw what decided a verdict: residual and numerical error beside the tolerance.

    Parameters
    ----------
    subject : Theorem or Evidence
        A theorem is measured on the first path of its first check along one; see
        `dynlens.plot.evidence.gather`.

    Returns
    -------
    Figure
        Along a path: both sides of the claim, and residual and error against time, with what lies
        beyond the validity horizon shaded. For a power law: the points and both slopes. For states
        without time: how their residuals are distributed.

    Raises
    ------
    ValueError
        If the theorem is purely symbolic, so that nothing is measured.
    """
    validation.instance("subject", subject, (Theorem, Evidence), "for example `theorem('A.3')`.")
    found = gather(subject) if isinstance(subject, Theorem) else subject
    if found is None:
        raise ValueError(f"theorem {subject.title!r} is symbolic; there is nothing to plot.")
    if found.fit is not None:
        return _power_law(found)
    return _states(found) if found.measured.t is None else _path(found)


def _title(figure: Picture, found: Evidence) -> None:
    statement = _shortened(found.statement.replace(">=", "≥"), 74)
    figure.suptitle(f"{found.title}   {statement}", x=0.01, ha="left", fontsize=9)
    figure.supxlabel(_shortened(found.where, 105), x=0.99, ha="right", fontsize=7, color=GREY)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _path(found: Evidence) -> Picture:
    with_sides = found.left is not None and found.right is not None
    figure = Picture(figsize=(WIDTH, 4.6 if with_sides else 3.2))
    rows = figure.subplots(2 if with_sides else 1, 1, sharex=True, squeeze=False)[:, 0]
    _title(figure, found)
    if with_sides:
        _sides(rows[0], found)
    _residuals(rows[-1], found.measured)
    return figure


def _sides(axes: Axes, found: Evidence) -> None:
    t, left, right = found.measured.t, found.left, found.right
    assert t is not None
    assert left is not None
    assert right is not None
    # Many entries share one light colour, on which the dashes of the right side can be seen.
    few = left.shape[1] <= len(PALETTE) - 1
    colours = PALETTE[: left.shape[1]] if few else (SKY,) * left.shape[1]
    for k, colour in enumerate(colours):
        axes.plot(t, left[:, k], color=colour, linewidth=2.2)
    for k in range(right.shape[1]):
        axes.plot(t, right[:, k], "--", color=BLACK, linewidth=1.1)
    # Left sides may span many decades, or be of any sign.
    seen = left[t > 0][np.isfinite(left[t > 0])]
    if seen.size and seen.min() > 0 and seen.max() > 1e3 * seen.min():
        axes.set_yscale("log")
        axes.set_ylim(bottom=seen.min() / 3)
    else:
        _frame(axes, left, right)
    relation = "≥" if ">=" in found.statement else "="
    handles = [
        Line2D([], [], color=colours[0], label="left side"),
        Line2D([], [], color=BLACK, linestyle="--", linewidth=1.1, label="right side"),
    ]
    axes.legend(handles=handles, ncols=2)
    axes.set_ylabel(f"left {relation} right")
    _end_of_trust(axes, found.measured)


def _frame(axes: Axes, left: Array, right: Array) -> None:
    """Show all of the left side, and of the right side what lies near it."""
    low, high = float(np.nanmin(left)), float(np.nanmax(left))
    room = (high - low) or abs(high) or 1.0
    inside = right[np.isfinite(right)]
    inside = inside[(inside > low - 2 * room) & (inside < high + 2 * room)]
    low, high = min([low, *inside]), max([high, *inside])
    axes.set_ylim(low - 0.06 * room, high + 0.1 * room)


def _end_of_trust(axes: Axes, measured: Measured) -> None:
    """Fit the time axis to the samples, and shade it beyond the horizon."""
    t, first = measured.t, 0
    assert t is not None
    steps = np.diff(t[1:])
    if len(steps) > 2 and t[1] > 0 and steps.max() > 10 * steps.min():
        axes.set_xscale("log")  # saved at logarithmic times
        first = 1
    axes.set_xlim(t[first], t[-1])
    if measured.horizon is not None:
        shade(axes, max(measured.horizon, float(t[first])), float(t[-1]))


def _residuals(axes: Axes, measured: Measured) -> None:
    assert measured.t is not None
    # A residual asserted at a few times only would be no line.
    few = np.sum(np.isfinite(measured.residual)) < FEW
    marks = {"marker": "o", "markersize": 3} if few else {}
    label = _signed(axes, measured, lambda y, **style: axes.plot(measured.t, y, **style, **marks))
    axes.set_yscale("log")
    axes.set_ylabel(label)
    axes.set_xlabel("time t")
    _end_of_trust(axes, measured)
    axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)


def _signed(axes: Axes, measured: Measured, draw: Callable[..., Any]) -> str:
    """Draw residuals on a logarithmic axis, margins (negative ones) and violations apart."""
    residual = measured.residual
    if _is_margin(measured):
        draw(positive(-residual), color=BLUE, label="margin kept")
        if np.any(residual > measured.tolerance):
            draw(positive(residual), color=VERMILLION, label="violation")
        label, allowed = "relative margin", "violation tolerated"
    else:
        draw(positive(residual), color=BLUE, label="residual")
        label, allowed = "relative residual", "tolerance"
    error = np.where(np.isnan(residual), np.nan, measured.error)
    shown = positive(error)
    none = "" if np.any(np.isfinite(shown)) else " (zero)"
    draw(shown, color=ORANGE, linestyle="--", label=f"numerical error{none}")
    axes.axhline(measured.tolerance, color=BLACK, linestyle="-.", linewidth=1, label=allowed)
    return label


def _is_margin(measured: Measured) -> bool:
    return bool(np.any(measured.residual < 0))


def _states(found: Evidence) -> Picture:
    measured = found.measured
    figure = Picture(figsize=(WIDTH, 3.2))
    axes: Axes = figure.add_subplot()
    _title(figure, found)
    margin = _is_margin(measured)
    values = _logs(-measured.residual if margin else measured.residual)
    violations = _logs(measured.residual) if margin else np.empty(0)
    error = np.nanmax(np.where(np.isfinite(measured.error), measured.error, 0.0), initial=0.0)
    marked = _logs(np.array([error, measured.tolerance]))
    if not values.size + violations.size + marked.size:  # no place for it on a logarithmic axis
        words = f"all {measured.residual.size} residuals are exactly zero, as they must be"
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center")
        axes.set_axis_off()
        return figure
    edges = _edges(values, violations, marked)
    axes.hist(10**values, edges, color=BLUE, label="margin kept" if margin else "residual")
    if margin and np.any(measured.residual > measured.tolerance):
        axes.hist(10**violations, edges, color=VERMILLION, label="violation")
    if error > 0:
        axes.axvline(error, color=ORANGE, linestyle="--", label="largest numerical error")
    allowed = "violation tolerated" if margin else "tolerance"
    axes.axvline(measured.tolerance, color=BLACK, linestyle="-.", linewidth=1, label=allowed)
    axes.set_xscale("log")
    if len(measured.residual) > 100:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.7)
    else:
        axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("relative margin" if margin else "relative residual")
    axes.set_ylabel("number of states")
    axes.legend(ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)
    return figure


def _logs(values: Array) -> Array:
    kept = positive(values)
    return np.log10(kept[~np.isnan(kept)])


def _edges(*logs: Array) -> list[float]:
    """Edges of four bins to the decade that hold everything."""
    together = np.concatenate(logs)
    low, high = np.floor(together.min()), np.ceil(together.max() + 1e-9)
    return [10**x for x in np.arange(low - 0.25, high + 0.5, 0.25).tolist()]


def _power_law(found: Evidence) -> Picture:
    assert found.fit is not None
    x, y, exponent, names = found.fit
    figure = Picture(figsize=(WIDTH, 3.4))
    axes: Axes = figure.add_subplot()
    _title(figure, found)
    axes.loglog(x, y, "o", color=BLUE, markersize=4, label="measured")
    kept = np.isfinite(y) & (y > 0)
    if kept.sum() >= 2:
        slope, height = np.polyfit(np.log(x[kept]), np.log(y[kept]), 1)
        middle = np.exp(np.mean(np.log(x[kept])))
        fitted = np.exp(height) * x**slope
        claimed = np.exp(height) * middle**slope * (x / middle) ** exponent
        axes.loglog(x, fitted, color=ORANGE, label=f"fitted slope {slope:.4g}", zorder=1.8)
        axes.loglog(x, claimed, "--", color=BLACK, label=f"claimed slope {exponent:.4g}")
    axes.set_xlabel(spaced(names[0]))
    axes.set_ylabel(spaced(names[1]))
    axes.legend()
    return figure
