"""A model that is a function of the user's own, with a gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.base import STEP, Model, Quantity
from dynlens.support import validation
from dynlens.support.typing import Array, Factors

APART = 1e-6  # by which the gradient may differ from differences, relative to its size


@dataclass(frozen=True)
class FunctionModel(Model):
    """One number, which a Python function makes of all parameters.

    Functions are called with one state after another, of shape (P,). Where a state is complex, as
    a complex step makes it, the value is that of the real part and its derivative along the
    imaginary one: the function need not know complex numbers.

    Parameters
    ----------
    function : callable
        ``function(theta) -> float``.
    gradient : callable
        ``gradient(theta) -> array`` of shape (P,).
    product : callable, optional
        ``product(theta, v) -> array``, the Hessian times a vector; by differences of the gradient
        unless given, which keeps some ten digits.
    shapes : tuple of (name, shape) pairs
        The factors.
    """

    function: Callable[[Array], Any]
    gradient: Callable[[Array], Any]
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    product: Callable[[Array, Array], Any] | None = None

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(shape for _, shape in self.shapes)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return (1,)

    @property
    def degrees(self) -> None:
        return None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.shapes)

    def quantity(self, name: str) -> Quantity | None:
        if name not in self.names:
            return None
        k = self.names.index(name)
        return Quantity(lambda factors: factors[k], self.shapes[k][1])

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        return self._at_each(self._value, self.ravel(factors), 1)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        theta = self.ravel(factors)
        return self.unravel(cotangent * self._at_each(self._slope, theta, theta.shape[-1]))

    def _at_each(self, what: Callable[[Array], Any], theta: NDArray[Any], size: int) -> Any:
        rows = [what(row) for row in theta.reshape(-1, theta.shape[-1])]
        return np.reshape(rows, (*theta.shape[:-1], size))

    def _value(self, theta: NDArray[Any]) -> Any:
        if not np.iscomplexobj(theta):
            return [self.function(theta)]
        value, slope = self.function(theta.real), np.asarray(self.gradient(theta.real))
        return [value + 1j * (slope @ theta.imag)]

    def _slope(self, theta: NDArray[Any]) -> Any:
        if not np.iscomplexobj(theta):
            return self.gradient(theta)
        return np.asarray(self.gradient(theta.real)) + 1j * self._turned(theta.real, theta.imag)

    def _turned(self, theta: Array, v: Array) -> Array:
        """Hessian times a vector, of any length."""
        length = float(np.abs(v).max(initial=0.0))
        if length == 0:
            return np.zeros_like(v)
        unit = v / length
        if self.product is not None:
            return length * np.asarray(self.product(theta, unit))
        step = 1e-3 * max(1.0, float(np.abs(theta).max()))
        near, far = (self._difference(theta, h * unit) / h for h in (step, 2 * step))
        return length * (4 * near - far) / 3

    def _difference(self, theta: Array, step: Array) -> Array:
        ahead, behind = self.gradient(theta + step), self.gradient(theta - step)
        return np.asarray((np.asarray(ahead) - np.asarray(behind)) / 2)


def checked(model: FunctionModel, at: Array | None) -> FunctionModel:
    """Compare the gradient with differences of the function at one state, or say what is off."""
    size = model.parameters
    if at is None:
        theta = 0.5 * np.random.default_rng(0).standard_normal(size)
    else:
        theta = validation.real_array("at", at, shape=(size,))
    value = _real("function", model.function(theta), ())
    gradient = _real("gradient", model.gradient(theta), (size,))
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        raise ValueError(
            f"the function is {float(value)} at a random state, or its gradient is not finite; "
            "pass a state where both are, by `at`."
        )
    rng = np.random.default_rng(1)
    for direction in rng.choice([-1.0, 1.0], (3, size)):
        wanted, noise = _slope_along(model.function, theta, direction)
        off = abs(float(gradient @ direction) - wanted)
        scale = float(np.abs(gradient * direction).sum()) + 1e-300
        if off > APART * scale + 10 * noise:
            raise ValueError(
                f"the gradient is not that of the function: along a random direction it is "
                f"{gradient @ direction:.6g}, by differences {wanted:.6g}."
            )
    return model


def _slope_along(function: Callable[[Array], Any], theta: Array, v: Array) -> tuple[float, float]:
    """Derivative along a direction by differences, extrapolated, with an error."""
    steps = 1e-2 * max(1.0, float(np.abs(theta).max())) / 2.0 ** np.arange(5)
    rows = [(float(function(theta + h * v)) - float(function(theta - h * v))) / 2 for h in steps]
    table = np.array(rows) / steps
    best = [table[-1]]
    for k in range(1, len(steps)):
        table = (4**k * table[1:] - table[:-1]) / (4**k - 1)
        best.append(table[-1])
    return float(best[-1]), float(abs(best[-1] - best[-2]))


def _real(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu" or array.shape not in (shape, shape or (1,)):
        raise TypeError(
            f"`{name}` must return {'a real number' if not shape else f'shape {shape}'}, not "
            f"{array.dtype} of shape {array.shape}."
        )
    return array.astype(np.float64).reshape(shape)


def complex_step(function: Callable[[NDArray[Any]], Any]) -> Callable[[Array], Array]:
    """Return the gradient of a function that computes with complex numbers."""
    return partial(_by_complex_step, function)


def _by_complex_step(function: Callable[[NDArray[Any]], Any], theta: Array) -> Array:
    steps = theta + 1j * STEP * np.eye(theta.size)
    return np.array([np.imag(function(row)) / STEP for row in steps], dtype=np.float64)


def named_shapes(size: int | None, parameters: Any) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Return names and shapes of the factors, from a number of parameters or from a mapping."""
    if (size is None) == (parameters is None):
        raise TypeError("pass either `size`, the number of parameters, or `parameters`.")
    if size is not None:
        return (("x", (validation.count("size", size),)),)
    pairs = validation.pairs("parameters", parameters)
    if not pairs or not all(prod(np.atleast_1d(shape)) for _, shape in pairs):
        raise ValueError('`parameters` must name shapes, such as {"w": (3,)}.')
    return tuple(
        (name, tuple(int(s) for s in np.atleast_1d(np.asarray(shape, dtype=int))))
        for name, shape in pairs
    )
