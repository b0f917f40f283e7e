"""Graphs as source text of compiled loops: whole arrays in a work space, entries in between.

The text depends on shapes and on the formula, not on the data, which are read from an array. Each
statement of `statements` becomes a loop; matrix products become those of
`kernels.matrix_products`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from dynlens.kernels.matrix_products import HEAD, VECTORS, matrix_product, vector_product
from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.models.formulas.graph import Graph, Node, needed
from dynlens.models.formulas.statements import (
    REDUCED,
    Group,
    grouped,
    lowered,
    same_numbers,
    stored_nodes,
)

_STARTS = {"sum": "0.0", "max": "-math.inf", "min": "math.inf"}
_JOINS = {"sum": "{0} + {1}", "max": "max({0}, {1})", "min": "min({0}, {1})"}


class Index(NamedTuple):
    """An index of an array, as text, and the innermost loop that it depends on."""

    text: str
    depth: int


ZERO = Index("0", 0)
ROWS = 2**26 - 1  # so that the compiler knows that a row's number is not negative


@dataclass(frozen=True)
class Compiled:
    """Source text of ``forward`` and ``backward``, and the size of their work space."""

    source: str
    work: int


def compiled_text(
    graph: Graph,
    output: Node,
    gradients: Sequence[Node],
    parameters: Mapping[str, int],
    data: Mapping[str, int],
    size: int,
) -> Compiled:
    """Write a formula and its adjoint.

    Parameters
    ----------
    graph : Graph
    output : Node
    gradients : sequence of Node
        In the order of the parameters; they read the leaf called "cotangent".
    parameters, data : mapping from names to places
        In ``theta``, and among the last numbers of ``rows``.
    size : int
        How many numbers the data are.
    """
    first, *last = lowered(graph, [output, *gradients])
    writer = _Writer(parameters, data, stored_nodes([first], last))
    before = needed([first])
    early = {node.number for node in before}
    late = [node for node in needed(last) if node.number not in early]
    kept = {
        arg.number for node in late for arg in needed([node]) if arg.number in writer.stored
    } & early
    inner = same_numbers(first, writer.stored)
    if inner.number in writer.stored and inner.number not in kept:
        writer.places[inner.number] = ("tensor", 0)
    start = 0
    for node in last:
        inner = same_numbers(node, writer.stored)
        if inner.number in writer.stored and inner.number not in (*writer.places, *early):
            writer.places[inner.number] = ("out", start)
        start += node.size
    forward = writer.statements([n for n in before if n.number in writer.stored])
    forward += writer.copied(first, ("tensor", 0))
    backward = writer.statements([n for n in late if n.number in writer.stored])
    start = 0
    for node in last:
        backward += writer.copied(node, ("out", start))
        start += node.size
    base = [f"    base = rows.size - {size}"] if size else []
    lines = [
        "@reordered",
        "def forward(theta, index, rows, work, tensor):",
        *(base or ["    pass"]),
        *forward,
        "",
        "",
        "@reordered",
        "def backward(theta, index, rows, work, cotangent, out):",
        *(base or ["    pass"]),
        *backward,
    ]
    heads = ["import math", "", "import numpy as np", "", HEAD]
    text = "\n".join(lines)
    if "load(" in text:
        heads.append(VECTORS)
    return Compiled("\n".join([*heads, "", "", text, ""]), writer.used)


class _Writer:
    """Gives places to arrays and writes the loops that fill them."""

    def __init__(
        self, parameters: Mapping[str, int], data: Mapping[str, int], stored: set[int]
    ) -> None:
        self.parameters, self.data, self.stored = parameters, data, stored
        self.places: dict[int, tuple[str, int | str]] = {}
        self.used = 0

    def place(self, node: Node) -> tuple[str, int | str]:
        """Where the numbers of a leaf or of a stored node lie, one after the other."""
        if node.kind == "parameter":
            return "theta", self.parameters[node.extra]
        if node.kind == "data":
            return "rows", f"base + {self.data[node.extra]}"
        if node.kind == "cotangent":
            return "cotangent", 0
        if node.number not in self.places:
            self.places[node.number] = ("work", self.used)
            self.used += -(-node.size // 8) * 8
        return self.places[node.number]

    def lies(self, node: Node) -> bool:
        """Whether its numbers lie one after the other."""
        return node.kind in ("parameter", "data", "cotangent") or node.number in self.stored

    def copied(self, node: Node, place: tuple[str, int]) -> list[str]:
        """Lines that put a result where it belongs, if it is not there."""
        if self.places.get(same_numbers(node, self.stored).number) == place:
            return []
        nest = _Nest(self, node.shape)
        value = nest.element(node, nest.indices)
        nest.at(
            nest.depth, f"{place[0]}[{_sum(place[1], _flat(nest.indices, node.shape))}] = {value}"
        )
        return nest.text()

    def statements(self, nodes: Sequence[Node]) -> list[str]:
        """Lines that fill the places of stored nodes."""
        lines: list[str] = []
        for group in grouped(nodes, self.stored):
            lines += self.loop(group) if group.space is not None else self.special(group.nodes[0])
        return lines

    # -- entry by entry ---------------------------------------------------------------------------

    def loop(self, group: Group) -> list[str]:
        """One loop over all entries."""
        assert group.space is not None
        nest = _Nest(self, group.space)
        for node in group.nodes:
            if node.kind in REDUCED:
                nest.reduce(node)
                continue
            if node.kind == "scatter":
                nest.scatter(node)
                continue
            value = nest.compute(node, nest.indices)
            array, start = self.place(node)
            nest.at(
                nest.depth, f"{array}[{_sum(start, _flat(nest.indices, node.shape))}] = {value}"
            )
        return nest.text()

    # -- others -----------------------------------------------------------------------------------

    def special(self, node: Node) -> list[str]:
        """Lines of a statement with a loop of its own kind."""
        lines: list[str] = getattr(self, f"_{node.kind}")(node)
        return lines

    def _zeros(self, node: Node) -> list[str]:
        return [f"    {line}" for line in _filled(node, *self.place(node), "0.0")]

    def _place(self, node: Node) -> list[str]:
        (x,), nest = node.args, _Nest(self, node.args[0].shape)
        where = [
            Index(_affine(index.text, step, start), index.depth)
            for index, (start, step, _) in zip(nest.indices, node.extra, strict=True)
        ]
        array, start = self.place(node)
        value = nest.element(x, nest.indices)
        nest.at(nest.depth, f"{array}[{_sum(start, _flat(where, node.shape))}] = {value}")
        return [*self._zeros(node), *nest.text()]

    def _concatenate(self, node: Node) -> list[str]:
        lines, begin, axis = [], 0, node.extra
        array, start = self.place(node)
        for part in node.args:
            nest = _Nest(self, part.shape)
            where = list(nest.indices)
            where[axis] = Index(_affine(where[axis].text, 1, begin), where[axis].depth)
            value = nest.element(part, nest.indices)
            nest.at(nest.depth, f"{array}[{_sum(start, _flat(where, node.shape))}] = {value}")
            lines += nest.text()
            begin += part.shape[axis]
        return lines

    def _matmul(self, node: Node) -> list[str]:
        a, b = node.args
        m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
        left, right = self._matrix(a), self._matrix(b)
        out = self.place(node)
        if node.size != m * n or left is None or right is None:
            return self._product_by_loops(node)
        (first, turned), (second, other) = left, right
        if n == 1:
            return vector_product(first, second, out, (m, k), turned)
        if m == 1:
            return vector_product(second, first, out, (n, k), not other)
        free = self.used
        if other:  # room to turn the second in
            self.used += -(-k * n // 8) * 8
        marks = ("T" if turned else "N") + ("T" if other else "N")
        return matrix_product(first, second, out, (m, k, n), marks, free)

    def _matrix(self, node: Node) -> tuple[tuple[str, int | str], bool] | None:
        """Where a matrix lies, and whether transposed; None if it does not lie in one piece."""
        turned = False
        while not self.lies(node):
            if not node.args:
                return None
            inner = node.args[0]
            same = _pair(inner.shape) == _pair(node.shape)
            if node.kind == "transpose" and _pair(inner.shape) == _pair(node.shape)[::-1]:
                turned = turned != (min(_pair(node.shape)) > 1)
            elif node.kind != "stop" and (node.kind != "reshape" or (turned and not same)):
                return None
            node = inner
        return self.place(node), turned

    def _product_by_loops(self, node: Node) -> list[str]:
        a, b = node.args
        lead, (m, k), n = node.shape[:-2], a.shape[-2:], b.shape[-1]
        nest = _Nest(self, (*lead, m, k, n))
        *before, row, inner, column = nest.indices
        value = nest.element(a, (*before, row, inner))
        other = nest.element(b, (*before, inner, column))
        array, start = self.place(node)
        where = _flat((*before, row, column), node.shape)
        nest.at(nest.depth, f"{array}[{_sum(start, where)}] += {value} * {other}")
        return [*self._zeros(node), *nest.text()]


def _pair(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[-2:] if math.prod(shape) == math.prod(shape[-2:]) else (0, *shape)


class _Nest:
    """Loops inside each other, with lines before, inside and after each."""

    def __init__(self, writer: _Writer, space: Sequence[int]) -> None:
        self.writer, self.space = writer, tuple(space)
        self.ranges: list[int] = []
        found = []
        for size in space:
            if size == 1:
                found.append(ZERO)
            else:
                self.ranges.append(size)
                found.append(Index(f"i{len(self.ranges)}", len(self.ranges)))
        self.indices = tuple(found)
        self.depth = len(self.ranges)
        self.lines: list[list[str]] = [[] for _ in range(self.depth + 1)]
        self.after: list[list[str]] = [[] for _ in range(self.depth + 1)]
        self.names: dict[tuple[int, tuple[Index, ...]], tuple[str, int]] = {}
        self.count = 0

    def at(self, depth: int, line: str) -> None:
        """Add a line inside so many loops."""
        self.lines[depth].append(line)

    def name(self, depth: int, value: str) -> str:
        """Give a number a name inside so many loops."""
        self.count += 1
        self.at(depth, f"v{self.count} = {value}")
        return f"v{self.count}"

    def text(self) -> list[str]:
        """Return the lines of all loops."""
        lines, space = [], "    "
        for depth in range(self.depth + 1):
            if depth:
                lines.append(f"{space * depth}for i{depth} in range({self.ranges[depth - 1]}):")
            lines += [space * (depth + 1) + line for line in self.lines[depth]]
        for depth in range(self.depth, -1, -1):
            lines += [space * (depth + 1) + line for line in self.after[depth]]
        return lines

    # -- reading ----------------------------------------------------------------------------------

    def element(self, node: Node, indices: Sequence[Index]) -> str:
        """Return a name for an entry of a node, or a number."""
        return self._element(node, tuple(indices))[0]

    def _element(self, node: Node, indices: tuple[Index, ...]) -> tuple[str, int]:
        if node.kind == "constant":
            return repr(node.extra), 0
        indices = _own(node, indices)
        key = (node.number, indices)
        if key not in self.names:
            if self.writer.lies(node):
                array, start = self.writer.place(node)
                depth = max((index.depth for index in indices), default=0)
                value = f"{array}[{_sum(start, _flat(indices, node.shape))}]"
                self.names[key] = self.name(depth, value), depth
            elif node.entrywise:
                self.compute(node, indices)
            else:
                self.names[key] = self._view(node, indices)
        return self.names[key]

    def compute(self, node: Node, indices: tuple[Index, ...]) -> str:
        """Write an entry of a function of arrays, or of a view that is to be stored."""
        if not node.entrywise:
            return self._view(node, indices)[0]
        args = [self._element(arg, _broadcast(arg, indices)) for arg in node.args]
        depth = max(depth for _, depth in args)
        names = [_bracketed(name) for name, _ in args]
        value = self.name(depth, FUNCTIONS[node.kind].text.format(*names))
        self.names[(node.number, _own(node, indices))] = value, depth
        return value

    def whole(self, node: Node, indices: Sequence[Index]) -> Index:
        """Return an entry of an array of integers, as an index."""
        name, depth = self._element(node, tuple(indices))
        key = (-1 - node.number, tuple(indices))  # apart from the entry as a number
        if key not in self.names:
            self.names[key] = self.name(depth, f"int({name}) & {ROWS}"), depth
        return Index(*self.names[key])

    def _view(self, node: Node, indices: tuple[Index, ...]) -> tuple[str, int]:
        (x, *others) = node.args
        if node.kind == "stop":
            return self._element(x, indices)
        if node.kind == "expand":
            return self._element(x, _broadcast(x, indices))
        if node.kind == "transpose":
            back = sorted(range(len(node.extra)), key=node.extra.__getitem__)
            return self._element(x, tuple(indices[k] for k in back))
        if node.kind == "slice":
            where = tuple(
                Index(_affine(index.text, step, start), index.depth)
                for index, (start, step, _) in zip(indices, node.extra, strict=True)
            )
            return self._element(x, where)
        if node.kind == "take":
            axes = len(others[0].shape)
            row = self.whole(others[0], indices[:axes])
            return self._element(x, (row, *indices[axes:]))
        assert node.kind == "reshape"
        kept = [index for index, size in zip(indices, node.shape, strict=True) if size != 1]
        sizes = [size for size in node.shape if size != 1]
        if sizes == [size for size in x.shape if size != 1]:
            rest = iter(kept)
            return self._element(x, tuple(ZERO if s == 1 else next(rest) for s in x.shape))
        while x.kind in ("reshape", "stop") and not self.writer.lies(x):
            (x,) = x.args
        array, start = self.writer.place(x)
        depth = max((index.depth for index in kept), default=0)
        return self.name(depth, f"{array}[{_sum(start, _flat(indices, node.shape))}]"), depth

    def scatter(self, node: Node) -> None:
        """Add an entry to the row that is listed for it."""
        x, rows = node.args
        axes = len(rows.shape)
        row = self.whole(rows, self.indices[:axes])
        array, start = self.writer.place(node)
        self.lines[0][:0] = _filled(node, array, start, "0.0")
        where = _flat([row, *self.indices[axes:]], node.shape)
        value = self.element(x, self.indices)
        self.at(self.depth, f"{array}[{_sum(start, where)}] += {value}")

    # -- reducing ---------------------------------------------------------------------------------

    def reduce(self, node: Node) -> None:
        """Add up, or compare, over some of the loops."""
        (x,) = node.args
        value, _ = self._element(x, self.indices)
        kept = [index for k, index in enumerate(self.indices) if k not in node.extra]
        inner = max((index.depth for index in kept), default=0)
        where = tuple(ZERO if k in node.extra else i for k, i in enumerate(self.indices))
        array, start = self.writer.place(node)
        place = f"{array}[{_sum(start, _flat(where, node.shape))}]"
        outer = any(self.indices[k].depth < inner for k in node.extra)
        if outer:
            self.lines[0][:0] = _filled(node, array, start, _STARTS[node.kind])
        join = _JOINS[node.kind]
        if inner == self.depth:
            self.at(self.depth, f"{place} = {join.format(place, value)}")
            return
        self.count += 1
        total = f"t{self.count}"
        self.at(inner, f"{total} = {_STARTS[node.kind]}")
        self.at(self.depth, f"{total} = {join.format(total, value)}")
        result = join.format(place, total) if outer else total
        self.after[inner].append(f"{place} = {result}")


def _filled(node: Node, array: str, start: int | str, value: str) -> list[str]:
    """Lines that give all entries of an array one value."""
    return [f"for i in range({node.size}):", f"    {array}[{_sum(start, 'i')}] = {value}"]


def _own(node: Node, indices: Sequence[Index]) -> tuple[Index, ...]:
    return tuple(
        ZERO if size == 1 else index for size, index in zip(node.shape, indices, strict=True)
    )


def _broadcast(node: Node, indices: tuple[Index, ...]) -> tuple[Index, ...]:
    """Indices of an argument that is repeated along its axes of size 1."""
    return () if node.kind == "constant" else _own(node, indices)


def _flat(indices: Sequence[Index], shape: Sequence[int]) -> str:
    """Place of an entry in the array's numbers, in their order."""
    terms, stride = [], 1
    for index, size in zip(reversed(indices), reversed(shape), strict=True):
        if index.text != "0":
            text = index.text if index.text.isidentifier() else f"({index.text})"
            terms.append(text if stride == 1 else f"{text} * {stride}")
        stride *= size
    return " + ".join(reversed(terms)) or "0"


def _affine(text: str, step: int, start: int) -> str:
    if text == "0":
        return str(start)
    inner = text if text.isidentifier() else f"({text})"
    scaled = inner if step == 1 else f"{inner} * {step}"
    return scaled if start == 0 else f"{scaled} + {start}"


def _sum(start: int | str, text: str) -> str:
    if start in (0, "0"):
        return text
    return str(start) if text == "0" else f"{start} + {text}"


def _bracketed(name: str) -> str:
    return name if name.isidentifier() else f"({name})"
