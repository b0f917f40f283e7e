"""What is seen of the target: a linear map of the end-to-end tensor, with the values it took.

Every kind of observation is a map ``measure`` from a tensor to a vector and its ``adjoint``
back; the values seen ride along. Arrays are stored as nested tuples where they are small enough
to be read, so that a problem's `repr` recreates it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Array, ArrayLike, Mask


def frozen(array: ArrayLike) -> Any:
    """Return the array as nested tuples of Python numbers: hashable, and exact in `repr`."""
    array = np.asarray(array)
    return array.item() if array.ndim == 0 else tuple(frozen(row) for row in array)


@dataclass(frozen=True)
class Observations(ABC):
    """A linear map from a tensor of `shape` to a vector, and the `values` it took on the target."""

    @property
    @abstractmethod
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of the tensor that is observed."""

    @property
    @abstractmethod
    def data(self) -> Array:
        """Values seen, shape (n,)."""

    @abstractmethod
    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Map a tensor (..., *tensor_shape) to its measurements (..., n)."""

    @abstractmethod
    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Map weights (..., n) to the tensor (..., *tensor_shape) with <adjoint(w), T> = <w, T>."""

    @property
    @abstractmethod
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        """Flat indices of the observed entries, and sensing rows (n, size); one of them empty."""

    @property
    def loops(self) -> str:
        """Name of the compiled loops that measure, in `dynlens.kernels.loops`."""
        return "entries" if self.kernel_data[0].size else "sensing"

    @property
    def count(self) -> int:
        """Number of measurements."""
        return len(self.data)

    # -- what they are, for models that have a shorter way to them --------------------------------

    @property
    def entries(self) -> NDArray[np.int64] | None:
        """Indices of the entries seen, shape (n, order); None of other kinds."""
        return None

    @property
    def rank_one_vectors(self) -> tuple[Array, ...] | None:
        """Vectors of rank-one sensing tensors, shape (n, D_m) for each mode; None of others."""
        return None

    @property
    def powers(self) -> tuple[Array, Array] | None:
        """Coefficients (r,) and unit vectors (r, d) of a target, seen whole, that sums powers."""
        return None


def _target(value: ArrayLike) -> Array:
    """Return what is to be measured: a matrix or tensor, not a single number."""
    array = validation.real_array("target", value)
    if array.ndim == 0:
        raise ValueError(f"`target` is the number {array}; pass a matrix or tensor.")
    return array


def _partly_known(value: ArrayLike) -> tuple[Array, Mask]:
    """Return a target, zero where it is unknown, and where it is known: neither NaN nor masked."""
    if isinstance(value, np.ma.MaskedArray):
        value = np.ma.filled(value.astype(np.float64), np.nan)
    array = validation.real_array("target", value, finite=False)
    known = ~np.isnan(array)
    if array.size and not known.any():
        raise ValueError("`target` is NaN or masked everywhere; observe at least one entry.")
    return _target(np.where(known, array, 0.0)), known


@dataclass(frozen=True)
class Entries(Observations):
    """Some entries of the target.

    Parameters
    ----------
    shape : tuple of int
        Shape of the target.
    indices : sequence of tuples
        Zero-based indices of the observed entries, each of length ``len(shape)``; no duplicates.
    values : sequence of float
        The entries seen, in the order of `indices`.

    Examples
    --------
    The completion problem of Razin & Cohen (2020): all of a 2×2 matrix but its first entry.

    >>> seen = Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
    >>> seen.measure(np.array([[7.0, 1.0], [1.0, 0.5]]))
    array([1. , 1. , 0.5])
    """

    shape: tuple[int, ...]
    indices: tuple[tuple[int, ...], ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        shape = validation.sizes("shape", self.shape)
        values = validation.real_array("values", self.values, ndim=1)
        if values.size == 0:
            raise ValueError("`indices` is empty: observe at least one entry.")
        try:
            table = np.asarray(self.indices)
            if table.dtype.kind not in "iu":
                raise TypeError
        except (TypeError, ValueError) as error:
            raise TypeError("`indices` must be tuples of integers, one per entry.") from error
        if table.shape != (values.size, len(shape)):
            raise ValueError(
                f"`indices` has shape {table.shape}, but {values.size} values of a tensor of "
                f"order {len(shape)} need {(values.size, len(shape))}."
            )
        outside = np.any((table < 0) | (table >= np.array(shape)), axis=1)
        if outside.any():
            raise ValueError(
                f"`indices` has {tuple(table[outside][0].tolist())}, outside shape {shape}; "
                "indices are zero-based."
            )
        distinct, counts = np.unique(table, axis=0, return_counts=True)
        if len(distinct) < len(table):
            twice = tuple(distinct[counts > 1][0].tolist())
            raise ValueError(f"`indices` has {twice} more than once; observe each entry once.")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "indices", frozen(table))
        object.__setattr__(self, "values", frozen(values))

    @classmethod
    def of(cls, target: ArrayLike, indices: ArrayLike | None = None) -> Entries:
        """Observe the given entries of `target`; unless given, all that are known.

        Parameters
        ----------
        target : array_like
            NaN and the masked entries of a masked array are unknown, and need not be removed.
        indices : array_like of int, shape (n, order), optional

        Examples
        --------
        >>> Entries.of([[1.0, np.nan], [3.0, 4.0]]).indices
        ((0, 0), (1, 0), (1, 1))
        """
        array, known = _partly_known(target)
        if indices is None:
            indices = np.argwhere(known)
        needed = f"`indices` must be integers of shape (n, {array.ndim})"
        try:
            table = np.asarray(indices)
        except ValueError as error:
            raise ValueError(f"{needed}, got rows of different lengths.") from error
        if table.ndim != 2 or table.dtype.kind not in "iu" or table.shape[1] != array.ndim:
            raise ValueError(f"{needed}, got shape {table.shape}.")
        inside = np.all((table >= 0) & (table < np.array(array.shape)), axis=1)
        places = tuple(table[inside].T)
        unknown = table[inside][~known[places]]
        if len(unknown):
            raise ValueError(
                f"`indices` has {tuple(unknown[0].tolist())}, where `target` is masked or NaN; "
                "leave `indices` out to observe all that is known."
            )
        # Entries outside are reported by the constructor, with the index that offends.
        values = np.zeros(len(table))
        values[inside] = array[places]
        return cls(array.shape, frozen(table), frozen(values))

    @classmethod
    def sample(cls, target: ArrayLike, *, fraction: float, seed: int) -> Entries:
        """Observe a random `fraction` of the known entries of `target`, at least one."""
        known = _partly_known(target)[1]
        share = validation.share("fraction", fraction)
        rng = np.random.default_rng(validation.seed_of(seed))
        places = np.argwhere(known)
        chosen = np.sort(rng.permutation(len(places))[: max(1, round(share * len(places)))])
        return cls.of(target, places[chosen])

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """The `indices` as an array, shape (n, order)."""
        return np.array(self.indices, dtype=np.int64)

    @property
    def entries(self) -> NDArray[np.int64]:
        return self.table

    @cached_property
    def _flat(self) -> NDArray[np.int64]:
        return np.ravel_multi_index(tuple(self.table.T), self.shape).astype(np.int64)

    @cached_property
    def _in_order(self) -> bool:
        """Whether every entry is observed, one after another: then nothing needs to be moved."""
        return self.count == prod(self.shape) and bool(np.all(np.diff(self._flat) == 1))

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self.shape

    @cached_property
    def data(self) -> Array:
        return np.array(self.values)

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        flat = tensor.reshape(*tensor.shape[: tensor.ndim - len(self.shape)], prod(self.shape))
        return flat if self._in_order else namespace(tensor).take(flat, self._flat, axis=-1)

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        if self._in_order:
            return weights.reshape(*weights.shape[:-1], *self.shape)
        tensor = full((*weights.shape[:-1], prod(self.shape)), 0.0, weights)
        tensor[..., self._flat] = weights
        return tensor.reshape(*weights.shape[:-1], *self.shape)

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        return self._flat, np.empty((0, 0))


def Full(target: ArrayLike) -> Entries:
    """Observe every entry of `target`.

    Examples
    --------
    >>> Full([[1.0, 0.0], [0.0, 1.0]]).count
    4
    """
    array, known = _partly_known(target)
    if not known.all():
        where = tuple(np.argwhere(~known)[0].tolist())
        raise ValueError(
            f"`target` is NaN or masked at {where}; observe what is known by `Entries.of(target)`."
        )
    return Entries.of(array)


@dataclass(frozen=True)
class Sensing(Observations):
    """Inner products of the target with given sensing tensors.

    Parameters
    ----------
    tensors : array_like, shape (n, *shape)
        Sensing tensors, one per measurement.
    values : array_like, shape (n,)
        Measurements ``<tensors[i], target>``.
    """

    tensors: tuple[Any, ...] = field(repr=True)
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        tensors = validation.real_array("tensors", self.tensors)
        if tensors.ndim < 2 or tensors.size == 0:
            raise ValueError(
                f"`tensors` must have shape (n, *shape) with n >= 1 and no size 0, got "
                f"{tensors.shape}."
            )
        values = validation.real_array("values", self.values, shape=(tensors.shape[0],))
        object.__setattr__(self, "tensors", frozen(tensors))
        object.__setattr__(self, "values", frozen(values))

    @classmethod
    def of(cls, target: ArrayLike, tensors: ArrayLike) -> Sensing:
        """Measure `target` with the given sensing `tensors`."""
        array = _target(target)
        sensing = validation.real_array("tensors", tensors, ndim=array.ndim + 1)
        if sensing.shape[1:] != array.shape:
            raise ValueError(
                f"`tensors` has shape {sensing.shape}, but the target's shape {array.shape} "
                f"needs (n, {', '.join(map(str, array.shape))})."
            )
        return cls(frozen(sensing), frozen(np.tensordot(sensing, array, array.ndim)))

    @classmethod
    def margins(cls, inputs: ArrayLike, labels: ArrayLike) -> Sensing:
        """Observe labels, 1 or -1, times inner products with inputs: for losses of margins.

        Parameters
        ----------
        inputs : array_like, shape (n, *shape)
        labels : array_like, shape (n,)

        Examples
        --------
        >>> seen = Sensing.margins([[[1.0, 2.0]], [[3.0, 0.0]]], [1, -1])
        >>> seen.measure(np.array([[1.0, 1.0]])).tolist()
        [3.0, -3.0]
        """
        arrays = validation.real_array("inputs", inputs)
        signs = validation.real_array("labels", labels, shape=arrays.shape[:1])
        if np.any(np.abs(signs) != 1):
            raise ValueError("`labels` must be 1 or -1; pass `2 * y - 1` if yours are 0 and 1.")
        signed = arrays * signs.reshape(-1, *[1] * (arrays.ndim - 1))
        return cls(frozen(signed), (0.0,) * len(signs))

    @classmethod
    def gaussian(cls, target: ArrayLike, *, count: int, seed: int) -> Sensing:
        """Measure `target` with `count` Gaussian tensors of variance 1/size per entry."""
        array = _target(target)
        n = validation.count("count", count)
        rng = np.random.default_rng(validation.seed_of(seed))
        return cls.of(array, rng.standard_normal((n, *array.shape)) / np.sqrt(array.size))

    @cached_property
    def _rows(self) -> Array:
        array = np.array(self.tensors)
        return array.reshape(array.shape[0], -1)

    @cached_property
    def tensor_shape(self) -> tuple[int, ...]:
        return np.array(self.tensors).shape[1:]

    @cached_property
    def data(self) -> Array:
        return np.array(self.values)

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        batch = tensor.shape[: tensor.ndim - len(self.tensor_shape)]
        return tensor.reshape(*batch, -1) @ self._rows.T

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        return (weights @ self._rows).reshape(*weights.shape[:-1], *self.tensor_shape)

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        return np.empty(0, dtype=np.int64), self._rows


@dataclass(frozen=True)
class RankOneSensing(Observations):
    r"""Inner products of the target with rank-one tensors.

    Parameters
    ----------
    vectors : sequence of array_like, shape (n, D_m)
        One array per mode; row i of all arrays makes the i-th sensing tensor,
        :math:`a_i^1 \otimes \dots \otimes a_i^N`.
    values : array_like, shape (n,)
        Measurements :math:`\langle a_i^1 \otimes \dots \otimes a_i^N, W\rangle`.

    Notes
    -----
    The sensing tensors are never stored: half of the modes are contracted at a time.

    Examples
    --------
    >>> target = np.arange(6.0).reshape(2, 3)
    >>> RankOneSensing.of(target, [[[1.0, 0.0]], [[1.0, 1.0, 1.0]]]).values
    (3.0,)
    """

    vectors: tuple[Any, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        values = validation.real_array("values", self.values, ndim=1)
        if values.size == 0:
            raise ValueError("`values` is empty: measure at least once.")
        arrays = [validation.real_array("vectors", part, ndim=2) for part in self.vectors]
        shapes = [array.shape for array in arrays]
        if not shapes or any(len(array) != values.size or not array.size for array in arrays):
            raise ValueError(
                f"`vectors` has shapes {shapes}, but {values.size} values need one array of shape "
                f"({values.size}, D) for each mode."
            )
        object.__setattr__(self, "vectors", tuple(frozen(array) for array in arrays))
        object.__setattr__(self, "values", frozen(values))

    @classmethod
    def of(cls, target: ArrayLike, vectors: Sequence[ArrayLike]) -> RankOneSensing:
        """Measure `target` with the rank-one tensors of the given `vectors`."""
        array = _target(target)
        arrays = [validation.real_array("vectors", part, ndim=2) for part in vectors]
        if tuple(part.shape[1] for part in arrays) != array.shape:
            raise ValueError(
                f"`vectors` has shapes {[part.shape for part in arrays]}, but the target's shape "
                f"{array.shape} needs arrays of shape (n, D), one for each size D."
            )
        unset = cls(tuple(arrays), (0.0,) * len(arrays[0]))
        return cls(unset.vectors, frozen(unset.measure(array)))

    @classmethod
    def gaussian(cls, target: ArrayLike, *, count: int, seed: int) -> RankOneSensing:
        """Measure `target` with `count` rank-one tensors of Gaussian vectors.

        Entries of the vectors of mode m have variance 1 / D_m, those of the tensors 1 / size.
        """
        array = _target(target)
        n = validation.count("count", count)
        rng = np.random.default_rng(validation.seed_of(seed))
        return cls.of(array, [rng.standard_normal((n, d)) / np.sqrt(d) for d in array.shape])

    @cached_property
    def arrays(self) -> tuple[Array, ...]:
        """The `vectors` as arrays, shape (n, D_m) each."""
        return tuple(np.array(part) for part in self.vectors)

    @property
    def rank_one_vectors(self) -> tuple[Array, ...]:
        return self.arrays

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return tuple(part.shape[1] for part in self.arrays)

    @cached_property
    def data(self) -> Array:
        return np.array(self.values)

    @cached_property
    def _halves(self) -> tuple[Array, Array]:
        """Rank-one tensors of the first and of the other modes, flat: shapes (n, p) and (n, q)."""
        middle = len(self.arrays) // 2
        return _flat_products(self.arrays[:middle], self.count), _flat_products(
            self.arrays[middle:], self.count
        )

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        left, right = self._halves
        batch = tensor.shape[: tensor.ndim - len(self.arrays)]
        matrix = tensor.reshape(*batch, left.shape[1], right.shape[1])
        return ((left @ matrix) * right).sum(axis=-1)

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        left, right = self._halves
        matrix = (weights[..., None] * left).mT @ right
        return matrix.reshape(*weights.shape[:-1], *self.tensor_shape)

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        # Only for models that go through the tensor, where rows of its size are no burden.
        return np.empty(0, dtype=np.int64), _flat_products(self.arrays, self.count)


def _flat_products(arrays: Sequence[Array], count: int) -> Array:
    """Row i is the flattened outer product of the i-th rows."""
    product = np.ones((count, 1))
    for array in arrays:
        product = (product[:, :, None] * array[:, None, :]).reshape(count, -1)
    return product


def low_rank_matrix(
    shape: tuple[int, int], *, rank: int, seed: int, norm: float | None = None
) -> Array:
    """Return a random matrix of given `rank`: a product of Gaussian factors.

    Parameters
    ----------
    shape : tuple of two int
    rank : int
        At most ``min(shape)``.
    seed : int
    norm : float, optional
        Frobenius norm to rescale to.
    """
    rows, columns = validation.sizes("shape", shape, order=2)
    r = validation.count("rank", rank)
    if r > min(rows, columns):
        raise ValueError(f"`rank` is {r}, more than a matrix of shape {(rows, columns)} can have.")
    rng = np.random.default_rng(validation.seed_of(seed))
    matrix = rng.standard_normal((rows, r)) @ rng.standard_normal((r, columns))
    if norm is not None:
        matrix *= validation.positive("norm", norm) / np.linalg.norm(matrix)
    return matrix


def low_rank_tensor(
    shape: tuple[int, ...], *, rank: int, seed: int, norm: float | None = None
) -> Array:
    """Return a random tensor of CP rank at most `rank`, a sum of products of Gaussian vectors.

    Parameters
    ----------
    shape : tuple of int
    rank : int
        Number of rank-one summands.
    seed : int
    norm : float, optional
        Frobenius norm to rescale to.

    Examples
    --------
    >>> low_rank_tensor((3, 4, 2), rank=1, seed=0, norm=2.0).shape
    (3, 4, 2)
    """
    sizes = validation.sizes("shape", shape)
    r = validation.count("rank", rank)
    rng = np.random.default_rng(validation.seed_of(seed))
    factors = [rng.standard_normal((r, size)) for size in sizes]
    tensor = _flat_products(factors, r).sum(axis=0).reshape(sizes)
    if norm is not None:
        tensor *= validation.positive("norm", norm) / np.linalg.norm(tensor)
    return tensor
