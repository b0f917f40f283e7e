"""Linear algebra over the integers modulo a prime, exact in numpy's integers.

A matrix of rational numbers has at least the rank that it has modulo a prime, since a minor that is
not zero there is not zero: a rank found here is a proof of a lower bound. Equality fails with a
probability of about (size of the minors) / (prime), for points drawn at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Residues = NDArray[np.int64]

PRIME = 2**31 - 1  # products of two residues fit into 64 bits, and -1 is no square modulo it


def residue(value: int | Fraction | float) -> int:
    """Return a rational number modulo `PRIME`; a float is the rational number that it is.

    Examples
    --------
    >>> residue(Fraction(1, 2)) * 2 % PRIME
    1
    """
    if isinstance(value, int):
        return value % PRIME
    exact = Fraction(value)
    if exact.denominator % PRIME == 0:
        raise ZeroDivisionError(f"{value!r} has a denominator that is 0 modulo {PRIME}.")
    return exact.numerator * pow(exact.denominator, -1, PRIME) % PRIME


def residues(values: Iterable[int | Fraction | float]) -> Residues:
    """Return numbers modulo `PRIME`, as an array."""
    return np.array([residue(value) for value in values], dtype=np.int64)


def inverse(value: int) -> int:
    """Return the inverse of a residue that is not zero."""
    return pow(int(value), -1, PRIME)


def matmul(a: Residues, b: Residues) -> Residues:
    """Matrix product, by floating-point products of halves of 16 bits, which are exact.

    Examples
    --------
    >>> big = np.full((2, 2), PRIME - 1)
    >>> matmul(big, big).tolist()  # (-1)(-1) + (-1)(-1)
    [[2, 2], [2, 2]]
    """
    high, low = (a >> 16).astype(float), (a & 0xFFFF).astype(float)
    top, bottom = (b >> 16).astype(float), (b & 0xFFFF).astype(float)

    def product(x: NDArray[np.float64], y: NDArray[np.float64]) -> Residues:
        return np.rint(x @ y).astype(np.int64) % PRIME

    middle = (product(high, bottom) + product(low, top)) % PRIME
    shifted = ((product(high, top) << 16) + middle) % PRIME
    return ((shifted << 16) + product(low, bottom)) % PRIME


def echelon(rows: Residues) -> tuple[Residues, list[int]]:
    """Reduced row echelon form without its rows of zeros, and the columns of its pivots."""
    a = np.array(rows, dtype=np.int64) % PRIME
    pivots: list[int] = []
    top = 0
    for column in range(a.shape[1]):
        if top == len(a):
            break
        below = np.flatnonzero(a[top:, column])
        if not below.size:
            continue
        pivot = top + int(below[0])
        if pivot != top:
            a[[top, pivot]] = a[[pivot, top]]
        a[top, column:] = a[top, column:] * inverse(a[top, column]) % PRIME
        others = np.flatnonzero(a[:, column])
        others = others[others != top]
        if others.size:
            filled = column + np.flatnonzero(a[top, column:])
            change = a[others, column][:, None] * a[top, filled] % PRIME
            block = np.ix_(others, filled)
            a[block] = (a[block] - change) % PRIME
        pivots.append(column)
        top += 1
    return a[:top], pivots


def rank(rows: Residues) -> int:
    """Rank of a matrix.

    Examples
    --------
    >>> rank(np.array([[1, 2], [2, 4]]))
    1
    """
    return len(echelon(rows)[1])


def kernel(rows: Residues) -> Residues:
    """Basis of the vectors that all rows annihilate, one a row, each with a coordinate of its own.

    Examples
    --------
    >>> kernel(np.array([[1, 1, 0]])).tolist() == [[PRIME - 1, 1, 0], [0, 0, 1]]
    True
    """
    reduced, pivots = echelon(rows)
    columns = rows.shape[1]
    free = np.setdiff1d(np.arange(columns), pivots)
    basis = np.zeros((len(free), columns), dtype=np.int64)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = (-reduced[:, free].T) % PRIME
    return basis


def lifted(value: int) -> Fraction:
    """Return the rational number of smallest size that is `value` modulo `PRIME`.

    Whatever is made of it must be verified: every residue is some small fraction's.

    Examples
    --------
    >>> lifted(residue(Fraction(-3, 7)))
    Fraction(-3, 7)
    """
    bound = isqrt(PRIME // 2)
    r, s, u, v = PRIME, int(value) % PRIME, 0, 1
    while s > bound:
        quotient = r // s
        r, s, u, v = s, r - quotient * s, v, u - quotient * v
    return Fraction(s, v)
