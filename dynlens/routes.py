"""Ways from a model's factors to the predictions that a loss looks at.

In general the end-to-end tensor is formed and measured. A `TensorModel` whose entries, or whose
inner products with rank-one tensors, are observed needs no tensor: the cost of a gradient is then
linear in the number of observations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.base import STEP, Model, TensorModel, shifted
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.products import Kernel
from dynlens.models.unrolled import MOST, deep_linear_lines, multiplications
from dynlens.observations import Entries, Observations, RankOneSensing
from dynlens.typing import Array, Factors

Lines = Callable[[Sequence[str], Sequence[str], str], list[str]]


@dataclass(frozen=True)
class KernelParts:
    """What a compiled gradient is made of, besides the loss.

    Parameters
    ----------
    source : str
        Functions of the model and of the observations, and ``gradient``, which calls them.
    index, rows : ndarray
        What they read.
    work, predictions : int
        Sizes of the work space and of what ``gradient`` measures.
    lines : callable, optional
        Of a tiny gradient: ``lines(theta, out, sign)`` returns its source without a loop, to be
        pasted where it is needed (see `dynlens.models.unrolled`).
    """

    source: str
    index: NDArray[np.int64]
    rows: Array
    work: int
    predictions: int
    lines: Lines | None = None


class Route(ABC):
    """A differentiable map from factors to predictions (..., n), one per observation."""

    @abstractmethod
    def predict(self, factors: Factors) -> NDArray[Any]:
        """Return the predictions."""

    @abstractmethod
    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        """Adjoint of the derivative of `predict`, at weights (..., n)."""

    @abstractmethod
    def kernel(self) -> KernelParts:
        """Return the compiled counterpart."""

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        """Directional derivative of `predict`, exact to rounding."""
        return np.imag(self.predict(shifted(factors, directions))) / STEP

    def pullback_derivative(
        self, factors: Factors, directions: Factors, weights: NDArray[Any]
    ) -> Factors:
        """Directional derivative of `pullback` at fixed weights, exact to rounding."""
        moved = self.pullback(shifted(factors, directions), weights)
        return tuple(np.imag(part) / STEP for part in moved)


def route_between(model: Model, observations: Observations) -> Route:
    """Return the cheapest way from this model to these observations."""
    if isinstance(model, TensorModel):
        if isinstance(observations, RankOneSensing):
            return ByRankOneProducts(model, observations)
        # With every entry observed, the tensor is the shorter way to them.
        if isinstance(observations, Entries) and observations.count < prod(model.tensor_shape):
            return ByEntries(model, observations)
    return ByTensor(model, observations)


@dataclass(frozen=True)
class ByTensor(Route):
    """Form the end-to-end tensor and measure it."""

    model: Model
    observations: Observations

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.observations.measure(self.model.end_to_end(factors))

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.pullback(factors, self.observations.adjoint(weights))

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        return self.observations.measure(self.model.pushforward(factors, directions))

    def kernel(self) -> KernelParts:
        if isinstance(self.model, TensorModel) and isinstance(self.observations, Entries):
            return ByEntries(self.model, self.observations).kernel()
        flat, rows = self.observations.kernel_data
        linear = self.model
        if isinstance(linear, DeepLinear) and 0 < flat.size <= MOST - multiplications(
            linear.widths
        ):
            return _unrolled(linear, flat.tolist())
        kernel = self.model.kernel()
        measure = _ENTRIES if flat.size else _SENSING
        text = "\n\n".join((kernel.source, measure, _THROUGH_TENSOR))
        index = flat if flat.size else kernel.index
        return KernelParts(text, index, rows, kernel.work, prod(self.model.tensor_shape))


@dataclass(frozen=True)
class ByEntries(Route):
    """Compute the observed entries only."""

    model: TensorModel
    observations: Entries

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.entries(factors, self.observations.table)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.entries_pullback(factors, self.observations.table, weights)

    def kernel(self) -> KernelParts:
        kernel = self.model.product_tree.entries_kernel(self.observations.table)
        return _by_rows(kernel, np.empty(0), self.observations.count)


@dataclass(frozen=True)
class ByRankOneProducts(Route):
    """Compute the inner products with rank-one tensors only."""

    model: TensorModel
    observations: RankOneSensing

    def predict(self, factors: Factors) -> NDArray[Any]:
        return self.model.rank_one_products(factors, self.observations.arrays)

    def pullback(self, factors: Factors, weights: NDArray[Any]) -> Factors:
        return self.model.rank_one_products_pullback(factors, self.observations.arrays, weights)

    def kernel(self) -> KernelParts:
        rows = np.concatenate([part.reshape(-1) for part in self.observations.arrays])
        n = self.observations.count
        return _by_rows(self.model.product_tree.rank_one_kernel(n), rows, n)


def _by_rows(kernel: Kernel, rows: Array, n: int) -> KernelParts:
    text = "\n\n".join((kernel.source, _BY_ROWS))
    return KernelParts(text, kernel.index, rows, kernel.work, n)


def _unrolled(model: DeepLinear, places: list[int]) -> KernelParts:
    """Return the gradient as one straight line, with the places of the observations in its text."""
    lines = partial(deep_linear_lines, model.widths, places)
    theta = [f"x{i}" for i in range(model.size)]
    out = [f"out[{i}]" for i in range(model.size)]
    # Everything is read before anything is written: `out` may then be the same array.
    results = [f"y{i}" for i in range(model.size)]
    body = [f"{name} = theta[{i}]" for i, name in enumerate(theta)]
    body += lines(theta, results, "")
    body += [f"{place} = {name}" for place, name in zip(out, results, strict=True)]
    text = "\n    ".join([_STRAIGHT, *body, "return weight[0] * total"])
    return KernelParts(text, np.empty(0, dtype=np.int64), np.empty((0, 0)), 0, 0, lines)


_STRAIGHT = """@compiled
def gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):"""

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
def gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
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
def gradient(theta, values, index, rows, weight, work, predicted, weights, out):
    forward(theta, index, rows, work, predicted)
    total = 0.0
    for i in range(values.size):
        z = predicted[i] - values[i]
        total += loss_value(z)
        weights[i] = weight[0] * loss_derivative(z)
    backward(theta, index, rows, work, weights, out)
    return weight[0] * total"""
