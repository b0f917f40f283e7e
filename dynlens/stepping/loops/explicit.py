"""Steps by an explicit method, and a watch for stiffness.

The step is stiff if it is as long as stability allows: see `methods.explicit`.
"""

import math

import numpy as np

from dynlens.stepping.layout import (
    CURVATURE,
    ERROR,
    EVALUATIONS,
    EXTENDED,
    FINISHED,
    H_DONE,
    HITS,
    MISSES,
    REFUSED,
    STEPS,
    STIFF,
    T_OLD,
)
from dynlens.stepping.loops.basics import block, hook, part
from dynlens.stepping.loops.field import size
from dynlens.stepping.loops.tableau import (
    ERRORS,
    EXTRA,
    FIRST,
    LAST,
    LEAST,
    NEW,
    SECOND_SPARE,
    SPARE,
    STAGES,
    powers,
)
from dynlens.stepping.loops.tabled import between, differences, extend, step

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

TURNED = STIFF  # why the loop ends if the watch says so


@hook
def begin_step(w, clock, counts, t_end, field):
    """Begin where the last step ended."""
    n = size(field)
    if counts[FINISHED]:
        y, new = block(w, 0, n), block(w, 1, n)
        slope, slope_new = block(w, FIRST, n), block(w, NEW, n)
        for i in range(n):
            y[i] = new[i]
            slope[i] = slope_new[i]
        counts[FINISHED] = 0


@hook
def longest(clock):
    """No step is too long to be tried."""
    return np.inf


@part
def error_of(w, h, rtol, atol, field):
    """Size of the error, in units of the tolerance."""
    differences(w, h, field)
    n = size(field)
    y, new = block(w, 0, n), block(w, 1, n)
    first, second = block(w, SPARE, n), block(w, SECOND_SPARE, n)
    s0, s1 = 0.0, 0.0
    for i in range(n):
        scale = h / (atol + rtol * max(abs(y[i]), abs(new[i])))
        s0 += (scale * first[i]) ** 2
        s1 += (scale * second[i]) ** 2
    if ERRORS == 1:
        return math.sqrt(s0 / n)
    return 0.0 if s0 == 0.0 and s1 == 0.0 else s0 / math.sqrt(n * (s0 + 0.01 * s1))


@hook
def attempt(w, clock, counts, h, rtol, atol, field):
    """Try a step of length h: whether it is good, the loss at its end, the next length over h."""
    loss = step(w, h, field)
    counts[EVALUATIONS] += STAGES
    error = error_of(w, h, rtol, atol, field)
    power, damping = powers(error)
    factor = 0.9 / power
    if not error < 1.0:
        counts[REFUSED] = 1
        # An error that is no number is as bad as can be.
        return False, loss, max(0.2, factor) if error < np.inf else 0.2
    if counts[STEPS] > 0:
        factor *= clock[ERROR]
    factor = min(10.0, max(0.2, factor))
    if counts[REFUSED]:
        factor = min(1.0, factor)
    counts[REFUSED] = counts[EXTENDED] = 0
    clock[ERROR] = max(damping, LEAST)  # as the next step wants it
    return True, loss, factor


@part
def curvature_of(w, field):
    """Distance of the slopes at the new state and at the last trial one, over their distance."""
    n = size(field)
    new, trial = block(w, 1, n), block(w, 2, n)
    slope_new, slope_trial = block(w, NEW, n), block(w, LAST, n)
    slopes, states = 0.0, 0.0
    for i in range(n):
        slopes += (slope_new[i] - slope_trial[i]) ** 2
        states += (new[i] - trial[i]) ** 2
    return math.sqrt(slopes / states) if states > 0.0 else 0.0


@hook
def finish_step(w, clock, counts, h, last, stable, field):
    """Count steps that are as long as stability allows."""
    if stable > 0.0:
        clock[CURVATURE] = curvature_of(w, field)
        if h * clock[CURVATURE] > stable:
            counts[HITS] += 1
            counts[MISSES] = 0
        else:
            counts[MISSES] += 1
            if counts[MISSES] == 6:
                counts[HITS] = 0


@hook
def turned(counts):
    """Whether the flow has turned stiff; begin to count anew."""
    if counts[HITS] < 15:
        return False
    counts[HITS] = counts[MISSES] = 0
    return True


@part
def interpolate(w, clock, counts, t, out, field):
    """State at a time inside the last step."""
    n, h = size(field), clock[H_DONE]
    if EXTRA and not counts[EXTENDED]:
        extend(w, h, field)
        counts[EVALUATIONS] += EXTRA
        counts[EXTENDED] = 1
    x = (t - clock[T_OLD]) / h
    between(w, h, x, field)
    value = block(w, SPARE, n)
    for i in range(n):
        out[i] = value[i]
