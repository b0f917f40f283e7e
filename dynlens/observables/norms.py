"""The loss, the end-to-end tensor, and norms."""

from __future__ import annotations

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.arrays import namespace, quotient
from dynlens.support.typing import Array, Factors


def _tensor_dims(problem: Problem) -> tuple[str, ...]:
    order = len(problem.model.tensor_shape)
    return ("row", "column") if order == 2 else tuple(f"mode_{n + 1}" for n in range(order))


def _tensor_axes(problem: Problem) -> tuple[int, ...]:
    return tuple(range(-len(problem.model.tensor_shape), 0))


@observable(symbol=r"\ell")
def loss(problem: Problem, factors: Factors) -> Array:
    r"""Objective :math:`\ell(W)`, in the loss's own convention, plus the penalty if any."""
    return problem.objective(problem.model.ravel(factors))


@loss.derivative
def _loss_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    gradient, along = (
        problem.gradient(problem.model.ravel(factors)),
        problem.model.ravel(directions),
    )
    return (gradient * along).sum(axis=-1)


@observable(dims=_tensor_dims, analytic=True, symbol="W")
def end_to_end(problem: Problem, factors: Factors) -> Array:
    """End-to-end matrix or tensor."""
    return problem.model.end_to_end(factors)


@observable(dims=("factor",))
def factor_norms(problem: Problem, factors: Factors) -> Array:
    """Frobenius norm of each factor."""
    batch = factors[0].ndim - len(problem.model.factor_shapes[0])
    flat = [factor.reshape(*factor.shape[:batch], -1) for factor in factors]
    xp = namespace(factors[0])
    return xp.stack([xp.linalg.vector_norm(f, axis=-1) for f in flat], axis=-1)


@observable(symbol=r"\|\theta\|")
def parameter_norm(problem: Problem, factors: Factors) -> Array:
    """Euclidean norm of all parameters."""
    return namespace(factors[0]).linalg.vector_norm(problem.model.ravel(factors), axis=-1)


@observable(symbol=r"\|\nabla\phi\|")
def gradient_norm(problem: Problem, factors: Factors) -> Array:
    """Euclidean norm of the gradient with respect to all parameters."""
    gradient = problem.gradient(problem.model.ravel(factors))
    return namespace(gradient).linalg.vector_norm(gradient, axis=-1)


@observable(symbol=r"\|W\|_F")
def frobenius_norm(problem: Problem, factors: Factors) -> Array:
    """Frobenius (Euclidean) norm of the end-to-end tensor."""
    tensor = problem.model.end_to_end(factors)
    return namespace(tensor).sqrt((tensor * tensor).sum(axis=_tensor_axes(problem)))


@frobenius_norm.derivative
def _frobenius_norm_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    tensor, moved = (
        problem.model.end_to_end(factors),
        problem.model.pushforward(factors, directions),
    )
    along = (tensor * moved).sum(axis=_tensor_axes(problem))
    norm = namespace(tensor).sqrt((tensor * tensor).sum(axis=_tensor_axes(problem)))
    return quotient(along, norm)


@observable()
def schatten_norm(problem: Problem, factors: Factors, p: float = 1.0) -> Array:
    r"""Schatten (quasi-)norm, :math:`(\sum_r \sigma_r^p)^{1/p}`, ``0 < p <= inf``.

    A norm for :math:`p \ge 1`; for :math:`p < 1` a quasi-norm with
    :math:`\|A + B\| \le 2^{1/p - 1} (\|A\| + \|B\|)`.
    """
    return schatten(_singular_values(problem, factors), p)


@observable(symbol=r"\|W\|_*")
def nuclear_norm(problem: Problem, factors: Factors) -> Array:
    """Sum of the singular values."""
    return schatten(_singular_values(problem, factors), 1.0)


@observable(symbol=r"\|W\|_2")
def spectral_norm(problem: Problem, factors: Factors) -> Array:
    """Largest singular value."""
    return schatten(_singular_values(problem, factors), np.inf)


def schatten(sigma: Array, p: float) -> Array:
    """Schatten-`p` (quasi-)norm of singular values ``sigma`` (..., r)."""
    if p == np.inf:
        return sigma[..., 0]
    power = validation.positive("p", p)
    # Scaled by the largest, so that small p neither overflows nor underflows.
    top = sigma[..., :1]
    scaled = quotient(sigma, top, otherwise=0.0)
    return top[..., 0] * (scaled**power).sum(axis=-1) ** (1 / power)


def _singular_values(problem: Problem, factors: Factors) -> Array:
    matrix = problem.model.end_to_end(factors)
    return namespace(matrix).linalg.svdvals(matrix)
