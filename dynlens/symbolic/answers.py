"""Three-valued answers to "is it zero?"."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import sympy as sp

Expr: TypeAlias = Any  # sympy carries no annotations
Point: TypeAlias = dict[Any, Any]
Measure: TypeAlias = Callable[[Point, int], tuple[Any, Any] | None]
Domain: TypeAlias = Mapping[Any, tuple[Any, Any]] | Callable[[Point], Any] | None


class Outcome(Enum):
    """Three-valued answer to "is it zero?"."""

    ZERO = "zero"
    NONZERO = "nonzero"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What was found out about an expression claimed to be zero.

    Attributes
    ----------
    outcome : Outcome
        The answer.
    residual : sympy expression
        What remains of the expression: 0 if it is zero, its value at `point` if it is not.
    how : str
        How the answer was reached, in words.
    point : dict or None
        Exact rational point where the expression is not zero.
    """

    outcome: Outcome
    residual: Expr
    how: str
    point: Point | None = None

    def __str__(self) -> str:
        if self.outcome is Outcome.NONZERO:
            return f"NONZERO: {sp.N(self.residual, 6)} {self.how}"
        if self.outcome is Outcome.UNDECIDED:
            return f"UNDECIDED: {self.how}; residual {shortened(self.residual)}"
        return f"ZERO: {self.how}"


def as_text(expr: Expr) -> str:
    """Two-dimensional Unicode rendering of `expr`."""
    return str(sp.pretty(expr, use_unicode=True))


def as_latex(expr: Expr) -> str:
    """LaTeX source of `expr`."""
    return str(sp.latex(expr))


def shortened(expr: Expr, width: int = 120) -> str:
    """Text of an expression, cut where it gets long."""
    text = str(expr)
    return text if len(text) <= width else f"{text[: width - 4]} ..."
