"""What all figures share: colours, style, files."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from dynlens.support.files import write_atomically
from dynlens.support.typing import Array

Axes = Any  # matplotlib carries no annotations we could use

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY = "#767676"
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)  # yellow is too light for lines
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")

WIDTH = 6.4  # inches
DPI = 150
ROUNDING = 1e-18  # relative sizes below this count as zero in a figure

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


def styled(function: Callable[P, Picture]) -> Callable[P, Picture]:
    """Draw in our style, and leave the user's as it is."""

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


def spaced(name: str) -> str:
    """Return a name as words."""
    return name.replace("_", " ")


def shade(axes: Axes, horizon: float, end: float) -> None:
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


def positive(values: Array) -> Array:
    """Leave out what a logarithmic axis cannot show: zeros, infinities, the other sign."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(values) & (values > ROUNDING), values, np.nan)
