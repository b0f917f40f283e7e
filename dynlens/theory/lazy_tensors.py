r"""What training near its start can reach: the linearized symmetric decomposition.

Its class is :math:`S_U = \{\sum_i \mathrm{sym}(u_i^{\otimes(l-1)} \otimes \delta_i)\}`, a subspace
of the symmetric tensors, of dimension :math:`N = \binom{d+l-1}{l}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from math import comb, factorial, prod

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

EXCEPTIONS = {(5, 3, 7), (3, 4, 5), (4, 4, 9), (5, 4, 14)}
"""(d, l, m) with l >= 3 where the dimension is one less than expected."""


def symmetric_dimension(dimension: int, order: int) -> int:
    """Dimension N of the symmetric tensors."""
    return comb(dimension + order - 1, order)


def lazy_dimension(dimension: int, order: int, components: int) -> int:
    r"""Dimension of :math:`S_U` for generic vectors: min(d m, N), with known exceptions.

    References
    ----------
    alexander1995polynomial

    Examples
    --------
    >>> lazy_dimension(4, 3, 4), lazy_dimension(5, 3, 7), lazy_dimension(6, 2, 3)
    (16, 34, 15)
    """
    d, m = dimension, components
    if order == 2 and m < d:
        return d * m - comb(m, 2)
    expected = min(d * m, symmetric_dimension(d, order))
    return expected - ((d, order, m) in EXCEPTIONS)


@dataclass(frozen=True)
class Level:
    """One eigenvalue of `harmonic_spectrum`: its degree j, exact value and multiplicity."""

    degree: int
    value: Fraction
    multiplicity: int


def harmonic_spectrum(dimension: int, order: int) -> tuple[Level, ...]:
    r"""Spectrum of :math:`\mathbb E[u^{\otimes l} (u^{\otimes l})^\top]`, u uniform on the sphere.

    .. math::

        \lambda_j = \frac{l!\,\Gamma(d/2)}{2^l ((l-j)/2)!\,\Gamma((l+j+d)/2)}

    on the harmonic polynomials of degree j = l, l - 2, ..., smallest j (largest value) first.

    Examples
    --------
    >>> [str(level.value) for level in harmonic_spectrum(4, order=3)]
    ['1/8', '1/32']
    """
    d, l = validation.count("dimension", dimension, least=2), validation.count("order", order)
    levels = []
    for j in range(l % 2, l + 1, 2):
        # Gamma(d/2) / Gamma(d/2 + k), k = (l + j) / 2
        falling = prod((Fraction(d, 2) + i for i in range((l + j) // 2)), start=Fraction(1))
        value = Fraction(factorial(l), 2**l * factorial((l - j) // 2)) / falling
        count = comb(d + j - 1, j) - (comb(d + j - 3, j - 2) if j >= 2 else 0)
        levels.append(Level(j, value, count))
    return tuple(levels)


def lazy_error_bound(dimension: int, order: int, rank: int) -> Fraction:
    r"""Least mean of :math:`\mathrm{dist}(u^{\otimes l}, S)^2` over subspaces of dimension `rank`.

    One less the sum of the `rank` largest eigenvalues of `harmonic_spectrum`; exact.

    Examples
    --------
    >>> lazy_error_bound(6, order=3, rank=36)
    Fraction(1, 4)
    """
    left, bound = rank, Fraction(1)
    for level in harmonic_spectrum(dimension, order):
        used = min(left, level.multiplicity)
        bound -= used * level.value
        left -= used
    return bound


@cache
def _monomials(dimension: int, order: int) -> tuple[Array, Array]:
    """Indices (N, l) of the monomials, and their isometric weights sqrt(l! / alpha!)."""
    index = np.array(list(combinations_with_replacement(range(dimension), order)))
    counts = (index[:, :, None] == np.arange(dimension)).sum(axis=1)
    multiplicity = [factorial(order) // prod(factorial(int(k)) for k in row) for row in counts]
    return index, np.sqrt(np.array(multiplicity, dtype=float))


def symmetric_coordinates(vectors: ArrayLike, order: int) -> Array:
    r"""Isometric coordinates of :math:`u^{\otimes l}`, shape (..., N)."""
    u = np.asarray(vectors, dtype=float)
    index, weights = _monomials(u.shape[-1], order)
    return np.asarray(u[..., index].prod(axis=-1) * weights)


def tangent_columns(vectors: ArrayLike, order: int) -> Array:
    r"""Columns that span :math:`S_U`, in isometric coordinates, shape (N, m d).

    The derivatives of :math:`u_i^{\otimes l}` along the axes, divided by l.
    """
    u = validation.real_array("vectors", vectors, ndim=2)
    index, weights = _monomials(u.shape[1], order)
    entries = u[:, index]  # (m, N, l)
    places = index[:, :, None] == np.arange(u.shape[1])  # (N, l, d)
    others = [np.delete(entries, k, axis=2).prod(axis=2) for k in range(order)]
    columns = np.einsum("kin,nka->nia", np.array(others), places) / order
    return np.asarray((columns * weights[:, None, None]).reshape(len(weights), -1))


def second_moment(dimension: int, order: int) -> Array:
    r"""Return :math:`\mathbb E[u^{\otimes l} (u^{\otimes l})^\top]`, u on the sphere, shape (N, N).

    In isometric coordinates, from the sphere's moments of monomials with even exponents,
    :math:`\mathbb E u^e = \prod_i (e_i - 1)!! / (d (d + 2) \cdots)`. Its spectrum is
    `harmonic_spectrum`.

    Examples
    --------
    >>> sorted(set(np.linalg.eigvalsh(second_moment(4, order=3)).round(12).tolist()))
    [0.03125, 0.125]
    """
    d, l = validation.count("dimension", dimension), validation.count("order", order)
    index, weights = _monomials(d, l)
    exponents = (index[:, :, None] == np.arange(d)).sum(axis=1)
    moments = np.array([0 if e % 2 else prod(range(1, e, 2)) for e in range(2 * l + 1)])
    matrix = np.outer(weights, weights) / prod(d + 2 * k for k in range(l))
    for e in exponents.T:
        matrix *= moments[e[:, None] + e]
    return matrix
