"""Polynomial laws: found modulo a prime, lifted to rational numbers, verified by expansion.

A polynomial h with unknown coefficients is a law if <grad h, u> = 0 at every point for every field;
one random combination u of the fields at each of somewhat more random points than unknowns says as
much. What the kernel of these equations lifts to is a guess, and becomes a law by expanding
<grad h, v> exactly for every field v.

References
----------
marcotte2023abide
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from math import comb
from typing import NamedTuple

import numpy as np

from dynlens.discovery import polynomials
from dynlens.discovery.fields import Fields, Sampled, parity
from dynlens.discovery.modular import PRIME, Residues, echelon, kernel, lifted, rank, residue
from dynlens.discovery.polynomials import Monomial, Polynomial

MOST = 2000  # unknowns in one block
SPARE = 10  # points beyond the number of unknowns


class Found(NamedTuple):
    """What a search found.

    Parameters
    ----------
    laws : list of Polynomial
        Linearly independent, each verified by expansion.
    refused : int
        Guesses that expansion did not confirm.
    unknowns : int
        In the largest block.
    """

    laws: list[Polynomial]
    refused: int
    unknowns: int


def polynomial_laws(fields: Fields, degrees: Sequence[int], *, seed: int = 0) -> Found:
    """Return all laws that are sums of monomials of these degrees; see `candidates`."""
    guesses, unknowns = candidates(fields, degrees, seed=seed)
    laws = [law for law in guesses if is_law(law, fields)]
    return Found(_shorter(laws), len(guesses) - len(laws), unknowns)


def candidates(
    fields: Sampled, degrees: Sequence[int], *, seed: int = 0
) -> tuple[list[Polynomial], int]:
    """Sums of monomials of these degrees that the fields annihilate at random points.

    Returns
    -------
    guesses : list of Polynomial
        To be verified.
    unknowns : int
        In the largest block.

    Raises
    ------
    ValueError
        If a block has more than `MOST` unknowns; the text says which degree might fit.
    """
    signs = SignChanges(fields.parities())
    blocks: dict[int, list[Monomial]] = {}
    for degree in degrees:
        _refuse_many(fields.dimension, degree)
        for m in itertools.combinations_with_replacement(range(fields.dimension), degree):
            blocks.setdefault(signs.character(parity(m)), []).append(m)
    largest = max(map(len, blocks.values()))
    if largest > MOST:
        raise ValueError(
            f"degree {max(degrees)} has {largest} unknowns in one block, more than {MOST}; pass "
            f"`degree={max(degrees) - 1}`."
        )
    rng = np.random.default_rng([seed, 23])
    points = fields.points(largest + SPARE, rng)
    moves = fields.mixed(points, rng)
    guesses = []
    for monomials in blocks.values():
        count = len(monomials) + SPARE
        rows = _along(monomials, points[:, :count], moves[:, :count])
        guesses += [_lifted(monomials, vector) for vector in kernel(rows)]
    return guesses, largest


def is_law(polynomial: Polynomial, fields: Fields) -> bool:
    """Whether every field annihilates it: the expansion is zero."""
    return not any(rates(polynomial, fields))


def rates(polynomial: Polynomial, fields: Fields) -> Iterator[Polynomial]:
    """Rate of a polynomial along each field, expanded."""
    slopes = {k: polynomials.derivative(polynomial, k) for k in polynomials.variables(polynomial)}
    for field in fields.each:
        parts = (polynomials.multiply(slope, field[k]) for k, slope in slopes.items() if k in field)
        yield fields.reduced(polynomials.add(*parts))


def gradient_rank(laws: Iterable[Polynomial], point: Residues) -> int:
    """Rank of the laws' gradients at a point: so many of them are independent there, at least."""
    rows = [gradient(law, point) for law in laws]
    return rank(np.array(rows)) if rows else 0


def gradient(polynomial: Polynomial, point: Residues) -> Residues:
    """Gradient at a point, modulo the prime, shape (D,)."""
    found = np.zeros(len(point), dtype=np.int64)
    for monomial, coefficient in polynomial.items():
        for k in set(monomial):
            value = residue(coefficient) * monomial.count(k) % PRIME
            rest = list(monomial)
            rest.remove(k)
            for other in rest:
                value = value * int(point[other]) % PRIME
            found[k] = (found[k] + value) % PRIME
    return found


def value(polynomial: Polynomial, point: Residues) -> int:
    """Value at a point, modulo the prime."""
    total = 0
    for monomial, coefficient in polynomial.items():
        part = residue(coefficient)
        for k in monomial:
            part = part * int(point[k]) % PRIME
        total += part
    return total % PRIME


def independent(rows: Residues) -> list[int]:
    """Places of rows that are no combinations of those before them.

    Examples
    --------
    >>> independent(np.array([[1, 2], [2, 4], [0, 1]]))
    [0, 2]
    """
    return echelon(rows.T)[1]


class SignChanges:
    """The characters of the sign changes of coordinates that treat given parities alike."""

    def __init__(self, alike: Iterable[Sequence[int]]) -> None:
        self.basis: dict[int, int] = {}  # by highest bit
        for group in alike:
            for bits in group[1:]:
                self._add(bits ^ group[0])

    def _add(self, bits: int) -> None:
        while bits:
            top = bits.bit_length() - 1
            if top not in self.basis:
                self.basis[top] = bits
                return
            bits ^= self.basis[top]

    def character(self, bits: int) -> int:
        """A name for the class of a monomial with these parities."""
        for top in sorted(self.basis, reverse=True):
            if bits >> top & 1:
                bits ^= self.basis[top]
        return bits


def _refuse_many(dimension: int, degree: int) -> None:
    count, limit = comb(dimension + degree - 1, degree), 200 * MOST
    if count > limit:
        raise ValueError(
            f"degree {degree} in {dimension} parameters has {count} monomials, more than {limit}; "
            f"pass `degree={degree - 1}`."
        )


def _along(monomials: list[Monomial], points: Residues, moves: Residues) -> Residues:
    """Rate of each monomial where a point moves, shape (points, monomials)."""
    total = np.zeros((points.shape[1], len(monomials)), dtype=np.int64)
    degrees = np.array([len(m) for m in monomials])
    for degree in set(degrees.tolist()):
        columns = np.flatnonzero(degrees == degree)
        index = np.array([monomials[c] for c in columns])
        for moved in range(degree):
            term = moves[index[:, moved]]
            for fixed in range(degree):
                if fixed != moved:
                    term = term * points[index[:, fixed]] % PRIME
            total[:, columns] += term.T
    return total % PRIME


def _lifted(monomials: list[Monomial], vector: Residues) -> Polynomial:
    guess = {monomials[k]: lifted(int(vector[k])) for k in np.flatnonzero(vector)}
    return polynomials.primitive(guess)


def _shorter(laws: list[Polynomial]) -> list[Polynomial]:
    """The same space of laws by fewer terms: differences and sums of two replace the longer."""
    found = sorted(laws, key=_length)
    for _ in range(len(found)):
        for a, b in itertools.permutations(range(len(found)), 2):
            if found[a].keys() & found[b].keys():
                for sign in (1, -1):
                    other = polynomials.add(found[a], polynomials.scale(found[b], sign))
                    if 0 < len(other) < len(found[a]):
                        found[a] = polynomials.primitive(other)
                        break
                else:
                    continue
                break
        else:
            break
    return sorted(found, key=_length)


def _length(law: Polynomial) -> tuple[int, int, list[Monomial]]:
    return max(map(len, law), default=0), len(law), sorted(law)
