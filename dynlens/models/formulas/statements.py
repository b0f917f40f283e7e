"""What a compiled formula stores, and in which loops: a graph cut into statements.

An array that is cheap, or needed in one place, is written into the loop that needs it; the others
get a place in the work space. Statements over the same entries share one loop, in which they hand
each other numbers instead of arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dynlens.models.formulas.functions import FUNCTIONS, SHARED
from dynlens.models.formulas.graph import VIEWS, Graph, Node, needed

TRANSPARENT = (*VIEWS, "stop")
REDUCED = ("sum", "max", "min")
CHEAP = 2  # operations that are rather repeated than stored


@dataclass
class Group:
    """Statements in one loop.

    Parameters
    ----------
    space : tuple of int, or None
        Sizes of the loop's indices; None of a statement that has a loop of its own kind.
    nodes : list of Node
        What is stored.
    """

    space: tuple[int, ...] | None
    nodes: list[Node] = field(default_factory=list)


def lowered(graph: Graph, outputs: Sequence[Node]) -> list[Node]:
    """Rewrite for compilation: what two functions of one argument share becomes a node."""
    made: dict[int, Node] = {}
    for node in needed(outputs):
        args = tuple(made[arg.number] for arg in node.args)
        if node.kind in SHARED:
            args = (*args, graph.apply(SHARED[node.kind], args[0]))
        made[node.number] = graph._node(node.kind, args, node.shape, node.extra)
    return [made[node.number] for node in outputs]


def stored_nodes(first: Sequence[Node], last: Sequence[Node]) -> set[int]:
    """Numbers of the nodes that get a place.

    Parameters
    ----------
    first, last : sequence of Node
        Results that are computed before and after what is between them.
    """
    before = {node.number for node in needed(first)}
    nodes = needed([*first, *last])
    results = {node.number for node in (*first, *last)}
    users = _users(nodes)
    stored: set[int] = set()
    cost: dict[int, int] = {}  # of writing it into the place where it is needed
    for node in nodes:
        if node.kind in TRANSPARENT:
            (inner, *_) = node.args
            cost[node.number] = cost[inner.number]
            if _cuts(node) and inner.kind in TRANSPARENT and inner.number not in stored:
                stored.add(same_numbers(inner, stored).number)  # its numbers must lie in a row
        elif not node.args:
            cost[node.number] = 0
        elif not node.entrywise:
            stored.add(node.number)
            cost[node.number] = 0
        else:
            own = FUNCTIONS[node.kind].cost
            total = own + sum(cost[arg.number] for arg in node.args)
            near = users[node.number]
            late = node.number in before and any(user.number not in before for user in near)
            again = len(near) > 1 or any(_repeats(node, user) for user in near)
            apart = any(user.kind in ("matmul", "concatenate") or _cuts(user) for user in near)
            if node.number in results or apart or (total > CHEAP and (late or again)):
                stored.add(node.number)
                total = 0
            cost[node.number] = total
    return stored


def same_numbers(node: Node, stored: set[int]) -> Node:
    """Return the node whose numbers a reshaped view has, in their order."""
    while node.kind in ("reshape", "stop") and node.number not in stored:
        (node,) = node.args
    return node


def _users(nodes: Sequence[Node]) -> dict[int, list[Node]]:
    """Who needs each node, through views that only say where numbers lie."""
    users: dict[int, dict[int, Node]] = {node.number: {} for node in nodes}
    for node in reversed(nodes):
        reach = users[node.number] if node.kind in TRANSPARENT else {node.number: node}
        for arg in node.args:
            users[arg.number] |= reach
            if node.kind == "reshape" and _cuts(node):
                users[arg.number][node.number] = node
    return {number: list(found.values()) for number, found in users.items()}


def _cuts(node: Node) -> bool:
    """Whether a reshape does more than adding and dropping axes of size 1."""
    return node.kind == "reshape" and _long(node.shape) != _long(node.args[0].shape)


def _long(shape: Iterable[int]) -> list[int]:
    return [size for size in shape if size != 1]


def _repeats(node: Node, user: Node) -> bool:
    """Whether a loop over the user's entries would compute an entry again and again."""
    space = space_of(user)
    if space is None:
        return False
    return 1 < node.size < _size(space) and _long(space)[: len(_long(node.shape))] != _long(
        node.shape
    )


def _size(shape: Iterable[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def space_of(node: Node) -> tuple[int, ...] | None:
    """Sizes of the loop over a node's statement; None if it has one of its own kind."""
    if node.entrywise or node.kind in TRANSPARENT:
        return node.shape
    return node.args[0].shape if node.kind in (*REDUCED, "scatter") else None


def grouped(nodes: Sequence[Node], stored: set[int]) -> list[Group]:
    """Put the statements of some stored nodes, arguments first, into as few loops as may be."""
    groups: list[Group] = []
    place: dict[int, int] = {}
    for node in nodes:
        space, earliest = space_of(node), 0
        for other, same in _reads(node, stored):
            if other.number in place:
                together = same and other.entrywise and space == other.shape
                earliest = max(earliest, place[other.number] + (0 if together else 1))
        k = next(
            (k for k in range(earliest, len(groups)) if space and groups[k].space == space), None
        )
        if k is None:
            k = len(groups)
            groups.append(Group(space))
        groups[k].nodes.append(node)
        place[node.number] = k
    return groups


def _reads(node: Node, stored: set[int]) -> Iterator[tuple[Node, bool]]:
    """Stored nodes that a statement reads, and whether at its own entry alone."""
    stack = [(arg, arg.shape == space_of(node)) for arg in node.args]
    while stack:
        found, same = stack.pop()
        if found.number in stored:
            yield found, same
        else:
            even = found.entrywise or found.kind == "stop"
            stack += [(arg, same and even and arg.shape == found.shape) for arg in found.args]
