r"""Over-parameterized linear regression by preconditioned gradient descent.

The data X, of shape (n, d) with n < d and rank n, have many interpolators Xw = y. Descent

.. math:: w_{t+1} = w_t - \eta D_t X^\top (X w_t - y)

finds one of them, and the preconditioner :math:`D_t` decides which. A preconditioner is a function
``(t, g, S) -> D_t g`` of the step, of the gradient :math:`g_t`, and of the sum
:math:`S_t = \sum_{q \le t} g_q g_q^\top`.

References
----------
shah2020generalization
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.typing import Array, ArrayLike

Preconditioner = Callable[[int, Array, Array], Array]


def plain(t: int, g: Array, S: Array) -> Array:
    """Gradient descent: D = I."""
    return g


def constant(D: ArrayLike) -> Preconditioner:
    """The same matrix at every step, symmetric and positive definite."""
    matrix = definite("D", D)
    return lambda t, g, S: matrix @ g


def adagrad(epsilon: float) -> Preconditioner:
    r"""Full-matrix AdaGrad: :math:`D_t = (\epsilon I + S_t)^{-1/2}`."""
    shift = validation.positive("epsilon", epsilon)

    def direction(t: int, g: Array, S: Array) -> Array:
        values, vectors = np.linalg.eigh(S)
        # S has no negative eigenvalues; what rounding makes of zeros must not outweigh epsilon.
        return vectors @ ((vectors.T @ g) / np.sqrt(np.maximum(values, 0.0) + shift))

    return direction


def diagonal_adagrad(epsilon: float) -> Preconditioner:
    r"""AdaGrad: :math:`D_t = (\epsilon I + \mathrm{diag}\, S_t)^{-1/2}`."""
    shift = validation.positive("epsilon", epsilon)
    return lambda t, g, S: g / np.sqrt(np.diag(S) + shift)


def preconditioned_descent(
    X: ArrayLike,
    y: ArrayLike,
    preconditioner: Preconditioner = plain,
    *,
    eta: float,
    steps: int,
    w0: ArrayLike | None = None,
) -> Array:
    """Iterates of preconditioned gradient descent on half the sum of squared residuals.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    preconditioner : callable
        `plain`, ``constant(D)``, ``adagrad(epsilon)``, ``diagonal_adagrad(epsilon)``, or a function
        ``(t, g, S)`` of your own that returns the direction.
    eta : float
    steps : int
    w0 : array_like, shape (d,), optional
        The start, zero unless given.

    Returns
    -------
    ndarray, shape (steps + 1, d)

    Raises
    ------
    IntegrationError
        If an iterate is not finite.

    References
    ----------
    shah2020generalization

    Examples
    --------
    >>> w = preconditioned_descent([[3.0, 4.0]], [5.0], eta=0.04, steps=10)
    >>> w[-1].round(12).tolist()  # the solution of least norm
    [0.6, 0.8]
    """
    data, values = regression_data(X, y)
    d = data.shape[1]
    size = validation.positive("eta", eta)
    count = validation.count("steps", steps)
    iterates = np.zeros((count + 1, d))
    if w0 is not None:
        iterates[0] = validation.real_array("w0", w0, shape=(d,))
    S = np.zeros((d, d))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(count):
            g = data.T @ (data @ iterates[t] - values)
            S += np.outer(g, g)
            if not np.all(np.isfinite(S)):
                raise IntegrationError(f"descent diverged after {t} steps; try a smaller `eta`.")
            iterates[t + 1] = iterates[t] - size * preconditioner(t, g, S)
    return iterates


def interpolator(
    X: ArrayLike, y: ArrayLike, *, w0: ArrayLike | None = None, D: ArrayLike | None = None
) -> Array:
    r"""The solution of Xw = y nearest to `w0` in the norm of the inverse of `D`.

    .. math:: w_0 + D X^\top (X D X^\top)^{-1} (y - X w_0)

    It is where descent with the constant preconditioner D tends to from :math:`w_0`.

    Parameters
    ----------
    X : array_like, shape (n, d)
        Of rank n.
    y : array_like, shape (n,)
    w0 : array_like, shape (d,), optional
        Zero unless given.
    D : array_like, shape (d, d), optional
        Symmetric and positive definite; the identity unless given.

    Examples
    --------
    >>> interpolator([[1.0, 1.0]], [2.0], D=np.diag([1.0, 3.0])).tolist()
    [0.5, 1.5]
    """
    data, values = regression_data(X, y)
    d = data.shape[1]
    start = np.zeros(d) if w0 is None else validation.real_array("w0", w0, shape=(d,))
    matrix = np.eye(d) if D is None else definite("D", D, d)
    spread = matrix @ data.T
    return np.asarray(start + spread @ np.linalg.solve(data @ spread, values - data @ start))


def regression_data(X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return data of full row rank with their values, or say what is wrong with them."""
    data = validation.real_array("X", X, ndim=2)
    values = validation.real_array("y", y, shape=data.shape[:1])
    if not data.size or np.linalg.matrix_rank(data) < len(data):
        raise ValueError(
            f"`X` of shape {data.shape} must have independent rows, so that y can be fitted; drop "
            "the rows that depend on others."
        )
    return data, values


def definite(name: str, value: ArrayLike, size: int | None = None) -> Array:
    """Return a symmetric positive definite matrix, or say what is wrong with it."""
    matrix = validation.symmetric(name, value, size=size)
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        raise ValueError(f"`{name}` must be positive definite; add a multiple of the identity.")
    return matrix
