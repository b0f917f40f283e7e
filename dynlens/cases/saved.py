"""A claim and its case as a script of their own, where no line can name what they are made of.

What is defined in a notebook or in the script that runs is known to nobody else. Its source is, and
so are the names that the source uses: modules, what can be imported, plain data, and sources in
their turn. Together they are a file that checks the claim again, and that can be read.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import os
import re
import runpy
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from dynlens.support.shipped import is_shipped

HEAD = '''"""Checks a claim again: run this file, or read it by `dynlens.load_case`."""

from dynlens import *
'''
TAIL = """
if __name__ == "__main__":
    print(claim.check({case}))
"""
PLAIN = (bool, int, float, complex, str, bytes, type(None))


def importable(thing: Any) -> bool:
    """Whether a class or function is found by its name in another process."""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", "<")
    if module in (None, "__main__") or "<" in name or not isinstance(module, str):
        return False
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if getattr(found, "__wrapped__", found) is not thing:
        return False
    root = module.split(".")[0]  # all finders are asked: installations may bring their own
    return any(finder.find_spec(root, None) is not None for finder in sys.meta_path)


class Script:
    """Definitions that a script needs, each after what it uses."""

    def __init__(self, concise: Callable[[Any], str]) -> None:
        self.concise = concise
        self.lines: dict[str, str] = {}  # name -> what defines it

    def define(self, name: str, thing: Any) -> None:
        """Write what makes `name` mean this thing.

        Raises
        ------
        ValueError
            If it has no text that another process could read.
        """
        text = self._text(name, thing)
        if text and self.lines.setdefault(name, text) != text:
            raise ValueError(f"{name!r} means two different things; rename one of them.")

    def function(self, thing: Callable[..., Any], name: str) -> str:
        """Define a function of one's own, under this name if it has none; return its name."""
        if thing.__name__ != "<lambda>":
            name = thing.__name__
        self.define(name, thing)
        return name

    def _text(self, name: str, thing: Any) -> str:
        import sympy as sp

        thing = getattr(thing, "__wrapped__", thing) if not isinstance(thing, type) else thing
        if isinstance(thing, ModuleType):
            return f"import {thing.__name__} as {name}"
        if isinstance(thing, np.ndarray):
            self.define("np", np)
            return f"{name} = np.array({thing.tolist()!r})"
        if isinstance(thing, sp.Basic):
            self.define("sympy", sp)
            return f"{name} = sympy.sympify({sp.srepr(thing)!r})"
        if is_dataclass(thing) and is_shipped(type(thing)):
            return f"{name} = {self.concise(thing)}"
        if _plain(thing):
            return f"{name} = {thing!r}"
        if isinstance(thing, FunctionType | type):
            if importable(thing):
                return f"from {thing.__module__} import {thing.__qualname__} as {name}"
            return self._source(name, thing)
        if callable(thing) and importable(thing):
            return f"from {thing.__module__} import {thing.__qualname__} as {name}"
        raise ValueError(
            f"{name!r} is a {type(thing).__name__}, which has no text to be read; define "
            "it in a module that can be imported."
        )

    def _source(self, name: str, thing: Any) -> str:
        if name in self.lines:  # it uses itself
            return self.lines[name]
        try:
            text = textwrap.dedent(inspect.getsource(thing))
            if getattr(thing, "__name__", "") != "<lambda>":
                ast.parse(text)
        except (OSError, TypeError, SyntaxError) as error:
            raise ValueError(
                f"the source of {name!r} is not known; define it in a module that can be imported."
            ) from error
        if getattr(thing, "__name__", "") == "<lambda>":
            text = f"{name} = {_lambda_of(text, thing.__code__)}"
        self.lines[name] = text.rstrip()
        for used, value in _uses(text, thing):
            if used != name:
                self.define(used, value)
        self.lines[name] = self.lines.pop(name)  # after what it uses
        return self.lines[name]


def _plain(thing: Any) -> bool:
    if isinstance(thing, tuple | list | set | frozenset):
        return all(map(_plain, thing))
    if isinstance(thing, Mapping):
        return type(thing) is dict and all(_plain(k) and _plain(v) for k, v in thing.items())
    return type(thing) in PLAIN


def _uses(text: str, thing: Any) -> Iterator[tuple[str, Any]]:
    """Names in a source that mean something outside of it, and what."""
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    module = sys.modules.get(thing.__module__)
    known = dict(vars(module)) if module else {}
    functions = [thing] if isinstance(thing, FunctionType) else list(vars(thing).values())
    for function in functions:
        if isinstance(function, FunctionType):
            known |= function.__globals__
    for function in functions:
        if isinstance(function, FunctionType):
            known |= inspect.getclosurevars(function).nonlocals
    for name in sorted(names):
        if name in known and known[name] is not getattr(builtins, name, known):
            yield name, known[name]


def _lambda_of(text: str, code: CodeType) -> str:
    """Text of a lambda, found by its code among those in the lines it stands in."""
    found = set()
    for start in (m.start() for m in re.finditer(r"\blambda\b", text)):
        for stop in range(len(text), start, -1):
            try:
                node = ast.parse(text[start:stop].strip(), mode="eval").body
            except SyntaxError:
                continue
            if isinstance(node, ast.Tuple):  # what follows it in a call
                node = node.elts[0]
            if isinstance(node, ast.Lambda):
                made = compile(ast.Expression(node), "<lambda>", "eval").co_consts
                if any(isinstance(c, CodeType) and _same_code(c, code) for c in made):
                    found.add(ast.unparse(node))
            break
    if len(found) != 1:
        raise ValueError("the source of a lambda cannot be told from others near it; use `def`.")
    return found.pop()


def _same_code(a: CodeType, b: CodeType) -> bool:
    """Whether two functions do the same with the same names, closures aside."""
    names = [sorted((*c.co_names, *c.co_freevars)) for c in (a, b)]
    return names[0] == names[1] and [c for c in a.co_consts if _plain(c)] == [
        c for c in b.co_consts if _plain(c)
    ]


def load_case(path: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Read the claim and the case of a file that `Verdict.save_case` wrote.

    The file is Python and is executed: read only what you would run.

    Returns
    -------
    tuple
        Of claim and case; the case of identities is None.
    """
    found = runpy.run_path(os.fspath(path), run_name=f"dynlens_saved_{Path(path).stem}")
    if "claim" not in found:
        raise ValueError(f"{os.fspath(path)!r} is no file of `Verdict.save_case`: no claim in it.")
    return found["claim"], found.get("case")
