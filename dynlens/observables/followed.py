"""Singular values followed through time: matched by their vectors, allowed to change sign.

Two values that nearly meet exchange their vectors quickly, which looks like a crossing if it is
seen from both ends alone. Between two saved times the path is therefore taken to be straight, and
halved until the vectors turn little and no two values pass each other. How wrong that may be is
told by its bend; a gap below it is a crossing if the bend is small, and unknown if it is not.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.observables.repeated import EQUAL, groups
from dynlens.support.typing import Array, Mask

NEAR = 0.9  # overlaps of consecutive vectors below which a step is halved
LOST = 0.5  # below which, where it cannot be halved further, a component is lost: 45 degrees each
HALVINGS = 30
PARTING = 12  # halvings of the step on which equal values part
BEND = 1e-3  # of a path between saved times, relative to its matrices, with which gaps are told


class Followed(NamedTuple):
    """Components at one time: ``left[:, i]^T W right[:, i] = values[i]``.

    Parameters
    ----------
    left, right : ndarray, shapes (m, r) and (n, r)
    values : ndarray, shape (r,)
        With their signs; NaN of a component that was lost.
    order : ndarray of int, shape (r,)
        Place of each component among the singular values, in decreasing order.
    free : ndarray of bool, shape (r,)
        The basis may still be turned within the group of equal values that it began in.
    """

    left: Array
    right: Array
    values: Array
    order: NDArray[np.int64]
    free: Mask


def follow(matrices: Array) -> Array:
    """Signed singular values of matrices (T, m, n) along a path, shape (T, r)."""
    now, bends = _begin(matrices[0]), _bends(matrices)
    found = np.full((len(matrices), len(now.values)), np.nan)
    found[0] = now.values
    for k in range(1, len(matrices)):
        if not np.isfinite(matrices[k]).all():
            break
        now = _between(now, matrices[k - 1], matrices[k], bends[k])
        found[k] = now.values
    lost = np.isnan(found).any(axis=0)
    if lost.any():
        first = int(np.argmax(np.isnan(found).any(axis=1)))
        warnings.warn(
            f"between the saved times {first - 1} and {first} the vectors of singular component "
            f"{int(np.argmax(lost))} turn too far to be followed: it is NaN from there on; save "
            "more often.",
            stacklevel=4,
        )
    return found


def _begin(matrix: Array) -> Followed:
    left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
    places = _places(sigma)
    free = (np.bincount(places, minlength=len(sigma))[places] > 1) & (sigma > EQUAL * sigma[0])
    return Followed(left, right.T, sigma, places, free)


def _bends(matrices: Array) -> Array:
    """How far the path may be from straight before each time, shape (T,)."""
    bend = np.zeros(len(matrices))
    if len(matrices) > 2:
        second = np.linalg.norm(np.diff(matrices, 2, axis=0), axis=(1, 2)) / 8
        bend[1:-1], bend[-1] = second, second[-1]
        bend[2:] = np.maximum(bend[2:], second)
    return bend


def _between(now: Followed, here: Array, there: Array, bend: float) -> Followed:
    """Follow from one saved time to the next."""
    jumped, overlap = _matched(now, there)
    passed = now.order != jumped.order
    if overlap.min(initial=1.0) >= NEAR and not passed.any() and not _part(now, jumped):
        return jumped
    gaps: list[float] = []
    places = now.order[passed]
    among = slice(places.min(), places.max()) if passed.any() else slice(0)
    then = _step(now, here, there, HALVINGS, among, gaps)
    if np.array_equal(then.order, jumped.order) or min(gaps, default=np.inf) > 4 * bend:
        return then
    lost = passed & (bend > BEND * np.linalg.norm(here))
    return jumped._replace(values=np.where(lost, np.nan, jumped.values))


def _step(
    now: Followed, here: Array, there: Array, halvings: int, places: slice, gaps: list[float]
) -> Followed:
    """Follow along a straight path; note the gaps between values at these places."""
    then, overlap = _matched(now, there)
    calm = overlap.min(initial=1.0) >= NEAR and np.array_equal(now.order, then.order)
    if _part(now, then):  # which way they go is seen in the first moment
        calm = halvings < HALVINGS - PARTING
    sizes = np.sort(np.abs(then.values))[::-1]
    gaps.extend((sizes[:-1] - sizes[1:])[places].tolist())
    if calm or not halvings:
        return then._replace(values=np.where(overlap < LOST, np.nan, then.values))
    middle = (here + there) / 2
    first = _step(now, here, middle, halvings - 1, places, gaps)
    return _step(first, middle, there, halvings - 1, places, gaps)


def _matched(now: Followed, there: Array) -> tuple[Followed, Array]:
    """Components of the next matrix in the order of those known, and how well they agree."""
    from scipy.optimize import linear_sum_assignment

    left, sigma, right = np.linalg.svd(there, full_matrices=False)
    right, rows = right.T, np.arange(len(sigma))
    on_left, on_right = now.left.T @ left, now.right.T @ right
    signed = on_left * on_right
    parting = [now.free & (now.order == place) for place in np.unique(now.order[now.free])]
    for members in parting:
        signed[members] = signed[members].sum(axis=0)
    together = [group for group in groups(sigma) if group.stop - group.start > 1]
    weight = np.abs(signed)
    for group in together:
        sizes = [np.linalg.norm(part[:, group], axis=1) for part in (on_left, on_right)]
        weight[:, group] = (sizes[0] * sizes[1])[:, None]
    # Zeros have no vectors of their own: they take what the others leave, without a sign.
    nothing = EQUAL * max(sigma[0], float(np.nanmax(np.abs(now.values), initial=0.0)))
    was, is_ = np.abs(now.values) <= nothing, sigma <= nothing
    idle = (was.sum() > 1) & was[:, None] | (is_.sum() > 1) & is_
    weight, signed = np.where(idle, 1.0, weight), np.where(idle, 1.0, signed)
    _, columns = linear_sum_assignment(-weight)
    for members in parting:  # the first of those that began equal is the one that will be largest
        columns[members] = np.sort(columns[members])
    sign = np.where(signed[rows, columns] < 0, -1.0, 1.0)
    new_left, new_right, free = left[:, columns], right[:, columns] * sign, np.zeros_like(now.free)
    for group in together:
        # Equal values have no vectors of their own: turn those found towards those known.
        members = np.flatnonzero((columns >= group.start) & (columns < group.stop))
        old = np.where(now.values[members] < 0, -1.0, 1.0)
        towards = left[:, group].T @ now.left[:, members]
        towards = towards + (right[:, group].T @ now.right[:, members]) * old
        u, _, v = np.linalg.svd(towards)
        new_left[:, members] = left[:, group] @ (u @ v)
        new_right[:, members] = right[:, group] @ (u @ v) * old
        sign[members], free[members] = old, now.free[members]
    values = np.where(np.isnan(now.values), np.nan, sigma[columns] * sign)
    then = Followed(new_left, new_right, values, _places(sigma)[columns], free)
    return then, weight[rows, columns]


def _part(now: Followed, then: Followed) -> bool:
    """Whether values that have been equal from the beginning are no longer."""
    return bool((now.free & ~then.free).any())


def _places(sigma: Array) -> NDArray[np.int64]:
    """Place of each among decreasing values; equal ones share theirs."""
    places = np.arange(len(sigma))
    for group in groups(sigma):
        places[group] = group.start
    return places
