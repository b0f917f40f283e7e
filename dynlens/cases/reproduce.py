"""The line that reproduces a verdict, short enough to be pasted."""

from __future__ import annotations

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
    _, name = LABELS.get(id(claim)) or (claim, concise(claim))
    check = f"{name}.check({'' if case is None else concise(case)})"
    home = type(case).__module__
    # A case may be of a kind that the theorem's own file defines.
    local = "" if _public(home) else f"from {home} import {type(case).__name__}; "
    return "" if "<function" in check else f"from dynlens import *; {local}print({check})"


def _public(module: str) -> bool:
    return module == "builtins" or module.split(".")[0] == "dynlens"


def concise(value: Any) -> str:
    """Text that recreates a value: like `repr`, but without what is at its default."""
    name = next((name for constant, name in NAMED if value is constant), "") or _instance(value)
    if name:
        return name
    if is_dataclass(value) and not isinstance(value, type):
        parts, keywords = [], []
        for f in fields(value):
            content = getattr(value, f.name)
            if f.init and f.default is MISSING and not f.kw_only:
                parts.append(concise(content))
            elif f.init and content != f.default:
                keywords.append(f"{f.name}={concise(content)}")
        parts += keywords
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, tuple):
        inside = ", ".join(concise(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value.item() if isinstance(value, np.generic) else value)  # `np` is no name there


def _instance(value: Any) -> str:
    """The call that makes one of the papers' problems, if the value is one."""
    if isinstance(value, Problem) and isinstance(value.model, Balancing):
        depth = value.model.depth
        if value == completion_problem(depth):
            return f"completion_problem({depth})"
    return ""
