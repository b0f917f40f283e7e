r"""Eigenvalues and functions of the Hessian: whole for few parameters, by Lanczos for many.

Lanczos needs products of the Hessian with vectors only, which cost a few gradients each: see
`hessian_product`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dynlens.problems.problem import Problem
from dynlens.support.errors import IntegrationError
from dynlens.support.typing import Array

DENSE = 128  # parameters up to which the whole Hessian is formed
LONGEST = 200  # products spent on one state
CHUNK = 100_000  # entries of the Hessians that are formed at once
EXACT = 1e-10  # accuracy of Lanczos, relative to the largest eigenvalue or to the result

Product = Callable[[Array], Array]


def hessian_product(problem: Problem, theta: Array) -> Product:
    r"""Return the function :math:`v \mapsto H(\theta)\,v` by the compiled gradient, for many v.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (P,)

    Returns
    -------
    callable
        Of one vector, shape (P,).

    Notes
    -----
    Along a line the gradient of a squared loss is a polynomial of degree 2 D - 1, with D the sum of
    the model's `degrees`. Its slope is a combination of 2 D of its values, with nothing left out:
    this is no difference quotient, whose accuracy would end at eight or ten digits. The points lie
    as far from `theta` as its entries are large, so that little is lost by cancellation. One
    product is compared with the reference, `Problem.hessian_vector_product`; the latter is returned
    where they differ by more than 1e-11, and for other losses and models that are no polynomials.

    Examples
    --------
    >>> from dynlens import DeepLinear, Full, SquaredLoss
    >>> product = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    >>> times = hessian_product(product, np.array([1.0, 2.0]))  # of (a b - 1)**2 / 2
    >>> times(np.array([1.0, 0.0])).round(12).tolist()
    [4.0, 3.0]
    """

    def reference(v: Array) -> Array:
        return problem.hessian_vector_product(theta, v)

    degrees = problem.model.degrees
    if degrees is None or not problem.loss.quadratic or problem.without_kernel:
        return reference
    distances, weights = _slope_rule(sum(degrees))
    gradient, data = problem.machine.module.gradient, problem.machine.private_data()
    size = float(np.sqrt(np.mean(np.square(theta)))) or 1.0

    def product(v: Array) -> Array:
        longest = float(np.abs(v).max())
        if longest == 0:
            return np.zeros_like(v)
        unit, total, out = size / longest, np.zeros_like(v), np.empty_like(v)
        for distance, weight in zip(distances * unit, weights / unit, strict=True):
            for sign in (1.0, -1.0):
                gradient(theta + sign * distance * v, *data, out)
                total += sign * weight * out
        return total

    probe = np.random.default_rng(0).standard_normal(theta.size)
    with np.errstate(over="ignore", invalid="ignore"):
        exact = reference(probe)
        good = np.linalg.norm(product(probe) - exact) <= 1e-11 * np.linalg.norm(exact)
    return product if good else reference


def _slope_rule(pairs: int) -> tuple[Array, Array]:
    """Distances from 0 and weights of a rule for the slope there.

    What the rule makes of the values at ``distance`` less those at ``-distance`` is exact for
    polynomials of degrees below ``2 * pairs + 1``: odd powers alone remain of them. The distances
    are those of Chebyshev, which keeps the weights small.
    """
    distances = np.cos((2 * np.arange(pairs) + 1) * np.pi / (4 * pairs))
    powers = 2 * distances ** (2 * np.arange(pairs)[:, None] + 1)
    return distances, np.linalg.solve(powers, np.eye(pairs)[0])


def curvature_range(problem: Problem, theta: Array) -> Array:
    r"""Return the least and the largest eigenvalue of the Hessian at each state.

    Parameters
    ----------
    problem : Problem
    theta : ndarray, shape (..., P)

    Returns
    -------
    ndarray, shape (..., 2)
        NaN at states that are not finite. The largest is also called the sharpness.

    Notes
    -----
    Above 128 parameters by ARPACK's Lanczos iteration, from a fixed vector, to a relative accuracy
    of 1e-10; the least is found as the largest of :math:`\lambda_{\max} I - H`, so that its
    accuracy is relative to :math:`\lambda_{\max}`.

    Examples
    --------
    >>> from dynlens import DeepLinear, Full, SquaredLoss
    >>> product = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    >>> curvature_range(product, np.zeros(2)).tolist()  # of (a b - 1)**2 / 2
    [-1.0, 1.0]
    """
    n = theta.shape[-1]
    flat = theta.reshape(-1, n)
    found = np.full((len(flat), 2), np.nan)
    # A descent that diverges saves states whose Hessian overflows before they do.
    good = np.flatnonzero(np.all(np.abs(flat) < 1e30, axis=1))
    if n > DENSE:
        found[good] = [_by_lanczos(problem, flat[k]) for k in good]
        return found.reshape(*theta.shape[:-1], 2)
    for some in np.array_split(good, 1 + len(good) * n * n // CHUNK):
        rows = np.broadcast_to(flat[some][:, None], (len(some), n, n))
        directions = np.broadcast_to(np.eye(n), rows.shape)
        hessians = problem.hessian_vector_product(rows, directions)
        found[some] = np.linalg.eigvalsh((hessians + hessians.swapaxes(1, 2)) / 2)[:, [0, -1]]
    return found.reshape(*theta.shape[:-1], 2)


def _by_lanczos(problem: Problem, theta: Array) -> Array:
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

    n = theta.size
    start = np.random.default_rng(0).standard_normal(n)

    def largest(product: Product) -> float:
        operator = LinearOperator((n, n), matvec=product, dtype=np.float64)
        try:
            values = eigsh(
                operator,
                k=1,
                which="LA",
                v0=start,
                tol=EXACT,
                maxiter=LONGEST,
                return_eigenvectors=False,
            )
        except ArpackNoConvergence as error:
            raise IntegrationError(
                f"Lanczos did not find an end of the spectrum of the Hessian of {problem.model!r}: "
                f"{error}"
            ) from error
        return float(values[0])

    times = hessian_product(problem, theta)
    top = largest(lambda v: times(np.ravel(v)))
    bottom = largest(lambda v: top * np.ravel(v) - times(np.ravel(v)))
    return np.array([top - bottom, top])


def along_gradient(problem: Problem, theta: Array) -> Array:
    r"""Curvature along the gradient, :math:`g^\top H g / |g|^2`, shape (...); NaN where g = 0."""
    g = problem.gradient(theta)
    size = np.square(g).sum(axis=-1)
    bent = (g * problem.hessian_vector_product(theta, g)).sum(axis=-1)
    return np.divide(bent, size, out=np.full(size.shape, np.nan), where=size > 0)


def hessian_function(
    problem: Problem, theta: Array, v: Array, function: Callable[[Array], Array]
) -> Array:
    r"""Return :math:`f(H)\,v` for a function of the Hessian's eigenvalues, shape (P,).

    By Lanczos from v, orthogonalized in full: :math:`|v|\,V f(T) e_1` with the tridiagonal T, whose
    eigenvalues lie between the Hessian's. It ends when the next vector would change nothing.

    Parameters
    ----------
    problem : Problem
    theta, v : ndarray, shape (P,)
    function : callable
        Of the eigenvalues, shape (K,), smooth on the interval they span.
    """
    size = float(np.linalg.norm(v))
    if size == 0:
        return np.zeros_like(v)
    most = min(theta.size, LONGEST)
    basis = np.empty((most, theta.size))
    basis[0] = v / size
    diagonal, beside = np.empty(most), np.empty(most)
    times = hessian_product(problem, theta)
    for k in range(most):
        turned = times(basis[k])
        diagonal[k] = basis[k] @ turned
        for _ in range(2):  # twice is enough to keep the basis orthogonal to rounding
            turned -= basis[: k + 1].T @ (basis[: k + 1] @ turned)
        beside[k] = np.linalg.norm(turned)
        inner = np.diag(diagonal[: k + 1]) + np.diag(beside[:k], 1) + np.diag(beside[:k], -1)
        values, vectors = np.linalg.eigh(inner)
        weights = vectors @ (function(values) * vectors[0])
        scale = max(float(np.abs(values).max()), np.finfo(float).tiny)
        small = beside[k] * abs(weights[-1]) <= EXACT * scale * np.linalg.norm(weights)
        if small or k + 1 == most or beside[k] <= 1e-14 * scale:
            break
        basis[k + 1] = turned / beside[k]
    return np.asarray(size * (weights @ basis[: len(weights)]))
