"""Text of compiled code, taken from Python modules and joined into one.

Loops that numba compiles are written as Python modules, which editors, linters and readers know how
to read. Such a module ends its head with the line `LINE`. Above it stand imports and constants; the
constants can be given other values. Below it nothing is changed.

Numba's cache on disk looks at one file only, and would not see that another file it was compiled
from has changed. So an import from one such module to another is followed by text: the generated
file contains all that it needs.
"""

from __future__ import annotations

import ast
from functools import cache, lru_cache
from importlib.abc import InspectLoader
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dynlens.support.syntax import parse
from dynlens.support.validation import nearest

LINE = (
    "# ---- constants above this line may be set by `source_of`; below it nothing is changed ----"
)


def source_of(module: str | Path, /, **constants: Any) -> str:
    """Text of a module whose constants above `LINE` have the values given here.

    Parameters
    ----------
    module : str or Path
        Name of an importable module, which is read and not imported; or a file.
    **constants
        Real numbers, texts, truth values, None, and tuples or lists of these. Each must be assigned
        above the line, by ``NAME = value``.

    Raises
    ------
    ValueError
        If there is no such constant, no line, or the value cannot be written down.
    """
    text = module.read_text("utf-8") if isinstance(module, Path) else _text(module)
    lines, head = text.splitlines(), _head(text, str(module))
    nodes = {name: node for node in head for name in _assigned(node)}
    for name, value in constants.items():
        if name not in nodes:
            raise ValueError(
                f"`{name}` is no constant that {module} assigns above its line; "
                f"{nearest(name, nodes)}"
            )
        node = nodes[name]
        assert node.end_lineno is not None
        lines[node.lineno - 1] = f"{name} = {_literal(name, value)}"
        lines[node.lineno : node.end_lineno] = [""] * (node.end_lineno - node.lineno)
    return "\n".join(lines) + "\n"


@lru_cache(maxsize=256)  # of a few kinds of kernels that thousands of problems share
def linked(*texts: str) -> str:
    """Join texts into one module, with the text of the modules that they import before each.

    An import from a module that has a `LINE` is followed unless all its names are defined by what
    comes before: this is how one part stands in for another. Other imports stay as they are.

    Raises
    ------
    ValueError
        If two parts define one name, so that the second would change the first.
    """
    parts: list[str] = []
    owners: dict[str, str] = {}
    for text in texts:
        _link(text, "a given text", parts, owners)
    return "\n\n".join(parts) + "\n"


def _link(text: str, title: str, parts: list[str], owners: dict[str, str]) -> None:
    lines, tree = text.splitlines(), parse(text)
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not node.module or node.level:
            continue
        source = _followed(node.module)
        if source is None:
            continue
        names = {alias.name for alias in node.names}
        if any(alias.asname for alias in node.names):
            raise ValueError(f"{title} renames what it imports from {node.module}; drop the `as`.")
        if not names <= owners.keys():
            _link(source, node.module, parts, owners)
        if missing := names - owners.keys():
            raise ValueError(f"{node.module} does not define {sorted(missing)}.")
        assert node.end_lineno is not None
        lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    for node in tree.body:
        for name in _defined(node):
            if owners.setdefault(name, title) != title:
                raise ValueError(
                    f"`{name}` is defined by {owners[name]} and by {title}; import it instead."
                )
    parts.append("\n".join(lines).strip("\n"))


def _followed(module: str) -> str | None:
    """Text of the module if it is one to be joined."""
    try:
        text = _text(module)
    except ModuleNotFoundError:
        return None
    return text if LINE in text.splitlines() else None


@cache
def _text(module: str) -> str:
    spec = find_spec(module)
    text = None
    if spec is not None and isinstance(spec.loader, InspectLoader):
        text = spec.loader.get_source(module)
    if text is None:
        raise ModuleNotFoundError(f"No module named {module!r} has Python source.")
    return text


@cache
def _head(text: str, module: str) -> list[ast.stmt]:
    lines = text.splitlines()
    if LINE not in lines:
        raise ValueError(f"{module} has no line between its constants and its code: {LINE!r}.")
    return [node for node in parse(text).body if node.lineno <= lines.index(LINE)]


def _assigned(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        return [target.id] if isinstance(target, ast.Name) else []
    return []


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    return []


def _literal(name: str, value: Any) -> str:
    text = repr(value)
    try:
        same = bool(ast.literal_eval(parse(text, mode="eval")) == value) and not _complex(value)
    except (ValueError, SyntaxError):
        same = False
    if not same:
        raise ValueError(f"`{name}` cannot be written down as a constant: {text:.80}.")
    return text


def _complex(value: Any) -> bool:
    """Whether a number is complex, if only by its type: the loops are written for real ones."""
    if isinstance(value, list | tuple):
        return any(map(_complex, value))
    return isinstance(value, complex)
