"""Singular values of the end-to-end matrix and what is made of them."""

from __future__ import annotations

from functools import reduce
from operator import mul

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.arrays import namespace, quotient
from dynlens.support.typing import Array, Factors


@observable(dims=("component",), symbol=r"\sigma_r")
def singular_values(problem: Problem, factors: Factors) -> Array:
    """Singular values of the end-to-end matrix, in decreasing order, shape (..., min(shape)).

    Decreasing order hides crossings and signs; `signed_singular_values` follows them through time.
    """
    matrix = problem.model.end_to_end(factors)
    return namespace(matrix).linalg.svdvals(matrix)


@singular_values.derivative
def _singular_values_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    # First-order perturbation, u_r^T dW v_r: exact wherever the singular value is simple.
    left, _, right = np.linalg.svd(problem.model.end_to_end(factors), full_matrices=False)
    moved = problem.model.pushforward(factors, directions)
    return np.einsum("...ir,...ij,...rj->...r", left, moved, right)


@observable(dims=("component",), symbol=r"\gamma_r")
def alignment(problem: Problem, factors: Factors) -> Array:
    r"""Alignment :math:`\langle -\nabla\ell(W), u_r v_r^\top\rangle` of each singular component."""
    matrix = problem.model.end_to_end(factors)
    xp = namespace(matrix)
    left, _, right = xp.linalg.svd(matrix, full_matrices=False)
    return -xp.einsum("...ir,...ij,...rj->...r", left, problem.tensor_gradient(matrix), right)


@observable(dims=("component",), along_path=True)
def signed_singular_values(problem: Problem, factors: Factors) -> Array:
    r"""Analytic singular values along a path: matched by their vectors, allowed to change sign.

    The SVD at each time is permuted to agree with the one before: components are paired by
    :math:`|u_r^\top u_r'|\,|v_r^\top v_r'|`, and the sign is the product of the overlaps' signs.
    The first time has non-negative values in decreasing order. Reliable where consecutive times
    are close enough that the vectors turn by less than 45 degrees.
    """
    from scipy.optimize import linear_sum_assignment

    left, sigma, right = np.linalg.svd(problem.model.end_to_end(factors), full_matrices=False)
    followed = np.empty_like(sigma)
    followed[0] = sigma[0]
    u, v = left[0], right[0]
    for k in range(1, len(sigma)):
        on_left, on_right = u.T @ left[k], v @ right[k].T
        rows, columns = linear_sum_assignment(-np.abs(on_left * on_right))
        left_sign = np.where(on_left[rows, columns] < 0, -1.0, 1.0)
        right_sign = np.where(on_right[rows, columns] < 0, -1.0, 1.0)
        followed[k] = sigma[k][columns] * left_sign * right_sign
        u, v = left[k][:, columns] * left_sign, right[k][columns] * right_sign[:, None]
    return followed


@observable(symbol=r"\operatorname{erank} W")
def effective_rank(problem: Problem, factors: Factors) -> Array:
    r"""Effective rank :math:`\exp H(\rho)`, :math:`\rho_r = \sigma_r / \sum \sigma`, natural log.

    Exact zeros are dropped; the zero matrix has effective rank NaN.

    References
    ----------
    roy2007effective
    """
    return erank(singular_values(problem, factors))


@observable()
def rank_distance(problem: Problem, factors: Factors, rank: int = 1) -> Array:
    r"""Frobenius distance to rank at most `rank`, :math:`(\sum_{i>r}\sigma_i^2)^{1/2}`."""
    r = validation.count("rank", rank, least=0)
    sigma = singular_values(problem, factors)
    return namespace(sigma).linalg.vector_norm(sigma[..., r:], axis=-1)


@observable(analytic=True, symbol=r"\det W")
def determinant(problem: Problem, factors: Factors) -> Array:
    r"""Determinant of a square end-to-end matrix.

    Computed as :math:`\prod_j \det W_j` where all factors are square, which keeps its relative
    accuracy when the product matrix is nearly singular.
    """
    rows, columns = problem.model.tensor_shape
    if rows != columns:
        raise ValueError(f"`determinant` needs a square matrix, got shape {(rows, columns)}.")
    matrices = factors if all(len(set(s)) == 1 for s in problem.model.factor_shapes) else ()
    if not matrices:
        matrices = (problem.model.end_to_end(factors),)
    return reduce(mul, [namespace(matrix).linalg.det(matrix) for matrix in matrices])


def erank(sigma: Array) -> Array:
    """Effective rank of singular values ``sigma`` (..., r)."""
    total = sigma.sum(axis=-1, keepdims=True)
    xp, share = namespace(sigma), quotient(sigma, total)
    logs = xp.log(xp.where(share > 0, share, 1.0))
    return xp.exp(-(share * logs).sum(axis=-1))
