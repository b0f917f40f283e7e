"""Tiny formulas as straight lines, in which every number is in a register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.formulas.evaluating import evaluate_with, slices
from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.models.formulas.graph import Graph, Node
from dynlens.models.formulas.statements import lowered

Texts = NDArray[Any]  # names of numbers, or numbers
MOST = 400  # lines; beyond, the compiler takes longer and the loops cost less


class TooLong(Exception):
    """More lines than are worth it."""


class Written:
    """Writes a line for each number that is computed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.known: dict[str, str] = {}

    def name(self, value: str) -> str:
        """Name the number that an expression is; the same one twice is computed once."""
        if value not in self.known:
            if len(self.lines) >= MOST:
                raise TooLong
            self.known[value] = f"v{len(self.known)}"
            self.lines.append(f"{self.known[value]} = {value}")
        return self.known[value]

    def apply(self, kind: str, *args: str) -> str:
        """Write a function of numbers."""
        if kind == "multiply" and "0.0" in args:
            return "0.0"
        if kind == "add" and "0.0" in args:
            return args[1 - args.index("0.0")]
        if kind == "multiply" and "1.0" in args:
            return args[1 - args.index("1.0")]
        if kind == "negative" and args[0] == "0.0":
            return "0.0"
        names = [arg if arg.isidentifier() else f"({arg})" for arg in args]
        return self.name(FUNCTIONS[kind].text.format(*names))

    def total(self, values: Sequence[str]) -> str:
        """Write a sum."""
        terms = [value for value in values if value != "0.0"]
        if not terms:
            return "0.0"
        return terms[0] if len(terms) == 1 else self.name(" + ".join(terms))


def formula_lines(
    graph: Graph,
    output: Node,
    gradients: Sequence[Node],
    data: Mapping[str, NDArray[Any]],
    places: Sequence[int],
    theta: Sequence[str],
    out: Sequence[str],
    sign: str = "",
) -> list[str]:
    """Source of the gradient of ``sum_i l(output[places[i]] - values[i])``; see `kernels.unrolled`.

    Raises
    ------
    TooLong
    """
    first, *last = lowered(graph, [output, *gradients])
    writer = Written()
    given: dict[str, Texts] = {name: _texts(array) for name, array in data.items()}
    start = 0
    for node in graph.nodes:
        if node.kind == "parameter":
            stop = start + node.size
            given[node.extra] = np.array(theta[start:stop], dtype=object).reshape(node.shape)
            start = stop
    (predicted,) = evaluate_with([first], given, _operations(writer))
    flat = np.broadcast_to(predicted, first.shape).reshape(-1)
    weights = np.full(first.size, "0.0", dtype=object)
    writer.lines.append("total = 0.0")
    for i, place in enumerate(places):
        writer.lines.append(f"z{i} = {flat[place]} - values[{i}]")
        writer.lines.append(f"total += loss_value(z{i})")
        writer.lines.append(f"g{i} = {sign}weight[0] * loss_derivative(z{i})")
        seen = weights[place]
        weights[place] = f"g{i}" if seen == "0.0" else writer.name(f"{seen} + g{i}")
    given["cotangent"] = weights.reshape(first.shape)
    parts = evaluate_with(last, given, _operations(writer))
    entries = [
        text
        for node, part in zip(last, parts, strict=True)
        for text in np.broadcast_to(part, node.shape).reshape(-1).tolist()
    ]
    return [*writer.lines, *(f"{name} = {text}" for name, text in zip(out, entries, strict=True))]


def _texts(array: NDArray[Any]) -> Texts:
    return np.array([repr(float(x)) for x in array.reshape(-1)], dtype=object).reshape(array.shape)


def _operations(writer: Written) -> dict[str, Any]:
    """What `evaluate_with` is to do with arrays of names."""

    def entrywise(kind: str) -> Any:
        return np.frompyfunc(lambda *args: writer.apply(kind, *args), _count(kind), 1)

    def total(node: Node, x: Texts) -> Texts:
        moved = np.moveaxis(x, node.extra, range(-len(node.extra), 0))
        rows = moved.reshape(-1, int(np.prod([x.shape[k] for k in node.extra])))
        sums = [writer.total(row.tolist()) for row in rows]
        return np.array(sums, dtype=object).reshape(node.shape)

    def matmul(node: Node, a: Texts, b: Texts) -> Texts:
        a, b = (np.broadcast_to(x, (*node.shape[:-2], *x.shape[-2:])) for x in (a, b))
        result = np.empty(node.shape, dtype=object)
        for place in np.ndindex(*node.shape):
            *lead, i, j = place
            pairs = zip(a[(*lead, i)], b[(*lead, slice(None), j)], strict=True)
            result[place] = writer.total([writer.apply("multiply", x, y) for x, y in pairs])
        return result

    def unknown(node: Node, *args: Any) -> Texts:
        raise TooLong

    def take(node: Node, x: Texts, rows: Texts) -> Texts:
        return np.take(x, rows.astype(float).astype(int), axis=0)

    def scatter(node: Node, x: Texts, rows: Texts) -> Texts:
        result = np.full(node.shape, "0.0", dtype=object)
        for place, row in np.ndenumerate(rows.astype(float).astype(int)):
            for inner in np.ndindex(*node.shape[1:]):
                where = (int(row), *inner)
                result[where] = writer.apply("add", result[where], x[(*place, *inner)])
        return result

    def place(node: Node, x: Texts) -> Texts:
        result = np.full(node.shape, "0.0", dtype=object)
        result[slices(node.extra)] = x
        return result

    return {
        **{kind: entrywise(kind) for kind in FUNCTIONS},
        "constant": lambda node: np.array(repr(node.extra), dtype=object),
        "sum": total,
        "matmul": matmul,
        "take": take,
        "scatter": scatter,
        "place": place,
        "max": unknown,
        "min": unknown,
        "stop": lambda node, x: x,
    }


def _count(kind: str) -> int:
    shared = kind in ("sigmoid", "softplus")
    return len(FUNCTIONS[kind].slopes) + shared
