"""Derivatives by differences, with an error of their own: what a promise is checked against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynlens.support.typing import Array

STEPS = (1e-3, 5e-4, 3.7e-4)  # of which the first two are extrapolated
EPS = 2.0**-52
CERTAIN = 1e-6  # relative differences below this are not told from the truncation's


def central(function: Callable[[float], Array]) -> tuple[Array, Array]:
    """Derivative of a function of one number at zero, and how wrong it may be.

    Central differences, extrapolated. Where the function is not smooth there, or computed with
    noise, those with several steps differ, and the error is large.
    """
    with np.errstate(all="ignore"):
        slopes = np.array(
            [(np.asarray(function(h)) - np.asarray(function(-h))) / (2 * h) for h in STEPS]
        )
        found = (4 * slopes[1] - slopes[0]) / 3
        # Truncation is a parabola in the step; what does not lie on it is kinks and noise.
        expected = found + (slopes[0] - found) * (STEPS[2] / STEPS[0]) ** 2
        rounding = EPS * np.abs(np.asarray(function(STEPS[0]))) / STEPS[2]
        error = np.abs(slopes[2] - expected) + 100 * rounding
    return found, error


def contradicted(promised: Array, function: Callable[[float], Array]) -> tuple[float, float] | None:
    """Promised derivative and difference where they differ most, if that cannot be an error."""
    found, error = central(function)
    promised = np.asarray(promised)
    if promised.shape != found.shape:
        return None
    known = np.isfinite(found) & np.isfinite(error) & np.isfinite(promised)
    if not known.any():
        return None
    size = max(np.abs(found[known]).max(), np.abs(promised[known]).max())
    excess = np.where(known, np.abs(promised - found) - 10 * error - CERTAIN * size, -np.inf)
    worst = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return (float(promised[worst]), float(found[worst])) if excess[worst] > 0 else None
