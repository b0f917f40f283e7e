"""The gradient once more, with operators alone, for whatever library has arrays.

The same lines make numpy, jax and torch compute, and heyoka write expressions. They are analytic,
so that nobody pays for automatic differentiation, and they form the tensor as a matrix: that is
what a user of these libraries would write, and their fastest way at these sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.problem import Problem

Vector = Any  # of whatever library
Parts = list[Any]


def portable_field(
    problem: Problem, cast: Callable[[Any], Any], join: Callable[[Parts], Any]
) -> Callable[[Vector], Vector]:
    """Return ``-gradient`` of a problem, for vectors of another library.

    Parameters
    ----------
    problem : Problem
        A deep linear network, or a tensor factorization of order four, under ``SquaredLoss()``.
    cast : callable
        Makes an array of the library from one of numpy.
    join : callable
        Concatenates flat arrays of the library.
    """
    target, mask = (cast(matrix) for matrix in masked_target(problem))
    shapes = problem.model.factor_shapes
    descend = _network if isinstance(problem.model, DeepLinear) else _pairs

    def field(theta: Vector) -> Vector:
        parts = descend(cut(theta, shapes), target, mask)
        return join([part.reshape(-1) for part in parts])

    return field


def masked_target(problem: Problem) -> tuple[Any, Any]:
    """Return what is observed and where, as matrices: rows for the first half of the modes."""
    model = problem.model
    known = isinstance(model, DeepLinear | CPFactorization) or (
        isinstance(model, HierarchicalTensor)
        and model.tree == binary_tree(4)
        and model.trainable_root
    )
    if not known or problem.loss != SquaredLoss() or len(model.tensor_shape) not in (2, 4):
        raise TypeError(f"{problem!r:.200} has no portable gradient.")
    seen, shape = problem.observations, model.tensor_shape
    rows = prod(shape[: len(shape) // 2])
    dense = [seen.adjoint(values).reshape(rows, -1) for values in (seen.data, np.ones(seen.count))]
    return dense[0], dense[1]


def cut(theta: Vector, shapes: Sequence[tuple[int, ...]]) -> Parts:
    """Cut a vector into arrays of these shapes."""
    stops = np.cumsum([prod(shape) for shape in shapes]).tolist()
    return [
        theta[stop - prod(shape) : stop].reshape(shape)
        for stop, shape in zip(stops, shapes, strict=True)
    ]


def matrix(model: Any, factors: Parts) -> Any:
    """Return the end-to-end tensor as a matrix."""
    if isinstance(model, DeepLinear):
        product = factors[0]
        for factor in factors[1:]:
            product = factor @ product
        return product
    left, right = _khatri_rao(*factors[:2]), _khatri_rao(*factors[2:4])
    if factors[4:]:
        left, right = (left @ factors[4]) * factors[6].reshape(-1), right @ factors[5]
    return left @ right.T


def _network(factors: Parts, target: Any, mask: Any) -> Parts:
    below = [factors[0]]
    for factor in factors[1:]:
        below.append(factor @ below[-1])
    above, parts = mask * (target - below[-1]), []
    for factor, product in zip(factors[:0:-1], below[-2::-1], strict=True):
        parts.append(above @ product.T)
        above = factor.T @ above
    return [above, *parts[::-1]]


def _pairs(factors: Parts, target: Any, mask: Any) -> Parts:
    """Two pairs of modes: of a CP factorization, or with two matrices and a root above them."""
    first, second = _khatri_rao(*factors[:2]), _khatri_rao(*factors[2:4])
    if not factors[4:]:
        residual = mask * (target - first @ second.T)
        first, second, inner = residual @ second, residual.T @ first, []
    else:
        left_weight, right_weight, root = factors[4:]
        root = root.reshape(-1)
        left, right = first @ left_weight, second @ right_weight
        residual = mask * (target - (left * root) @ right.T)
        seen = residual @ right
        down_left, down_right = seen * root, (residual.T @ left) * root
        inner = [first.T @ down_left, second.T @ down_right, (left * seen).sum(0)]
        first, second = down_left @ left_weight.T, down_right @ right_weight.T
    return [*_split(first, *factors[:2]), *_split(second, *factors[2:4]), *inner]


def _khatri_rao(left: Any, right: Any) -> Any:
    return (left[:, None, :] * right[None, :, :]).reshape(-1, left.shape[1])


def _split(cotangent: Any, left: Any, right: Any) -> Parts:
    cube = cotangent.reshape(left.shape[0], right.shape[0], left.shape[1])
    return [(cube * right[None]).sum(1), (cube * left[:, None]).sum(0)]
