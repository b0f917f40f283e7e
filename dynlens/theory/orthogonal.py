r"""Training that turns fixed neurons: flows on the orthogonal group, and ways to take their steps.

The neurons are the columns of a fixed V, the weights are QV, Q orthogonal. With the gradient G of a
loss with respect to Q, let :math:`M = \operatorname{skew}(G Q^\top)`. Whatever the parameterization
of Q, it moves by :math:`\dot Q = A Q` with a skew-symmetric A, a linear function of M: that is what
`velocity` computes. The hyperspherical energy of the neurons then stays what it was.

References
----------
liu2021orthogonal
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike
from dynlens.theory.spheres import gram_schmidt

PARAMETERIZATIONS = ("riemannian", "lowdin", "gram_schmidt", "cayley")


def skew(X: NDArray[Any]) -> NDArray[Any]:
    """Return the skew-symmetric part ``(X - X^T) / 2``."""
    return (X - X.mT) / 2


# Parameterizations --------------------------------------------------------------------------------


def rotation_of(parameterization: str, P: ArrayLike) -> Array:
    r"""The orthogonal matrix that a parameter stands for.

    Parameters
    ----------
    parameterization : {"riemannian", "lowdin", "gram_schmidt", "cayley"}
        P itself; the orthogonal factor of its polar decomposition P = HQ; that of P = LQ, L lower
        triangular with a positive diagonal (Gram and Schmidt on rows); :math:`(I + S)(I - S)^{-1}`
        with S the strictly upper entries of P less their transposes.
    P : array_like, shape (d, d)

    Examples
    --------
    >>> rotation_of("lowdin", [[3.0, 0.0], [0.0, 2.0]]).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    validation.one_of("parameterization", parameterization, PARAMETERIZATIONS)
    matrix = _square("P", P)
    if parameterization == "riemannian":
        return matrix
    if parameterization == "lowdin":
        left, _, right = np.linalg.svd(matrix)
        return np.asarray(left @ right)
    if parameterization == "gram_schmidt":
        return np.ascontiguousarray(gram_schmidt(matrix.T).T)
    S, eye = _from_upper(matrix), np.eye(len(matrix))
    return np.asarray(np.linalg.solve((eye - S).T, (eye + S).T).T)


def velocity(parameterization: str, P: ArrayLike, M: ArrayLike) -> Array:
    r"""The skew-symmetric A with which Q turns, :math:`\dot Q = AQ`, along gradient flow of P.

    ==============  =========================================================================
    riemannian      :math:`-M`
    lowdin          :math:`-4 M_{ij} / (h_i + h_j)^2` in the eigenbasis of
                    :math:`H = (P P^\top)^{1/2}`, with eigenvalues h
    gram_schmidt    :math:`-2 (Y - Y^\top)`, Y the strictly upper part of
                    :math:`(L^\top L)^{-1}` times that of M
    cayley          :math:`-8 K M K`, :math:`K = (I - S^2)^{-1}`
    ==============  =========================================================================

    Parameters
    ----------
    parameterization : str
        As of `rotation_of`.
    P : array_like, shape (d, d)
    M : array_like, shape (d, d)
        :math:`\operatorname{skew}(G Q^\top)`.
    """
    validation.one_of("parameterization", parameterization, PARAMETERIZATIONS)
    matrix, turn = _square("P", P), _square("M", M)
    if parameterization == "riemannian":
        return -turn
    if parameterization == "lowdin":
        vectors, h = _polar_values(matrix)
        inner = vectors.T @ turn @ vectors
        return np.asarray(vectors @ (-4 * inner / np.add.outer(h, h) ** 2) @ vectors.T)
    if parameterization == "gram_schmidt":
        L = matrix @ rotation_of(parameterization, matrix).T
        upper = np.triu(np.linalg.solve(L.T @ L, np.triu(turn, 1)), 1)
        return np.asarray(-2 * (upper - upper.T))
    S = _from_upper(matrix)
    K = np.linalg.inv(np.eye(len(S)) - S @ S)
    return np.asarray(-8 * K @ turn @ K)


def parameter_gradient(parameterization: str, P: ArrayLike, G: ArrayLike) -> Array:
    """Gradient with respect to the parameter P, from that with respect to Q, both (d, d)."""
    matrix, slope = _square("P", P), _square("G", G)
    Q = rotation_of(parameterization, matrix)
    M = skew(slope @ Q.T)
    if parameterization == "riemannian":
        return np.asarray(M @ Q)
    if parameterization == "lowdin":
        vectors, h = _polar_values(matrix)
        inner = vectors.T @ M @ vectors
        return np.asarray(vectors @ (2 * inner / np.add.outer(h, h)) @ vectors.T @ Q)
    if parameterization == "gram_schmidt":
        L = matrix @ Q.T
        return np.asarray(np.linalg.solve(L.T, 2 * np.triu(M, 1)) @ Q)
    N = np.linalg.inv(np.eye(len(matrix)) - _from_upper(matrix))
    return np.asarray(np.triu(4 * N.T @ M @ N, 1))


def householder_qr(P: ArrayLike) -> Array:
    """Orthogonal factor of P by d - 1 reflections, each to a positive multiple of e_1.

    Its determinant is (-1)^(d-1) whatever P is: for even d it is never a rotation.

    Examples
    --------
    >>> householder_qr([[0.0, 1.0], [1.0, 0.0]]).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    rest = _square("P", P).copy()
    d = len(rest)
    Q = np.eye(d)
    for k in range(d - 1):
        x = rest[k:, k]
        v = x.copy()
        norm, tail = np.linalg.norm(x), float(x[1:] @ x[1:])
        # x_1 - |x| without cancellation.
        v[0] = -tail / (x[0] + norm) if x[0] > 0 else x[0] - norm
        if not v.any():  # already there, but a reflection is due: one that leaves it
            v[-1] = 1.0
        turn = np.outer(v, 2 * v / (v @ v))
        rest[k:] -= turn @ rest[k:]
        Q[:, k:] -= Q[:, k:] @ turn
    return Q


# Steps --------------------------------------------------------------------------------------------


def fixed_point_step(A: ArrayLike, Q: ArrayLike, iterations: int) -> Array:
    r"""A step :math:`Y_0 = Q + AQ`, :math:`Y_{j+1} = Q + \frac12 A (Q + Y_j)`, as often as told.

    A contains the step size. In the limit it is Cayley's step, which is orthogonal; after k
    iterations the defect of a run of fixed length is of order 1, 3, 3, 5, 5 for k = 0, 1, 2, 3, 4.
    The authors take two.
    """
    turn, start = _square("A", A), _square("Q", Q)
    Y = start + turn @ start
    for _ in range(validation.count("iterations", iterations, least=0)):
        Y = start + turn @ (start + Y) / 2
    return np.asarray(Y)


def _exponential(A: Array, Q: Array) -> Array:
    from scipy.linalg import expm

    return np.asarray(expm(A) @ Q)


def _cayley(A: Array, Q: Array) -> Array:
    eye = np.eye(len(A))
    return np.asarray(np.linalg.solve(eye - A / 2, Q + A @ Q / 2))


def _qr(A: Array, Q: Array) -> Array:
    found, R = np.linalg.qr(Q + A @ Q)
    return np.asarray(found * np.sign(np.diag(R)))


def _polar(A: Array, Q: Array) -> Array:
    return rotation_of("lowdin", Q + A @ Q)


STEPS: dict[str, Callable[[Array, Array], Array]] = {
    "exponential": _exponential,
    "cayley": _cayley,
    "qr": _qr,
    "polar": _polar,
    **{f"fixed_point_{k}": partial(fixed_point_step, iterations=k) for k in range(6)},
}
"""Ways to turn Q by A, which contains the step size, by name; the last leave the group a little."""


def step_defect(theta: ArrayLike, iterations: int) -> Array:
    r"""How much a step with k fixed-point iterations lengthens an eigenvector, squared, less one.

    .. math:: |p_k|^2 - 1 = \frac{a_k + \theta^{2k+4} / 2^{2k+2}}{1 + \theta^2 / 4}

    for an eigenvalue :math:`i\theta` of A, with :math:`a_k = (-1)^{k/2} 2^{-k} \theta^{k+2}` for
    even k and :math:`(-1)^{(k+3)/2} 2^{-k-1} \theta^{k+3}` for odd k.

    Examples
    --------
    >>> [float(step_defect(0.3, k).round(12)) for k in (0, 1)]
    [0.09, 0.002025]
    """
    angle, k = validation.real_array("theta", theta), validation.count("k", iterations, least=0)
    if k % 2:
        leading = (-1) ** ((k + 3) // 2) * angle ** (k + 3) / 2 ** (k + 1)
    else:
        leading = (-1) ** (k // 2) * angle ** (k + 2) / 2**k
    return np.asarray((leading + angle ** (2 * k + 4) / 2 ** (2 * k + 2)) / (1 + angle**2 / 4))


# Closed forms -------------------------------------------------------------------------------------


def procrustes_flow(B: ArrayLike, Q0: ArrayLike, t: float) -> Array:
    r"""Riemannian flow of :math:`\operatorname{tr} B - \operatorname{tr}(BQ)`, B positive definite.

    .. math:: Q(t) = (C Q_0 + D)(D Q_0 + C)^{-1}, \qquad
              C = \cosh(Bt/2), \quad D = \sinh(Bt/2)

    It solves :math:`\dot Q = \frac12 (B - Q B Q)`. As t grows, digits are lost in proportion to the
    condition of C.
    """
    matrix, start = validation.symmetric("B", B), _square("Q0", Q0)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 0:
        raise ValueError("`B` must be positive definite.")
    # Both divided by cosh of the largest, so that nothing overflows.
    size = values * t / 2
    scale = size[-1]
    cosh, sinh = ((np.exp(size - scale) + s * np.exp(-size - scale)) / 2 for s in (1, -1))
    C, D = ((vectors * part) @ vectors.T for part in (cosh, sinh))
    return np.asarray(np.linalg.solve((D @ start + C).T, (C @ start + D).T).T)


def _polar_values(P: Array) -> tuple[Array, Array]:
    """Eigenvectors and eigenvalues of (P P^T)^(1/2)."""
    vectors, h, _ = np.linalg.svd(P)
    return vectors, h


def _from_upper(P: Array) -> Array:
    upper = np.triu(P, 1)
    return upper - upper.T


def _square(name: str, value: ArrayLike) -> Array:
    matrix = validation.real_array(name, value, ndim=2)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"`{name}` must be square, got shape {matrix.shape}.")
    return matrix
