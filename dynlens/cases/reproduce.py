"""The line that reproduces a verdict, short enough to be pasted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np

from dynlens.models.capabilities import Balancing
from dynlens.problems.instances import completion_problem
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


def reproduce_line(claim: Any, case: Any = None) -> str:
    """One line of Python that checks the same claim on the same case and prints the verdict.

    Empty for a claim that is not in the catalogue and contains a function, which has no text.
    """
    _, name = LABELS.get(id(claim)) or (claim, "")
    check = f"{name or concise(claim)}.check({'' if case is None else concise(case)})"
    kinds = [*([] if name else _kinds(claim)), *_kinds(case)]
    imports = "".join(f"{line}; " for line in dict.fromkeys(map(_import, kinds)) if line)
    return "" if "<function" in check else f"from dynlens import *; {imports}print({check})"


def _kinds(value: Any) -> list[type]:
    """Dataclasses whose names stand in the text of a value."""
    if _name(value):
        return []
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
        elif f.init and content != f.default:
            yield f.name, content


def _import(kind: type) -> str:
    """How a class is imported that `from dynlens import *` does not bring, else nothing.

    It may be of a room, such as ``dynlens.theory``, or of the files of a theorem.
    """
    import dynlens

    if kind.__name__ in dynlens.__all__ and getattr(dynlens, kind.__name__) is kind:
        return ""
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
