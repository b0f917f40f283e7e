"""A map as the list of its additions and multiplications, read off by running it.

The map's own code is called on numbers that write down what is done to them. So a model that knows
nothing of discovery is understood by it, as long as its code uses arithmetic, powers with whole
exponents, square roots and numpy's rearrangements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from numbers import Rational, Real
from typing import Any, NamedTuple

import numpy as np

from dynlens.discovery import polynomials
from dynlens.discovery.polynomials import Polynomial

Number = int | Fraction


class Sum(NamedTuple):
    """A linear combination of earlier values, plus a constant."""

    terms: tuple[tuple[int, Number], ...]
    constant: Number


class Product(NamedTuple):
    """The product of two earlier values."""

    left: int
    right: int


class Root(NamedTuple):
    """The square root of an earlier value."""

    of: int


class Inverse(NamedTuple):
    """One over an earlier value."""

    of: int


Step = Sum | Product | Root | Inverse


class Program:
    """Values made one from another: the variables first, then what each step makes.

    Parameters
    ----------
    size : int
        Number of variables.

    Attributes
    ----------
    steps : list of Step
        The value of ``steps[k]`` has the number ``size + k``.
    outputs : list of int
        Numbers of the values that are the map.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.steps: list[Step] = []
        self.outputs: list[int] = []
        self._known: dict[Step, int] = {}

    def value(self, step: Step) -> int:
        """Number of the value that a step makes; the same step is made once."""
        if step not in self._known:
            self._known[step] = self.size + len(self.steps)
            self.steps.append(step)
        return self._known[step]

    def variables(self) -> list[Traced]:
        """Return the variables, to be computed with."""
        return [Traced(self, {k: 1}) for k in range(self.size)]

    @property
    def polynomial(self) -> bool:
        """Whether there is neither a root nor a division."""
        return all(isinstance(step, Sum | Product) for step in self.steps)

    def expanded(self) -> list[Polynomial]:
        """Outputs as polynomials in the variables.

        Raises
        ------
        ValueError
            If one is none.
        """
        if not self.polynomial:
            raise ValueError("the map has roots or divisions, so it is no polynomial.")
        values = [polynomials.variable(k) for k in range(self.size)]
        for step in self.steps:
            if isinstance(step, Sum):
                parts = [polynomials.scale(values[k], c) for k, c in step.terms]
                constant: Polynomial = {(): step.constant} if step.constant else {}
                values.append(polynomials.add(*parts, constant))
            elif isinstance(step, Product):
                values.append(polynomials.multiply(values[step.left], values[step.right]))
        return [values[k] for k in self.outputs]


class Traced:
    """A number that remembers how it was made: a linear combination of a program's values."""

    __slots__ = ("constant", "program", "terms")

    def __init__(self, program: Program, terms: Mapping[int, Number], constant: Number = 0) -> None:
        self.program = program
        self.terms = terms
        self.constant = constant

    @property
    def number(self) -> int:
        """Number of this value in its program."""
        if not self.constant and len(self.terms) == 1:
            ((value, coefficient),) = self.terms.items()
            if coefficient == 1:
                return value
        return self.program.value(Sum(tuple(sorted(self.terms.items())), self.constant))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Traced):
            terms = dict(self.terms)
            for value, coefficient in other.terms.items():
                total = terms.get(value, 0) + coefficient
                if total:
                    terms[value] = total
                else:
                    del terms[value]
            return Traced(self.program, terms, self.constant + other.constant)
        number = exact(other)
        if number is None:
            return NotImplemented
        return Traced(self.program, self.terms, self.constant + number)

    __radd__ = __add__

    def __neg__(self) -> Traced:
        return self._times(-1)

    def __pos__(self) -> Traced:
        return self

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Traced):
            if not other.terms:
                return self._times(other.constant)
            if not self.terms:
                return other._times(self.constant)
            (mine, a), (theirs, b) = self._split(), other._split()
            pair = sorted((mine, theirs))
            return Traced(self.program, {self.program.value(Product(*pair)): a * b})
        number = exact(other)
        return NotImplemented if number is None else self._times(number)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Traced):
            return self * other._inverse()
        number = exact(other)
        return NotImplemented if number is None else self._times(1 / Fraction(number))

    def __rtruediv__(self, other: Any) -> Any:
        return self._inverse() * other

    def __pow__(self, exponent: Any) -> Any:
        power = exact(exponent)
        if power is None:
            return NotImplemented
        if power == Fraction(1, 2):
            return self.sqrt()
        if Fraction(power).denominator != 1:
            raise TypeError(f"a power with the exponent {exponent!r} is no algebra done here.")
        if power < 0:
            return self._inverse() ** -power
        result: Any = Traced(self.program, {}, 1)
        for _ in range(int(power)):
            result = result * self
        return result

    def sqrt(self) -> Traced:
        """Return the square root; numpy calls this for `np.sqrt` of an array."""
        return Traced(self.program, {self.program.value(Root(self.number)): 1})

    def conjugate(self) -> Traced:
        """Return itself: these numbers stand for real ones."""
        return self

    def __eq__(self, other: object) -> bool:
        # Generic values differ unless they are the same: so a test for zero is answered.
        if isinstance(other, Traced):
            return self.terms == other.terms and self.constant == other.constant
        number = exact(other)
        return number is not None and not self.terms and self.constant == number

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self.terms) or bool(self.constant)

    def __lt__(self, other: object) -> bool:
        raise TypeError("the map asks which of two values is larger, so it is no algebraic map.")

    __gt__ = __le__ = __ge__ = __lt__

    def _times(self, number: Number) -> Traced:
        terms = {value: c * number for value, c in self.terms.items()} if number else {}
        return Traced(self.program, terms, self.constant * number)

    def _split(self) -> tuple[int, Number]:
        """A value and a number whose product this is."""
        if not self.constant and len(self.terms) == 1:
            ((value, coefficient),) = self.terms.items()
            return value, coefficient
        return self.number, 1

    def _inverse(self) -> Traced:
        if not self.terms:
            return Traced(self.program, {}, 1 / Fraction(self.constant))
        value, coefficient = self._split()
        return Traced(self.program, {self.program.value(Inverse(value)): 1 / Fraction(coefficient)})


def exact(value: Any) -> Number | None:
    """Return the rational number that a value is, a float too; None if it is no number."""
    if isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, Rational):
        return Fraction(value)
    if isinstance(value, Real) and np.isfinite(float(value)):
        found = Fraction(float(value))
        return found.numerator if found.denominator == 1 else found
    return None


def traced(function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> Program:
    """Run a map of arrays and return what it did.

    Parameters
    ----------
    function : callable
        Of one array for each shape; returns an array, or several.
    shapes : tuple of tuple of int

    Examples
    --------
    >>> program = traced(lambda W, V: V @ W, ((2, 1), (1, 2)))
    >>> program.expanded()
    [{(0, 2): 1, (1, 3): 1}]
    """
    program = Program(sum(prod(shape) for shape in shapes))
    flat = np.empty(program.size, dtype=object)
    flat[:] = program.variables()
    arrays, start = [], 0
    for shape in shapes:
        arrays.append(flat[start : start + prod(shape)].reshape(shape))
        start += prod(shape)
    for entry in _entries(function(*arrays)):
        if isinstance(entry, Traced):
            if entry.terms:
                program.outputs.append(entry.number)
        elif exact(entry) is None:
            raise TypeError(f"the map returned {entry!r:.80}, which is no number.")
    program.outputs = list(dict.fromkeys(program.outputs))
    return program


def _entries(result: Any) -> list[Any]:
    """Entries of an array, or of several."""
    if isinstance(result, tuple | list):
        return [entry for part in result for entry in _entries(part)]
    return list(np.asarray(result, dtype=object).ravel())
