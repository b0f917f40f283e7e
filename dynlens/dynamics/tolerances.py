"""The absolute tolerance that belongs to a start: what is small beside it is no error."""

from __future__ import annotations

import numpy as np

from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

SHARE = 1e-3  # of the relative tolerance, for a state of size one
MOST = 1e-12  # however loose the relative tolerance


def floor_of(problem: Problem, start: Array, rtol: float) -> float:
    """Return the error that does not count, however small what it is an error of.

    It follows the size of the problem: the smallest factor of the start or, if that is less, the
    size at which the model could fit the target, both rounded down to a power of ten. A flow from
    a small start is therefore as accurate as from a large one, and a start and a target that are
    scaled together move as one.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (P,)
    rtol : float
    """
    return float(floors_of(problem, start[None], rtol)[0])


def floors_of(problem: Problem, starts: Array, rtol: float) -> Array:
    """Return the same for many starts, shape (B, P), as an array of shape (B,)."""
    factors = problem.factors(starts)
    sizes = np.array([np.abs(f).max(axis=tuple(range(1, f.ndim)), initial=0.0) for f in factors])
    least = np.where(sizes > 0, sizes, np.inf).min(axis=0)
    size = np.minimum(least, problem.fitting_size)
    size[~np.isfinite(size)] = 1.0
    share, decades = min(MOST, SHARE * rtol), np.floor(np.log10(size) + 1e-9)
    return np.array([float(f"{share * 10.0**decade:.3g}") for decade in decades])
