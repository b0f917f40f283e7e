"""What every model offers.

A model is a map from factors to an end-to-end tensor, polynomial in the factors and free of
complex conjugation. That is enough to differentiate it exactly: a *complex step*
``Im f(x + i h v) / h`` with ``h = 1e-100`` has neither truncation nor cancellation, so the
derivative is as accurate as the map itself. Models therefore write down two formulas,
``end_to_end`` and its adjoint ``pullback``, and inherit the rest.

A `TensorModel` holds one matrix per mode. Its entries, and its inner products with rank-one
tensors, need only a row of each, so they are computed without the tensor, at a cost linear in
their number, in the order and in the width.
"""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod
from operator import mul
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import Lines
from dynlens.kernels.products import Kernel, ProductTree
from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Array, Factors

STEP = 1e-100  # of the complex step; its square underflows, which is the point
BALANCING = 20  # steps towards balanced factors, of which the last ones double the digits


class Number(NamedTuple):
    """A number of a model that formulas may use.

    Parameters
    ----------
    name : str
        Of the model's attribute.
    meaning : str
        In words.
    symbol : str
        How the papers write it, in LaTeX.
    """

    name: str
    meaning: str = ""
    symbol: str = ""


class Quantity(NamedTuple):
    """An array of a model's own that observables, events and claims may read by name.

    Parameters
    ----------
    function : callable
        Of the factors; free of conjugates, so that a complex step differentiates it.
    shape : tuple of int
    """

    function: Callable[[Factors], NDArray[Any]]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Model(ABC):
    """A map from factors to an end-to-end matrix or tensor; multilinear, as a rule.

    Leading axes of the factors are batch axes and ride along everywhere.

    Attributes
    ----------
    numbers : tuple of Number
        Attributes that formulas may use, such as ``depth``.
    """

    numbers: ClassVar[tuple[Number, ...]] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for name, kind in inspect.get_annotations(cls).items():
            if hasattr(Model, name) and "ClassVar" not in str(
                kind
            ):  # dataclasses would take it for the field's default
                raise TypeError(
                    f"`{cls.__name__}.{name}` cannot be a field: every model has a `{name}` "
                    "already; give the field another name."
                )

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            # No attribute of the class, so that a model may have a field of this name.
            if name != "size":
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}.")
            warnings.warn(
                "`Model.size` is called `parameters` now.", DeprecationWarning, stacklevel=2
            )
            return self.parameters

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

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the initializations this model knows."""
        return ("gaussian",)

    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        """Factors of one random (or identity) initialization; `kind` is one of `kinds`.

        Unless overridden, all entries are Gaussian with standard deviation `scale`.
        """
        assert rng is not None
        return tuple(scale * rng.standard_normal(shape) for shape in self.factor_shapes)

    def kernel(self) -> Kernel | None:
        """Compiled ``end_to_end`` and ``pullback``, on flat arrays; None to do without.

        They must equal the reference to rounding, which the contract tests demand. A model without
        a kernel is computed by the reference everywhere.
        """
        return None

    def entry_lines(self, places: Sequence[int]) -> Lines | None:
        """Straight-line source of a tiny gradient, if entries at these flat places are observed."""
        return None

    @property
    def in_words(self) -> str:
        """Short description for figures; empty where the `repr` will do."""
        return ""

    @property
    def degrees(self) -> tuple[int, ...] | None:
        """Degree of the tensor in each factor, None for no polynomial; one each, as a rule."""
        return (1,) * len(self.factor_shapes)

    @cached_property
    def parameters(self) -> int:
        """Number of parameters, P."""
        return sum(prod(shape) for shape in self.factor_shapes)

    def ravel(self, factors: Sequence[Any]) -> NDArray[Any]:
        """Stack factors (with common batch axes) into ``theta``, shape (..., P)."""
        shapes = self.factor_shapes
        if len(factors) != len(shapes):
            raise ValueError(f"`factors` has {len(factors)} arrays, {self!r} needs {len(shapes)}.")
        xp = namespace(factors[0])
        arrays = [np.asarray(factor) if xp is np else factor for factor in factors]
        for n, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
            if array.shape[array.ndim - len(shape) :] != shape:
                raise ValueError(
                    f"`factors[{n}]` has shape {array.shape}, but {self!r} needs {shape}."
                )
        batches = [a.shape[: a.ndim - len(s)] for a, s in zip(arrays, shapes, strict=True)]
        if batches.count(batches[0]) < len(batches):
            raise ValueError(f"`factors` have different batch axes {batches}; give them the same.")
        flat = [a.reshape(*batch, -1) for a, batch in zip(arrays, batches, strict=True)]
        return xp.concat(flat, axis=-1)

    def unravel(self, theta: NDArray[Any]) -> Factors:
        """Cut ``theta`` of shape (..., P) into factors."""
        batch, start, factors = theta.shape[:-1], 0, []
        for shape in self.factor_shapes:
            stop = start + prod(shape)
            factors.append(theta[..., start:stop].reshape((*batch, *shape)))
            start = stop
        return tuple(factors)

    def pushforward(self, factors: Factors, directions: Factors) -> Array:
        """Directional derivative of ``end_to_end``, exact to rounding."""
        return np.imag(self.end_to_end(shifted(factors, directions))) / STEP

    def pullback_derivative(
        self, factors: Factors, directions: Factors, cotangent: NDArray[Any]
    ) -> Factors:
        """Directional derivative of ``pullback`` at a fixed cotangent, exact to rounding."""
        moved = self.pullback(shifted(factors, directions), cotangent)
        return tuple(np.imag(part) / STEP for part in moved)

    def imbalances(self, factors: Factors) -> NDArray[Any]:
        """Differences that gradient flow conserves whatever the loss, shape (..., n).

        Zero where the factors are balanced.
        """
        groups = self.component_products(factors, factors)
        gaps = [group[..., 1:, :] - group[..., :-1, :] for group in groups]
        flat = [gap.reshape(*gap.shape[:-2], -1) for gap in gaps]
        return namespace(factors[0]).concat(flat, axis=-1)

    def unbalancedness(self, factors: Factors) -> Array:
        """Largest of the conserved differences, in absolute value, shape (...)."""
        xp, groups = namespace(factors[0]), self.component_products(factors, factors)
        ranges = [xp.max(group, axis=-2) - xp.min(group, axis=-2) for group in groups]
        return xp.max(xp.stack([xp.max(range_, axis=-1) for range_ in ranges]), axis=0)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of quantities of its own, which claims may speak of; none, as a rule."""
        return ()

    def quantity(self, name: str) -> Quantity | None:
        """Return a quantity of its own, by a name or by a formula of them; None if it has none."""
        return None

    def balanced(self, factors: Factors) -> Factors:
        """Balanced factors near these: Gauss-Newton steps until `imbalances` are rounding.

        Models that know a shorter way take it.
        """
        theta = self.ravel(factors)
        directions = 1j * STEP * np.eye(theta.shape[-1])
        for _ in range(BALANCING):
            gaps = self.imbalances(self.unravel(theta))
            size = (theta * theta).sum(axis=-1, keepdims=True)
            if np.all(np.abs(gaps) <= 1e-15 * size):
                break
            slopes = self.imbalances(self.unravel(theta[..., None, :] + directions)).imag / STEP
            step = np.linalg.pinv(slopes.mT, rcond=1e-10) @ gaps[..., None]
            theta = theta - step[..., 0]
        return self.unravel(theta)

    def component_products(self, factors: Factors, others: Factors) -> list[NDArray[Any]]:
        """Inner products of the vectors of all components with those of other factors.

        A component is a group of vectors that are only ever used together: the end-to-end tensor is
        a sum over components, and each term is linear in each vector of its component.

        Returns
        -------
        list of ndarray, shape (..., vectors, R)
            One array for each family of R components, each of as many vectors.

        Raises
        ------
        TypeError
            If the model has no components.
        """
        raise TypeError(f"{self!r} states no components; a CPFactorization, for example, has some.")

    def simpler(self) -> Iterator[Model]:
        """Models of the same kind that are smaller, the boldest first; to shrink examples."""
        yield from ()

    def init(self, scale: float, *, kind: str, seed: int | None = None) -> Array:
        """Draw a start ``theta``; see `Problem.init`."""
        validation.one_of("kind", kind, self.kinds)
        size = validation.positive("scale", scale)
        rng = None if kind == "identity" else np.random.default_rng(validation.seed_of(seed))
        return np.asarray(self.ravel(self.draw(size, kind, rng)), dtype=np.float64)


def number(name: str) -> Number:
    """Return what a number of this name is, of the first model that states it.

    Examples
    --------
    >>> number("order").symbol
    'N'
    """
    kinds: list[Any] = [Model]
    for kind in kinds:  # which grows on the way
        for found in kind.numbers:
            if found.name == name:
                return Number(*found)
        kinds += kind.__subclasses__()
    return Number(name)


def shifted(factors: Factors, directions: Factors) -> Factors:
    """Return the factors after a complex step along the directions."""
    return tuple(f + 1j * STEP * v for f, v in zip(factors, directions, strict=True))


@dataclass(frozen=True)
class TensorModel(Model):
    """A model whose first factors are one matrix per mode, of shape (D_n, R_n).

    The end-to-end tensor is linear in each of these matrices, row by row. Its inner product with
    the rank-one tensor of vectors ``v^1, ..., v^N`` therefore depends on them only through the
    rows ``v^n @ factors[n]``: that is the one formula, `contract`, which a model adds.
    """

    numbers: ClassVar[tuple[Number, ...]] = (Number("order", "number of modes", "N"),)

    @abstractmethod
    def contract(self, rows: Factors, inner: Factors) -> NDArray[Any]:
        """Inner products with n rank-one tensors, shape (..., n).

        Parameters
        ----------
        rows : tuple of ndarray, shape (..., n, R_n)
            What each rank-one tensor takes from the matrix of each mode.
        inner : tuple of ndarray
            The factors that follow the modes' matrices.
        """

    @abstractmethod
    def contract_pullback(
        self, rows: Factors, inner: Factors, weights: NDArray[Any]
    ) -> tuple[Factors, Factors]:
        """Adjoint of the derivative of `contract` at weights (..., n), for `rows` and `inner`."""

    @property
    def product_tree(self) -> ProductTree | None:
        """How an entry is made, for the compiled loops; None to do without them."""
        return None

    def kernel(self) -> Kernel | None:
        whole = np.argwhere(np.ones(self.tensor_shape, dtype=bool))
        return None if self.product_tree is None else self.product_tree.entries_kernel(whole)

    @property
    def order(self) -> int:
        """Number of modes, N."""
        return len(self.tensor_shape)

    def entries(self, factors: Factors, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Entries of the end-to-end tensor, shape (..., n), without the tensor.

        Parameters
        ----------
        factors : tuple of ndarray
        indices : ndarray of int, shape (n, order)
            Zero-based.
        """
        rows = self._rows(factors, indices)
        return self.contract(rows, factors[self.order :])

    def entries_pullback(
        self, factors: Factors, indices: NDArray[np.int64], weights: NDArray[Any]
    ) -> Factors:
        """Adjoint of the derivative of `entries` at weights (..., n)."""
        rows = self._rows(factors, indices)
        parts, inner = self.contract_pullback(rows, factors[self.order :], weights)
        columns = zip(parts, indices.T, self.tensor_shape, strict=True)
        return (*(add_rows(part, i, size) for part, i, size in columns), *inner)

    def _rows(self, factors: Factors, indices: NDArray[np.int64]) -> Factors:
        take = namespace(factors[0]).take
        pairs = zip(factors[: self.order], indices.T, strict=True)
        return tuple(take(factor, index, axis=-2) for factor, index in pairs)

    def rank_one_products(self, factors: Factors, vectors: Factors) -> NDArray[Any]:
        """Inner products with rank-one tensors, shape (..., n), without the tensor.

        Parameters
        ----------
        factors : tuple of ndarray
        vectors : tuple of ndarray, shape (n, D_n)
            Row i of the arrays makes the i-th rank-one tensor.
        """
        rows = (v @ f for v, f in zip(vectors, factors[: self.order], strict=True))
        return self.contract(tuple(rows), factors[self.order :])

    def rank_one_products_pullback(
        self, factors: Factors, vectors: Factors, weights: NDArray[Any]
    ) -> Factors:
        """Adjoint of the derivative of `rank_one_products` at weights (..., n)."""
        rows = tuple(v @ f for v, f in zip(vectors, factors[: self.order], strict=True))
        parts, inner = self.contract_pullback(rows, factors[self.order :], weights)
        return (*(v.T @ part for v, part in zip(vectors, parts, strict=True)), *inner)


def add_rows(rows: NDArray[Any], index: NDArray[np.int64], size: int) -> NDArray[Any]:
    """Add row i of `rows` (..., n, R) to row ``index[i]`` of an array of zeros (..., size, R)."""
    xp = namespace(rows)
    if xp is not np:
        # A product with a matrix of zeros and ones: the order of its sums is fixed, which that of
        # atomic additions on a GPU is not, and nothing waits for a count.
        places = xp.arange(size, device=index.device)[:, None] == index
        return xp.astype(places, rows.dtype) @ rows
    # Sorted, then summed by runs: four times as fast as `np.add.at`, and just as complex-safe.
    sorted_rows = rows[..., np.argsort(index, kind="stable"), :]
    counts = np.bincount(index, minlength=size)
    places = np.flatnonzero(counts)
    total = np.zeros((*rows.shape[:-2], size, rows.shape[-1]), dtype=rows.dtype)
    starts = (np.cumsum(counts) - counts)[places]
    total[..., places, :] = np.add.reduceat(sorted_rows, starts, axis=-2)
    return total


def products_of_others(arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return for each array the product of all the others, by prefixes and suffixes."""
    if len(arrays) == 1:
        return [full(arrays[0].shape, 1.0, arrays[0])]
    before = list(accumulate(arrays[:-1], mul))
    after = list(accumulate(arrays[:0:-1], mul))[::-1]
    return [after[0], *map(mul, before, after[1:]), before[-1]]


def khatri_rao(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Columnwise Kronecker product of (..., m, R) and (..., n, R), shape (..., m n, R)."""
    pairs = left[..., :, None, :] * right[..., None, :, :]
    *batch, m, n, width = pairs.shape
    return pairs.reshape(*batch, m * n, width)
