"""Nodes written as formulas again, to be read by people and by `reading`."""

from __future__ import annotations

from collections.abc import Mapping

from dynlens.models.formulas.graph import Node

# Symbol, how tightly it binds, and how tightly its right side must.
_OPERATORS = {
    "less": ("<", 0, 1),
    "greater": (">", 0, 1),
    "not_less": (">=", 0, 1),
    "not_greater": ("<=", 0, 1),
    "add": ("+", 1, 1),
    "subtract": ("-", 1, 2),
    "multiply": ("*", 2, 3),
    "divide": ("/", 2, 3),
    "matmul": ("@", 2, 3),
    "power": ("**", 5, 5),
}
TIGHTEST = 9


def written(node: Node, names: Mapping[int, str]) -> str:
    """Return the text of a node, in which nodes that have names go by them."""
    return _write(node, names, 0)


def _write(node: Node, names: Mapping[int, str], least: int = TIGHTEST) -> str:
    """Write a node, in parentheses if it binds less tightly than it must."""
    text, binds = _text(node, names)
    return text if binds >= least else f"({text})"


def _text(node: Node, names: Mapping[int, str]) -> tuple[str, int]:
    if node.number in names:
        return names[node.number], TIGHTEST
    if node.kind == "constant":
        text = f"{node.extra:g}" if float(f"{node.extra:g}") == node.extra else repr(node.extra)
        return text, TIGHTEST if node.extra >= 0 else 4
    if not node.args:
        return str(node.extra), TIGHTEST
    if node.kind in _OPERATORS:
        symbol, binds, right = _OPERATORS[node.kind]
        left = binds + (node.kind == "power")
        a, b = _write(node.args[0], names, left), _write(node.args[1], names, right)
        return f"{a} {symbol} {b}", binds
    if node.kind == "negative":
        return f"-{_write(node.args[0], names, 4)}", 4
    if node.kind in ("reshape", "expand", "stop") and _plain(node):
        return _text(node.args[0], names)
    first = _write(node.args[0], names)
    if node.kind == "reshape":
        return f"reshape({_write(node.args[0], names, 0)}, {node.shape})", TIGHTEST
    if node.kind == "transpose" and node.extra == tuple(reversed(range(len(node.extra)))):
        return f"{first}.T", TIGHTEST
    if node.kind == "slice":
        return f"{first}[{', '.join(_range(part) for part in node.extra)}]", TIGHTEST
    if node.kind == "take":
        return f"{first}[{_write(node.args[1], names)}]", TIGHTEST
    inside = [_write(arg, names, 0) for arg in node.args]
    if node.kind == "transpose":
        return f"transpose({inside[0]}, {node.extra})", TIGHTEST
    if node.kind in ("sum", "max", "min"):
        axes = node.extra[0] if len(node.extra) == 1 else node.extra
        return f"{node.kind}({inside[0]}, axis={axes}, keepdims=True)", TIGHTEST
    if node.kind == "concatenate":
        return f"concatenate(({', '.join(inside)}), axis={node.extra})", TIGHTEST
    name = {"step": "heaviside"}.get(node.kind, node.kind)
    return f"{name}({', '.join(inside)})", TIGHTEST


def _plain(node: Node) -> bool:
    """Whether the entries alone tell the array: axes of size 1 are left to broadcasting."""
    return node.kind != "reshape" or [s for s in node.shape if s != 1] == [
        s for s in node.args[0].shape if s != 1
    ]


def _range(part: tuple[int, int, int]) -> str:
    start, step, count = part
    stop = start + step * count
    text = f"{start}:{'' if stop < 0 else stop}"
    return text if step == 1 else f"{text}:{step}"
