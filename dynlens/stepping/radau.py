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

import mpmath
import numpy as np

STAGES = 5
# All is computed with forty digits and rounded once, at the end, so that the coefficients are the
# same to the bit with every numpy, LAPACK and processor. The context is our own, since the
# precision of `mpmath.mp` is shared by all threads.
HIGH = mpmath.MPContext()
HIGH.dps = 40


def nodes() -> Any:
    """Return where the stages lie in a step, the last one at its end; shape (STAGES,).

    The others are eigenvalues of a symmetric matrix, that of the recurrence of the polynomials
    which are orthogonal with weight 1 - x. So they are real, whatever finds them.
    """
    matrix = HIGH.zeros(STAGES - 1)
    for k in range(STAGES - 1):
        matrix[k, k] = -HIGH.one / ((2 * k + 1) * (2 * k + 3))
        if k:
            matrix[k, k - 1] = matrix[k - 1, k] = HIGH.sqrt(k * (k + 1)) / (2 * k + 1)
    inner = HIGH.eigsy(matrix, eigvals_only=True)
    return np.array([*((1 + x) / 2 for x in inner), HIGH.one])


def inverse_matrix() -> Any:
    """Return the inverse of A: derivatives, at the nodes, of the polynomials that vanish at 0."""
    x = np.append(HIGH.zero, nodes())
    gaps = x[:, None] - x + np.eye(x.size, dtype=int)
    weights = 1 / gaps.prod(axis=1)
    slopes = weights / weights[:, None] / gaps
    np.fill_diagonal(slopes, (1 / gaps).sum(axis=1) - 1)
    return slopes[1:, 1:]


@cache
def coefficients() -> dict[str, list[float] | list[list[float]]]:
    """Return what the compiled loop needs, by the names it has there."""
    c, inverse, powers = nodes(), inverse_matrix(), np.arange(1, STAGES + 1)
    values, vectors = HIGH.eig(HIGH.matrix(inverse.tolist()))
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
    moments = [1 / HIGH.mpf(k) - (1 / mu if k == 1 else 0) for k in range(1, STAGES + 1)]
    embedded = _inverse(c ** (powers[:, None] - 1)) @ moments
    numbers = {
        "NODES": c,
        "MU": [values[k].real for k in kept],
        "TURN": [HIGH.zero, *(values[k].imag for k in kept[1:])],
        "INTO": _inverse(out),
        "FROM": out,
        "ERROR_WEIGHTS": mu * (embedded @ inverse - np.eye(STAGES, dtype=int)[-1]),
        "POWERS": _inverse(c[:, None] ** powers),
    }
    return {name: np.array(value, dtype=np.float64).tolist() for name, value in numbers.items()}


def _inverse(matrix: Any) -> Any:
    return np.array((HIGH.matrix(matrix.tolist()) ** -1).tolist())


ALGEBRA = '''
# Blocks of the work space, each as long as the state.
SCALE, Z, K, R, W, Q, OLD, DIAGONAL, BESIDE, PIVOTS = 6, 7, 12, 17, 22, 27, 32, 33, 34, 35
HESSIAN = 41
# Declared, since a call with a constant would otherwise be compiled for that constant alone.
VECTOR, PLACE = types.float64[::1], types.intp
FACTORS = types.Array(types.float64, 2, "C", readonly=True)


@njit((VECTOR, PLACE), **hidden)
def tridiagonalize(w, n):
    """``H = Q T Q^T`` by Householder's reflections; leave Q where H was, and Q^T beside it."""
    diagonal, beside = block(w, DIAGONAL, n), block(w, BESIDE, n)
    for i in range(n):
        row = block(w, HESSIAN + n + i, n)
        for j in range(n):
            row[j] = 0.0
        row[i] = 1.0
    for k in range(n - 1):
        # Loops from 0 on, over what a stretch holds, are the ones that become vector code.
        m = n - 1 - k
        v, u = stretch(w, (HESSIAN + k) * n + k + 1, m), stretch(w, K * n, m)
        tail = 0.0
        for i in range(1, m):
            tail += v[i] ** 2
        first = beside[k] = v[0]
        if tail == 0.0:
            continue
        length = math.sqrt(first * first + tail)
        beside[k] = -length if first > 0.0 else length
        v[0] -= beside[k]
        beta = 1.0 / (length * (length + abs(first)))  # 2 / |v|^2
        dot = 0.0
        for i in range(m):
            row, a = stretch(w, (HESSIAN + k + 1 + i) * n + k + 1, m), 0.0
            for j in range(m):
                a += row[j] * v[j]
            u[i] = beta * a
            dot += u[i] * v[i]
        for i in range(m):
            u[i] -= 0.5 * beta * dot * v[i]
        for i in range(m):
            row, a, b = stretch(w, (HESSIAN + k + 1 + i) * n + k + 1, m), v[i], u[i]
            for j in range(m):
                row[j] -= a * u[j] + b * v[j]
        u = block(w, K, n)
        for j in range(n):
            u[j] = 0.0
        for i in range(m):
            row, a = block(w, HESSIAN + n + k + 1 + i, n), beta * v[i]
            for j in range(n):
                u[j] += a * row[j]
        for i in range(m):
            row, a = block(w, HESSIAN + n + k + 1 + i, n), v[i]
            for j in range(n):
                row[j] -= a * u[j]
    for i in range(n):
        diagonal[i] = block(w, HESSIAN + i, n)[i]
    beside[n - 1] = 0.0
    for i in range(n):
        row = block(w, HESSIAN + i, n)
        for j in range(n):
            row[j] = w[(HESSIAN + n + j) * n + i]


@njit((VECTOR, types.float64, PLACE), **hidden)
def factor(w, h, n):
    """Inverse pivots of ``mu / h + T`` for each mu; whether all of it is positive definite."""
    diagonal, beside = block(w, DIAGONAL, n), block(w, BESIDE, n)
    for k in range(3):
        real, imaginary = block(w, PIVOTS + 2 * k, n), block(w, PIVOTS + 2 * k + 1, n)
        a, b = 0.0, 0.0
        for i in range(n):
            square = beside[i - 1] ** 2 if i else 0.0
            p = diagonal[i] + MU[k] / h - square * a
            q = TURN[k] / h - square * b
            if not p > 0.0:
                return False
            size = p * p + q * q
            a = real[i] = p / size
            b = imaginary[i] = -q / size
    return True


@njit((VECTOR, *[PLACE] * 2), **hidden)
def solve(w, at, n):  # the real system
    x, pivots, beside = block(w, at, n), block(w, PIVOTS, n), block(w, BESIDE, n)
    for i in range(n - 1):
        x[i + 1] -= beside[i] * pivots[i] * x[i]
    a = 0.0
    for i in range(n - 1, -1, -1):
        a = x[i] = pivots[i] * (x[i] - beside[i] * a)


@njit((VECTOR, *[PLACE] * 3), **hidden)
def solve_pair(w, at, k, n):  # a complex one
    x, y, beside = block(w, at, n), block(w, at + 1, n), block(w, BESIDE, n)
    real, imaginary = block(w, PIVOTS + 2 * k, n), block(w, PIVOTS + 2 * k + 1, n)
    for i in range(n - 1):
        x[i + 1] -= beside[i] * (real[i] * x[i] - imaginary[i] * y[i])
        y[i + 1] -= beside[i] * (real[i] * y[i] + imaginary[i] * x[i])
    a, b = 0.0, 0.0
    for i in range(n - 1, -1, -1):
        p, q = x[i] - beside[i] * a, y[i] - beside[i] * b
        a = x[i] = real[i] * p - imaginary[i] * q
        b = y[i] = real[i] * q + imaginary[i] * p


@njit((VECTOR, *[PLACE] * 4), **hidden)
def turn(w, matrix, at, to, n):  # five blocks by a matrix
    a, b, c = block(w, at, n), block(w, at + 1, n), block(w, at + 2, n)
    d, e = block(w, at + 3, n), block(w, at + 4, n)
    for i in range(n):
        row = block(w, matrix + i, n)
        p = q = r = s = t = 0.0
        for j in range(n):
            p += row[j] * a[j]
            q += row[j] * b[j]
            r += row[j] * c[j]
            s += row[j] * d[j]
            t += row[j] * e[j]
        w[to * n + i] = p
        w[(to + 1) * n + i] = q
        w[(to + 2) * n + i] = r
        w[(to + 3) * n + i] = s
        w[(to + 4) * n + i] = t


@njit((VECTOR, *[PLACE] * 4), **hidden)
def turn_one(w, matrix, at, to, n):  # one block by a matrix
    v = block(w, at, n)
    for i in range(n):
        row, p = block(w, matrix + i, n), 0.0
        for j in range(n):
            p += row[j] * v[j]
        w[to * n + i] = p


@njit((VECTOR, FACTORS, *[PLACE] * 3), **hidden)
def mix(w, factors, at, to, n):  # five blocks of sums of five others
    a, b, c = block(w, at, n), block(w, at + 1, n), block(w, at + 2, n)
    d, e = block(w, at + 3, n), block(w, at + 4, n)
    for k in range(STAGES):
        out = block(w, to + k, n)
        p, q, r, s, t = factors[k, 0], factors[k, 1], factors[k, 2], factors[k, 3], factors[k, 4]
        for i in range(n):
            out[i] = p * a[i] + q * b[i] + r * c[i] + s * d[i] + t * e[i]


@njit((VECTOR, types.float64, VECTOR, PLACE), **hidden)
def polynomial(w, x, out, n):  # add its value to what is there
    power = 1.0
    for p in range(STAGES):
        power *= x
        q = block(w, Q + p, n)
        for i in range(n):
            out[i] += power * q[i]


@njit((VECTOR, *[types.float64] * 2, PLACE, *[types.float64] * 2, PLACE), **hidden)
def guess(w, h, h_old, known, rtol, atol, n):
    """Go on along the last step's polynomial, and set up Newton's iteration."""
    y, old, scale = block(w, 0, n), block(w, OLD, n), block(w, SCALE, n)
    for i in range(n):
        scale[i] = 1.0 / (atol + rtol * abs(y[i]))
    for q in range(STAGES):
        z = block(w, Z + q, n)
        for i in range(n):
            z[i] = 0.0
        if known:
            polynomial(w, 1.0 + h * NODES[q] / h_old, z, n)
            for i in range(n):
                z[i] += old[i] - y[i]
    mix(w, INTO, Z, R, n)
    turn(w, HESSIAN + n, R, W, n)


@njit((VECTOR, types.float64, PLACE), **hidden)
def correct(w, h, n):
    """One of Newton's corrections, from the slopes in K; its size in units of the tolerance."""
    mix(w, INTO, K, R, n)
    turn(w, HESSIAN + n, R, K, n)
    x, v = block(w, K, n), block(w, W, n)
    for i in range(n):
        x[i] -= MU[0] / h * v[i]
    solve(w, K, n)
    for k in (1, 2):
        x, v = block(w, K + 2 * k - 1, n), block(w, W + 2 * k - 1, n)
        y, u = block(w, K + 2 * k, n), block(w, W + 2 * k, n)
        for i in range(n):
            x[i] -= (MU[k] * v[i] - TURN[k] * u[i]) / h
            y[i] -= (MU[k] * u[i] + TURN[k] * v[i]) / h
        solve_pair(w, K + 2 * k - 1, k, n)
    for i in range(STAGES * n):
        w[W * n + i] += w[K * n + i]
    mix(w, FROM, K, R, n)
    turn(w, HESSIAN, R, K, n)
    total, scale = 0.0, block(w, SCALE, n)
    for q in range(STAGES):
        change, z = block(w, K + q, n), block(w, Z + q, n)
        for i in range(n):
            z[i] += change[i]
            total += (change[i] * scale[i]) ** 2
    return math.sqrt(total / (STAGES * n))


@njit((VECTOR, types.float64, PLACE, *[types.float64] * 2, PLACE), **hidden)
def error_of(w, h, slope, rtol, atol, n):
    """Size of the error, from the slope at the start (or the one at a better place)."""
    y, new, f, rest = block(w, 0, n), block(w, 1, n), block(w, slope, n), block(w, R, n)
    for i in range(n):
        rest[i] = f[i]
    for q in range(STAGES):
        z = block(w, Z + q, n)
        for i in range(n):
            rest[i] += ERROR_WEIGHTS[q] / h * z[i]
    turn_one(w, HESSIAN + n, R, K, n)
    solve(w, K, n)
    turn_one(w, HESSIAN, K, R, n)
    total = 0.0
    for i in range(n):
        total += (rest[i] / (atol + rtol * max(abs(y[i]), abs(new[i])))) ** 2
    return math.sqrt(total / n)


@njit(tuple([types.float64] * 4), **hidden)
def predicted(h, h_old, error, error_old):
    if error == 0.0:
        return 10.0
    change = h / h_old * (error_old / error) ** (1.0 / 6.0) if h_old > 0.0 else 1.0
    return min(1.0, change) * error ** (-1.0 / 6.0)


@njit((VECTOR, PLACE), **hidden)
def largest_row(w, n):  # of T: no eigenvalue is larger
    diagonal, beside = block(w, DIAGONAL, n), block(w, BESIDE, n)
    size, before = 0.0, 0.0
    for i in range(n):
        size = max(size, before + abs(diagonal[i]) + abs(beside[i]))
        before = abs(beside[i])
    return size
'''
