"""RKC2: the Runge-Kutta-Chebyshev method of Sommeijer, Shampine & Verwer (1998), of order two."""

import math

from dynlens.stepping.layout import EVALUATIONS
from dynlens.stepping.loops.basics import block, part, seldom
from dynlens.stepping.loops.field import call, size
from dynlens.stepping.loops.stabilized_blocks import FNEW, LATEST, PAST, F, G

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

ROOT, GROWTH = 1 / 3, 10.0
LONGEST, SHORTEST = 0.65 * 200**2, 0.65 * 2**2


@part
def method_for(x):
    """Number of stages for a step of x over the curvature."""
    return max(2, 1 + int(math.sqrt(1.54 * x + 1.0)))


@seldom
def stages(w, h, m, counts, field):
    """Take a step of length h with m stages: the loss at its end."""
    n = size(field)
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    past, latest, g = block(w, PAST, n), block(w, LATEST, n), block(w, G, n)
    w0 = 1.0 + 2.0 / (13.0 * m * m)
    s = w0 * w0 - 1.0
    arg = m * math.log(w0 + math.sqrt(s))
    w1 = math.sinh(arg) * s / (math.cosh(arg) * m * math.sqrt(s) - w0 * math.sinh(arg))
    b1 = b2 = 1.0 / (2.0 * w0) ** 2
    for i in range(n):
        past[i] = y[i]
        latest[i] = y[i] + h * w1 * b1 * f[i]
    z1, z2, d1, d2, e1, e2 = w0, 1.0, 1.0, 0.0, 0.0, 0.0
    for _ in range(2, m + 1):
        # Chebyshev's polynomial and its two derivatives at w0, by their recurrences.
        z = 2.0 * w0 * z1 - z2
        d = 2.0 * w0 * d1 - d2 + 2.0 * z1
        e = 2.0 * w0 * e1 - e2 + 4.0 * d1
        b = e / (d * d)
        mu, nu, gamma = 2.0 * w0 * b / b1, -b / b2, 2.0 * w1 * b / b1
        left = 1.0 - mu - nu
        start = 1.0 - z1 * b1
        call(field, latest, g)
        for i in range(n):
            c = mu * latest[i] + nu * past[i] + left * y[i]
            c += h * gamma * (g[i] - start * f[i])
            past[i] = latest[i]
            latest[i] = c
        b2, b1, z2, z1, d2, d1, e2, e1 = b1, b, z1, z, d1, d, e1, e
    counts[EVALUATIONS] += m
    for i in range(n):
        new[i] = latest[i]
    return call(field, new, block(w, FNEW, n))


@part
def error_of(w, h, m, rtol, atol, n):
    """Size of the error, in units of the tolerance."""
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new = block(w, FNEW, n)
    total = 0.0
    for i in range(n):
        scale = atol + rtol * max(abs(y[i]), abs(new[i]))
        rest = 0.8 * (y[i] - new[i]) + 0.4 * h * (f[i] + f_new[i])
        total += (rest / scale) ** 2
    return math.sqrt(total / n)
