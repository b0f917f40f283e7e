"""A target that is a sum of rank-one tensors, seen whole and never written out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.problems.observations import Observations, frozen
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

LARGEST = 10_000_000  # entries of a tensor that is written out after all


@dataclass(frozen=True)
class RankOneSum(Observations):
    r"""Every entry of :math:`W^* = \sum_{j=1}^r c_j\, v_j^{\otimes l}`, a symmetric tensor.

    Parameters
    ----------
    coefficients : sequence of float, length r
    directions : sequence of array_like, shape (r, d)
        Unit vectors :math:`v_j`, not necessarily orthogonal.
    order : int
        :math:`l \ge 2`.

    Notes
    -----
    With a `SymmetricTensor` and a `SquaredLoss` neither tensor is ever formed: inner products
    :math:`\langle u^{\otimes l}, v^{\otimes l}\rangle = (u \cdot v)^l` suffice. For other models
    the d^l entries are written out, if there are at most ten million.

    Examples
    --------
    >>> target = RankOneSum.orthogonal([2.0, 1.0], dimension=100, order=4)
    >>> target.count, target.squared_norm
    (100000000, 5.0)
    """

    coefficients: tuple[float, ...]
    directions: tuple[tuple[float, ...], ...]
    order: int

    def __post_init__(self) -> None:
        coefficients = validation.real_array("coefficients", self.coefficients, ndim=1)
        directions = validation.real_array("directions", self.directions, ndim=2)
        if not len(coefficients) or directions.shape[0] != len(coefficients):
            raise ValueError(
                f"`directions` has shape {directions.shape}, but {len(coefficients)} coefficients "
                f"need ({max(len(coefficients), 1)}, d): one unit vector each."
            )
        lengths = np.linalg.norm(directions, axis=1)
        if np.abs(lengths - 1).max() > 1e-9:
            worst = lengths[np.abs(lengths - 1).argmax()]
            raise ValueError(
                f"`directions` must be unit vectors, one has length {worst:.6g}; divide it by that."
            )
        validation.count("order", self.order, least=2)
        object.__setattr__(self, "coefficients", frozen(coefficients))
        object.__setattr__(self, "directions", frozen(directions))

    @classmethod
    def orthogonal(cls, coefficients: ArrayLike, *, dimension: int, order: int) -> RankOneSum:
        """Put the coefficients on the first axes of a space of that `dimension`."""
        values = validation.real_array("coefficients", coefficients, ndim=1)
        if len(values) > validation.count("dimension", dimension):
            raise ValueError(
                f"`dimension` is {dimension}, too small for {len(values)} orthogonal directions."
            )
        return cls(frozen(values), frozen(np.eye(dimension)[: len(values)]), order)

    @classmethod
    def random(
        cls, coefficients: ArrayLike, *, dimension: int, order: int, seed: int
    ) -> RankOneSum:
        """Draw directions uniformly from the sphere, independently."""
        values = validation.real_array("coefficients", coefficients, ndim=1)
        rng = np.random.default_rng(validation.seed_of(seed))
        drawn = rng.standard_normal((len(values), validation.count("dimension", dimension)))
        return cls(frozen(values), frozen(drawn / np.linalg.norm(drawn, axis=1)[:, None]), order)

    @cached_property
    def c(self) -> Array:
        """The `coefficients` as an array, shape (r,)."""
        return np.array(self.coefficients)

    @cached_property
    def v(self) -> Array:
        """The `directions` as an array, shape (r, d)."""
        return np.array(self.directions)

    @property
    def powers(self) -> tuple[Array, Array]:
        return self.c, self.v

    @cached_property
    def squared_norm(self) -> float:
        r""":math:`\|W^*\|^2`, from the inner products of the directions."""
        return float(self.c @ (self.v @ self.v.T) ** self.order @ self.c)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return (self.v.shape[1],) * self.order

    @property
    def count(self) -> int:
        return prod(self.tensor_shape)

    @cached_property
    def data(self) -> Array:
        if self.count > LARGEST:
            raise ValueError(
                f"`observations` are of {self.count} entries, too many to write out; fit a "
                "SymmetricTensor under a SquaredLoss, which needs none of them."
            )
        rows = self.c[:, None]
        for _ in range(self.order):
            rows = (rows[:, :, None] * self.v[:, None, :]).reshape(len(self.c), -1)
        return np.asarray(rows.sum(axis=0))

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        return tensor.reshape(*tensor.shape[: tensor.ndim - self.order], -1)

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        return weights.reshape(*weights.shape[:-1], *self.tensor_shape)

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        return np.arange(self.data.size), np.empty((0, 0))
