"""The line that reproduces a verdict, short enough to be pasted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import FunctionType
from typing import Any

import numpy as np

from dynlens.cases.formulas import quantities_in
from dynlens.cases.saved import HEAD, TAIL, Script, importable
from dynlens.models.capabilities import Balancing
from dynlens.observables.registry import REGISTRY
from dynlens.problems.instances import completion_problem
from dynlens.problems.observations import frozen
from dynlens.problems.problem import Problem

NAMED: list[tuple[Any, str]] = []
"""Public constants and the names they go by."""

LABELS: dict[int, tuple[Any, str]] = {}
"""Claims that can be fetched, by identity, each with the expression that fetches it."""


def label(theorem: Any, expression: str) -> None:
    """Let the claims of a theorem be reproduced through the expression that fetches it."""
    for k, check in enumerate(theorem.checks):
        LABELS.setdefault(id(check.claim), (check.claim, f"{expression}.claim({k})"))
    for name, check in theorem.controls.items():
        LABELS.setdefault(id(check.claim), (check.claim, f"{expression}.control({name!r})"))


def reproduction(claim: Any, case: Any = None) -> dict[str, Any]:
    """How a verdict is made again: its fields ``reproduce``, a line, and ``script``, a file.

    Where the line would name what cannot be imported, it says instead that the file, which has the
    source of that, can be saved; or why there is none.
    """
    _, name = LABELS.get(id(claim)) or (claim, "")
    parts = [*([] if name else [claim]), *([] if case is None else [case])]
    own = [thing for thing in _things(*parts) if not importable(thing)]
    if not own:
        check = f"{name or concise(claim)}.check({'' if case is None else concise(case)})"
        imports = "".join(f"{line}; " for line in _imports(parts))
        return {
            "reproduce": f"from dynlens import *; {imports}print({check})",
            "script": _script(claim, name, case, []),
        }
    names = ", ".join(dict.fromkeys(getattr(thing, "__name__", "it") for thing in own))
    try:
        script = _script(claim, name, case, own)
    except ValueError as error:
        return {"reproduce": f"# no line reproduces this: {error}", "script": ""}
    told = f"# no line can import {names}; this verdict's save_case('case.py') writes a script"
    return {"reproduce": told, "script": script}


def _script(claim: Any, name: str, case: Any, own: list[Any]) -> str:
    """Text of a file that defines what is the user's own, the claim and the case."""
    script = Script(concise)
    called = {}
    for k, thing in enumerate(own):
        called[repr(thing)] = script.function(thing, f"function_{k + 1}")
    imports = _imports([*([] if name else [claim]), case], own)
    lines = [HEAD.rstrip(), *imports, *script.lines.values(), f"claim = {name or concise(claim)}"]
    if case is not None:
        lines.append(f"case = {concise(case)}")
    text = "\n".join(lines)
    for old, new in called.items():
        text = text.replace(old, new)
    return text + "\n" + TAIL.format(case="" if case is None else "case")


def _imports(parts: list[Any], own: list[Any] | None = None) -> list[str]:
    """Lines that import what the text of claim and case names."""
    there = [thing for thing in _things(*parts) if thing not in (own or ())]
    return [line for line in dict.fromkeys(map(_import, there)) if line]


def _things(*parts: Any) -> list[Any]:
    """Classes, functions and observables of one's own that stand in the text of claim and case."""
    found = [kind for part in parts for kind in _kinds(part)]
    names = {name for part in parts for name in _named_in(part)}
    for name in sorted(names & REGISTRY.keys()):
        if not REGISTRY[name].shipped:
            found += [f for f in (REGISTRY[name].function, REGISTRY[name].tangent) if f]
    return list(dict.fromkeys(found))


def _named_in(value: Any) -> set[str]:
    """Names of quantities in all formulas of a claim or a case."""
    if isinstance(value, tuple):
        return {name for item in value for name in _named_in(item)}
    if not is_dataclass(value) or isinstance(value, type):
        return set()
    read = getattr(value, "observable", None)  # of a `Reading`
    found = {read} if isinstance(read, str) else set()
    for f in fields(value):
        content = getattr(value, f.name)
        if f.type == "Formula" and isinstance(content, str):
            found |= quantities_in(content)
        else:
            found |= _named_in(content)
    return found


def _kinds(value: Any) -> list[Any]:
    """Dataclasses and functions whose names stand in the text of a value."""
    if _name(value):
        return []
    if isinstance(value, FunctionType):
        return [value]
    if isinstance(value, Mapping):
        return [kind for item in value.values() for kind in _kinds(item)]
    if isinstance(value, tuple):
        return [kind for item in value for kind in _kinds(item)]
    if not is_dataclass(value) or isinstance(value, type):
        return []
    return [type(value), *(kind for _, content in _shown(value) for kind in _kinds(content))]


def _shown(value: Any) -> Iterator[tuple[str, Any]]:
    """Arguments that recreate a dataclass: keyword, empty for one by position, and content."""
    for f in fields(value):
        content = getattr(value, f.name)
        if f.init and f.default is MISSING and not f.kw_only:
            yield "", content
        elif f.init and not _same(content, f.default):
            yield f.name, content


def _import(kind: Any) -> str:
    """How a class or function is imported that the star does not bring, else nothing.

    It may be of a room, such as ``dynlens.theory``, or of the files of a theorem.
    """
    import dynlens

    if kind.__name__ in dynlens.__all__ and getattr(dynlens, kind.__name__) is kind:
        return ""
    if any(kind in (entry.function, entry.tangent) for entry in REGISTRY.values()):
        return f"import {kind.__module__}"  # where it registers itself
    return f"from {kind.__module__} import {kind.__name__}"


def concise(value: Any) -> str:
    """Text that recreates a value: like `repr`, but without what is at its default."""
    if name := _name(value):
        return name
    if is_dataclass(value) and not isinstance(value, type):
        shown = sorted(_shown(value), key=lambda item: item[0] != "")  # by position first
        parts = [f"{name}={concise(item)}" if name else concise(item) for name, item in shown]
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, tuple):
        inside = ", ".join(concise(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.ndarray):
        return repr(frozen(value))
    if isinstance(value, FunctionType) and importable(value):
        return value.__name__
    return repr(value.item() if isinstance(value, np.generic) else value)  # `np` is no name there


def _name(value: Any) -> str:
    """The public name of a value, or the call that makes it, if it has one."""
    return next((name for constant, name in NAMED if value is constant), "") or _instance(value)


def _instance(value: Any) -> str:
    """The call that makes one of the papers' problems, if the value is one."""
    if isinstance(value, Problem) and isinstance(value.model, Balancing):
        depth = value.model.depth
        if value == completion_problem(depth):
            return f"completion_problem({depth})"
    return ""


def _same(content: Any, default: Any) -> bool:
    return content is default or bool(np.all(content == default))
