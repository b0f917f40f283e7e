"""Times to save at."""

from __future__ import annotations

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike


def log_times(t_end: float, count: int = 201, *, first: float | None = None) -> Array:
    """Return save-at times: 0, then `count` - 1 times spaced evenly in log t up to `t_end`.

    Parameters
    ----------
    t_end : float
    count : int
        Number of times, at least 3.
    first : float, optional
        First time after zero; ``1e-4 * t_end`` unless given.
    """
    end = validation.positive("t_end", t_end)
    start = 1e-4 * end if first is None else validation.positive("first", first)
    if start >= end:
        raise ValueError(f"`first` is {start:g}, not before `t_end` = {end:g}.")
    n = validation.count("count", count, least=3)
    grid = np.geomspace(start, end, n - 1)
    grid[-1] = end
    return np.concatenate([[0.0], grid])


STEPS = "steps"  # what `saves` is for the times that the method's own steps ask for


def save_times(t_end: float | ArrayLike, saves: int | str) -> Array:
    """Return the times to save at, as `gradient_flow` reads its arguments.

    For `STEPS` they are those that are saved whatever the steps, the last of them the end.
    """
    if np.ndim(t_end) == 0:
        end = validation.finite("t_end", t_end)
        if end <= 0:
            raise ValueError(f"`t_end` must be after the start at 0, got {end:g}.")
        if isinstance(saves, str):
            validation.one_of("saves", saves, ("log", STEPS))
            return np.array([0.0, end]) if saves == STEPS else log_times(end)
        last = validation.count("saves", saves, least=2) - 1
        times = np.arange(last + 1.0) * (end / last)  # np.linspace, in a quarter of its time
        times[last] = end
        return times
    return validation.times("t_end", t_end)
