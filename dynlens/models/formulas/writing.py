"""Nodes written as formulas again, to be read by people and by `reading`."""

from __future__ import annotations

from collections.abc import Mapping

from dynlens.models.formulas.graph import Node

_OPERATORS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "negative": "-{0}",
    "matmul": "{0} @ {1}",
    "less": "{0} < {1}",
    "greater": "{0} > {1}",
    "not_less": "{0} >= {1}",
    "not_greater": "{0} <= {1}",
}


def written(node: Node, names: Mapping[int, str]) -> str:
    """Return the text of a node, in which nodes that have names go by them."""
    return _write(node, names, outer=True)


def _write(node: Node, names: Mapping[int, str], *, outer: bool = False) -> str:
    if node.number in names:
        return names[node.number]
    if node.kind == "constant":
        text = f"{node.extra:g}" if float(f"{node.extra:g}") == node.extra else repr(node.extra)
        return text if node.extra >= 0 or outer else f"({text})"
    if not node.args:
        return str(node.extra)
    args = [_write(arg, names) for arg in node.args]
    if node.kind in _OPERATORS:
        text = _OPERATORS[node.kind].format(*args)
        return text if outer else f"({text})"
    if node.kind in ("reshape", "expand", "stop"):
        inner = node.args[0]
        return _write(inner, names, outer=outer) if _plain(node) else _shaped(node, args[0])
    if node.kind == "transpose":
        turned = node.extra == tuple(reversed(range(len(node.extra))))
        return f"{args[0]}.T" if turned else f"transpose({args[0]}, {node.extra})"
    if node.kind == "slice":
        return f"{args[0]}[{', '.join(_range(part) for part in node.extra)}]"
    if node.kind == "take":
        return f"{args[0]}[{args[1]}]"
    if node.kind in ("sum", "max", "min"):
        axes = node.extra[0] if len(node.extra) == 1 else node.extra
        return f"{node.kind}({args[0]}, axis={axes}, keepdims=True)"
    if node.kind == "concatenate":
        return f"concatenate(({', '.join(args)}), axis={node.extra})"
    name = {"step": "heaviside"}.get(node.kind, node.kind)
    return f"{name}({', '.join(args)})"


def _plain(node: Node) -> bool:
    """Whether the entries alone tell the array: axes of size 1 are left to broadcasting."""
    return node.kind != "reshape" or [s for s in node.shape if s != 1] == [
        s for s in node.args[0].shape if s != 1
    ]


def _shaped(node: Node, inner: str) -> str:
    return f"reshape({inner}, {node.shape})"


def _range(part: tuple[int, int, int]) -> str:
    start, step, count = part
    stop = start + step * count
    text = f"{start}:{'' if stop < 0 else stop}"
    return text if step == 1 else f"{text}:{step}"
