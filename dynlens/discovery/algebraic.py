"""Fields of a map with roots and divisions, as polynomials in more variables.

Each root s of x and each inverse q of x is a variable more, with s^2 = x or q x = 1. A field times
a function without zeros has the same laws, so all q are cleared by powers of x; then each s^2 is
replaced by x. What is left is zero if and only if every coefficient is, as far as a law is
concerned: a polynomial in the parameters and in roots to the first power.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from dynlens.discovery import polynomials
from dynlens.discovery.fields import Gradients
from dynlens.discovery.polynomials import Monomial, Polynomial
from dynlens.discovery.tracing import Product, Program, Root, Sum

HALF = Fraction(1, 2)


class Adjoined(NamedTuple):
    """A variable that stands for a root or an inverse of a polynomial in those before it."""

    variable: int
    of: Polynomial
    root: bool


class AlgebraicGradients(Gradients):
    """The gradients of the outputs of a map that is no polynomial."""

    @cached_property
    def _expanded(self) -> tuple[list[dict[int, Polynomial]], list[Adjoined]]:
        """Gradients of the outputs, and the variables they have besides the parameters."""
        return _gradients(self.program)

    @cached_property
    def each(self) -> list[dict[int, Polynomial]]:
        gradients, adjoined = self._expanded
        return [self._cleared(gradient, adjoined) for gradient in gradients]

    def _cleared(
        self, field: dict[int, Polynomial], adjoined: list[Adjoined]
    ) -> dict[int, Polynomial]:
        for one in reversed(adjoined):
            if one.root:
                field = {k: _squared_away(part, one) for k, part in field.items()}
            else:
                most = max((m.count(one.variable) for p in field.values() for m in p), default=0)
                field = {k: _without_inverse(part, one, most) for k, part in field.items()}
        return {k: self.reduced(part) for k, part in field.items() if self.reduced(part)}

    def reduced(self, polynomial: Polynomial) -> Polynomial:
        for one in reversed(self._expanded[1]):
            if one.root:
                polynomial = _squared_away(polynomial, one)
        return polynomial

    def symbols(self, names: Sequence[str]) -> list[Any]:
        import sympy as sp

        found = super().symbols(names)
        for one in self._expanded[1]:
            of = polynomials.sympy(one.of, found)
            found.append(sp.sqrt(of) if one.root else 1 / of)
        return found

    def parities(self) -> list[list[int]]:
        return [[0, 1 << k] for k in range(self.dimension)]  # no sign change is known

    @property
    def homogeneous(self) -> bool:
        return False


def _gradients(program: Program) -> tuple[list[dict[int, Polynomial]], list[Adjoined]]:
    values = [polynomials.variable(k) for k in range(program.size)]
    slopes: list[dict[int, Polynomial]] = [{k: {(): 1}} for k in range(program.size)]
    adjoined: list[Adjoined] = []
    for step in program.steps:
        if isinstance(step, Sum):
            parts = [polynomials.scale(values[n], c) for n, c in step.terms]
            constant: Polynomial = {(): step.constant} if step.constant else {}
            values.append(polynomials.add(*parts, constant))
            slopes.append(_combined([({(): c}, slopes[n]) for n, c in step.terms]))
        elif isinstance(step, Product):
            a, b = step
            values.append(polynomials.multiply(values[a], values[b]))
            slopes.append(_combined([(values[a], slopes[b]), (values[b], slopes[a])]))
        else:
            root = isinstance(step, Root)
            one = Adjoined(program.size + len(adjoined), values[step.of], root)
            own = polynomials.variable(one.variable)
            adjoined.append(one)
            values.append(own)
            if root:  # ds = s dx / (2 x), with the inverse of x as a variable more
                inverse = Adjoined(program.size + len(adjoined), values[step.of], False)
                adjoined.append(inverse)
                share = polynomials.multiply(own, polynomials.variable(inverse.variable))
                slopes.append(_combined([(polynomials.scale(share, HALF), slopes[step.of])]))
            else:  # dq = -q^2 dx
                square = polynomials.scale(polynomials.multiply(own, own), -1)
                slopes.append(_combined([(square, slopes[step.of])]))
    return [slopes[n] for n in program.outputs], adjoined


def _combined(parts: list[tuple[Polynomial, dict[int, Polynomial]]]) -> dict[int, Polynomial]:
    found: dict[int, Polynomial] = {}
    for factor, slope in parts:
        for k, part in slope.items():
            found[k] = polynomials.add(found.get(k, {}), polynomials.multiply(factor, part))
    return found


def _without_inverse(polynomial: Polynomial, one: Adjoined, most: int) -> Polynomial:
    """The polynomial times ``of ** most``, with q of = 1."""
    total: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        term: Polynomial = {_without(monomial, one.variable): coefficient}
        for _ in range(most - monomial.count(one.variable)):
            term = polynomials.multiply(term, one.of)
        total = polynomials.add(total, term)
    return total


def _squared_away(polynomial: Polynomial, one: Adjoined) -> Polynomial:
    """The same with s^2 = of, so that s is there once at most."""
    total: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        times = monomial.count(one.variable)
        term: Polynomial = {
            _without(monomial, one.variable) + (one.variable,) * (times % 2): coefficient
        }
        term = {tuple(sorted(m)): c for m, c in term.items()}
        for _ in range(times // 2):
            term = polynomials.multiply(term, one.of)
        total = polynomials.add(total, term)
    return total


def _without(monomial: Monomial, index: int) -> Monomial:
    return tuple(k for k in monomial if k != index)
