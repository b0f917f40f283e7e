"""What a loop does before its first step.

Loops for all problems share one compiled copy of it, since it takes half a second to compile.
"""

import math

import numpy as np

from dynlens.stepping.layout import EVALUATIONS, LOSS, H, T
from dynlens.stepping.loops.basics import NUMBERS, PLACE, SCALAR, VECTOR, block, fast, inner
from dynlens.stepping.loops.field import FIELD, call, size

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@inner
def start_at(w, at, to, field):
    """Evaluate the field at one block into another."""
    n = size(field)
    return call(field, block(w, at, n), block(w, to, n))


@fast(VECTOR, VECTOR, NUMBERS, PLACE, PLACE, *[SCALAR] * 4, FIELD)
def begin(w, clock, counts, at, spare, root, t_end, rtol, atol, field):
    """Evaluate the field at the start, into one block, and choose the first step with another.

    That is by Hairer's rule, as in SciPy: from the first two derivatives and the order of the error
    estimate, of which `root` is the inverse. No step is chosen if one is there, or if the root is
    zero. Where the field overflows no step will do: it becomes NaN.
    """
    n = size(field)
    y, slope = block(w, 0, n), block(w, at, n)
    clock[LOSS] = start_at(w, 0, at, field)
    counts[EVALUATIONS] += 1
    for i in range(n):
        if not abs(slope[i]) < np.inf:
            clock[H] = np.nan
    if clock[H] != 0.0 or root == 0.0:
        return
    trial, slope_new = block(w, 1, n), block(w, spare, n)
    length, slopes, bent = 0.0, 0.0, 0.0
    for i in range(n):
        scale = atol + rtol * abs(y[i])
        length += (y[i] / scale) ** 2
        slopes += (slope[i] / scale) ** 2
    length, slopes, left = math.sqrt(length / n), math.sqrt(slopes / n), t_end - clock[T]
    h = min(left, 1e-6 if length < 1e-5 or slopes < 1e-5 else 0.01 * length / slopes)
    for i in range(n):
        trial[i] = y[i] + h * slope[i]
    start_at(w, 1, spare, field)
    counts[EVALUATIONS] += 1
    for i in range(n):
        trial[i] = y[i]
        bent += ((slope_new[i] - slope[i]) / (atol + rtol * abs(y[i]))) ** 2
    most = max(slopes, math.sqrt(bent / n) / h)
    longer = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** root
    clock[H] = min(100.0 * h, longer, left)
