"""Steps by a stabilized method, whose number of stages follows the curvature.

The method itself, with its coefficients, is another part: `rkc` or `rock`.
"""

import math

import numpy as np

from dynlens.stepping.layout import (
    CURVATURE,
    ERROR,
    EVALUATIONS,
    FINISHED,
    H_DONE,
    HITS,
    MILD,
    MISSES,
    REFUSED,
    STEPS,
    T_OLD,
    H,
    T,
)
from dynlens.stepping.loops.basics import block, hook, inner, part
from dynlens.stepping.loops.field import call, size
from dynlens.stepping.loops.rkc import (
    GROWTH,
    LONGEST,
    ROOT,
    SHORTEST,
    error_of,
    method_for,
    stages,
)
from dynlens.stepping.loops.stabilized_blocks import FNEW, PAST, F, G, V

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

TURNED = MILD  # why the loop ends if the watch says so
RENEW = 25  # steps between estimates of the curvature


@inner
def estimate(w, clock, counts, field):
    """Estimate the curvature, by the power method on differences of the field."""
    n = size(field)
    y, f, past = block(w, 0, n), block(w, F, n), block(w, PAST, n)
    g, v = block(w, G, n), block(w, V, n)
    square, length, before, found = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        square += y[i] ** 2
        length += v[i] ** 2
    d = 1.5e-8 * max(math.sqrt(square), 1e-3)
    length = math.sqrt(length)
    if length == 0.0:
        v[0] = length = 1.0
    for k in range(50):
        for i in range(n):
            past[i] = y[i] + v[i] * (d / length)
        call(field, past, g)
        counts[EVALUATIONS] += 1
        length = 0.0
        for i in range(n):
            v[i] = g[i] - f[i]
            length += v[i] ** 2
        length = math.sqrt(length)
        before, found = found, length / d
        if length == 0.0:
            v[0] = length = 1.0
        if k > 1 and abs(found - before) < 0.01 * max(found, before):
            break
    clock[CURVATURE] = 1.2 * found  # the power method comes from below
    counts[HITS] = 0


@hook
def begin_step(w, clock, counts, t_end, field):
    """Begin where the last step ended, with a new curvature now and then."""
    n = size(field)
    if counts[STEPS] == 0 and clock[CURVATURE] == 0.0:  # at the start
        f, v = block(w, F, n), block(w, V, n)
        for i in range(n):
            v[i] = f[i]
        estimate(w, clock, counts, field)
        if clock[H] == 0.0:
            # Shorter than explicit Euler's limit: the first error then chooses better.
            clock[H] = min(1e-2 / max(clock[CURVATURE], 1e-10), t_end - clock[T])
    if counts[FINISHED]:
        y, new = block(w, 0, n), block(w, 1, n)
        f, f_new = block(w, F, n), block(w, FNEW, n)
        for i in range(n):
            y[i] = new[i]
            f[i] = f_new[i]
        counts[FINISHED] = 0
        counts[HITS] += 1
        if counts[HITS] >= RENEW:
            estimate(w, clock, counts, field)


@hook
def longest(clock):
    """Length of the longest step that the method with most stages can take."""
    return LONGEST / max(clock[CURVATURE], 1e-300)


@hook
def attempt(w, clock, counts, h, rtol, atol, field):
    """Try a step of length h: whether it is good, the loss at its end, the next length over h."""
    m = method_for(h * clock[CURVATURE])
    loss = stages(w, h, m, counts, field)
    error = error_of(w, h, m, rtol, atol, size(field))
    if not error < 1.0:
        if counts[REFUSED]:  # the curvature may have grown
            estimate(w, clock, counts, field)
        counts[REFUSED] = 1
        return False, loss, max(0.1, 0.8 * error**-ROOT) if error < np.inf else 0.1
    factor = 10.0
    if error > 0.0:
        factor = 0.8 * error**-ROOT
        if counts[STEPS] > 0:  # the trend of the error, as in the authors' code
            change = h / clock[H_DONE] * (clock[ERROR] / error) ** ROOT
            factor *= min(1.5, max(0.1, change))
    most_growth = 10.0 if h * clock[CURVATURE] < SHORTEST else GROWTH
    factor = min(most_growth, max(0.1, factor))
    if counts[REFUSED]:
        factor = min(1.0, factor)
    counts[REFUSED] = 0
    clock[ERROR] = max(error, 1e-10)
    return True, loss, factor


@hook
def finish_step(w, clock, counts, h, last, mild, field):
    """Count steps that an explicit method could take."""
    if mild > 0.0 and not last:
        counts[MISSES] = counts[MISSES] + 1 if h * clock[CURVATURE] < mild else 0


@hook
def turned(counts):
    """Whether the flow has turned mild; begin to count anew."""
    if counts[MISSES] < 6:
        return False
    counts[MISSES] = 0
    return True


@part
def interpolate(w, clock, counts, t, out, field):
    """State at a time inside the last step."""
    n = size(field)
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new = block(w, FNEW, n)
    # Hermite's cubic, whose error is of the order of the error estimate at least.
    h = clock[H_DONE]
    x = (t - clock[T_OLD]) / h
    r = 1.0 - x
    for i in range(n):
        values = y[i] * r * r * (1.0 + 2.0 * x) + new[i] * x * x * (3.0 - 2.0 * x)
        out[i] = values + h * x * r * (r * f[i] - x * f_new[i])
