"""ROCK4, of order four: see `stepping.rock` for its coefficients."""

import math

import numpy as np

from dynlens.stepping.layout import EVALUATIONS
from dynlens.stepping.loops.basics import block, part, seldom
from dynlens.stepping.loops.field import call, size
from dynlens.stepping.loops.stabilized_blocks import FNEW, LATEST, PAST, F, G
from dynlens.stepping.rock import coefficients

ROCK = coefficients()
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

DEGREES, REACH, FIRST = np.array(ROCK["DEGREES"]), np.array(ROCK["REACH"]), np.array(ROCK["FIRST"])
RECURRENCE, LAST, ERRORS = (np.array(ROCK[k]) for k in ("RECURRENCE", "LAST", "ERRORS"))
ROOT, GROWTH = 1 / 4, 1.2  # the estimate is not smooth: grow slowly
LONGEST, SHORTEST = REACH[-1], REACH[0]
SLOPES = 8  # block of the first of the last four


@part
def method_for(x):
    """Number of the method, not of its stages, for a step of x over the curvature."""
    k = 0
    while k < REACH.size - 1 and REACH[k] < x:
        k += 1
    return k


@seldom
def stages(w, h, k, counts, field):
    """Take a step of length h by method k: the loss at its end."""
    n = size(field)
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    past, latest, g = block(w, PAST, n), block(w, LATEST, n), block(w, G, n)
    for i in range(n):
        past[i] = latest[i] = y[i]
        g[i] = f[i]
    for j in range(FIRST[k], FIRST[k + 1]):
        if j > FIRST[k]:
            call(field, latest, g)
        mu, nu, kappa = h * RECURRENCE[j, 0], RECURRENCE[j, 1], RECURRENCE[j, 2]
        for i in range(n):
            c = mu * g[i] + nu * latest[i] + kappa * past[i]
            past[i] = latest[i]
            latest[i] = c
    for i in range(n):
        past[i] = new[i] = latest[i]
    for q in range(4):
        if q > 0:
            for i in range(n):
                past[i] = latest[i]
            for r in range(q):
                slope, a = block(w, SLOPES + r, n), h * LAST[k, q * (q - 1) // 2 + r]
                for i in range(n):
                    past[i] += a * slope[i]
        call(field, past, block(w, SLOPES + q, n))
        slope, b = block(w, SLOPES + q, n), h * LAST[k, 6 + q]
        for i in range(n):
            new[i] += b * slope[i]
    counts[EVALUATIONS] += DEGREES[k]
    return call(field, new, block(w, FNEW, n))


@part
def error_of(w, h, k, rtol, atol, n):
    """Size of the error, in units of the tolerance."""
    y, new, f_new = block(w, 0, n), block(w, 1, n), block(w, FNEW, n)
    a, b = block(w, SLOPES, n), block(w, SLOPES + 1, n)
    c, d = block(w, SLOPES + 2, n), block(w, SLOPES + 3, n)
    e0, e1, e2, e3, e4 = ERRORS[k, 0], ERRORS[k, 1], ERRORS[k, 2], ERRORS[k, 3], ERRORS[k, 4]
    total = 0.0
    for i in range(n):
        scale = atol + rtol * max(abs(y[i]), abs(new[i]))
        rest = h * (e0 * a[i] + e1 * b[i] + e2 * c[i] + e3 * d[i] + e4 * f_new[i])
        total += (rest / scale) ** 2
    return math.sqrt(total / n)
