"""Singular values that coincide: what moves there is decided by the direction, not by the SVD.

Where several singular values are equal, their vectors are any basis of a plane or space, and
``u^T dW v`` depends on which one LAPACK happens to return. What has a meaning are the rates to one
side, forward in time: the eigenvalues of the symmetric part of ``U^T dW V`` within each group of
equal values, and of zero, which no singular value can pass, the singular values of the block.
"""

from __future__ import annotations

import itertools

import numpy as np

from dynlens.support.typing import Array

EQUAL = 64 * 2.0**-52
"""Singular values nearer than this share of the largest are equal to rounding."""


def groups(sigma: Array) -> list[slice]:
    """Runs of equal singular values, from decreasing ones, shape (r,)."""
    ends = np.flatnonzero(sigma[:-1] - sigma[1:] > EQUAL * sigma[0]) + 1
    edges = [0, *ends.tolist(), len(sigma)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def singular_rates(matrix: Array, moved: Array) -> Array:
    """Forward rates of the singular values of `matrix` as it moves by `moved`, shape (..., r).

    Where values are equal, the largest rate comes first, as the largest value will.
    """
    left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
    rates = np.einsum("...ir,...ij,...rj->...r", left, moved, right)
    top = EQUAL * sigma[..., :1]
    near = np.any(sigma[..., :-1] - sigma[..., 1:] <= top, axis=-1) | (sigma <= top)[..., -1]
    for at in zip(*np.nonzero(near), strict=True) if near.ndim else [()] * int(near):
        rates[at] = _one_sided(matrix[at], moved[at], rates[at])
    return rates


def _one_sided(matrix: Array, moved: Array, rates: Array) -> Array:
    """Rates of one matrix, with those of equal values put right."""
    if not (np.isfinite(matrix).all() and np.isfinite(moved).all()):
        return rates
    left, sigma, right = np.linalg.svd(matrix)
    block, found = left.T @ moved @ right.T, rates.copy()
    for group in groups(sigma):
        if sigma[group.start] <= EQUAL * sigma[0]:
            rest = slice(group.start, None)  # with the vectors that belong to no value
            found[group] = np.linalg.svd(block[rest, rest], compute_uv=False)
        elif group.stop - group.start > 1:
            inside = block[group, group]
            found[group] = np.linalg.eigvalsh((inside + inside.T) / 2)[::-1]
    return found
