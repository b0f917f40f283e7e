"""Penalties on the end-to-end tensor: added to a loss, they leave the geometry of a model alone.

Whatever is a function of the end-to-end tensor pulls on the factors through it, as the loss does.
Laws of how factors move, which hold for every such function, therefore hold with a penalty too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import KernelParts
from dynlens.models.base import STEP, shifted
from dynlens.problems.objectives import Objective
from dynlens.support.typing import Array, Factors


@dataclass(frozen=True)
class TensorPenalty(ABC):
    """A function of the end-to-end tensor, to be added to the loss of a `Problem`.

    A subclass is a frozen dataclass of plain data. Its two formulas must also hold for tensors
    with a small imaginary part (no `abs`, no conjugates), of which exact second derivatives are
    made, and say ``xp = namespace(tensor)`` to be computed by torch.
    """

    @abstractmethod
    def value(self, tensor: NDArray[Any]) -> Array:
        """Return the penalty of a tensor (..., *tensor_shape), shape (...)."""

    @abstractmethod
    def gradient(self, tensor: NDArray[Any]) -> Array:
        """Return its gradient, shape (..., *tensor_shape)."""

    @property
    def tensor_shape(self) -> tuple[int, ...] | None:
        """Shape of the tensors it is of; None if it takes all."""
        return None


@dataclass(frozen=True)
class PlusPenalty(Objective):
    """Another objective, with a penalty on the end-to-end tensor added."""

    plain: Objective
    penalty: TensorPenalty

    @classmethod
    def of(cls, plain: Objective, penalty: TensorPenalty) -> PlusPenalty:
        """Add the penalty to an objective."""
        return cls(plain.model, plain.loss, plain.observations, plain, penalty)

    def value(self, factors: Factors) -> Array:
        return self.plain.value(factors) + self.penalty.value(self.model.end_to_end(factors))

    def gradient(self, factors: Factors) -> Factors:
        pairs = zip(self.plain.gradient(factors), self._pull(factors), strict=True)
        return tuple(a + b for a, b in pairs)

    def value_and_gradient(self, factors: Factors) -> tuple[Array, Factors]:
        value, parts = self.plain.value_and_gradient(factors)
        pairs = zip(parts, self._pull(factors), strict=True)
        penalty = self.penalty.value(self.model.end_to_end(factors))
        return value + penalty, tuple(a + b for a, b in pairs)

    def gradient_derivative(self, factors: Factors, directions: Factors) -> Factors:
        moved = self.plain.gradient_derivative(factors, directions)
        pulled = self._pull(shifted(factors, directions))
        return tuple(a + np.imag(b) / STEP for a, b in zip(moved, pulled, strict=True))

    def kernel(self) -> KernelParts | None:
        return None

    def _pull(self, factors: Factors) -> Factors:
        """Gradient of the penalty with respect to the factors."""
        return self.model.pullback(factors, self.penalty.gradient(self.model.end_to_end(factors)))
