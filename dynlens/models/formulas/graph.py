"""Formulas as graphs of array operations.

A node is one operation on earlier nodes; equal nodes are one and the same, so that what a formula
says twice is computed once. Shapes are those without batch axes, which lead everywhere and are
never seen here: all arrays that an entrywise operation combines have the same number of axes, with
sizes that are equal or 1. That is why axes are added by nodes of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, prod
from typing import Any

from dynlens.models.formulas.functions import FUNCTIONS

LARGEST = 50_000_000  # numbers of one array
LONGEST = 64  # factors of a product that is written out

LEAVES = ("parameter", "data", "constant", "cotangent")
SYMMETRIC = ("add", "multiply")  # the order does not matter
VIEWS = ("reshape", "transpose", "slice", "expand", "take")  # that only say where numbers lie


class ShapeError(ValueError):
    """Arrays that do not fit together; the text says which shapes."""


@dataclass(frozen=True, eq=False)
class Node:
    """One array.

    Parameters
    ----------
    number : int
        Place in its graph; arguments come before.
    kind : str
        A leaf, a view, the name of an entrywise function, ``matmul``, ``sum``, ``max``, ``min``,
        ``place`` (an array of zeros with the argument at a slice), ``scatter`` (with the
        argument's rows added at listed rows), or ``concatenate``.
    args : tuple of Node
    shape : tuple of int
    extra : object
        What the kind needs besides: a name, a number, axes, an index.
    """

    number: int
    kind: str
    args: tuple[Node, ...]
    shape: tuple[int, ...]
    extra: Any = None

    @cached_property
    def size(self) -> int:
        """Number of entries."""
        return prod(self.shape)

    @property
    def entrywise(self) -> bool:
        """Whether it is a function of the entries of its arguments, one by one."""
        return self.kind in FUNCTIONS


class Graph:
    """Makes nodes, each only once, and leaves out what changes nothing."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._known: dict[Any, Node] = {}

    def _node(
        self, kind: str, args: tuple[Node, ...], shape: tuple[int, ...], extra: Any = None
    ) -> Node:
        if prod(shape) > LARGEST:
            raise ShapeError(f"an array of shape {shape} is too large; sum over smaller parts")
        # A float is told from an integer, and 0.0 from -0.0, by its text.
        numbers = tuple(arg.number for arg in args)
        if kind in SYMMETRIC:
            numbers = tuple(sorted(numbers))
        key = (kind, numbers, shape, repr(extra))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Node(len(self.nodes), kind, args, shape, extra)
            self.nodes.append(found)
        return found

    # -- leaves -----------------------------------------------------------------------------------

    def leaf(self, kind: str, name: str, shape: tuple[int, ...]) -> Node:
        """Add an array that is given from outside, by name."""
        return self._node(kind, (), shape, name)

    def constant(self, value: float) -> Node:
        """Add a number."""
        return self._node("constant", (), (), float(value))

    # -- where numbers lie ------------------------------------------------------------------------

    def reshape(self, x: Node, shape: tuple[int, ...]) -> Node:
        """Give the same numbers, in the same order, another shape."""
        if x.kind == "reshape":
            x = x.args[0]
        if x.shape == shape:
            return x
        if prod(shape) != x.size:
            raise ShapeError(f"shape {x.shape} cannot become {shape}")
        return self._node("reshape", (x,), shape)

    def transpose(self, x: Node, order: Sequence[int]) -> Node:
        """Put the axes in another order."""
        order = tuple(order)
        if x.kind == "transpose":
            order, x = tuple(x.extra[k] for k in order), x.args[0]
        if order == tuple(range(len(order))):
            return x
        return self._node("transpose", (x,), tuple(x.shape[k] for k in order), order)

    def turned(self, x: Node) -> Node:
        """Exchange the last two axes."""
        n = len(x.shape)
        return self.transpose(x, (*range(n - 2), n - 1, n - 2))

    def slice(self, x: Node, index: tuple[tuple[int, int, int], ...]) -> Node:
        """Take (start, step, count) of every axis."""
        shape = tuple(count for _, _, count in index)
        if shape == x.shape and all(start == 0 and step == 1 for start, step, _ in index):
            return x
        return self._node("slice", (x,), shape, index)

    def take(self, x: Node, rows: Node) -> Node:
        """Take rows of the first axis, as an array of integers lists them."""
        return self._node("take", (x, rows), (*rows.shape, *x.shape[1:]))

    def expand(self, x: Node, shape: tuple[int, ...]) -> Node:
        """Repeat along axes of size 1."""
        x = self.padded(x, len(shape))
        return x if x.shape == shape else self._node("expand", (x,), shape)

    def padded(self, x: Node, axes: int) -> Node:
        """Add axes of size 1 in front, up to so many."""
        return self.reshape(x, (*[1] * (axes - len(x.shape)), *x.shape))

    def stop(self, x: Node) -> Node:
        """Take an array for a constant when differentiating; it must not matter what it is."""
        return x if x.kind == "constant" else self._node("stop", (x,), x.shape)

    # -- operations -------------------------------------------------------------------------------

    def apply(self, kind: str, *args: Node) -> Node:
        """Apply a function entry by entry, with axes of size 1 repeated as needed."""
        shape = common_shape(arg.shape for arg in args)
        simpler = self._simpler(kind, args, shape)
        if simpler is not None:
            return simpler
        axes = len(shape)
        even = [arg if arg.kind == "constant" else self.padded(arg, axes) for arg in args]
        return self._node(kind, tuple(even), shape)

    def _simpler(self, kind: str, args: tuple[Node, ...], shape: tuple[int, ...]) -> Node | None:
        values = [arg.extra if arg.kind == "constant" else None for arg in args]
        if None not in values:
            return self.constant(FUNCTIONS[kind].number(*(arg.extra for arg in args)))
        first, second = values[0], values[-1]
        if kind == "add" and 0.0 in values:
            return self.expand(args[1 - values.index(0.0)], shape)
        if kind == "multiply":
            if 0.0 in values:
                return self.expand(self.constant(0.0), shape) if shape else self.constant(0.0)
            for one, result in ((1.0, None), (-1.0, "negative")):
                if one in values:
                    other = args[1 - values.index(one)]
                    return self.apply(result, other) if result else self.expand(other, shape)
        if kind == "subtract":
            if second == 0.0:
                return self.expand(args[0], shape)
            if first == 0.0:
                return self.apply("negative", args[1])
        if kind == "divide" and second == 1.0:
            return self.expand(args[0], shape)
        if kind == "power" and second is not None:
            return self._power(args[0], second)
        if kind == "negative" and args[0].kind == "negative":
            return args[0].args[0]
        return self._safer(kind, args[0])

    def _safer(self, kind: str, x: Node) -> Node | None:
        """Compute ``log(1 + u)`` and ``log(1 + exp(x))`` without overflow, and with all digits."""
        if kind == "log" and x.kind == "add":
            for one, other in (x.args, x.args[::-1]):
                if one.kind == "constant" and one.extra == 1.0:
                    return self.apply("log1p", other)
        if kind == "log1p" and x.kind == "exp":
            return self.apply("softplus", x.args[0])
        return None

    def _power(self, base: Node, exponent: float) -> Node | None:
        if exponent == 0.0:
            return self.expand(self.constant(1.0), base.shape) if base.shape else self.constant(1.0)
        if exponent == 0.5:
            return self.apply("sqrt", base)
        if exponent == int(exponent) and 1 <= abs(exponent) <= 8:
            result = self._repeated(base, int(abs(exponent)))
            return result if exponent > 0 else self.apply("divide", self.constant(1.0), result)
        return None

    def _repeated(self, base: Node, times: int) -> Node:
        if times == 1:
            return base
        half = self._repeated(base, times // 2)
        square = self.apply("multiply", half, half)
        return self.apply("multiply", square, base) if times % 2 else square

    def matmul(self, a: Node, b: Node) -> Node:
        """Matrix product over the last two axes; those before are repeated as needed."""
        axes = max(len(a.shape), len(b.shape))
        a, b = self.padded(a, axes), self.padded(b, axes)
        if a.shape[-1] != b.shape[-2]:
            raise ShapeError(f"shapes {a.shape} and {b.shape} do not fit a matrix product")
        if a.shape[-1] == 1:  # a product entry by entry, which can be part of a larger loop
            return self.apply("multiply", a, b)
        lead = common_shape((a.shape[:-2], b.shape[:-2]))
        return self._node("matmul", (a, b), (*lead, a.shape[-2], b.shape[-1]))

    def reduce(self, kind: str, x: Node, axes: Iterable[int]) -> Node:
        """Sum, maximum or minimum over some axes, which stay, with size 1."""
        over = tuple(sorted(axis for axis in axes if x.shape[axis] != 1))
        if not over:
            return x
        shape = tuple(1 if k in over else size for k, size in enumerate(x.shape))
        if kind == "sum" and x.kind == "expand":  # of what is repeated
            (inner,) = x.args
            times = prod(x.shape[k] for k in over if inner.shape[k] == 1)
            if times > 1:
                kept = self.reduce("sum", inner, [k for k in over if inner.shape[k] != 1])
                return self.expand(self.apply("multiply", kept, self.constant(times)), shape)
        return self._node(kind, (x,), shape, over)

    def concatenate(self, parts: Sequence[Node], axis: int) -> Node:
        """Join arrays along an axis."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0].shape
        total = sum(part.shape[axis] for part in parts)
        shape = (*first[:axis], total, *first[axis + 1 :])
        return self._node("concatenate", tuple(parts), shape, axis)

    def place(
        self, x: Node, index: tuple[tuple[int, int, int], ...], shape: tuple[int, ...]
    ) -> Node:
        """Put an array at a slice of zeros."""
        return self._node("place", (x,), shape, index)

    def scatter(self, x: Node, rows: Node, shape: tuple[int, ...]) -> Node:
        """Add the rows of an array to listed rows of zeros."""
        return self._node("scatter", (x, rows), shape)


def common_shape(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape to which these are repeated."""
    listed = list(shapes)
    axes = max((len(shape) for shape in listed), default=0)
    found = []
    for sizes in zip(*((*[1] * (axes - len(s)), *s) for s in listed), strict=True):
        several = set(sizes) - {1}
        if len(several) > 1:
            raise ShapeError(f"shapes {' and '.join(map(str, listed))} do not fit together")
        found.append(several.pop() if several else 1)
    return tuple(found)


def needed(outputs: Iterable[Node]) -> list[Node]:
    """Return all nodes that the outputs are made of, arguments first."""
    found: dict[int, Node] = {}
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node.number not in found:
            found[node.number] = node
            stack += node.args
    return [found[number] for number in sorted(found)]


def finite_number(value: float) -> bool:
    """Whether a folded constant is one."""
    return -inf < value < inf
