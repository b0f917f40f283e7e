"""Claims decided by algebra: equations, matrices and inequalities, rearranged or slightly wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.claims.proof import Identities


@dataclass(frozen=True)
class Derivation:
    """An expression that vanishes if `error` is zero, or a relation that holds then.

    Parameters
    ----------
    name : str
        One of `EQUATIONS` or `INEQUALITIES`.
    numbers : tuple of int
        Coefficients.
    error : str
        A rational number.
    """

    name: str
    numbers: tuple[int, ...]
    error: str

    def __call__(self) -> dict[str, Any]:
        """Derive it."""
        import sympy as sp

        make = {**EQUATIONS, **INEQUALITIES}[self.name]
        return {self.name: make(sp, self.numbers, sp.Rational(self.error))}


def product(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """A product of linear factors, multiplied out."""
    x = sp.Symbol("x", real=True)
    found = sp.prod([x - r for r in numbers])
    return sp.Eq(sp.expand(found), found + error * x, evaluate=False)


def angles(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """Addition theorems."""
    x, y = sp.symbols("x y", real=True)
    a, b = numbers[:2]
    return sp.sin(a * x + b * y) - (
        sp.sin(a * x) * sp.cos(b * y) + (1 + error) * sp.cos(a * x) * sp.sin(b * y)
    )


def roots(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """Difference of square roots, rationalized."""
    x = sp.Symbol("x", positive=True)
    a = abs(numbers[0]) + 1
    return sp.sqrt(x + a) - sp.sqrt(x) - (a + error) / (sp.sqrt(x + a) + sp.sqrt(x))


def logarithm(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """Logarithm of a product of powers."""
    x, y = sp.symbols("x y", positive=True)
    a, b = numbers[:2]
    return sp.log(x**a * y**b) - a * sp.log(x) - (b + error) * sp.log(y)


def cayley_hamilton(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """A matrix in its own characteristic polynomial."""
    a, b = sp.symbols("a b", real=True)
    p, q = numbers[:2]
    m = sp.Matrix([[a, b], [p, q]])
    return m**2 - (1 + error) * m.trace() * m + m.det() * sp.eye(2)


def determinants(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """The determinant of a product."""
    a, b, c, d = sp.symbols("a b c d", real=True)
    p, q, r, s = numbers[:4]
    m, n = sp.Matrix([[a, b], [c, d]]), sp.Matrix([[p, q], [r, s]])
    return (m * n).det() - m.det() * n.det() + error * a * b


def square(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """A square is not negative; from below it must not be raised."""
    x = sp.Symbol("x", real=True)
    return sp.expand((x - sp.Rational(numbers[0], 3)) ** 2) >= error


def squares(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """Arithmetic and geometric mean."""
    x, y = sp.symbols("x y", positive=True)
    return (x + y) / 2 >= (1 + error) * sp.sqrt(x * y)


def exponential(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """A tangent lies below its curve."""
    x = sp.Symbol("x", real=True)
    return sp.exp(x) >= 1 + x + error


def fraction(sp: Any, numbers: tuple[int, ...], error: Any) -> Any:
    """A bounded fraction, attained at a only."""
    x = sp.Symbol("x", positive=True)
    a = abs(numbers[0]) + 1
    return sp.Rational(1, 2 * a) - error >= x / (x**2 + a**2)


EQUATIONS = {
    f.__name__: f for f in (product, angles, roots, logarithm, cayley_hamilton, determinants)
}
INEQUALITIES = {f.__name__: f for f in (square, squares, exponential, fraction)}


def _drawn(draw: Draw, names: tuple[str, ...], error: float) -> Stated:
    numbers = tuple(draw.whole(1, 6) for _ in range(4))
    name = draw.one_of(names)
    exact = "0" if draw.true else f"{np.format_float_positional(abs(error), trim='-')}"
    return Stated(Identities(name, Derivation(name, numbers, exact)), None, abs(error))


@kind
def equations(draw: Draw) -> Stated:
    """Identities in symbols; false: a coefficient is off by 1e-1 to 1e-12."""
    return _drawn(draw, tuple(EQUATIONS), draw.error)


@kind
def inequalities(draw: Draw) -> Stated:
    """Sharp inequalities in symbols; false: tightened by 1e-1 to 1e-12."""
    return _drawn(draw, tuple(INEQUALITIES), draw.error)
