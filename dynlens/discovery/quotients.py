"""Rational laws: quotients of polynomials that all fields multiply by the same factor.

Let the *derived* algebra consist of the brackets of the fields. A polynomial that it annihilates,
and that every field v takes to a multiple of itself, is a relative invariant; if p and q have the
same multiples, then p / q is a law: q v(p) = p v(q), which is verified by expansion.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from dynlens.discovery import polynomials
from dynlens.discovery.fields import Fields, Sampled, parity
from dynlens.discovery.modular import PRIME, Residues, residue
from dynlens.discovery.polynomials import Polynomial
from dynlens.discovery.searching import candidates, rates

Field = dict[int, Polynomial]
BRACKETS = 6  # of two fields, which are bracketed with a third


def relative_invariants(fields: Fields, degree: int, *, seed: int = 0) -> list[Polynomial]:
    """Return what may be relative invariants of one degree: the derived algebra annihilates it."""
    rng = np.random.default_rng([seed, 29])
    derived = _derived(fields.each, rng)
    return candidates(_Given(fields.dimension, derived), [degree], seed=seed)[0]


def quotients(invariants: Sequence[Polynomial], fields: Fields) -> list[tuple[int, int]]:
    """Pairs of invariants whose quotient is a law, verified by expansion."""
    rows = [list(rates(one, fields)) for one in invariants]
    return [
        (a, b)
        for a, b in itertools.combinations(range(len(invariants)), 2)
        if all(
            polynomials.multiply(invariants[b], x) == polynomials.multiply(invariants[a], y)
            for x, y in zip(rows[a], rows[b], strict=True)
        )
    ]


class _Given(Sampled):
    """Fields given as polynomials."""

    def __init__(self, dimension: int, fields: list[Field]) -> None:
        self._dimension = dimension
        self.fields = fields

    @property
    def dimension(self) -> int:
        return self._dimension

    def parities(self) -> list[list[int]]:
        return [
            [parity(m) ^ (1 << k) for k, part in field.items() for m in part]
            for field in self.fields
        ]

    def points(self, count: int, rng: np.random.Generator) -> Residues:
        return rng.integers(1, PRIME, (self.dimension, count))

    def mixed(self, points: Residues, rng: np.random.Generator) -> Residues:
        total = np.zeros_like(points)
        for field in self.fields:
            share = rng.integers(0, PRIME, points.shape[1])
            for k, part in field.items():
                total[k] = (total[k] + share * _values(part, points)) % PRIME
        return total


def _values(polynomial: Polynomial, points: Residues) -> Residues:
    total = np.zeros(points.shape[1], dtype=np.int64)
    for monomial, coefficient in polynomial.items():
        term = np.full(points.shape[1], residue(coefficient))
        for k in monomial:
            term = term * points[k] % PRIME
        total += term
    return total % PRIME


def _derived(fields: list[Field], rng: np.random.Generator) -> list[Field]:
    """Brackets of two fields, and of some of these with each."""
    pairs = [_bracket(a, b) for a, b in itertools.combinations(fields, 2)]
    pairs = [pair for pair in pairs if pair]
    order = rng.permutation(len(pairs))
    some = [pairs[k] for k in order[:BRACKETS]]
    triples = [_bracket(pair, field) for pair in some for field in fields]
    return pairs + [triple for triple in triples if triple]


def _bracket(v: Field, w: Field) -> Field:
    """``Dw v - Dv w``."""
    found: dict[int, Polynomial] = {}
    for sign, inner, outer in ((1, v, w), (-1, w, v)):
        for k, part in outer.items():
            for j, slope in polynomials.gradient(part).items():
                if j in inner:
                    term = polynomials.scale(polynomials.multiply(slope, inner[j]), sign)
                    found[k] = polynomials.add(found.get(k, {}), term)
    return {k: part for k, part in found.items() if part}
