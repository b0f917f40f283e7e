"""What a network can be moved by: tangent kernels, tangent dimension; and the loss's logarithm."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problems.objectives import Predictions
from dynlens.problems.problem import Problem
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array, Factors

ZERO = 1e-10  # share of the largest singular value below which one counts as zero


@observable(symbol=r"\log \ell")
def log_loss(problem: Problem, factors: Factors) -> Array:
    """Logarithm of the objective; exact as long as that is a number above 1e-308."""
    loss = problem.objective(problem.model.ravel(factors))
    logarithm: Array = namespace(loss).log(loss)
    return logarithm


@log_loss.derivative
def _log_loss_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    value, gradient = problem.value_and_gradient(problem.model.ravel(factors))
    return (gradient * problem.model.ravel(directions)).sum(axis=-1) / value


@observable()
def radial_cosine(problem: Problem, factors: Factors) -> Array:
    """Cosine of the angle between the parameters and the negative gradient."""
    theta = problem.model.ravel(factors)
    gradient = problem.gradient(theta)
    xp = namespace(theta)
    sizes = xp.linalg.vector_norm(theta, axis=-1) * xp.linalg.vector_norm(gradient, axis=-1)
    cosine: Array = -(theta * gradient).sum(axis=-1) / sizes
    return cosine


def slopes(problem: Problem, factors: Factors) -> Array:
    """Derivatives of what is observed in all parameters, shape (..., n, P)."""
    way = problem.of_factors
    if not isinstance(way, Predictions):
        raise TypeError(
            f"{problem.model!r:.80} is compared with its target without the entries; observe "
            "them by `Full` or `Entries`."
        )
    theta, n = problem.model.ravel(factors), problem.observations.count
    xp, batch = namespace(theta), theta.shape[:-1]
    rows = [
        problem.model.ravel(way.pullback(factors, xp.broadcast_to(weights, (*batch, n))))
        for weights in _units(n, theta)
    ]
    stacked: Array = xp.stack(rows, axis=-2)
    return stacked


def _units(n: int, like: Any) -> Any:
    """Rows of the unit matrix, of the kind and in the place of the array `like`."""
    place = {} if namespace(like) is np else {"device": like.device}
    return namespace(like).eye(n, dtype=like.dtype, **place)


@observable(dims=("observation", "other"), symbol="K")
def tangent_kernel(problem: Problem, factors: Factors) -> Array:
    """Neural tangent kernel: inner products of the slopes of what is observed."""
    rows = slopes(problem, factors)
    return rows @ rows.mT


@observable(dims=("component",))
def tangent_eigenvalues(problem: Problem, factors: Factors) -> Array:
    """Eigenvalues of the `tangent_kernel`, the largest first."""
    rows = slopes(problem, factors)
    squares: Array = namespace(rows).linalg.svdvals(rows) ** 2
    return squares


@observable()
def tangent_dimension(problem: Problem, factors: Factors) -> Array:
    """In how many directions the end-to-end tensor can be moved, to first order."""
    model = problem.model
    theta = model.ravel(factors)
    xp, shape = namespace(theta), model.tensor_shape
    rows = [
        model.ravel(model.pullback(factors, xp.broadcast_to(unit, (*theta.shape[:-1], *shape))))
        for unit in _units(prod(shape), theta).reshape(-1, *shape)
    ]
    sigma = xp.linalg.svdvals(xp.stack(rows, axis=-2))
    large = xp.astype(sigma > ZERO * sigma[..., :1], theta.dtype)
    dimension: Array = large.sum(axis=-1)
    return dimension
