r"""The part of Radau IIA(5) that knows no problem: compiled once, for every size.

The matrices are symmetric, and positive definite in their real part. Then :math:`L D L^\top`
needs no pivoting, also of the complex one (George, Ikramov & Kucherov 2002).
"""

from __future__ import annotations

from dynlens.compiled import load_source
from dynlens.stepping.fields import FAST


def algebra_module() -> str:
    """Compile the functions below, or load them, and return the name of their module."""
    return load_source(_SOURCE.replace("<FAST>", FAST), name="radau").__name__


_SOURCE = '''"""Linear algebra and Newton's iteration of Radau IIA(5); generated, do not edit."""

<FAST>

# Hairer & Wanner's transformation to a real and a complex block, as SciPy has it.
# Blocks of the work space, each as long as the state.
SCALE, Z, W, K, Q, REST, OLD = 6, 7, 10, 13, 16, 19, 20

S6 = 6**0.5
C = ((4 - S6) / 10, (4 + S6) / 10, 1.0)
E = ((-13 - 7 * S6) / 3, (-13 + 7 * S6) / 3, -1 / 3)
MU_REAL = 3 + 3 ** (2 / 3) - 3 ** (1 / 3)
MU_COMPLEX = 3 + 0.5 * (3 ** (1 / 3) - 3 ** (2 / 3)) - 0.5j * (3 ** (5 / 6) + 3 ** (7 / 6))
MAP = np.array(
    [
        [0.09443876248897524, -0.14125529502095421, 0.03002919410514742],
        [0.25021312296533332, 0.20412935229379994, -0.38294211275726192],
        [1.0, 1.0, 0.0],
    ]
)
BACK = np.array(
    [
        [4.17871859155190428, 0.32768282076106237, 0.52337644549944951],
        [-4.17871859155190428, -0.32768282076106237, 0.47662355450055044],
        [0.50287263494578682, -2.57192694985560522, 0.59603920482822492],
    ]
)
POWERS = np.array(
    [
        [13 / 3 + 7 * S6 / 3, -23 / 3 - 22 * S6 / 3, 10 / 3 + 5 * S6],
        [13 / 3 - 7 * S6 / 3, -23 / 3 + 22 * S6 / 3, 10 / 3 - 5 * S6],
        [1 / 3, -8 / 3, 10 / 3],
    ]
)


@inner
def decompose(matrix, scratch, n):  # lower triangle of L, with D on the diagonal
    for j in range(n):
        row = j * n
        for k in range(j):
            scratch[k] = matrix[row + k] * matrix[k * n + k]
        d = matrix[row + j]
        for k in range(j):
            d -= matrix[row + k] * scratch[k]
        matrix[row + j] = d
        if not d.real > 0.0:
            return False
        for i in range(j + 1, n):
            a = matrix[i * n + j]
            for k in range(j):
                a -= matrix[i * n + k] * scratch[k]
            matrix[i * n + j] = a / d
    return True


@inner
def solve(matrix, x, n):
    for i in range(n):
        a = x[i]
        for k in range(i):
            a -= matrix[i * n + k] * x[k]
        x[i] = a
    for i in range(n):
        x[i] /= matrix[i * n + i]
    for i in range(n - 1, -1, -1):
        a = x[i]
        for k in range(i):
            x[k] -= matrix[i * n + k] * a


@inner
def factor(hessian, real, pair, turn, w, h, n):
    """Factor ``mu / h + H`` for both mu; return whether that succeeded."""
    for i in range(n):
        for j in range(i + 1):
            real[i * n + j] = pair[i * n + j] = hessian[i * n + j]
        real[i * n + i] += MU_REAL / h
        pair[i * n + i] += MU_COMPLEX / h
    return decompose(real, w[5 * n :], n) and decompose(pair, turn, n)


@inner
def guess(w, h, h_old, known, rtol, atol, n):
    """Go on along the last step's polynomial, and set up Newton's iteration."""
    for i in range(n):
        w[SCALE * n + i] = 1.0 / (atol + rtol * abs(w[i]))
        for m in range(3):
            w[(Z + m) * n + i] = 0.0
            if known:
                x = 1.0 + h * C[m] / h_old
                value = w[Q * n + i] + x * (w[(Q + 1) * n + i] + x * w[(Q + 2) * n + i])
                w[(Z + m) * n + i] = w[OLD * n + i] + x * value - w[i]
        a, b, c = w[Z * n + i], w[(Z + 1) * n + i], w[(Z + 2) * n + i]
        for m in range(3):
            w[(W + m) * n + i] = BACK[m, 0] * a + BACK[m, 1] * b + BACK[m, 2] * c


@inner
def turn_of(w, real, pair, turn, h, n):
    """Solve for Newton's correction; return its size in units of the tolerance."""
    rest = w[REST * n :]
    for i in range(n):
        a, b, c = w[K * n + i], w[(K + 1) * n + i], w[(K + 2) * n + i]
        rest[i] = BACK[0, 0] * a + BACK[0, 1] * b + BACK[0, 2] * c - MU_REAL / h * w[W * n + i]
        turn[i] = complex(
            BACK[1, 0] * a + BACK[1, 1] * b + BACK[1, 2] * c,
            BACK[2, 0] * a + BACK[2, 1] * b + BACK[2, 2] * c,
        ) - MU_COMPLEX / h * complex(w[(W + 1) * n + i], w[(W + 2) * n + i])
    solve(real, rest, n)
    solve(pair, turn, n)
    total = 0.0
    for i in range(n):
        size = rest[i] ** 2 + turn[i].real ** 2 + turn[i].imag ** 2
        total += size * w[SCALE * n + i] ** 2
    return math.sqrt(total / (3 * n))


@inner
def correct(w, turn, n):
    for i in range(n):
        w[W * n + i] += w[REST * n + i]
        w[(W + 1) * n + i] += turn[i].real
        w[(W + 2) * n + i] += turn[i].imag
        a, b, c = w[W * n + i], w[(W + 1) * n + i], w[(W + 2) * n + i]
        for m in range(3):
            w[(Z + m) * n + i] = MAP[m, 0] * a + MAP[m, 1] * b + MAP[m, 2] * c


@inner
def error_of(w, real, h, slope, rtol, atol, n):
    """Size of the error, from the slope at the start (or the one at a better place)."""
    rest, total = w[REST * n :], 0.0
    for i in range(n):
        mixed = E[0] * w[Z * n + i] + E[1] * w[(Z + 1) * n + i] + E[2] * w[(Z + 2) * n + i]
        rest[i] = w[slope * n + i] + mixed / h
    solve(real, rest, n)
    for i in range(n):
        scale = atol + rtol * max(abs(w[i]), abs(w[n + i]))
        total += (rest[i] / scale) ** 2
    return math.sqrt(total / n)


@inner
def polynomial(w, n):
    for i in range(n):
        a, b, c = w[Z * n + i], w[(Z + 1) * n + i], w[(Z + 2) * n + i]
        for p in range(3):
            w[(Q + p) * n + i] = POWERS[0, p] * a + POWERS[1, p] * b + POWERS[2, p] * c


@inner
def between(w, x, out, n):
    for i in range(n):
        value = w[Q * n + i] + x * (w[(Q + 1) * n + i] + x * w[(Q + 2) * n + i])
        out[i] = w[i] + x * value


@inner
def predicted(h, h_old, error, error_old):
    if error == 0.0:
        return 10.0
    change = h / h_old * (error_old / error) ** 0.25 if h_old > 0.0 else 1.0
    return min(1.0, change) * error**-0.25


@inner
def largest_row(hessian, n):  # no eigenvalue is larger
    size = 0.0
    for i in range(n):
        row = 0.0
        for j in range(n):
            row += abs(hessian[i * n + j])
        size = max(size, row)
    return size
'''
