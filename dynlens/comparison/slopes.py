"""Orders of convergence, read from errors at several step sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

UNSEEN = 6.0  # times their difference, two slopes may be from their limit
BEYOND = 3.0  # times what a geometric decay of the drift leaves, three slopes may be


def observed_order(h: ArrayLike, errors: ArrayLike, *, floor: float = 1e-12) -> tuple[float, float]:
    """Slope of log(error) against log(h), fitted above the rounding floor.

    Parameters
    ----------
    h : array_like, shape (K,)
        Step sizes (or tolerances).
    errors : array_like, shape (K,)
        Errors measured at each ``h``.
    floor : float, optional
        Errors below this value are rounding, not truncation, and are left out.

    Returns
    -------
    order : float
    spread : float
        Largest deviation of a pairwise slope from `order`; large values mean the
        fit straddles the pre-asymptotic range and says little.

    Raises
    ------
    ValueError
        If fewer than three errors lie above `floor`.

    Examples
    --------
    >>> order, spread = observed_order([0.1, 0.05, 0.025], [4e-3, 1e-3, 2.5e-4])
    >>> round(order, 2), round(spread, 2)
    (2.0, 0.0)
    """
    steps = validation.real_array("h", h, ndim=1)
    sizes = validation.real_array("errors", errors, shape=steps.shape)
    if np.any(steps <= 0) or len(set(steps.tolist())) < len(steps):
        raise ValueError(f"`h` must be positive and distinct, got {steps.tolist()}.")
    kept = sizes > validation.positive("floor", floor, allow_zero=True)
    if kept.sum() < 3:
        raise ValueError(
            f"`errors`: only {kept.sum()} of {len(sizes)} lie above floor={floor:g}, and a slope "
            "with its spread needs three; measure at larger `h`."
        )
    rank = np.argsort(steps[kept])
    x, y = np.log(steps[kept][rank]), np.log(sizes[kept][rank])
    order = float(np.polyfit(x, y, 1)[0])
    return order, float(np.abs(np.diff(y) / np.diff(x) - order).max())


class Slope(NamedTuple):
    """Exponent of a power law: slope of ``log y`` against ``log x``, and where it may drift.

    Parameters
    ----------
    value : float
        Slope of all, or where it has settled most.
    low, high : float
        Between which the drift may end, as far as can be told.
    parts : tuple of float
        Slopes on the first, the middle and the last third, by which the drift was told.
    """

    value: float
    low: float
    high: float
    parts: tuple[float, ...]


def settled_slope(x: ArrayLike, y: ArrayLike, noise: ArrayLike) -> Slope:
    """Exponent of a power law, and where its drift may lead to.

    Where slopes do not drift by more than the noise explains, the exponent is fitted to all points.
    Otherwise it is the slope where the drift is least, and the drift may go on for as long as one
    that decays more slowly than geometrically, such as that of a logarithm, or turn back.

    Parameters
    ----------
    x, y, noise : array_like, shape (n,)
        Positive, at least three; the limit comes last, where three points do not tell. The noise
        is that of y.

    Examples
    --------
    >>> h = np.geomspace(1e-2, 1e-8, 7)
    >>> slope = settled_slope(h, h * np.log(1 / h), 0 * h)  # tends to 1, slowly
    >>> [round(part, 2) for part in slope.parts], round(slope.high, 2)
    ([0.85, 0.91, 0.94], 0.99)
    """
    logs, heights = np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float))
    off = np.asarray(noise, dtype=float) / np.asarray(y, dtype=float)
    fit = float(np.polyfit(logs, heights, 1)[0])
    if not np.all(np.diff(logs) * (logs[-1] - logs[0]) > 0):
        order = np.argsort(logs, kind="stable")
        logs, heights, off = logs[order], heights[order], off[order]
    ends = _ends_of_thirds(logs)
    width = np.diff(logs[ends])
    parts = np.diff(heights[ends]) / width
    shaken = (off[ends][1:] + off[ends][:-1]) / np.abs(width)
    drift = np.diff(parts)
    told = tuple(parts.tolist())
    spread = float(np.ptp(parts))
    if np.abs(drift).max(initial=0.0) <= 3 * shaken.max() + 1e-9 or (
        len(drift) == 2 and drift[0] * drift[1] < 0
    ):
        return Slope(fit, fit - spread, fit + spread, told)
    towards, ahead = float(drift[-1]), UNSEEN * abs(float(drift[-1]))
    if len(drift) == 2:
        less, more = sorted(np.abs(drift).tolist())
        ahead = BEYOND * less**2 / (more - less) if more > less else np.inf
        if abs(drift[1]) > abs(drift[0]):  # it settles at the other end
            towards, parts = -float(drift[0]), parts[::-1]
    end, back = float(parts[-1]), abs(towards)
    low, high = (end - back, end + ahead) if towards > 0 else (end - ahead, end + back)
    return Slope(end, low, high, told)


def _ends_of_thirds(logs: Array) -> NDArray[np.intp]:
    """Indices of the ends of three parts of equal length, or two if there are three points."""
    if len(logs) <= 4:
        return np.arange(len(logs))
    wanted = np.linspace(logs[0], logs[-1], 4)
    return np.unique(np.abs(logs - wanted[:, None]).argmin(axis=1))
