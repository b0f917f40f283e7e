"""Sparse polynomials with rational coefficients: enough algebra to expand an identity exactly.

A polynomial is a dictionary from monomials to coefficients that are not zero; a monomial is the
sorted tuple of its variables, each as often as its exponent says: ``(0, 0, 3)`` is x0^2 x3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from math import gcd, lcm
from typing import Any

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, int | Fraction]


def variable(index: int) -> Polynomial:
    """Return the polynomial that is one variable."""
    return {(index,): 1}


def add(*terms: Mapping[Monomial, int | Fraction]) -> Polynomial:
    """Sum.

    Examples
    --------
    >>> add({(0,): 1}, {(0,): -1, (): 2})
    {(): 2}
    """
    total: Polynomial = {}
    for term in terms:
        for monomial, coefficient in term.items():
            value = total.get(monomial, 0) + coefficient
            if value:
                total[monomial] = value
            else:
                total.pop(monomial, None)
    return total


def scale(polynomial: Polynomial, factor: int | Fraction) -> Polynomial:
    """Multiple by a number."""
    return {m: c * factor for m, c in polynomial.items()} if factor else {}


def multiply(left: Polynomial, right: Polynomial) -> Polynomial:
    """Product.

    Examples
    --------
    >>> multiply({(0,): 1, (1,): 1}, {(0,): 1, (1,): -1})
    {(0, 0): 1, (1, 1): -1}
    """
    total: Polynomial = {}
    for m, c in left.items():
        for n, d in right.items():
            monomial = tuple(sorted(m + n))
            total[monomial] = total.get(monomial, 0) + c * d
    return {m: c for m, c in total.items() if c}


def derivative(polynomial: Polynomial, index: int) -> Polynomial:
    """Partial derivative by one variable.

    Examples
    --------
    >>> derivative({(0, 0, 1): 3}, 0)
    {(0, 1): 6}
    """
    found: Polynomial = {}
    for monomial, coefficient in polynomial.items():
        times = monomial.count(index)
        if times:
            place = monomial.index(index)
            found[monomial[:place] + monomial[place + 1 :]] = times * coefficient
    return found


def gradient(polynomial: Polynomial) -> dict[int, Polynomial]:
    """Partial derivatives that are not zero, by variable.

    Examples
    --------
    >>> gradient({(0, 0, 1): 3})
    {0: {(0, 1): 6}, 1: {(0, 0): 3}}
    """
    found: dict[int, Polynomial] = {}
    for monomial, coefficient in polynomial.items():
        for index in dict.fromkeys(monomial):
            place = monomial.index(index)
            part = found.setdefault(index, {})
            part[monomial[:place] + monomial[place + 1 :]] = monomial.count(index) * coefficient
    return found


def variables(polynomial: Polynomial) -> list[int]:
    """Return the variables in it, in order."""
    return sorted({index for monomial in polynomial for index in monomial})


def primitive(polynomial: Mapping[Monomial, int | Fraction]) -> Polynomial:
    """The multiple with integer coefficients without a common factor, the first of them positive.

    Examples
    --------
    >>> primitive({(0,): Fraction(-1, 2), (1,): Fraction(3, 4)})
    {(0,): 2, (1,): -3}
    """
    if not polynomial:
        return {}
    order = sorted(polynomial)
    values = [Fraction(polynomial[m]) for m in order]
    common = lcm(*(value.denominator for value in values))
    integers = [int(value * common) for value in values]
    divisor = gcd(*integers) * (1 if integers[0] > 0 else -1)
    return {m: n // divisor for m, n in zip(order, integers, strict=True)}


def text(polynomial: Polynomial, names: Callable[[int], str]) -> str:
    """Write it as a formula.

    Examples
    --------
    >>> text({(0, 0): 1, (1,): -2, (): 3}, "uv".__getitem__)
    'u**2 - 2*v + 3'
    """
    parts = []
    for monomial, coefficient in sorted(polynomial.items(), key=lambda item: _order(item[0])):
        value = Fraction(coefficient)
        size, factors = abs(value), [_power(names(i), monomial.count(i)) for i in _once(monomial)]
        if size != 1 or not factors:
            factors.insert(0, str(size) if size.denominator == 1 else f"({size})")
        sign = "-" if value < 0 else "+"
        parts += [sign, "*".join(factors)]
    if not parts:
        return "0"
    head = parts[1] if parts[0] == "+" else f"-{parts[1]}"
    return " ".join([head, *parts[2:]])


def sympy(polynomial: Polynomial, symbols: Sequence[Any]) -> Any:
    """The polynomial as a sum of sympy, in what its variables are there."""
    import sympy as sp

    terms = []
    for monomial, coefficient in polynomial.items():
        value = Fraction(coefficient)
        factors = [symbols[k] for k in monomial]
        terms.append(sp.Mul(sp.Rational(value.numerator, value.denominator), *factors))
    return sp.Add(*terms)


def _order(monomial: Monomial) -> tuple[int, Monomial]:
    return -len(monomial), monomial


def _once(monomial: Monomial) -> Iterable[int]:
    return dict.fromkeys(monomial)


def _power(name: str, exponent: int) -> str:
    return name if exponent == 1 else f"{name}**{exponent}"
