"""What a network can be moved by: tangent kernels, tangent dimension; and the loss's logarithm."""

from __future__ import annotations

from math import prod

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problems.objectives import Predictions
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array, Factors

ZERO = 1e-10  # share of the largest singular value below which one counts as zero


@observable(symbol=r"\log \ell")
def log_loss(problem: Problem, factors: Factors) -> Array:
    """Logarithm of the objective; exact as long as that is a number above 1e-308."""
    return np.log(problem.objective(problem.model.ravel(factors)))


@log_loss.derivative
def _log_loss_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    value, gradient = problem.value_and_gradient(problem.model.ravel(factors))
    return (gradient * problem.model.ravel(directions)).sum(axis=-1) / value


@observable()
def radial_cosine(problem: Problem, factors: Factors) -> Array:
    """Cosine of the angle between the parameters and the negative gradient."""
    theta = problem.model.ravel(factors)
    gradient = problem.gradient(theta)
    sizes = np.linalg.norm(theta, axis=-1) * np.linalg.norm(gradient, axis=-1)
    return -(theta * gradient).sum(axis=-1) / sizes


def slopes(problem: Problem, factors: Factors) -> Array:
    """Derivatives of what is observed in all parameters, shape (..., n, P)."""
    way = problem.of_factors
    if not isinstance(way, Predictions):
        raise TypeError(
            f"{problem.model!r:.80} is compared with its target without the entries; observe "
            "them by `Full` or `Entries`."
        )
    batch = problem.model.ravel(factors).shape[:-1]
    rows = [
        problem.model.ravel(way.pullback(factors, np.broadcast_to(weights, (*batch, len(weights)))))
        for weights in np.eye(problem.observations.count)
    ]
    return np.stack(rows, axis=-2)


@observable(dims=("observation", "other"), symbol="K")
def tangent_kernel(problem: Problem, factors: Factors) -> Array:
    """Neural tangent kernel: inner products of the slopes of what is observed."""
    rows = slopes(problem, factors)
    return rows @ rows.mT


@observable(dims=("component",))
def tangent_eigenvalues(problem: Problem, factors: Factors) -> Array:
    """Eigenvalues of the `tangent_kernel`, the largest first."""
    return np.linalg.svdvals(slopes(problem, factors)) ** 2


@observable()
def tangent_dimension(problem: Problem, factors: Factors) -> Array:
    """In how many directions the end-to-end tensor can be moved, to first order."""
    model = problem.model
    theta = model.ravel(factors)
    rows = [
        model.ravel(
            model.pullback(factors, np.broadcast_to(unit, (*theta.shape[:-1], *unit.shape)))
        )
        for unit in np.eye(prod(model.tensor_shape)).reshape(-1, *model.tensor_shape)
    ]
    sigma = np.linalg.svdvals(np.stack(rows, axis=-2))
    return (sigma > ZERO * sigma[..., :1]).sum(axis=-1).astype(float)
