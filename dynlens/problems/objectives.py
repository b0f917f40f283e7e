"""The loss as a function of a model's factors, in the cheapest of several ways.

Most ways go through the predictions that a loss looks at, one per observation. In general the
end-to-end tensor is formed and measured. A `TensorModel` whose entries, or whose inner products
with rank-one tensors, are observed needs no tensor: the cost of a gradient is then linear in the
number of observations. Where model and target are both sums of rank-one tensors, the squared
distance and its gradient follow from the inner products of their vectors, whatever the number of
entries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import KernelParts, Lines
from dynlens.kernels.products import Kernel
from dynlens.kernels.sources import source_of
from dynlens.models.base import STEP, Model, TensorModel, shifted
from dynlens.models.capabilities import SumOfPowers
from dynlens.problems.losses import Loss
from dynlens.problems.observations import Observations
from dynlens.support.typing import Array, Factors

LOOPS = "dynlens.kernels.loops"


@dataclass(frozen=True)
class Objective(ABC):
    """The loss as a function of a model's factors, with two derivatives."""

    model: Model
    loss: Loss
    observations: Observations

    @abstractmethod
    def value(self, factors: Factors) -> Array:
        """Return the loss, shape (...)."""

    @abstractmethod
    def gradient(self, factors: Factors) -> Factors:
        """Return its gradient with respect to the factors."""

    def value_and_gradient(self, factors: Factors) -> tuple[Array, Factors]:
        """Return both, with nothing computed twice."""
        return self.value(factors), self.gradient(factors)

    @abstractmethod
    def gradient_derivative(self, factors: Factors, directions: Factors) -> Factors:
        """Directional derivative of `gradient`, exact to rounding."""

    @abstractmethod
    def kernel(self) -> KernelParts | None:
        """Return the compiled counterpart; None if the model states none."""

    @property
    def weight(self) -> float:
        """Factor in front of the sum over all residuals."""
        return self.loss.weight(self.observations.count)


@dataclass(frozen=True)
class Predictions(Objective):
    """Through a differentiable map from factors to predictions (..., n), one per observation."""

    @abstractmethod
    def predict(self, factors: Factors) -> NDArray[Any]:
        """Return the predictions."""

    @abstractmethod
    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        """Adjoint of the derivative of `predict`, at weights (..., n)."""

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        """Directional derivative of `predict`, exact to rounding."""
        return np.imag(self.predict(shifted(factors, directions))) / STEP

    def pullback_derivative(
        self, factors: Factors, directions: Factors, weights: NDArray[Any]
    ) -> Factors:
        """Directional derivative of `pullback` at fixed weights, exact to rounding."""
        moved = self.pullback(shifted(factors, directions), weights)
        return tuple(np.imag(part) / STEP for part in moved)

    def residuals(self, factors: Factors) -> NDArray[Any]:
        """Predictions less observations, shape (..., n)."""
        return self.predict(factors) - self.observations.data

    def value(self, factors: Factors) -> Array:
        return self.weight * self.loss.value(self.residuals(factors)).sum(axis=-1)

    def gradient(self, factors: Factors) -> Factors:
        return self.value_and_gradient(factors)[1]

    def value_and_gradient(self, factors: Factors) -> tuple[Array, Factors]:
        z = self.residuals(factors)
        parts = self.pullback(factors, self.weight * self.loss.derivative(z))
        return self.weight * self.loss.value(z).sum(axis=-1), parts

    def gradient_derivative(self, factors: Factors, directions: Factors) -> Factors:
        z = self.residuals(factors)
        moved = self.pushforward(factors, directions)
        turn = self.weight * self.loss.derivative_along(z, moved)
        curved = self.pullback(factors, turn)
        bent = self.pullback_derivative(factors, directions, self.weight * self.loss.derivative(z))
        return tuple(a + b for a, b in zip(curved, bent, strict=True))


def objective_of(model: Model, loss: Loss, observations: Observations) -> Objective:
    """Return the cheapest way from the factors of this model to this loss."""
    if observations.powers is not None and loss.quadratic and isinstance(model, SumOfPowers):
        return ByGram(model, loss, observations)
    if isinstance(model, TensorModel):
        if observations.rank_one_vectors is not None:
            return ByRankOneProducts(model, loss, observations)
        # With every entry observed, the tensor is the shorter way to them.
        if observations.entries is not None and observations.count < prod(model.tensor_shape):
            return ByEntries(model, loss, observations)
    return ByTensor(model, loss, observations)


@dataclass(frozen=True)
class ByTensor(Predictions):
    """Form the end-to-end tensor and measure it."""

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.observations.measure(self.model.end_to_end(factors))

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.pullback(factors, self.observations.adjoint(weights))

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        return self.observations.measure(self.model.pushforward(factors, directions))

    def kernel(self) -> KernelParts | None:
        if isinstance(self.model, TensorModel) and self.observations.entries is not None:
            return ByEntries(self.model, self.loss, self.observations).kernel()
        flat, rows = self.observations.kernel_data
        values = self.observations.data
        single = flat.size and self.loss.group == 1
        lines = self.model.entry_lines(flat.tolist()) if single else None
        if lines is not None:
            return _unrolled(lines, self.model.parameters, values)
        kernel = self.model.kernel()
        if kernel is None or (flat.size and kernel.index.size):  # there is room for one of them
            return None
        if self.loss.group == 1:
            loop = source_of(f"{LOOPS}.through_tensor")
        else:
            loop = source_of(f"{LOOPS}.by_classes", CLASSES=self.loss.group)
        texts = (kernel.source, source_of(f"{LOOPS}.{self.observations.loops}"), loop)
        index, size = flat if flat.size else kernel.index, prod(self.model.tensor_shape)
        rows = np.concatenate([rows.reshape(-1), kernel.rows])
        return KernelParts(texts, values, index, rows, kernel.work, size)


@dataclass(frozen=True)
class ByEntries(Predictions):
    """Compute the observed entries only."""

    model: TensorModel

    @property
    def _places(self) -> NDArray[np.int64]:
        assert self.observations.entries is not None
        return self.observations.entries

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.entries(factors, self._places)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.entries_pullback(factors, self._places, weights)

    def kernel(self) -> KernelParts | None:
        tree = self.model.product_tree
        if tree is None or self.loss.group != 1:
            return None
        return _by_rows(tree.entries_kernel(self._places), self.observations, np.empty(0))


@dataclass(frozen=True)
class ByRankOneProducts(Predictions):
    """Compute the inner products with rank-one tensors only."""

    model: TensorModel

    @property
    def _vectors(self) -> Factors:
        assert self.observations.rank_one_vectors is not None
        return self.observations.rank_one_vectors

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.rank_one_products(factors, self._vectors)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.rank_one_products_pullback(factors, self._vectors, weights)

    def kernel(self) -> KernelParts | None:
        tree = self.model.product_tree
        if tree is None or self.loss.group != 1:
            return None
        rows = np.concatenate([part.reshape(-1) for part in self._vectors])
        return _by_rows(tree.rank_one_kernel(self.observations.count), self.observations, rows)


@dataclass(frozen=True)
class ByGram(Objective):
    r"""Half of :math:`\|W - W^*\|^2` from inner products of vectors, without the tensors.

    With m components, r of the target and length d, a gradient costs O(m^2 d + m r d). The value
    is a difference of sums as large as :math:`\|W^*\|^2`, whose rounding it keeps: below
    about 1e-16 times that, it is noise, and may be negative. The gradient has no such floor.
    """

    @property
    def powers(self) -> SumOfPowers:
        """The model."""
        assert isinstance(self.model, SumOfPowers)
        return self.model

    def value(self, factors: Factors) -> Array:
        return self._twice * self.powers.distance(factors, *self._target) / 2

    def gradient(self, factors: Factors) -> Factors:
        parts = self.powers.distance_gradient(factors, *self._target)
        return tuple(self._twice * part / 2 for part in parts)

    def gradient_derivative(self, factors: Factors, directions: Factors) -> Factors:
        moved = self.gradient(shifted(factors, directions))
        return tuple(np.imag(part) / STEP for part in moved)

    @property
    def _target(self) -> tuple[Array, Array]:
        assert self.observations.powers is not None
        return self.observations.powers

    @property
    def _twice(self) -> float:
        """The squared loss of one residual is this times half its square."""
        return float(self.weight * self.loss.derivative(np.ones(())))

    def kernel(self) -> KernelParts | None:
        found = self.powers.gram_kernel(*self._target)
        if found is None:
            return None
        kernel, rows = found
        texts = (kernel.source, source_of(f"{LOOPS}.by_gram"))
        return KernelParts(texts, np.empty(0), kernel.index, rows, kernel.work, 0)


def _by_rows(kernel: Kernel, seen: Observations, rows: Array) -> KernelParts:
    texts = (kernel.source, source_of(f"{LOOPS}.by_rows"))
    return KernelParts(texts, seen.data, kernel.index, rows, kernel.work, seen.count)


def _unrolled(lines: Lines, parameters: int, values: Array) -> KernelParts:
    """Return the gradient as one straight line, with the places of the observations in its text."""
    theta = [f"x{i}" for i in range(parameters)]
    out = [f"out[{i}]" for i in range(parameters)]
    # Everything is read before anything is written: `out` may then be the same array.
    results = [f"y{i}" for i in range(parameters)]
    body = [f"{name} = theta[{i}]" for i, name in enumerate(theta)]
    body += lines(theta, results, "")
    body += [f"{place} = {name}" for place, name in zip(out, results, strict=True)]
    text = "\n    ".join([_STRAIGHT, *body, "return weight[0] * total"])
    return KernelParts((text,), values, np.empty(0, dtype=np.int64), np.empty((0, 0)), 0, 0, lines)


_STRAIGHT = """@compiled
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):"""
