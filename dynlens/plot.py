"""Figures of trajectories, verdicts and comparisons; matplotlib's door.

Every function returns a `Figure` that belongs to no window and no global state: a notebook shows it
where it is named, `save` writes it. Colours are those of Okabe and Ito, which readers with any kind
of colour vision can tell apart; lines differ in style as well.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from dynlens import validation
from dynlens.claims.comparison import Comparison
from dynlens.claims.theorem import Theorem
from dynlens.evidence import Evidence, gather
from dynlens.files import write_atomically
from dynlens.trajectory import Trajectory
from dynlens.typing import Array
from dynlens.verdict import ControlFinding, Measured, Status, Verdict

if TYPE_CHECKING:
    import xarray as xr

Axes = Any  # matplotlib carries no annotations we could use

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#767676"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # yellow is too light for lines
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")

WIDTH = 6.4  # inches
DPI = 200
ROUNDING = 1e-18  # relative sizes below this count as zero in a figure
FEW = 15  # samples below which they are marked one by one
MANY = 8  # entries beyond which lines are coloured by a scale, and the legend names the ends

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.constrained_layout.use": True,
    "axes.formatter.use_mathtext": True,
}

P = ParamSpec("P")


class Picture(Figure):
    """A figure that a notebook shows whether or not pyplot is in use."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", dpi=110)
        return stream.getvalue()


def _styled(function: Callable[P, Picture]) -> Callable[P, Picture]:
    @wraps(function)
    def inside(*args: P.args, **kwargs: P.kwargs) -> Picture:
        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return inside


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure, atomically; the suffix of `path` names the format (``.png``, ``.pdf``, …).

    The same figure gives the same bytes: no date and no version is written into the file.
    """
    target = Path(path)
    kind = target.suffix.lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if kind not in known:
        raise ValueError(f"`path` ends in {target.suffix!r}; use one of {sorted(known)}.")
    content = image(figure, kind)
    target.parent.mkdir(parents=True, exist_ok=True)
    return write_atomically(target, content)


def image(figure: Figure, kind: str = "png") -> bytes:
    """Return a figure as the bytes of a file of the given kind."""
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "dynlens"}):  # else its ids are drawn at random
        figure.savefig(stream, format=kind, dpi=DPI, metadata=undated.get(kind))
    return stream.getvalue()


# Trajectories -----------------------------------------------------------------------------------


@_styled
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
    names = _run_names(runs) if isinstance(legend, bool) else list(legend)
    if len(names) != len(runs):
        raise ValueError(f"`legend` has {len(names)} names for {len(runs)} trajectories.")
    figure = Picture(figsize=(WIDTH, 3.4))
    axes: Axes = figure.add_subplot()
    labels = [_entries(axes, run, name, k, parameters) for k, run in enumerate(runs)]
    _scale(axes, log)
    _marks(axes, runs)
    end = max(run.t[-1] for run in runs)
    if horizon is not None:
        _shade(axes, horizon, end)
    shown = ", ".join(f"{key} = {value:g}" for key, value in parameters.items())
    axes.set_ylabel(_spaced(name) + (f" ({shown})" if shown else ""))
    axes.set_xlabel(_clock(runs))
    if legend:
        _legend(axes, labels[0], names)
    return figure


def _run_names(runs: Sequence[Trajectory]) -> list[str]:
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
    return _lines(axes, run.observe(name, **parameters), k)


def _lines(axes: Axes, array: xr.DataArray, k: int) -> list[tuple[str, Any]]:
    """Draw the entries of the k-th labelled array against time."""
    t, dims, shape = array["time"].to_numpy(), array.dims[1:], array.shape[1:]
    values = array.to_numpy().reshape(len(t), -1)
    colours = _colours(values.shape[1])
    labels = []
    for entry in range(values.shape[1]):
        place = np.unravel_index(entry, shape) if shape else ()
        label = ", ".join(f"{dim} {i}" for dim, i in zip(dims, place, strict=True))
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


def _clock(runs: Sequence[Trajectory]) -> str:
    sources = {run.source for run in runs}
    if sources == {"descent"}:
        return "time t = η · step"
    return "time t" + (" (descent: t = η · step)" if "descent" in sources else " of the flow")


def _legend(axes: Axes, labels: list[tuple[str, Any]], names: list[str]) -> None:
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
        axes.legend(handles=handles)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _shade(axes: Axes, horizon: float, end: float) -> None:
    """Shade what lies beyond the horizon, where nothing is decided."""
    if horizon >= end:
        return
    axes.axvspan(horizon, end, facecolor="#efefef", edgecolor="#dcdcdc", hatch="///", linewidth=0)
    axes.axvline(horizon, color=GREY, linewidth=1)
    axes.annotate(
        "UNDECIDED",
        (horizon, 1),
        (4, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        color=GREY,
        fontsize=7,
        path_effects=[withStroke(linewidth=4, foreground="#efefef")],
        zorder=1.5,  # under the lines
    )


# Verdicts ---------------------------------------------------------------------------------------


@_styled
def plot_verdict(subject: Theorem | Evidence) -> Picture:
    """Draw what decided a verdict: residual and numerical error beside the tolerance.

    Parameters
    ----------
    subject : Theorem or Evidence
        A theorem is measured on the first path of its first check along one; see
        `dynlens.evidence.gather`.

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
        _shade(axes, max(measured.horizon, float(t[first])), float(t[-1]))


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
        draw(_positive(-residual), color=BLUE, label="margin kept")
        if np.any(residual > measured.tolerance):
            draw(_positive(residual), color=VERMILLION, label="violation")
        label, allowed = "relative margin", "violation tolerated"
    else:
        draw(_positive(residual), color=BLUE, label="residual")
        label, allowed = "relative residual", "tolerance"
    error = np.where(np.isnan(residual), np.nan, measured.error)
    shown = _positive(error)
    none = "" if np.any(np.isfinite(shown)) else " (zero)"
    draw(shown, color=ORANGE, linestyle="--", label=f"numerical error{none}")
    axes.axhline(measured.tolerance, color=BLACK, linestyle="-.", linewidth=1, label=allowed)
    return label


def _is_margin(measured: Measured) -> bool:
    return bool(np.any(measured.residual < 0))


def _positive(values: Array) -> Array:
    """Leave out what a logarithmic axis cannot show: zeros, infinities, the other sign."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(values) & (values > ROUNDING), values, np.nan)


def _states(found: Evidence) -> Picture:
    measured = found.measured
    figure = Picture(figsize=(WIDTH, 3.2))
    axes: Axes = figure.add_subplot()
    _title(figure, found)
    margin = _is_margin(measured)
    values = _logs(-measured.residual if margin else measured.residual)
    violations = _logs(measured.residual) if margin else np.empty(0)
    error = np.nanmax(np.where(np.isfinite(measured.error), measured.error, 0.0), initial=0.0)
    edges = _edges(values, violations, _logs(np.array([error, measured.tolerance])))
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
    positive = _positive(values)
    return np.log10(positive[~np.isnan(positive)])


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
    axes.set_xlabel(_spaced(names[0]))
    axes.set_ylabel(_spaced(names[1]))
    axes.legend()
    return figure


# Flow and descent -------------------------------------------------------------------------------


@_styled
def plot_comparison(comparison: Comparison) -> Picture:
    """Draw gradient descent beside the flow, and how far apart they are.

    Parameters
    ----------
    comparison : Comparison
        From `dynlens.compare`.

    Returns
    -------
    Figure
        Above, the first observable that was compared (the end-to-end tensor's norm if there was
        none), of the flow and of descent. Below, the distance between the parameters, what the
        first-order theory predicts of it, what it leaves, and the flow's own numerical error.
    """
    validation.instance("comparison", comparison, Comparison, "from `compare(flow, descent)`.")
    figure = Picture(figsize=(WIDTH, 4.8))
    curves, distances = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.1))
    name = next(iter(comparison.names), "frobenius_norm")
    runs = (comparison.flow, comparison.descent)
    labels = _pair(curves, comparison, name, runs)
    curves.set_ylabel(_spaced(name))
    _legend(curves, labels, _run_names(runs))
    _distances(distances, comparison)
    distances.set_xlabel(_clock(runs))
    return figure


def _pair(
    axes: Axes, comparison: Comparison, name: str, runs: Sequence[Trajectory]
) -> list[tuple[str, Any]]:
    """Draw an observable of both; return the labels of its entries."""
    if not comparison.names:
        arrays = [run.observe(name) for run in runs]
    else:
        arrays = [comparison.data[f"{name}_{source}"] for source in ("flow", "descent")]
    labels = [_lines(axes, array, k) for k, array in enumerate(arrays)]
    return labels[0]


def _distances(axes: Axes, comparison: Comparison) -> None:
    data = comparison.data
    t = data["time"].to_numpy()
    lines = (
        ("parameter_distance", "distance of the parameters", BLUE, "-"),
        ("predicted_distance", "predicted, η |e(t)|", BLACK, "--"),
        ("remainder", "what the prediction leaves", GREEN, "-."),
        ("parameter_distance_error", "numerical error of the flow", ORANGE, ":"),
    )
    for name, label, colour, dashes in lines:
        values = _positive(data[name].to_numpy())
        if np.any(np.isfinite(values)):
            width = 2.4 if name == "parameter_distance" else 1.4
            axes.plot(t, values, dashes, color=colour, label=label, linewidth=width)
    axes.set_yscale("log")
    axes.set_xlim(t[0], t[-1])
    axes.set_ylabel("Euclidean distance")
    axes.legend(ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)


# All theorems at once ---------------------------------------------------------------------------


@_styled
def plot_controls(verdicts: Sequence[Verdict]) -> Picture:
    """Draw all theorems and their controls: theorems left of the tolerance, false variants right.

    Parameters
    ----------
    verdicts : sequence of Verdict

    Returns
    -------
    Figure
        On the left the inequalities, by the relative margin they keep; on the right the
        equalities, and the violations of the controls, in units of the tolerance. Bars reach as far
        as the numerical error could move a point.
    """
    shown = list(verdicts)
    if not shown:
        raise ValueError("`verdicts` is empty; there is nothing to plot.")
    figure = Picture(figsize=(WIDTH + 0.8, 1.5 + 0.26 * len(shown)))
    margins, ratios = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.9))
    points = [_Points(verdict, row) for row, verdict in enumerate(shown)]
    for point in points:
        point.draw_margins(margins)
    limits = _decades([ratio for point in points for ratio in point.ratios], -3, 3)
    for point in points:
        point.draw_ratios(ratios, *limits)
    _overview_axes(margins, ratios, points, limits)
    return figure


class _Points:
    """Where one theorem's parts and controls stand in the overview."""

    def __init__(self, verdict: Verdict, row: int) -> None:
        self.row, self.verdict = row, verdict
        self.parts = verdict.parts or (verdict,)
        self.controls = [
            (control, control.residual / (getattr(control, "tolerance", 0) or verdict.tolerance))
            for control in verdict.controls
        ]

    @property
    def margins(self) -> list[float]:
        """Margins and errors on the left panel."""
        kept = [part for part in self.parts if part.residual < 0]
        both = [-part.residual for part in kept] + [part.numerical_error for part in kept]
        return [value for value in both if np.isfinite(value) and value > 0]

    @property
    def ratios(self) -> list[float]:
        """Abscissae on the right panel."""
        own = [part.residual / part.tolerance for part in self.parts if part.residual > 0]
        both = [*own, *(ratio for _, ratio in self.controls)]
        return [value for value in both if np.isfinite(value) and value > 0]

    def draw_margins(self, axes: Axes) -> None:
        for part in self.parts:
            if part.residual < 0:
                margin, error = -part.residual, part.numerical_error
                bar = [[min(max(error, 0.0), margin * (1 - 1e-9))], [0.0]]
                axes.errorbar(margin, self.row, xerr=bar, **_look(part.status))

    def draw_ratios(self, axes: Axes, left: float, right: float) -> None:
        for part in self.parts:
            if part.status == Status.PROVED:
                axes.plot(left, self.row, **MARKS["proved by algebra"])
            elif part.residual >= 0 and part.tolerance > 0:
                centre = float(np.clip(part.residual / part.tolerance, left, right))
                error = part.numerical_error / part.tolerance
                bar = [[min(error, centre * (1 - 1e-9))], [min(error, right)]]
                axes.errorbar(centre, self.row, xerr=bar, **_look(part.status))
        for control, ratio in self.controls:
            known = np.isfinite(ratio) and ratio > 0
            edge = right if control.as_expected else left
            place = float(np.clip(ratio, left, right)) if known else edge
            axes.plot(place, self.row, **MARKS[_control_kind(control)])

    @property
    def kinds(self) -> set[str]:
        """Which entries of the legend are needed."""
        parts = {_kind(part.status) for part in self.parts}
        return parts | {_control_kind(control) for control, _ in self.controls}


def _mark(colour: str, marker: str, face: str | None = None, size: int = 5) -> dict[str, Any]:
    look = {"color": colour, "marker": marker, "linestyle": "", "markersize": size}
    return look | {"markerfacecolor": face or colour}


MARKS = {
    "theorem supported": _mark(BLUE, "o"),
    "proved by algebra": _mark(GREEN, "s"),
    "undecided or not applicable": _mark(GREY, "o", "white"),
    "theorem REFUTED": _mark(BLACK, "X", size=8),
    "control refuted": _mark(VERMILLION, "x"),
    "control refuted at an exact point": _mark(VERMILLION, ">"),
    "control SURVIVES": _mark(BLACK, "D", size=6),
}


def _kind(status: Status) -> str:
    named = {
        Status.SUPPORTED: "theorem supported",
        Status.PROVED: "proved by algebra",
        Status.REFUTED: "theorem REFUTED",
    }
    return named.get(status, "undecided or not applicable")


def _control_kind(control: ControlFinding) -> str:
    if not control.as_expected:
        return "control SURVIVES"
    exact = not np.isfinite(control.residual)
    return "control refuted at an exact point" if exact else "control refuted"


def _look(status: Status) -> dict[str, Any]:
    return MARKS[_kind(status)] | {"elinewidth": 1, "capsize": 2}


def _decades(values: Sequence[float], least: float, most: float) -> tuple[float, float]:
    """Whole decades around the values, and at least from `least` to `most`."""
    logs = [np.log10(value) for value in values]
    low = min([least, *(np.floor(v) - 1 for v in logs)])
    high = max([most, *(np.ceil(v) + 1 for v in logs)])
    return float(10 ** max(low, -18)), float(10 ** min(high, 18))


def _overview_axes(
    margins: Axes, ratios: Axes, points: Sequence[_Points], limits: tuple[float, float]
) -> None:
    smallest, _ = _decades([value for point in points for value in point.margins], -3, 0)
    margins.set_xscale("log")
    margins.set_xlim(2.0, smallest)
    margins.set_xlabel("margin kept, relative\n(inequalities)")
    ratios.set_xscale("log")
    ratios.set_xlim(limits[0] / 2, limits[1] * 2)
    ratios.set_xlabel("residual / tolerance\n(equalities, and all controls)")
    ratios.axvline(1.0, color=BLACK, linewidth=1)
    ratios.axvspan(1.0, limits[1] * 2, color=VERMILLION, alpha=0.06, linewidth=0)
    names = [point.verdict.id or point.verdict.title or "?" for point in points]
    margins.set_yticks(range(len(points)), names)
    margins.set_ylim(len(points) - 0.4, -0.6)
    for axes in (margins, ratios):
        axes.tick_params(axis="y", length=0)
    kinds = set().union(*(point.kinds for point in points))
    handles = [Line2D([], [], label=kind, **MARKS[kind]) for kind in MARKS if kind in kinds]
    ratios.figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=7)
