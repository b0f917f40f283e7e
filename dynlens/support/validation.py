"""Checks for the public boundary: one clear sentence each, naming the argument and the remedy."""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from dynlens.support.errors import UnknownNameError
from dynlens.support.typing import Array

FEW = 12  # names that an error message lists


def real_array(
    name: str,
    value: Any,
    *,
    ndim: int | None = None,
    shape: tuple[int, ...] | None = None,
    finite: bool = True,
) -> Array:
    """Convert `value` to a float64 array, of finite numbers unless these are not asked for.

    Raises
    ------
    TypeError
        If it is not numeric, or complex.
    ValueError
        If it has the wrong number of axes, the wrong shape, a NaN or infinity, or masked entries.
    """
    if np.ma.is_masked(value):
        where = tuple(int(i) for i in np.argwhere(np.ma.getmaskarray(value))[0])
        raise ValueError(f"`{name}` has masked entries, first at index {where}; fill them.")
    try:
        array = np.asarray(value)
        if array.dtype.kind == "c":
            raise TypeError(f"`{name}` is complex; dynlens works with real arrays, pass `.real`.")
        # Text and dates would be converted too; objects may be numbers of any kind.
        if array.dtype.kind not in "biufO" or any(
            isinstance(x, str | bytes) for x in _objects(array)
        ):
            raise TypeError
        array = np.array(array, dtype=np.float64)
    except (ValueError, TypeError) as error:
        if str(error).startswith("`"):
            raise
        raise TypeError(f"`{name}` must be an array of numbers, got {value!r:.80}.") from error
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"`{name}` must have {ndim} axes, got shape {array.shape}; reshape it.")
    if shape is not None and array.shape != shape:
        raise ValueError(f"`{name}` must have shape {shape}, got {array.shape}; reshape it.")
    if finite and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"`{name}` has a NaN or infinity, first at index {where}; remove it.")
    return array


def _objects(array: Any) -> Iterable[Any]:
    return array.flat if array.dtype.kind == "O" else ()


def symmetric(name: str, value: Any, *, size: int | None = None) -> Array:
    """Convert `value` to a finite symmetric matrix, of the given size; rounding is allowed for."""
    shape = None if size is None else (size, size)
    matrix = real_array(name, value, ndim=2, shape=shape)
    square = matrix.shape[0] == matrix.shape[1] > 0
    largest = np.abs(matrix).max(initial=0.0)
    if not square or np.abs(matrix - matrix.T).max() > 1e-10 * largest:
        raise ValueError(
            f"`{name}` must be a symmetric matrix, got shape {matrix.shape}; pass "
            f"`({name} + {name}.T) / 2` if it should be one."
        )
    return matrix


def positive(name: str, value: Any, *, allow_zero: bool = False) -> float:
    """A finite number > 0 (or >= 0), as a float."""
    number = finite(name, value)
    if number < 0 or (number == 0 and not allow_zero):
        bound = "zero or positive" if allow_zero else "positive"
        raise ValueError(f"`{name}` must be {bound}, got {number!r}.")
    return number


def finite(name: str, value: Any) -> float:
    """A finite real number, as a float."""
    if isinstance(value, (bool, str)) or value is None:
        raise TypeError(f"`{name}` must be a number, got {value!r}.")
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"`{name}` must be a number, got {value!r:.80}.") from error
    if not math.isfinite(number):
        raise ValueError(f"`{name}` must be finite, got {number!r}.")
    return number


def count(name: str, value: Any, *, least: int = 1) -> int:
    """An integer >= `least`."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"`{name}` must be an integer, got {value!r}.")
    try:
        number = operator.index(value)
    except TypeError as error:
        raise TypeError(f"`{name}` must be an integer, got {value!r:.80}.") from error
    if number < least:
        raise ValueError(f"`{name}` must be at least {least}, got {number}.")
    return number


def share(name: str, value: Any) -> float:
    """A number in (0, 1], as a float."""
    number = positive(name, value)
    if number > 1:
        raise ValueError(f"`{name}` must be in (0, 1], got {number!r}.")
    return number


def sizes(name: str, value: Any, *, order: int | None = None) -> tuple[int, ...]:
    """Return the shape of a matrix or tensor: one size >= 1 per mode."""
    shape = sequence(name, value, "pass a tuple of sizes, such as (2, 2).")
    if not shape:
        raise ValueError(f"`{name}` is empty; pass one size per mode, such as (2, 2).")
    if order is not None and len(shape) != order:
        raise ValueError(f"`{name}` must have {order} sizes, got {shape}.")
    return tuple(count(name, size) for size in shape)


def times(name: str, value: Any) -> Array:
    """Times at which to save: one or more, increasing, none before 0."""
    array = real_array(name, value, ndim=1)
    if array.size == 0:
        raise ValueError(f"`{name}` is an empty array; pass the increasing times to save at.")
    if array[0] < 0 or np.any(np.diff(array) <= 0):
        raise ValueError(f"`{name}` must be increasing times >= 0; sort them, each once.")
    return array


def seed_of(value: Any) -> int:
    """Return a seed: a non-negative integer; every random choice needs one."""
    if value is None:
        raise TypeError(
            "`seed` is required, so that the same call gives the same bits; try seed=0."
        )
    return count("seed", value, least=0)


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """Return `value` if it is one of the `known` names, else say which are near."""
    names = sorted(known)
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a string, one of {names}, got {value!r:.80}.")
    if value not in names:
        raise UnknownNameError(f"`{name}`: no {value!r}; {nearest(value, names)}")
    return value


def instance(name: str, value: Any, kind: type | tuple[type, ...], remedy: str) -> Any:
    """Return `value` if it is an instance of `kind`."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"`{name}` must be a {wanted}, got {type(value).__name__}; {remedy}")
    return value


def sequence(
    name: str, value: Any, remedy: str, kind: type | tuple[type, ...] = object
) -> tuple[Any, ...]:
    """Return the items of a tuple or the like, each an instance of `kind`; text is no sequence."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"`{name}` must be a tuple or list, got {value!r:.80}; {remedy}")
    return tuple(instance(name, item, kind, remedy) for item in value)


def mapping(name: str, value: Any, remedy: str) -> Mapping[str, Any]:
    """Return `value` if it is a mapping from names."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise TypeError(f"`{name}` must be a mapping from names, got {value!r:.80}; {remedy}")
    return value


def pairs(name: str, value: Any) -> tuple[tuple[str, Any], ...]:
    """Return a mapping from names, or its (name, value) pairs, as pairs."""
    try:
        found = dict(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"`{name}` must be a mapping or (name, value) pairs, got {value!r:.80}."
        ) from error
    return tuple(mapping(name, found, "name each value by a string.").items())


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a phrase with the names near `name`, else with all of them, or a few of many."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(near)}?"
    if len(names) <= FEW:
        return f"known: {', '.join(names)}."
    return f"known: {', '.join(names[:3])} and {len(names) - 3} more."
