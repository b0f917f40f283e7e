"""Work against precision, one panel for each problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynlens.bench.curves import Curve
from dynlens.bench.measure import Measured
from dynlens.bench.peers import PEERS
from dynlens.plot.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Axes,
    Picture,
    styled,
)

# The package is the colour, the method the mark: either tells enough without the other.
COLOURS = {
    "dynlens": BLUE,
    "SciPy": VERMILLION,
    "CyRK": GREEN,
    "heyoka": PURPLE,
    "diffrax": ORANGE,
    "torchdiffeq": BLACK,
}
MARKS = {"auto": "o", "DOP8": "s", "DOP853": "s", "Tsit5": "^", "LSODA": "D", "Radau": "v"}
COLUMNS = 3


@styled
def plot_work_precision(measured: Sequence[Measured]) -> Picture:
    """Draw the time of every integrator against the error it reached.

    Parameters
    ----------
    measured : sequence of Measured

    Returns
    -------
    Figure
    """
    if not measured:
        raise ValueError("`measured` is empty; there is nothing to plot.")
    columns = min(COLUMNS, len(measured) + 1)
    rows = -(-(len(measured) + 1) // columns)  # one panel more, for the legend
    figure = Picture(figsize=(2.7 * columns, 2.7 * rows))
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    lines: dict[str, Any] = {}
    for panel, each in zip(panels, measured, strict=False):
        for curve in each.curves:
            line = _draw(panel, curve)
            if line is not None:
                lines.setdefault(curve.name, line)
        panel.set(xscale="log", yscale="log")
        panel.set_title(f"{each.bench.name}: {each.bench.text}", fontsize=7)
        panel.set_xlabel("error of the last state")
    for panel in panels[::columns][:rows]:
        panel.set_ylabel("CPU time (ms)")
    for panel in panels[len(measured) :]:
        panel.set_axis_off()
    names = [peer.name for peer in PEERS if peer.name in lines]
    names += [name for name in lines if name not in names]
    panels[len(measured)].legend([lines[name] for name in names], names, loc="center left")
    return figure


def _draw(axes: Axes, curve: Curve) -> Any:
    points = [(p.error, p.milliseconds) for p in curve.points if p.error > 0]
    if not points:
        return None
    package, _, method = curve.name.partition(" ")
    mark = MARKS.get(method, "P")
    ours = package == "dynlens"
    (line,) = axes.plot(
        *zip(*points, strict=True),
        color=COLOURS.get(package, BLACK),
        marker=mark,
        markersize=4,
        linewidth=1.8 if ours else 1.0,
        linestyle="-" if ours else "--",
        markerfacecolor=None if ours else "white",
        zorder=3 if ours else 2,
    )
    return line
