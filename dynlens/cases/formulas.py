"""Formulas as text: sympy expressions in the names of quantities.

Kept as text, the `repr` of a claim recreates it; compiled on demand, they evaluate on arrays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from numbers import Real
from typing import Any

from dynlens.support import validation

Function = Callable[..., Any]
Formula = Any  # text, a sympy expression, a number, or a function of the samples

_FUNCTIONS = "exp log sqrt sinh cosh tanh asinh acosh atanh sin cos tan atan Abs Max Min sign pi"


def as_text(formula: Formula, argument: str) -> Formula:
    """Return the formula as text (a function stays a function), or say what is wrong with it."""
    if callable(formula) and not hasattr(formula, "free_symbols"):
        return formula
    if isinstance(formula, str) or hasattr(formula, "free_symbols"):
        text = str(formula)
        parsed(text)  # a syntax error is reported where the claim is stated
        return text
    if not isinstance(formula, Real):
        raise TypeError(
            f"`{argument}` must be a formula (text, a sympy expression, a number or a function of "
            f"the samples), got {formula!r:.80}."
        )
    return repr(validation.finite(argument, formula))


@lru_cache(maxsize=512)
def compiled_formula(text: str, modules: str = "numpy") -> tuple[tuple[str, ...], Function]:
    """Names in a formula, and the function of them (in numpy, or in math for scalars)."""
    import sympy as sp

    expression = parsed(text)
    used = tuple(sorted(str(s) for s in expression.free_symbols))
    return used, sp.lambdify([sp.Symbol(n) for n in used], expression, modules=modules)


@lru_cache(maxsize=512)
def parsed(text: str) -> Any:
    """Sympy expression of a formula; every word that is not a function is a symbol."""
    import sympy as sp
    from sympy.parsing.sympy_parser import parse_expr

    known = set(_FUNCTIONS.split())
    words = set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", re.sub(r"\b\d+\.?\d*[eE][+-]?\d+", "", text)))
    names = sorted(words - known)
    symbols = {name: sp.Symbol(name) for name in names}
    try:
        expression = parse_expr(text, local_dict=symbols)
    except Exception as error:  # whatever sympy's parser raises, the formula is malformed
        raise ValueError(f"formula {text!r} is not a sympy expression: {error}") from error
    if not isinstance(expression, sp.Expr):
        raise TypeError(f"formula {text!r} must be one expression, not a {type(expression)}.")
    if expression.has(sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I):
        raise ValueError(f"formula {text!r} is {expression}, which is no real number; rewrite it.")
    return expression
