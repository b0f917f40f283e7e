"""Graphs evaluated in numpy: leading axes are batch axes, and a complex step may be taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.base import add_rows
from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.models.formulas.graph import Node, needed

Values = Mapping[str, NDArray[Any]]


def evaluate(outputs: Sequence[Node], given: Values) -> list[NDArray[Any]]:
    """Return the arrays of some nodes.

    Parameters
    ----------
    outputs : sequence of Node
    given : mapping of ndarray
        The leaves by name, with or without batch axes.
    """
    return evaluate_with(outputs, given, {})


def evaluate_with(
    outputs: Sequence[Node], given: Values, instead: Mapping[str, Callable[..., Any]]
) -> list[NDArray[Any]]:
    """`evaluate`, with other arithmetic: entrywise kinds of arrays, others of node and arrays."""
    nodes = needed(outputs)
    last = {arg.number: node.number for node in nodes for arg in node.args}
    last |= {node.number: len(nodes) + max(n.number for n in nodes) for node in outputs}
    found: dict[int, NDArray[Any]] = {}
    with np.errstate(all="ignore"):
        for node in nodes:
            found[node.number] = _value(node, [found[a.number] for a in node.args], given, instead)
            for arg in node.args:  # memory of a batch is not held longer than needed
                if last[arg.number] == node.number:
                    found.pop(arg.number, None)
    return [found[node.number] for node in outputs]


def _value(
    node: Node, args: list[NDArray[Any]], given: Values, instead: Mapping[str, Callable[..., Any]]
) -> NDArray[Any]:
    if not node.args and node.kind != "constant":
        return given[node.extra]
    if node.entrywise:
        function: Callable[..., Any] = instead.get(node.kind) or FUNCTIONS[node.kind].numpy
        return np.asarray(function(*args))
    operation: Callable[..., Any] = instead.get(node.kind) or _OPERATIONS[node.kind]
    return operation(node, *args)


def _constant(node: Node) -> NDArray[Any]:
    return np.asarray(node.extra)


def _batch(array: NDArray[Any], axes: int) -> tuple[int, ...]:
    return array.shape[: array.ndim - axes]


def _reshape(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    return x.reshape((*_batch(x, len(node.args[0].shape)), *node.shape))


def _transpose(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    n = len(node.shape)
    lead = range(x.ndim - n)
    return x.transpose(*lead, *(len(lead) + k for k in node.extra))


def _expand(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    return np.broadcast_to(x, (*_batch(x, len(node.shape)), *node.shape))


def slices(index: Sequence[tuple[int, int, int]]) -> tuple[Any, ...]:
    """Return numpy's index for (start, step, count) of every axis, after batch axes."""
    found = []
    for start, step, count in index:
        stop: int | None = start + step * count
        found.append(
            slice(start, None if step < 0 and stop is not None and stop < 0 else stop, step)
        )
    return (..., *found)


def _slice(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    return x[slices(node.extra)]


def _place(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    whole = np.zeros((*_batch(x, len(node.args[0].shape)), *node.shape), dtype=x.dtype)
    whole[slices(node.extra)] = x
    return whole


def _take(node: Node, x: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    return np.take(x, rows.astype(np.int64), axis=-len(node.args[0].shape))


def _scatter(node: Node, x: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    lead, width = _batch(x, len(node.args[0].shape)), int(np.prod(node.shape[1:], dtype=int))
    flat = x.reshape((*lead, rows.size, width))
    total = add_rows(flat, rows.reshape(-1).astype(np.int64), node.shape[0])
    return total.reshape((*lead, *node.shape))


def _matmul(node: Node, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    return np.matmul(a, b)


def _axes(node: Node) -> tuple[int, ...]:
    return tuple(k - len(node.shape) for k in node.extra)


def _sum(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    return x.sum(axis=_axes(node), keepdims=True)


def _extreme(pick: Callable[..., Any]) -> Callable[[Node, NDArray[Any]], NDArray[Any]]:
    def take(node: Node, x: NDArray[Any]) -> NDArray[Any]:
        result = x
        for axis in _axes(node):  # by real parts, so that a complex step goes with the one chosen
            places = np.expand_dims(pick(np.real(result), axis=axis), axis)
            result = np.take_along_axis(result, places, axis=axis)
        return result

    return take


def _concatenate(node: Node, *parts: NDArray[Any]) -> NDArray[Any]:
    axes = len(node.shape)
    lead = np.broadcast_shapes(*(_batch(part, axes) for part in parts))
    even = [
        np.broadcast_to(part, (*lead, *arg.shape))
        for part, arg in zip(parts, node.args, strict=True)
    ]
    return np.concatenate(even, axis=node.extra - axes)


def _stop(node: Node, x: NDArray[Any]) -> NDArray[Any]:
    return np.real(x)


_OPERATIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "constant": _constant,
    "reshape": _reshape,
    "transpose": _transpose,
    "expand": _expand,
    "slice": _slice,
    "place": _place,
    "take": _take,
    "scatter": _scatter,
    "matmul": _matmul,
    "sum": _sum,
    "max": _extreme(np.argmax),
    "min": _extreme(np.argmin),
    "concatenate": _concatenate,
    "stop": _stop,
}
