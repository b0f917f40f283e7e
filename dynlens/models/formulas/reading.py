"""Formulas of arrays as text, in the words of numpy: read by a grammar, never executed."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.models.formulas.graph import (
    LONGEST,
    Graph,
    Node,
    ShapeError,
    finite_number,
    needed,
)
from dynlens.support import validation
from dynlens.support.syntax import parse

# What is written -> the function of one or more arrays, entry by entry.
_SAME = (
    "exp expm1 log log1p sqrt cbrt sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh "
    "arccosh arctanh erf sigmoid softplus relu abs sign maximum minimum where power"
)
ENTRYWISE = {name: name for name in _SAME.split()} | {
    "ln": "log",
    "Abs": "abs",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "Heaviside": "step",
    "heaviside": "step",
    "Max": "maximum",
    "Min": "minimum",
}
ARGUMENTS = {name: len(FUNCTIONS[kind].slopes) for name, kind in ENTRYWISE.items()}
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "logsumexp", "norm")
_BINARY: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_COMPARED: dict[type, str] = {
    ast.Lt: "less",
    ast.Gt: "greater",
    ast.LtE: "not_greater",
    ast.GtE: "not_less",
}
_WORDS = {"lambda": "lambda_"}  # kept by Python's grammar for itself


@dataclass
class Names:
    """What a formula may speak of.

    Parameters
    ----------
    graph : Graph
    nodes : dict of Node
        Arrays by name.
    integers : set of str
        Names of arrays of integers, which may list rows.
    """

    graph: Graph
    nodes: dict[str, Node]
    integers: set[str] = field(default_factory=set)


def is_name(name: str) -> bool:
    """Whether a formula can speak of an array by this name."""
    return name.isidentifier() and (name in _WORDS or not _keyword(name)) and name not in KNOWN


def _keyword(name: str) -> bool:
    import keyword

    return keyword.iskeyword(name)


def read(text: str, names: Names) -> Node:
    """Return the node of a formula.

    Raises
    ------
    ValueError
        With one sentence that says what is wrong with it.
    """
    try:
        tree = parse(_python(text), mode="eval").body
        return _Reader(text, names).read(tree)
    except SyntaxError as error:
        raise ValueError(f"formula {_short(text)} cannot be read: {error.msg}.") from None
    except (RecursionError, MemoryError):
        raise ValueError(
            f"formula {_short(text)} is nested too deeply; name parts of it by `define`."
        ) from None
    except ShapeError as error:
        raise ValueError(f"formula {_short(text)}: {error}.") from None


def words(text: str) -> set[str]:
    """Names that a text contains, whatever they stand for; none if it cannot be read."""
    try:
        tree = parse(_python(text), mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        return set()
    back = {there: here for here, there in _WORDS.items()}
    return {back.get(n.id, n.id) for n in ast.walk(tree) if isinstance(n, ast.Name)}


def _python(text: str) -> str:
    for here, there in _WORDS.items():
        text = re.sub(rf"\b{here}\b", there, text)
    return text.strip().replace("^", "**")


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:60]}...{text[-15:]}")


class _Reader:
    """Turns Python's syntax tree into nodes."""

    def __init__(self, text: str, names: Names) -> None:
        self.text, self.names, self.graph = text, names, names.graph

    def refuse(self, why: str) -> ValueError:
        return ValueError(f"formula {_short(self.text)}: {why}")

    def read(self, node: ast.AST) -> Node:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.refuse(f"{_source(node)!r} is no formula of arrays.")
        try:
            found: Node = method(node)
        except ShapeError as error:
            raise self.refuse(f"{_source(node)!r}: {error}.") from None
        except OverflowError:
            raise self.refuse(f"{_source(node)!r} is too large a number.") from None
        if found.kind == "constant" and not finite_number(found.extra):
            raise self.refuse(f"{_source(node)!r} is {found.extra}, which is no real number.")
        return found

    # -- leaves -----------------------------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> Node:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(f"{value!r} is no real number.")
        return self.graph.constant(float(value))

    def _name(self, node: ast.Name) -> Node:
        name = {there: here for here, there in _WORDS.items()}.get(node.id, node.id)
        if name in self.names.nodes:
            return self.names.nodes[name]
        if name == "pi":
            return self.graph.constant(math.pi)
        if name in KNOWN:
            raise self.refuse(f"{name!r} is a function; give it its argument in parentheses.")
        raise self.refuse(f"no array {name!r}; {validation.nearest(name, self.names.nodes)}")

    # -- operators --------------------------------------------------------------------------------

    def _unaryop(self, node: ast.UnaryOp) -> Node:
        if isinstance(node.op, ast.UAdd):
            return self.read(node.operand)
        if isinstance(node.op, ast.USub):
            return self.graph.apply("negative", self.read(node.operand))
        raise self.refuse(f"{_source(node)!r} contains a logical operator; use `where`.")

    def _binop(self, node: ast.BinOp) -> Node:
        left, right = self.read(node.left), self.read(node.right)
        if isinstance(node.op, ast.MatMult):
            return self.product(left, right)
        kind = _BINARY.get(type(node.op))
        if kind is None:
            raise self.refuse(f"the operator in {_source(node)!r} is not + - * / ** or @.")
        return self.graph.apply(kind, left, right)

    def product(self, a: Node, b: Node) -> Node:
        """Matrix product with numpy's rules for vectors."""
        if not a.shape or not b.shape:
            raise ShapeError("a matrix product needs arrays with axes; use * for numbers")
        graph, rows, columns = self.graph, len(a.shape) == 1, len(b.shape) == 1
        if a.shape[-1] != b.shape[-1 if columns else -2]:
            raise ShapeError(f"shapes {a.shape} and {b.shape} do not fit a matrix product")
        left = graph.reshape(a, (1, *a.shape)) if rows else a
        right = graph.reshape(b, (*b.shape, 1)) if columns else b
        result = graph.matmul(left, right)
        shape = result.shape
        if rows:
            shape = (*shape[:-2], shape[-1])
        if columns:
            shape = shape[:-1]
        return graph.reshape(result, shape)

    def _compare(self, node: ast.Compare) -> Node:
        if len(node.ops) != 1:
            raise self.refuse(f"{_source(node)!r} compares twice; multiply two comparisons.")
        kind = _COMPARED.get(type(node.ops[0]))
        if kind is None:
            raise self.refuse(f"{_source(node)!r} compares by other signs than < <= > >=.")
        return self.graph.apply(kind, self.read(node.left), self.read(node.comparators[0]))

    # -- axes -------------------------------------------------------------------------------------

    def _attribute(self, node: ast.Attribute) -> Node:
        if node.attr != "T":
            raise self.refuse(f"{_source(node)!r}: of an array only `.T` is known; write words.")
        return self.transposed(self.read(node.value))

    def transposed(self, x: Node) -> Node:
        """All axes in reverse order."""
        return self.graph.transpose(x, range(len(x.shape))[::-1])

    def _subscript(self, node: ast.Subscript) -> Node:
        x = self.read(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        given = [part for part in parts if not _is_none(part)]
        if len(given) > len(x.shape):
            raise self.refuse(f"{_source(node)!r} has {len(given)} indices, but shape {x.shape}.")
        listed = [self._rows(part) for part in given]
        if any(rows is not None for rows in listed):
            return self._taken(node, x, parts, listed)
        index, shape, axis = [], [], 0
        for part in parts:
            if _is_none(part):
                shape.append(1)
                continue
            size = x.shape[axis]
            start, step, count, kept = self._place(part, size)
            index.append((start, step, count))
            if kept:
                shape.append(count)
            axis += 1
        index += [(0, 1, size) for size in x.shape[axis:]]
        return self.graph.reshape(self.graph.slice(x, tuple(index)), (*shape, *x.shape[axis:]))

    def _rows(self, part: ast.AST) -> Node | None:
        """Return the array of integers that an index is, if it is one."""
        if isinstance(part, ast.Name) and part.id in self.names.nodes:
            if part.id not in self.names.integers:
                raise self.refuse(
                    f"{part.id!r} is no array of integers from `data`, so it cannot be an index."
                )
            return self.names.nodes[part.id]
        return None

    def _taken(
        self, node: ast.Subscript, x: Node, parts: list[ast.expr], listed: list[Node | None]
    ) -> Node:
        rows = [found for found in listed if found is not None]
        if len(rows) != len(parts):
            raise self.refuse(f"{_source(node)!r} mixes arrays of integers with other indices.")
        flat, sizes = x, x.shape[: len(rows)]
        if len(rows) == 1:
            return self.graph.take(flat, rows[0])
        raise self.refuse(
            f"{_source(node)!r} lists places on {len(sizes)} axes; list rows of one, or multiply "
            "by a mask."
        )

    def _place(self, part: ast.AST, size: int) -> tuple[int, int, int, bool]:
        """Return start, step and count of an index along an axis, and whether the axis stays."""
        if isinstance(part, ast.Slice):
            lower, upper = (
                None if bound is None else self._whole(bound) for bound in (part.lower, part.upper)
            )
            step = 1 if part.step is None else self._whole(part.step)
            if step == 0:
                raise self.refuse("a slice has step 0.")
            places = range(size)[slice(lower, upper, step)]
            if not places:
                raise self.refuse(f"the slice {_source(part)!r} of {size} entries is empty.")
            return places[0], step, len(places), True
        k = self._whole(part)
        if not -size <= k < size:
            raise self.refuse(f"index {k} is outside an axis of size {size}.")
        return k % size, 1, 1, False

    def _whole(self, node: ast.AST) -> int:
        try:
            value = ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError):
            value = None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refuse(f"index {_source(node)!r} is no whole number.")
        return value

    def _list(self, node: ast.AST) -> Node:
        raise self.refuse(
            f"{_source(node)!r} is a list; pass arrays by `data`, or join them by `concatenate`."
        )

    _tuple = _list

    # -- functions --------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Node:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(
                f"{_source(node.func)!r} is no known function; write its last word alone."
            )
        name = node.func.id
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in ENTRYWISE:
            if options:
                raise self.refuse(f"{name!r} takes no keywords.")
            return self._entrywise(name, node)
        if name in REDUCTIONS:
            return self._reduction(name, node, options)
        special = self._special().get(name)
        if special is None:
            raise self.refuse(f"no function {name!r}; {validation.nearest(name, KNOWN)}")
        return special(node, options)

    def _entrywise(self, name: str, node: ast.Call) -> Node:
        wanted, given = ARGUMENTS[name], len(node.args)
        nested = name in ("Max", "Min", "maximum", "minimum") and given >= 2
        if given != wanted and not nested:
            raise self.refuse(f"{name!r} takes {wanted} arrays, not {given}.")
        args = [self.read(arg) for arg in node.args]
        if nested:
            found = args[0]
            for arg in args[1:]:
                found = self.graph.apply(ENTRYWISE[name], found, arg)
            return found
        return self.graph.apply(ENTRYWISE[name], *args)

    def _reduction(self, name: str, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        if not 1 <= len(node.args) <= 2 or set(options) - {"axis", "keepdims"}:
            raise self.refuse(f"{name!r} takes an array, and perhaps an axis.")
        x = self.read(node.args[0])
        axis = options.get("axis", node.args[1] if len(node.args) == 2 else None)
        axes = self._axes(name, axis, len(x.shape))
        keep = options.get("keepdims")
        kept = isinstance(keep, ast.Constant) and keep.value is True
        if keep is not None and not isinstance(keep, ast.Constant):
            raise self.refuse("`keepdims` is True or False.")
        result = self.reduced(name, x, axes)
        if kept:
            return result
        return self.graph.reshape(result, tuple(s for k, s in enumerate(x.shape) if k not in axes))

    def reduced(self, name: str, x: Node, axes: tuple[int, ...]) -> Node:
        """Reduce over axes, which stay with size 1."""
        graph = self.graph
        count = math.prod(x.shape[k] for k in axes)
        if x.kind == "constant":
            x = graph.reshape(x, ())
        if name == "mean":
            total = graph.reduce("sum", x, axes)
            return graph.apply("multiply", total, graph.constant(1 / count))
        if name == "norm":
            return graph.apply("sqrt", graph.reduce("sum", graph.apply("multiply", x, x), axes))
        if name == "logsumexp":
            top = graph.stop(graph.reduce("max", x, axes))
            small = graph.apply("exp", graph.apply("subtract", x, top))
            return graph.apply("add", top, graph.apply("log", graph.reduce("sum", small, axes)))
        if name == "prod":
            return self._multiplied(x, axes)
        return graph.reduce(name, x, axes)

    def _multiplied(self, x: Node, axes: tuple[int, ...]) -> Node:
        for axis in axes:
            size = x.shape[axis]
            if size > LONGEST:
                raise ShapeError(f"a product of {size} factors; at most {LONGEST} are written out")
            whole = [(0, 1, n) for n in x.shape]
            parts = [
                self.graph.slice(x, tuple([*whole[:axis], (k, 1, 1), *whole[axis + 1 :]]))
                for k in range(size)
            ]
            while len(parts) > 1:  # in pairs: fewer roundings, and no division by zero
                pairs = zip(parts[::2], parts[1::2], strict=False)
                rest = parts[-1:] if len(parts) % 2 else []
                parts = [self.graph.apply("multiply", a, b) for a, b in pairs] + rest
            x = parts[0]
        return x

    def _axes(self, name: str, axis: ast.AST | None, count: int) -> tuple[int, ...]:
        if axis is None or _is_none(axis):
            return tuple(range(count))
        listed = axis.elts if isinstance(axis, ast.Tuple) else [axis]
        found = []
        for part in listed:
            k = self._whole(part)
            if not -count <= k < count:
                raise self.refuse(f"{name!r} over axis {k} of an array with {count} axes.")
            found.append(k % count)
        if len(set(found)) < len(found):
            raise self.refuse(f"{name!r} names an axis twice.")
        return tuple(found)

    def _special(self) -> dict[str, Callable[[ast.Call, Mapping[Any, ast.AST]], Node]]:
        return {
            "dot": self._dot,
            "outer": self._outer,
            "trace": self._trace,
            "transpose": self._transpose,
            "reshape": self._reshape,
            "concatenate": self._concatenate,
            "softmax": self._softmax,
            "log_softmax": self._softmax,
            "logaddexp": self._logaddexp,
            "square": self._square,
            "leaky_relu": self._leaky,
            "gelu": self._gelu,
            "silu": self._silu,
        }

    def _arguments(self, node: ast.Call, count: int, options: Mapping[Any, Any]) -> list[Node]:
        assert isinstance(node.func, ast.Name)
        if len(node.args) != count or options:
            raise self.refuse(f"{node.func.id!r} takes {count} arrays, in this order.")
        return [self.read(arg) for arg in node.args]

    def _dot(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        return self.product(*self._arguments(node, 2, options))

    def _outer(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        a, b = self._arguments(node, 2, options)
        column = self.graph.reshape(a, (a.size, 1))
        return self.graph.apply("multiply", column, self.graph.reshape(b, (1, b.size)))

    def _trace(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        (x,) = self._arguments(node, 1, options)
        if len(x.shape) != 2 or x.shape[0] != x.shape[1]:
            raise ShapeError(f"the trace of an array of shape {x.shape}")
        n = x.shape[0]
        diagonal = self.graph.slice(self.graph.reshape(x, (n * n,)), ((0, n + 1, n),))
        return self.graph.reshape(self.graph.reduce("sum", diagonal, (0,)), ())

    def _transpose(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        if len(node.args) == 2 and not options:
            x = self.read(node.args[0])
            order = self._numbers(node.args[1])
            if sorted(order) != list(range(len(x.shape))):
                raise self.refuse(f"{_source(node)!r} does not list the axes of shape {x.shape}.")
            return self.graph.transpose(x, order)
        return self.transposed(*self._arguments(node, 1, options))

    def _reshape(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        if len(node.args) != 2 or options:
            raise self.refuse("'reshape' takes an array and a shape, as `reshape(x, (2, 3))`.")
        x, shape = self.read(node.args[0]), list(self._numbers(node.args[1]))
        if shape.count(-1) == 1:
            others = -math.prod(shape)
            shape[shape.index(-1)] = x.size // others if others else 0
        if any(size < 1 for size in shape):
            raise self.refuse(f"{_source(node.args[1])!r} is no shape for {x.size} numbers.")
        return self.graph.reshape(x, tuple(shape))

    def _numbers(self, node: ast.AST) -> tuple[int, ...]:
        listed = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
        return tuple(self._whole(part) for part in listed)

    def _concatenate(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        usage = "'concatenate' takes arrays in parentheses, as `concatenate((a, b), axis=0)`."
        listed = node.args[0] if node.args else None
        if not isinstance(listed, ast.Tuple | ast.List) or set(options) - {"axis"}:
            raise self.refuse(usage)
        parts = [self.read(part) for part in listed.elts]
        if not parts or len(node.args) > 2:
            raise self.refuse(usage)
        given = options.get("axis", node.args[1] if len(node.args) == 2 else None)
        axis, axes = 0 if given is None else self._whole(given), len(parts[0].shape)
        if not axes or not -axes <= axis < axes or any(len(p.shape) != axes for p in parts):
            raise self.refuse(f"{_source(node)!r}: shapes {[p.shape for p in parts]} and axis.")
        axis %= axes
        fits = [part.shape[:axis] + part.shape[axis + 1 :] for part in parts]
        if len(set(fits)) > 1:
            raise ShapeError(f"shapes {[p.shape for p in parts]} cannot be joined")
        return self.graph.concatenate(parts, axis)

    def _softmax(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        assert isinstance(node.func, ast.Name)
        name, graph = node.func.id, self.graph
        if not 1 <= len(node.args) <= 2 or set(options) - {"axis"}:
            raise self.refuse(f"{name!r} takes an array, and an axis (the last unless given).")
        x = self.read(node.args[0])
        given = options.get("axis", node.args[1] if len(node.args) == 2 else None)
        if not x.shape:
            raise self.refuse(f"{name!r} of a number; it needs an axis.")
        axes = (len(x.shape) - 1,) if given is None else self._axes(name, given, len(x.shape))
        top = graph.stop(graph.reduce("max", x, axes))
        low = graph.apply("subtract", x, top)
        small = graph.apply("exp", low)
        total = graph.reduce("sum", small, axes)
        if name == "softmax":
            return graph.apply("divide", small, total)
        return graph.apply("subtract", low, graph.apply("log", total))

    def _logaddexp(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        a, b = self._arguments(node, 2, options)
        gap = self.graph.apply("softplus", self.graph.apply("subtract", b, a))
        return self.graph.apply("add", a, gap)

    def _square(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        (x,) = self._arguments(node, 1, options)
        return self.graph.apply("multiply", x, x)

    def _leaky(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        x, slope = self._arguments(node, 2, options)
        low = self.graph.apply("relu", self.graph.apply("negative", x))
        return self.graph.apply(
            "subtract", self.graph.apply("relu", x), self.graph.apply("multiply", slope, low)
        )

    def _gelu(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        graph, (x,) = self.graph, self._arguments(node, 1, options)
        scaled = graph.apply("multiply", x, graph.constant(math.sqrt(0.5)))
        share = graph.apply("add", graph.apply("erf", scaled), graph.constant(1.0))
        half = graph.apply("multiply", x, graph.constant(0.5))
        return graph.apply("multiply", half, share)

    def _silu(self, node: ast.Call, options: Mapping[Any, ast.AST]) -> Node:
        (x,) = self._arguments(node, 1, options)
        return self.graph.apply("multiply", x, self.graph.apply("sigmoid", x))


_SPECIAL = (
    "dot outer trace transpose reshape concatenate softmax log_softmax logaddexp square "
    "leaky_relu gelu silu"
)
KNOWN = frozenset((*ENTRYWISE, *REDUCTIONS, *_SPECIAL.split(), "pi"))


def kinks(graph: Graph, output: Node, active: set[int]) -> list[Node]:
    """Return the arrays at whose zeros the formula changes, of those that depend on parameters."""
    found: dict[int, Node] = {}
    for node in needed([output]):
        function = FUNCTIONS.get(node.kind)
        if function is not None and function.kink is not None and node.number in active:
            height = function.kink(graph, node.args)
            found.setdefault(height.number, height)
    return list(found.values())


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _source(node: ast.AST) -> str:
    text = ast.unparse(node)
    for here, there in _WORDS.items():
        text = text.replace(there, here)
    return text if len(text) <= 60 else f"{text[:40]}...{text[-15:]}"
