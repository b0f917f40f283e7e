"""Formulas as a tape: a list of operations on numbered registers, which one loop runs for all.

To compile a formula takes a second, to write it down as a tape a millisecond; a compiled loop then
runs it at a few nanoseconds an operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from dynlens.support.typing import Array

BINARY = {"add": 0, "mul": 1, "pow": 2, "max": 3, "min": 4}
UNARY = {
    **{"exp": 5, "log": 6, "sqrt": 7, "abs": 8, "sign": 9, "sin": 10, "cos": 11, "tan": 12},
    **{"sinh": 13, "cosh": 14, "tanh": 15, "atan": 16, "asin": 17, "acos": 18},
    **{"asinh": 19, "acosh": 20, "atanh": 21, "erf": 22, "heaviside": 23, "square": 24, "inv": 25},
}
_KINDS: dict[Any, str] = {
    **{sp.exp: "exp", sp.log: "log", sp.Abs: "abs", sp.sign: "sign", sp.sin: "sin", sp.cos: "cos"},
    **{sp.tan: "tan", sp.sinh: "sinh", sp.cosh: "cosh", sp.tanh: "tanh", sp.atan: "atan"},
    **{sp.asin: "asin", sp.acos: "acos", sp.asinh: "asinh", sp.acosh: "acosh"},
    **{sp.atanh: "atanh", sp.erf: "erf", sp.Heaviside: "heaviside"},
}


@dataclass(frozen=True, eq=False)
class Tape:
    """Formulas as operations.

    Parameters
    ----------
    operations : ndarray of int, shape (M, 4)
        Which, of which two registers, into which.
    registers : ndarray, shape (R,)
        Arguments first, in their order; then constants, with their values; then what comes out.
    results : ndarray of int
        Registers of the formulas.
    """

    operations: NDArray[np.int64]
    registers: Array
    results: NDArray[np.int64]


def tape_of(formulas: Sequence[Any], arguments: Sequence[Any]) -> Tape:
    """Write formulas down as a tape; common parts once.

    Raises
    ------
    ValueError
        If a formula contains a function that tapes do not know.
    """
    return _Writer(arguments).tape(formulas)


class _Writer:
    def __init__(self, arguments: Sequence[Any]) -> None:
        self.places: dict[Any, int] = {a: k for k, a in enumerate(arguments)}
        self.values: list[float] = [0.0] * len(arguments)
        self.operations: list[tuple[int, int, int, int]] = []

    def tape(self, formulas: Sequence[Any]) -> Tape:
        results = [self.place(sp.sympify(formula)) for formula in formulas]
        operations = np.array(self.operations, dtype=np.int64).reshape(-1, 4)
        return Tape(operations, np.array(self.values), np.array(results, dtype=np.int64))

    def place(self, e: Any) -> int:
        """Register that holds an expression, with all that it takes written before."""
        if e not in self.places:
            self.places[e] = self._written(e)
        return self.places[e]

    def _written(self, e: Any) -> int:
        if e.is_number:
            return self._register(float(e))
        if e.is_Add or e.is_Mul:
            return self._folded("add" if e.is_Add else "mul", e.args)
        if isinstance(e, sp.Max | sp.Min):
            return self._folded("max" if isinstance(e, sp.Max) else "min", e.args)
        if e.is_Pow:
            return self._power(e)
        kind = _KINDS.get(e.func)
        if kind is None:
            raise ValueError(f"{e.func} is no operation of a tape.")
        return self._operation(UNARY[kind], self.place(e.args[0]))

    def _power(self, e: Any) -> int:
        base = self.place(e.base)
        for exponent, kind in ((2, "square"), (-1, "inv"), (sp.Rational(1, 2), "sqrt")):
            if e.exp == exponent:
                return self._operation(UNARY[kind], base)
        return self._operation(BINARY["pow"], base, self.place(e.exp))

    def _folded(self, kind: str, parts: Sequence[Any]) -> int:
        first, *rest = (self.place(part) for part in parts)
        for place in rest:
            first = self._operation(BINARY[kind], first, place)
        return first

    def _operation(self, which: int, a: int, b: int = 0) -> int:
        to = self._register(0.0)
        self.operations.append((which, a, b, to))
        return to

    def _register(self, value: float) -> int:
        self.values.append(value)
        return len(self.values) - 1
