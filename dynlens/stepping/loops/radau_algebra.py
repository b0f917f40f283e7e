"""The linear algebra of Radau IIA with five stages, for a symmetric Jacobian.

What is solved, and why so, is said in `stepping.radau`.
"""

import math

import numpy as np

from dynlens.stepping.loops.basics import (
    PLACE,
    SCALAR,
    TABLE,
    VECTOR,
    block,
    declared,
    stretch,
)
from dynlens.stepping.radau import coefficients

STAGES = 5
RADAU = coefficients()
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

NODES, MU, TURN = np.array(RADAU["NODES"]), np.array(RADAU["MU"]), np.array(RADAU["TURN"])
INTO, FROM = np.array(RADAU["INTO"]), np.array(RADAU["FROM"])
ERROR_WEIGHTS, POWERS = np.array(RADAU["ERROR_WEIGHTS"]), np.array(RADAU["POWERS"])

# Blocks of the work space, each as long as the state.
SCALE, Z, K, R, W, Q, OLD, DIAGONAL, BESIDE, PIVOTS = 6, 7, 12, 17, 22, 27, 32, 33, 34, 35
HESSIAN = 41
ROUNDING = 2.0**-52


@declared(VECTOR, PLACE)
def tridiagonalize(w, n):
    """Make ``H = Q T Q^T`` by Householder's reflections; leave Q where H was, and Q^T beside it."""
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


@declared(VECTOR, SCALAR, PLACE)
def factor(w, h, n):
    """Make the inverse pivots of ``mu / h + T`` for each mu; return whether all are positive."""
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


@declared(VECTOR, *[PLACE] * 2)
def solve(w, at, n):
    """Solve the real system, in place."""
    x, pivots, beside = block(w, at, n), block(w, PIVOTS, n), block(w, BESIDE, n)
    for i in range(n - 1):
        x[i + 1] -= beside[i] * pivots[i] * x[i]
    a = 0.0
    for i in range(n - 1, -1, -1):
        a = x[i] = pivots[i] * (x[i] - beside[i] * a)


@declared(VECTOR, *[PLACE] * 3)
def solve_pair(w, at, k, n):
    """Solve a complex system, in place."""
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


@declared(VECTOR, *[PLACE] * 4)
def turn(w, matrix, at, to, n):
    """Multiply five blocks by a matrix."""
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


@declared(VECTOR, *[PLACE] * 4)
def turn_one(w, matrix, at, to, n):
    """Multiply one block by a matrix."""
    v = block(w, at, n)
    for i in range(n):
        row, p = block(w, matrix + i, n), 0.0
        for j in range(n):
            p += row[j] * v[j]
        w[to * n + i] = p


@declared(VECTOR, TABLE, *[PLACE] * 3)
def mix(w, factors, at, to, n):
    """Make five blocks, each a sum of five others."""
    a, b, c = block(w, at, n), block(w, at + 1, n), block(w, at + 2, n)
    d, e = block(w, at + 3, n), block(w, at + 4, n)
    for k in range(STAGES):
        out = block(w, to + k, n)
        p, q, r, s, t = factors[k, 0], factors[k, 1], factors[k, 2], factors[k, 3], factors[k, 4]
        for i in range(n):
            out[i] = p * a[i] + q * b[i] + r * c[i] + s * d[i] + t * e[i]


@declared(VECTOR, SCALAR, VECTOR, PLACE)
def polynomial(w, x, out, n):
    """Add the value of the last step's polynomial to what is there."""
    power = 1.0
    for p in range(STAGES):
        power *= x
        q = block(w, Q + p, n)
        for i in range(n):
            out[i] += power * q[i]


@declared(VECTOR, SCALAR, PLACE)
def floor_of(w, atol, n):
    """Return the absolute tolerance, or what rounding leaves of an entry if that is more.

    The basis of the Hessian mixes all entries: none is known better than the largest is rounded.
    """
    y, largest = block(w, 0, n), 0.0
    for i in range(n):
        largest = max(largest, abs(y[i]))
    return max(atol, ROUNDING * largest)


@declared(VECTOR, *[SCALAR] * 2, PLACE, *[SCALAR] * 2, PLACE)
def guess(w, h, h_old, known, rtol, atol, n):
    """Go on along the last step's polynomial, and set up Newton's iteration."""
    y, old, scale = block(w, 0, n), block(w, OLD, n), block(w, SCALE, n)
    floor = floor_of(w, atol, n)
    for i in range(n):
        scale[i] = 1.0 / (floor + rtol * abs(y[i]))
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


@declared(VECTOR, SCALAR, PLACE)
def correct(w, h, n):
    """Correct once by Newton, from the slopes in K; return the size in units of the tolerance."""
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


@declared(VECTOR, SCALAR, PLACE, *[SCALAR] * 2, PLACE)
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
    total, floor = 0.0, floor_of(w, atol, n)
    for i in range(n):
        total += (rest[i] / (floor + rtol * max(abs(y[i]), abs(new[i])))) ** 2
    return math.sqrt(total / n)


@declared(*[SCALAR] * 4)
def predicted(h, h_old, error, error_old):
    """Factor to the next step's length, by the trend of the error."""
    if error == 0.0:
        return 10.0
    change = h / h_old * (error_old / error) ** (1.0 / 6.0) if h_old > 0.0 else 1.0
    return min(1.0, change) * error ** (-1.0 / 6.0)


@declared(VECTOR, PLACE)
def largest_row(w, n):
    """Largest row sum of T: no eigenvalue is larger."""
    diagonal, beside = block(w, DIAGONAL, n), block(w, BESIDE, n)
    size, before = 0.0, 0.0
    for i in range(n):
        size = max(size, before + abs(diagonal[i]) + abs(beside[i]))
        before = abs(beside[i])
    return size
