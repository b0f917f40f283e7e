"""How many laws there are: the dimension of the orbits of a family of fields, exactly.

Let L(x) be the values at x of the Lie algebra that the fields generate. Near a point where its
dimension is largest there are D - dim L(x) independent laws, and no more (Frobenius). Brackets are
never formed: for a flow Phi of any combination of the fields with coefficients in time, the Taylor
coefficients of (D Phi_t)^-1 v(Phi_t(x)) are values at x of combinations of nested brackets, and for
random coefficients they span L(x) once the order is high enough. All of it is arithmetic of
truncated power series, done modulo a prime at a random integer point, so that the rank found is
proved to be a lower bound of dim L: a minor that is not zero modulo the prime is not zero.

References
----------
marcotte2023abide
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dynlens.discovery.fields import Fields
from dynlens.discovery.modular import PRIME, Residues, echelon, inverse, matmul

ORDERS = 16  # of the series, at most; five are the most that any model here needed
STILL = 3  # orders that add nothing, one after another, end the search
DRAWS = 3  # random combinations of the fields, all of them followed
SPARE = 8  # random combinations of rows beyond the dimension: a chance of 2^-31 each


class Orbit(NamedTuple):
    """Dimension of an orbit.

    Parameters
    ----------
    dimension : int
        Rank found, a lower bound that is proved.
    ranks : tuple of int
        After each order.
    point : tuple of int
        Where, modulo the prime.
    columns : tuple of int
        Of the minor that is not zero.
    """

    dimension: int
    ranks: tuple[int, ...]
    point: tuple[int, ...]
    columns: tuple[int, ...]


def orbit(fields: Fields, *, seed: int = 0, point: Residues | None = None) -> Orbit:
    """Dimension of the orbit of a family of fields, at a random point or a given one.

    Parameters
    ----------
    fields : Fields
    seed : int
    point : ndarray of int, shape (D,), optional
        Modulo the prime.
    """
    rng = np.random.default_rng([seed, 17])
    start = fields.points(1, rng)[:, 0] if point is None else point
    rides = [_Transport(fields, start, np.random.default_rng([seed, k])) for k in range(DRAWS)]
    basis = np.zeros((0, fields.dimension), dtype=np.int64)
    ranks: list[int] = []
    pivots: list[int] = []
    for _ in range(ORDERS):
        rows = np.concatenate([basis, *(ride.step() for ride in rides)])
        basis, pivots = echelon(rows)
        ranks.append(len(pivots))
        still = len(ranks) > STILL and len(set(ranks[-STILL:])) == 1
        if ranks[-1] == fields.dimension or still:
            break
    return Orbit(ranks[-1], tuple(ranks), tuple(start.tolist()), tuple(pivots))


class _Transport:
    """Fields pulled back along one flow: N(t) v(Phi_t(x)) with N' = -N DF, coefficientwise."""

    def __init__(self, fields: Fields, point: Residues, rng: np.random.Generator) -> None:
        self.ride = fields.begin(ORDERS, rng)
        self.mix = None
        if fields.count > fields.dimension + SPARE:
            shape = (fields.dimension + SPARE, fields.count)
            self.mix = rng.integers(0, PRIME, shape)
        self.x = point
        self.back = [np.eye(fields.dimension, dtype=np.int64)]
        self.slopes: list[Residues] = []
        self.seen: list[Residues] = []

    def step(self) -> Residues:
        """Return the rows of the next order."""
        velocity, slope, rows = self.ride.step(self.x)
        k = len(self.seen)
        self.seen.append((rows if self.mix is None else matmul(self.mix, rows)).T)
        self.slopes.append(slope)
        total = np.zeros_like(self.seen[0])
        for j in range(k + 1):
            total = (total + matmul(self.back[j], self.seen[k - j])) % PRIME
        turned = np.zeros_like(self.back[0])
        for j in range(k + 1):
            turned = (turned + matmul(self.back[j], self.slopes[k - j])) % PRIME
        share = inverse(k + 1)
        self.back.append((PRIME - turned) * share % PRIME)
        self.x = velocity * share % PRIME
        return total.T
