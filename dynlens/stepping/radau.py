r"""Radau IIA with five stages, of order nine, and its equations for a symmetric Jacobian.

The coefficients follow from the nodes (Hairer & Wanner, *Solving Ordinary Differential Equations
II*, IV.5 and IV.8). The stages :math:`Z = (z_1, \ldots, z_5)`, differences to the state y, satisfy
:math:`A^{-1} Z / h = F(y + Z)`. In the eigenvectors of :math:`A^{-1}`, of which one is real and
the others are two conjugate pairs, Newton's iteration falls into one real system and two complex
ones with the matrices :math:`\mu/h + H`, where minus H is the Jacobian.

Of a gradient flow H is symmetric: :math:`H = Q T Q^\top` with T tridiagonal, once for each
Hessian. Then any step needs but the :math:`L D L^\top` of :math:`\mu/h + T`, in time proportional
to n. No pivots are needed as long as the real parts are positive definite (George, Ikramov &
Kucherov 2002), also of the complex ones.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

STAGES = 5


@cache
def digits() -> Any:
    """Return the arithmetic of forty digits in which all is computed, to be rounded once.

    So the coefficients are the same to the bit with every numpy, LAPACK and processor.
    """
    import mpmath  # only flows that turn stiff need it, and it takes a while to import

    context = mpmath.MPContext()  # our own: all threads share the precision of `mpmath.mp`
    context.dps = 40
    return context


def nodes() -> Any:
    """Return where the stages lie in a step, the last one at its end; shape (STAGES,).

    The others are eigenvalues of a symmetric matrix, that of the recurrence of the polynomials
    which are orthogonal with weight 1 - x. So they are real, whatever finds them.
    """
    matrix = digits().zeros(STAGES - 1)
    for k in range(STAGES - 1):
        matrix[k, k] = -digits().one / ((2 * k + 1) * (2 * k + 3))
        if k:
            matrix[k, k - 1] = matrix[k - 1, k] = digits().sqrt(k * (k + 1)) / (2 * k + 1)
    inner = digits().eigsy(matrix, eigvals_only=True)
    return np.array([*((1 + x) / 2 for x in inner), digits().one])


def inverse_matrix() -> Any:
    """Return the inverse of A: derivatives, at the nodes, of the polynomials that vanish at 0."""
    x = np.append(digits().zero, nodes())
    gaps = x[:, None] - x + np.eye(x.size, dtype=int)
    weights = 1 / gaps.prod(axis=1)
    slopes = weights / weights[:, None] / gaps
    np.fill_diagonal(slopes, (1 / gaps).sum(axis=1) - 1)
    return slopes[1:, 1:]


@cache
def coefficients() -> dict[str, list[float] | list[list[float]]]:
    """Return what the compiled loop needs, by the names it has there."""
    c, inverse, powers = nodes(), inverse_matrix(), np.arange(1, STAGES + 1)
    values, vectors = digits().eig(digits().matrix(inverse.tolist()))
    real, *pairs = sorted(range(STAGES), key=lambda k: abs(values[k].imag))
    kept = [real, *(k for k in pairs if values[k].imag > 0)]
    columns = []  # twice the real and minus the imaginary parts; once the real eigenvector
    for k in kept:
        # Its factor is chosen so that it is 1 at the end of the step.
        part = [vectors[i, k] / vectors[STAGES - 1, k] for i in range(STAGES)]
        columns.append([z.real if k == real else 2 * z.real for z in part])
        columns.append([-2 * z.imag for z in part])
    del columns[1]
    out = np.array(columns).T
    # An embedded quadrature of order five, with the slope at the start and weight 1 / mu there.
    mu = values[real].real
    moments = [1 / digits().mpf(k) - (1 / mu if k == 1 else 0) for k in range(1, STAGES + 1)]
    embedded = _inverse(c ** (powers[:, None] - 1)) @ moments
    numbers = {
        "NODES": c,
        "MU": [values[k].real for k in kept],
        "TURN": [digits().zero, *(values[k].imag for k in kept[1:])],
        "INTO": _inverse(out),
        "FROM": out,
        "ERROR_WEIGHTS": mu * (embedded @ inverse - np.eye(STAGES, dtype=int)[-1]),
        "POWERS": _inverse(c[:, None] ** powers),
    }
    return {name: np.array(value, dtype=np.float64).tolist() for name, value in numbers.items()}


def _inverse(matrix: Any) -> Any:
    return np.array((digits().matrix(matrix.tolist()) ** -1).tolist())
