"""Gradients of graphs, as graphs: reverse mode, one operation at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.models.formulas.graph import Graph, Node, needed

Pairs = Iterator[tuple[Node, Node]]  # an argument, and what is added to its cotangent


def gradients(
    graph: Graph, output: Node, cotangent: Node, parameters: Sequence[Node]
) -> list[Node]:
    """Return the adjoint of the derivative of `output` at a cotangent, for each parameter.

    Cotangents of arrays may have axes of size 1 that stand for repeated numbers.
    """
    active = _depending(needed([output]), parameters)
    found: dict[int, Node] = {output.number: cotangent}
    for node in reversed(needed([output])):
        g = found.get(node.number)
        if g is None or node.number not in active or not node.args:
            continue
        for arg, part in _RULES.get(node.kind, _entrywise)(graph, node, g, active):
            before = found.get(arg.number)
            found[arg.number] = part if before is None else graph.apply("add", before, part)
    zero = graph.constant(0.0)
    return [graph.expand(found.get(p.number, zero), p.shape) for p in parameters]


def _depending(nodes: Sequence[Node], parameters: Sequence[Node]) -> set[int]:
    """Numbers of the nodes that depend on a parameter."""
    active = {p.number for p in parameters}
    for node in nodes:
        if any(arg.number in active for arg in node.args):
            active.add(node.number)
    return active


def _entrywise(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    for arg, slope in zip(node.args, FUNCTIONS[node.kind].slopes, strict=True):
        if arg.number in active and slope is not None:
            part = graph.apply("multiply", g, slope(graph, node.args, node))
            yield arg, _summed(graph, part, arg.shape, node.shape)


def _summed(graph: Graph, part: Node, shape: tuple[int, ...], whole: tuple[int, ...]) -> Node:
    """Add up a cotangent of an array of shape `whole` where one of `shape` was repeated."""
    part = graph.padded(part, len(whole)) if part.kind != "constant" else part
    repeated = [k for k, size in enumerate(shape) if size == 1 and whole[k] != 1]
    times = 1
    for k in repeated:
        if part.kind == "constant" or part.shape[k] == 1:
            times *= whole[k]
    if times != 1:
        part = graph.apply("multiply", part, graph.constant(times))
    return part if part.kind == "constant" else graph.reduce("sum", part, repeated)


def _whole(graph: Graph, node: Node, g: Node) -> Node:
    return graph.expand(g, node.shape)


def _matmul(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    (a, b), g = node.args, _whole(graph, node, g)
    if a.number in active:
        part = graph.matmul(g, graph.turned(b))
        yield a, _summed(graph, part, a.shape, (*node.shape[:-2], *a.shape[-2:]))
    if b.number in active:
        part = graph.matmul(graph.turned(a), g)
        yield b, _summed(graph, part, b.shape, (*node.shape[:-2], *b.shape[-2:]))


def _sum(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    yield node.args[0], g  # its axes of size 1 stand for repeated numbers


def _extreme(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    (x,) = node.args
    chosen = graph.apply("equal", x, node)
    count = graph.reduce("sum", chosen, node.extra)
    yield x, graph.apply("multiply", chosen, graph.apply("divide", g, count))


def _reshape(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    (x,) = node.args
    yield x, graph.reshape(_whole(graph, node, g), x.shape)


def _transpose(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    back = sorted(range(len(node.extra)), key=node.extra.__getitem__)
    yield node.args[0], graph.transpose(_whole(graph, node, g), back)


def _expand(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    (x,) = node.args
    yield x, _summed(graph, g, x.shape, node.shape)


def _slice(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    (x,) = node.args
    yield x, graph.place(_whole(graph, node, g), node.extra, x.shape)


def _place(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    yield node.args[0], graph.slice(_whole(graph, node, g), node.extra)


def _take(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    x, rows = node.args
    yield x, graph.scatter(_whole(graph, node, g), rows, x.shape)


def _scatter(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    x, rows = node.args
    yield x, graph.take(_whole(graph, node, g), rows)


def _concatenate(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    g, start, axis = _whole(graph, node, g), 0, node.extra
    for part in node.args:
        index = [(0, 1, size) for size in node.shape]
        index[axis] = (start, 1, part.shape[axis])
        start += part.shape[axis]
        if part.number in active:
            yield part, graph.slice(g, tuple(index))


def _stopped(graph: Graph, node: Node, g: Node, active: set[int]) -> Pairs:
    yield from ()


_RULES: dict[str, Callable[[Graph, Node, Node, set[int]], Pairs]] = {
    "matmul": _matmul,
    "sum": _sum,
    "max": _extreme,
    "min": _extreme,
    "reshape": _reshape,
    "transpose": _transpose,
    "expand": _expand,
    "slice": _slice,
    "place": _place,
    "take": _take,
    "scatter": _scatter,
    "concatenate": _concatenate,
    "stop": _stopped,
}
