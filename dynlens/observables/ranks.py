"""CP rank of a tensor, as far as alternating least squares can tell."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike, Factors

SWEEPS = 1000
PATIENCE = 1e-3  # a sweep that gains less than this share of the way, times 1 / SWEEPS, is the last


def cp_rank_estimate(
    tensor: ArrayLike,
    *,
    tolerance: float = 1e-6,
    max_rank: int | None = None,
    seed: int = 0,
    starts: int = 3,
) -> float:
    r"""Smallest r for which alternating least squares fits the tensor by r rank-one terms.

    Parameters
    ----------
    tensor : array_like, shape (D_1, ..., D_N)
    tolerance : float
        Mean squared error, over all entries, at which a fit counts.
    max_rank : int, optional
        Largest r that is tried; by default the number of entries over the largest size, which no
        rank exceeds.
    seed : int
        Of the Gaussian starts.
    starts : int
        How many starts are tried before an r counts as too small.

    Returns
    -------
    float
        0 for a tensor that is zero to within the tolerance; infinity if no r up to `max_rank` fits.

    Raises
    ------
    ImportError
        If tensorly, which has the alternating least squares, is not installed.

    Notes
    -----
    The rank is doubled until a fit succeeds and then found by bisection. Each fit takes up to 1000
    sweeps. This is an estimate: least squares may miss a fit that exists, and a tensor may have
    fits of a rank lower than its own that are as good as one likes.

    References
    ----------
    razin2021implicit

    Examples
    --------
    >>> import dynlens as dl
    >>> cp_rank_estimate(dl.problems.low_rank_tensor((4, 4, 4), rank=2, seed=0, norm=1.0))
    2.0
    """
    array = validation.real_array("tensor", tensor)
    if array.ndim < 2:
        raise ValueError(f"`tensor` must have at least two modes, got shape {array.shape}.")
    goal = validation.positive("tolerance", tolerance)
    highest = array.size // max(array.shape)
    limit = highest if max_rank is None else validation.count("max_rank", max_rank)
    key, tries = validation.seed_of(seed), validation.count("starts", starts)
    if np.square(array).mean() <= goal:
        return 0.0

    def fits(rank: int) -> bool:
        return any(_error(array, rank, goal, [key, rank, k]) <= goal for k in range(tries))

    low, high = 0, 1  # `low` does not fit
    while not fits(high):
        if high >= limit:
            return float("inf")
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return float(high)


@observable()
def cp_rank(
    problem: Problem, factors: Factors, tolerance: float = 1e-6, max_rank: int | None = None
) -> Array:
    """Estimated CP rank of the end-to-end tensor (see `cp_rank_estimate`); slow.

    Every state costs a search over ranks, each with up to 1000 sweeps of least squares: seconds
    where the rank is large. Observe few states.

    References
    ----------
    razin2021implicit
    """
    shape = problem.model.tensor_shape
    tensors = problem.model.end_to_end(factors)
    batch = tensors.shape[: tensors.ndim - len(shape)]
    ranks = [
        cp_rank_estimate(tensor, tolerance=tolerance, max_rank=max_rank)
        for tensor in tensors.reshape(-1, *shape)
    ]
    return np.array(ranks).reshape(batch)


def has_tensorly() -> bool:
    """Whether ranks can be estimated here."""
    try:
        _tensorly()
    except ImportError:
        return False
    return True


def _tensorly() -> tuple[type, type]:
    try:
        from tensorly.cp_tensor import CPTensor
        from tensorly.decomposition import parafac
    except ImportError as error:
        raise ImportError(
            'the CP rank is estimated with tensorly; pip install "dynlens[tensor]".'
        ) from error
    return CPTensor, parafac


def _error(array: Array, rank: int, goal: float, key: list[int]) -> float:
    """Mean squared error of the best fit from one start; the search ends at the goal."""
    CPTensor, parafac = _tensorly()
    rng = np.random.default_rng(key)
    factors = [rng.standard_normal((size, rank)) for size in array.shape]
    best = np.inf

    def look(fit: tuple[Array, list[Array]], _: float) -> bool:
        nonlocal best
        weights, columns = fit
        rows = columns[0] * weights
        for factor in columns[1:-1]:
            rows = (rows[:, None] * factor).reshape(-1, rank)
        best = min(
            best, float(np.square(rows @ columns[-1].T - array.reshape(len(rows), -1)).mean())
        )
        return best <= goal

    relative = np.sqrt(goal * array.size) / np.linalg.norm(array)
    # Where two terms become parallel the equations are singular; what was reached before counts.
    with np.errstate(all="ignore"), suppress(np.linalg.LinAlgError):
        parafac(
            array,
            rank,
            n_iter_max=SWEEPS,
            init=CPTensor((np.ones(rank), factors)),
            tol=PATIENCE * relative / SWEEPS,
            callback=look,
        )
    return best
