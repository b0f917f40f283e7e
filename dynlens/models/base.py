"""What every model offers.

A model is a map from factors to an end-to-end tensor, polynomial in the factors and free of
complex conjugation. That is enough to differentiate it exactly: a *complex step*
``Im f(x + i h v) / h`` with ``h = 1e-100`` has neither truncation nor cancellation, so the
derivative is as accurate as the map itself. Models therefore write down two formulas,
``end_to_end`` and its adjoint ``pullback``, and inherit the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens import validation
from dynlens.typing import Array, Factors

STEP = 1e-100  # of the complex step; its square underflows, which is the point


@dataclass(frozen=True)
class Model(ABC):
    """A multilinear map from factors to an end-to-end matrix or tensor.

    Leading axes of the factors are batch axes and ride along everywhere.
    """

    @property
    @abstractmethod
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each factor."""

    @property
    @abstractmethod
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of the end-to-end tensor."""

    @abstractmethod
    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        """Return the tensor, shape (..., *tensor_shape)."""

    @abstractmethod
    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        """Adjoint of the derivative: ``<cotangent, D end_to_end [v]> = <pullback, v>``."""

    @abstractmethod
    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        """Factors of one random (or identity) initialization; `kind` is one of `kinds`."""

    @property
    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """Names of the initializations this model knows."""

    @abstractmethod
    def kernel_source(self) -> tuple[str, int]:
        """Python source of the compiled ``end_to_end`` and ``pullback``, and its work size.

        The source defines ``end_to_end(theta, work, tensor)`` and
        ``pullback(theta, work, cotangent, out)`` on flat arrays, decorated with ``@compiled``.
        It must equal the reference to rounding, which the contract tests demand.
        """

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(prod(shape) for shape in self.factor_shapes)

    def ravel(self, factors: Sequence[Any]) -> NDArray[Any]:
        """Stack factors (with common batch axes) into ``theta``, shape (..., P)."""
        shapes = self.factor_shapes
        if len(factors) != len(shapes):
            raise ValueError(f"`factors` has {len(factors)} arrays, {self!r} needs {len(shapes)}.")
        arrays = [np.asarray(factor) for factor in factors]
        for n, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            if array.shape[array.ndim - len(shape) :] != shape:
                raise ValueError(
                    f"`factors[{n}]` has shape {array.shape}, but {self!r} needs {shape}."
                )
        return np.concatenate(
            [
                a.reshape(*a.shape[: a.ndim - len(s)], -1)
                for a, s in zip(arrays, shapes, strict=True)
            ],
            axis=-1,
        )

    def unravel(self, theta: NDArray[Any]) -> Factors:
        """Cut ``theta`` of shape (..., P) into factors."""
        batch, start, factors = theta.shape[:-1], 0, []
        for shape in self.factor_shapes:
            stop = start + prod(shape)
            factors.append(theta[..., start:stop].reshape(*batch, *shape))
            start = stop
        return tuple(factors)

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        """Directional derivative of ``end_to_end``, exact to rounding."""
        return np.imag(self.end_to_end(_shifted(factors, directions))) / STEP

    def pullback_derivative(
        self, factors: Factors, directions: Factors, cotangent: NDArray[Any]
    ) -> Factors:
        """Directional derivative of ``pullback`` at a fixed cotangent, exact to rounding."""
        shifted = self.pullback(_shifted(factors, directions), cotangent)
        return tuple(np.imag(part) / STEP for part in shifted)

    def init(self, scale: float, *, kind: str, seed: int | None = None) -> Array:
        """Draw a start ``theta``; see `Problem.init`."""
        validation.one_of("kind", kind, self.kinds)
        size = validation.positive("scale", scale)
        rng = None if kind == "identity" else np.random.default_rng(validation.seed_of(seed))
        return np.asarray(self.ravel(self.draw(size, kind, rng)), dtype=np.float64)


def _shifted(factors: Factors, directions: Factors) -> Factors:
    return tuple(f + 1j * STEP * v for f, v in zip(factors, directions, strict=True))
