"""All theorems at once: theorems left of the tolerance, false variants right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.lines import Line2D

from dynlens.plot.style import BLACK, BLUE, GREEN, GREY, VERMILLION, WIDTH, Axes, Picture, styled
from dynlens.verdict import ControlFinding, Status, Verdict

SMALLEST = 1e-9  # residuals in units of the tolerance; what is below stands at the edge


@styled
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
    limits = (max(limits[0], SMALLEST), limits[1])
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
            (control, _in_tolerances(control.residual, control.tolerance))
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
        own = [_in_tolerances(part.residual, part.tolerance) for part in self.parts]
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
            elif part.residual >= 0:
                centre = float(np.clip(_in_tolerances(part.residual, part.tolerance), left, right))
                error = _in_tolerances(part.numerical_error, part.tolerance)
                # Only upwards: on a logarithmic axis the way down would never end.
                bar = [[0.0], [min(max(error, 0.0), right)]]
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


def _in_tolerances(value: float, tolerance: float) -> float:
    """Return it in tolerances; where nothing is tolerated, all but zero is infinitely many."""
    if tolerance == 0:
        return np.inf if value > 0 else 0.0
    return value / tolerance


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
