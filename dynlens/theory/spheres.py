r"""Hyperspherical energy: how evenly the directions of neurons are spread over the sphere.

.. math:: E_s(V) = \sum_{i \ne j} f_s(\|\hat v_i - \hat v_j\|), \qquad
          f_s(z) = z^{-s} \; (s > 0), \quad f_0(z) = -\ln z,

with :math:`\hat v = v / \|v\|`. It does not change when all neurons are turned together, which is
what orthogonal over-parameterized training does; three ways to parameterize the turn are below.

References
----------
liu2021orthogonal
"""

from __future__ import annotations

import numpy as np

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike


def hyperspherical_energy(V: ArrayLike, s: float) -> float:
    """Sum over ordered pairs of neurons of ``f_s`` of the distance of their directions.

    Parameters
    ----------
    V : array_like, shape (n, d)
        Neurons as rows, at least two, none of them zero.
    s : float
        Zero or positive. The energy is infinite if two directions coincide, and anything large
        if they do but for rounding.

    References
    ----------
    liu2021orthogonal

    Examples
    --------
    >>> hyperspherical_energy([[1.0, 0.0], [-5.0, 0.0]], s=1)
    1.0
    """
    rows = validation.real_array("V", V, ndim=2)
    norms = np.linalg.norm(rows, axis=1)
    if len(rows) < 2 or not np.all(norms > 0):
        raise ValueError(
            f"`V` must have at least two rows, none of them zero, got shape {rows.shape}; drop "
            "the neurons that are zero."
        )
    power = validation.positive("s", s, allow_zero=True)
    units = rows / norms[:, None]
    i, j = np.triu_indices(len(units), 1)
    # Differences, not 2 - 2 cos: near pairs, which count most, keep their digits.
    distances = np.linalg.norm(units[i] - units[j], axis=1)
    with np.errstate(divide="ignore"):
        pairs = -np.log(distances) if power == 0 else distances**-power
    return float(2 * np.sum(pairs))


def mean_pair_energy(d: int, s: float) -> float:
    r"""Mean of :math:`f_s` over two independent directions that are uniform on the sphere.

    .. math:: \mathbb E \|\hat u - \hat v\|^{-s} = \frac{2^{d-2-s}\, \Gamma(d/2)\,
              \Gamma(\frac{d-1-s}2)}{\sqrt\pi\; \Gamma(d - 1 - \frac s2)}, \qquad
              \mathbb E[-\ln \|\hat u - \hat v\|] = \tfrac12 \psi(d-1) - \tfrac12
              \psi(\tfrac{d-1}2) - \ln 2

    Parameters
    ----------
    d : int
        Dimension, at least 2.
    s : float
        ``0 <= s < d - 1``; beyond, the mean is infinite.

    Notes
    -----
    The second is the first one's derivative at s = 0. The variance is finite for ``2 s < d - 1``
    only, so that averages over draws say little about the mean beyond.

    Examples
    --------
    >>> round(mean_pair_energy(3, 1), 12), round(mean_pair_energy(5, 2), 12)
    (1.0, 0.75)
    """
    from scipy.special import digamma, gammaln

    size = validation.count("d", d, least=2)
    power = validation.positive("s", s, allow_zero=True)
    if power >= size - 1:
        raise ValueError(f"`s` must be below d - 1 = {size - 1}, got {power:g}: no mean exists.")
    if power == 0:
        return float((digamma(size - 1) - digamma((size - 1) / 2)) / 2 - np.log(2))
    logs = gammaln(size / 2) + gammaln((size - 1 - power) / 2) - gammaln(size - 1 - power / 2)
    return float(2.0 ** (size - 2 - power) * np.exp(logs) / np.sqrt(np.pi))


# Orthogonal matrices ------------------------------------------------------------------------------


def cayley(S: ArrayLike) -> Array:
    r""":math:`(I + S)^{-1} (I - S)` of a skew-symmetric matrix: a rotation.

    Examples
    --------
    >>> cayley([[0.0, -1.0], [1.0, 0.0]]).round(12).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """
    skew = validation.real_array("S", S, ndim=2)
    if skew.shape[0] != skew.shape[1] or np.abs(skew + skew.T).max(initial=0.0) > 0:
        raise ValueError("`S` must be skew-symmetric; pass `(S - S.T) / 2`.")
    eye = np.eye(len(skew))
    return np.asarray(np.linalg.solve(eye + skew, eye - skew), dtype=np.float64)


def gram_schmidt(A: ArrayLike) -> Array:
    """Orthonormal columns, the k-th from the first k columns of an invertible matrix.

    Each is orthogonalized twice, without which badly conditioned columns lose their orthogonality.

    Examples
    --------
    >>> gram_schmidt([[2.0, 5.0], [0.0, 3.0]]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    columns = validation.real_array("A", A, ndim=2)
    if columns.shape[0] != columns.shape[1] or np.linalg.matrix_rank(columns) < len(columns):
        raise ValueError(f"`A` must be invertible, got shape {columns.shape}; add to its diagonal.")
    Q = np.zeros_like(columns)
    for k, column in enumerate(columns.T):
        rest = column
        for _ in range(2):
            rest = rest - Q[:, :k] @ (Q[:, :k].T @ rest)
        Q[:, k] = rest / np.linalg.norm(rest)
    return Q


def householder(V: ArrayLike) -> Array:
    r"""Product of the reflections :math:`I - 2 v v^\top / \|v\|^2` of the rows of `V`, in order.

    Examples
    --------
    >>> householder([[0.0, 2.0]]).tolist()
    [[1.0, 0.0], [0.0, -1.0]]
    """
    rows = validation.real_array("V", V, ndim=2)
    squares = np.sum(rows**2, axis=1)
    if not np.all(squares > 0):
        raise ValueError("`V` has a row that is zero and reflects nothing; drop it.")
    Q = np.eye(rows.shape[1])
    for v, square in zip(rows, squares, strict=True):
        Q = Q - np.outer(Q @ v, 2 * v / square)
    return Q
