"""What the figures of the dynamics share: values that rise one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dynlens.support.typing import Array


def rising(ax: Any, t: Array, values: Array, rank: int, levels: Sequence[float]) -> None:
    """Draw values against time, up to `rank` in colours, with the levels they should come to.

    The axis begins where the first value is a thousandth of where it ends, and ends where nothing
    moves any more by a fiftieth of that.
    """
    from dynlens import plot

    known = np.isfinite(t)
    t, values = t[known], values[known]
    for k in range(values.shape[1] - 1, -1, -1):
        colour = plot.PALETTE[k] if k < rank else plot.GREY
        ax.plot(t, values[:, k], color=colour, linewidth=1.4 if k < rank else 0.8)
    for level in levels:
        ax.axhline(level, color="black", linestyle=":", linewidth=0.9, zorder=1)
    started = np.flatnonzero(values[:, 0] > 1e-3 * values[-1, 0])[0]
    moving = np.flatnonzero(np.abs(values - values[-1]).max(axis=1) > 0.02 * values[-1, 0])
    low, high = t[max(int(started) - 1, 0)], t[min(int(moving[-1]) + 1, len(t) - 1)]
    room = 0.08 * (high - low)
    ax.set_xlim(max(0.0, low - room), min(high + 3 * room, t[-1]))
    ax.set_ylim(0, 1.08 * max(float(np.max(values)), *levels, 0.0))
    ax.ticklabel_format(axis="x", style="sci", scilimits=(-2, 4))
    ax.locator_params(axis="x", nbins=4)


def legend(rank: int, of: str) -> list[Any]:
    """Entries that tell the values, and the levels of what."""
    from matplotlib.lines import Line2D

    from dynlens import plot

    return [
        *(
            Line2D([], [], color=plot.PALETTE[k], label=f"value {k + 1}" if k == 0 else f"{k + 1}")
            for k in range(rank)
        ),
        Line2D([], [], color=plot.GREY, label="beyond the target's rank"),
        Line2D([], [], color="black", linestyle=":", label=of),
    ]
