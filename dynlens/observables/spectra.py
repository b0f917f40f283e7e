"""Singular values of the end-to-end matrix and what is made of them."""

from __future__ import annotations

from functools import reduce
from operator import mul

import numpy as np

from dynlens.observables.followed import follow
from dynlens.observables.registry import observable
from dynlens.observables.repeated import singular_rates
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
    moved = problem.model.pushforward(factors, directions)
    return singular_rates(problem.model.end_to_end(factors), moved)


@observable(dims=("component",), symbol=r"\gamma_r")
def alignment(problem: Problem, factors: Factors) -> Array:
    r"""Alignment :math:`\langle -\nabla\ell(W), u_r v_r^\top\rangle` of each singular component.

    Where singular values coincide, the vectors are those that diagonalize the symmetric part of
    the gradient between them.
    """
    matrix = problem.model.end_to_end(factors)
    xp = namespace(matrix)
    if xp is np:
        return singular_rates(matrix, -problem.tensor_gradient(matrix))
    left, _, right = xp.linalg.svd(matrix, full_matrices=False)
    return -xp.einsum("...ir,...ij,...rj->...r", left, problem.tensor_gradient(matrix), right)


@observable(dims=("component",), along_path=True)
def signed_singular_values(problem: Problem, factors: Factors) -> Array:
    r"""Analytic singular values along a path: matched by their vectors, allowed to change sign.

    The SVD at each time is permuted to agree with the one before: components are paired by
    :math:`|u_r^\top u_r'|\,|v_r^\top v_r'|`, and the sign is the product of the overlaps' signs.
    The first time has non-negative values in decreasing order. Between times that are too far
    apart the path is taken to be straight; where that decides nothing, a component is NaN from
    there on, and a warning says so.
    """
    return follow(problem.model.end_to_end(factors))


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
