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
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import KernelParts
from dynlens.kernels.products import Kernel
from dynlens.kernels.unrolled import MOST, deep_linear_lines, multiplications
from dynlens.models.base import STEP, Model, TensorModel, shifted
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.losses import Loss, SquaredLoss
from dynlens.problems.observations import Entries, Observations, RankOneSensing
from dynlens.problems.rank_one_sum import RankOneSum
from dynlens.support.typing import Array, Factors


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
    def kernel(self) -> KernelParts:
        """Return the compiled counterpart."""

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
        turn = self.weight * self.loss.second_derivative(z) * moved
        curved = self.pullback(factors, turn)
        bent = self.pullback_derivative(factors, directions, self.weight * self.loss.derivative(z))
        return tuple(a + b for a, b in zip(curved, bent, strict=True))


def objective_of(model: Model, loss: Loss, observations: Observations) -> Objective:
    """Return the cheapest way from the factors of this model to this loss."""
    if isinstance(observations, RankOneSum) and isinstance(model, SymmetricTensor):
        if isinstance(loss, SquaredLoss):
            return ByGram(model, loss, observations)
    elif isinstance(model, TensorModel):
        if isinstance(observations, RankOneSensing):
            return ByRankOneProducts(model, loss, observations)
        # With every entry observed, the tensor is the shorter way to them.
        if isinstance(observations, Entries) and observations.count < prod(model.tensor_shape):
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

    def kernel(self) -> KernelParts:
        if isinstance(self.model, TensorModel) and isinstance(self.observations, Entries):
            return ByEntries(self.model, self.loss, self.observations).kernel()
        flat, rows = self.observations.kernel_data
        values, linear = self.observations.data, self.model
        if isinstance(linear, DeepLinear) and 0 < flat.size <= MOST - multiplications(
            linear.widths
        ):
            return _unrolled(linear, values, flat.tolist())
        kernel = self.model.kernel()
        measure = _ENTRIES if flat.size else _SENSING
        text = "\n\n".join((kernel.source, measure, _THROUGH_TENSOR))
        index, size = flat if flat.size else kernel.index, prod(self.model.tensor_shape)
        return KernelParts(text, values, index, rows, kernel.work, size)


@dataclass(frozen=True)
class ByEntries(Predictions):
    """Compute the observed entries only."""

    model: TensorModel
    observations: Entries

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.entries(factors, self.observations.table)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.entries_pullback(factors, self.observations.table, weights)

    def kernel(self) -> KernelParts:
        kernel = self.model.product_tree.entries_kernel(self.observations.table)
        return _by_rows(kernel, self.observations, np.empty(0))


@dataclass(frozen=True)
class ByRankOneProducts(Predictions):
    """Compute the inner products with rank-one tensors only."""

    model: TensorModel
    observations: RankOneSensing

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.rank_one_products(factors, self.observations.arrays)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.rank_one_products_pullback(factors, self.observations.arrays, weights)

    def kernel(self) -> KernelParts:
        rows = np.concatenate([part.reshape(-1) for part in self.observations.arrays])
        kernel = self.model.product_tree.rank_one_kernel(self.observations.count)
        return _by_rows(kernel, self.observations, rows)


@dataclass(frozen=True)
class ByGram(Objective):
    r"""Half of :math:`\|W - W^*\|^2` from inner products of vectors, without the tensors.

    With m components, r of the target and length d, a gradient costs O(m^2 d + m r d). The value
    is a difference of sums as large as :math:`\|W^*\|^2`, whose rounding it keeps: below
    about 1e-16 times that, it is noise, and may be negative. The gradient has no such floor.
    """

    model: SymmetricTensor
    observations: RankOneSum

    def value(self, factors: Factors) -> Array:
        return self._twice * self.model.distance(factors, *self._target) / 2

    def gradient(self, factors: Factors) -> Factors:
        parts = self.model.distance_gradient(factors, *self._target)
        return tuple(self._twice * part / 2 for part in parts)

    def gradient_derivative(self, factors: Factors, directions: Factors) -> Factors:
        moved = self.gradient(shifted(factors, directions))
        return tuple(np.imag(part) / STEP for part in moved)

    @property
    def _target(self) -> tuple[Array, Array]:
        return self.observations.c, self.observations.v

    @property
    def _twice(self) -> float:
        """The squared loss of one residual is this times half its square."""
        return float(self.weight * self.loss.derivative(np.ones(())))

    def kernel(self) -> KernelParts:
        kernel, rows = self.model.gram_kernel(*self._target)
        text = f"{kernel.source}\n\n{_BY_GRAM}"
        return KernelParts(text, np.empty(0), kernel.index, rows, kernel.work, 0)


def _by_rows(kernel: Kernel, seen: Observations, rows: Array) -> KernelParts:
    text = "\n\n".join((kernel.source, _BY_ROWS))
    return KernelParts(text, seen.data, kernel.index, rows, kernel.work, seen.count)


def _unrolled(model: DeepLinear, values: Array, places: list[int]) -> KernelParts:
    """Return the gradient as one straight line, with the places of the observations in its text."""
    lines = partial(deep_linear_lines, model.widths, places)
    theta = [f"x{i}" for i in range(model.parameters)]
    out = [f"out[{i}]" for i in range(model.parameters)]
    # Everything is read before anything is written: `out` may then be the same array.
    results = [f"y{i}" for i in range(model.parameters)]
    body = [f"{name} = theta[{i}]" for i, name in enumerate(theta)]
    body += lines(theta, results, "")
    body += [f"{place} = {name}" for place, name in zip(out, results, strict=True)]
    text = "\n    ".join([_STRAIGHT, *body, "return weight[0] * total"])
    return KernelParts(text, values, np.empty(0, dtype=np.int64), np.empty((0, 0)), 0, 0, lines)


_STRAIGHT = """@compiled
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):"""

_ENTRIES = """@compiled
def prediction(tensor, index, rows, i):
    return tensor[index[i]]


@compiled
def add_back(cotangent, index, rows, i, weight):
    cotangent[index[i]] += weight"""

_SENSING = """@compiled
def prediction(tensor, index, rows, i):
    total = 0.0
    for j in range(tensor.size):
        total += rows[i * tensor.size + j] * tensor[j]
    return total


@compiled
def add_back(cotangent, index, rows, i, weight):
    for j in range(cotangent.size):
        cotangent[j] += weight * rows[i * cotangent.size + j]"""

_THROUGH_TENSOR = """@reordered
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    forward(theta, index, rows, work, tensor)
    cotangent[:] = 0.0
    total = 0.0
    for i in range(values.size):
        z = prediction(tensor, index, rows, i) - values[i]
        total += loss_value(z)
        add_back(cotangent, index, rows, i, weight[0] * loss_derivative(z))
    backward(theta, index, rows, work, cotangent, out)
    return weight[0] * total"""

_BY_ROWS = """@reordered
def loss_gradient(theta, values, index, rows, weight, work, predicted, weights, out):
    forward(theta, index, rows, work, predicted)
    total = 0.0
    for i in range(values.size):
        z = predicted[i] - values[i]
        total += loss_value(z)
        weights[i] = weight[0] * loss_derivative(z)
    backward(theta, index, rows, work, weights, out)
    return weight[0] * total"""

_BY_GRAM = """@compiled
def loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    distance = gram_gradient(theta, index, rows, work, out)
    for i in range(out.size):
        out[i] *= 0.5 * weight[0] * loss_derivative(1.0)
    return weight[0] * loss_value(1.0) * distance"""
