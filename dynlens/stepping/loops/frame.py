"""The loop over steps, of every method: try, accept, save, and return when there is a reason."""

import numpy as np

from dynlens.stepping.layout import (
    BELOW,
    DONE,
    EVALUATIONS,
    FINISHED,
    H_DONE,
    LOSS,
    PAUSED,
    SAVED,
    SMALL,
    SPENT,
    STEPS,
    T_OLD,
    H,
    T,
)
from dynlens.stepping.loops.basics import (
    MATRIX,
    NUMBERS,
    PLACE,
    SCALAR,
    VECTOR,
    block,
    fast,
    lent,
    seldom,
)
from dynlens.stepping.loops.explicit import (
    TURNED,
    attempt,
    begin_step,
    finish_step,
    interpolate,
    longest,
    turned,
)
from dynlens.stepping.loops.field import FIELD, size

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@seldom
def dense(w, clock, counts, t, out, field):
    """State at a time inside the last step, for Python."""
    interpolate(w, clock, counts, t, out, field)


@fast(VECTOR, VECTOR, NUMBERS, VECTOR, MATRIX, SCALAR, PLACE, PLACE, *[SCALAR] * 4, FIELD)
def advance(w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, bound, field):
    """Step and save until something stops it; return what, as one of `layout`."""
    w, clock, counts = lent(w), lent(clock), lent(counts)
    times, states, field = lent(times), lent(states), lent(field)
    n = size(field)
    new = block(w, 1, n)
    taken = 0
    while counts[SAVED] < times.size:
        begin_step(w, clock, counts, t_end, field)
        t, h = clock[T], clock[H]
        least = 10.0 * abs(np.nextafter(t, np.inf) - t)
        h = max(h, least)
        while True:
            if h < least:
                clock[H] = h
                return SMALL
            h = min(h, longest(clock))
            last = t + h * (1.0 + 1e-12) >= t_end
            if last:
                h = t_end - t
            good, loss, factor = attempt(w, clock, counts, h, rtol, atol, field)
            if good:
                break
            h *= factor
        counts[FINISHED] = 1
        counts[STEPS] += 1
        taken += 1
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * factor
        finish_step(w, clock, counts, h, last, bound, field)
        if loss <= floor:
            return BELOW
        if not times[counts[SAVED]] > t:  # it has come, or is NaN: the end of whatever step it is
            if np.isnan(times[counts[SAVED]]):
                k = counts[SAVED]
                times[k] = t
                for i in range(n):
                    states[k, i] = new[i]
                counts[SAVED] += 1
                if last:
                    return DONE
            while counts[SAVED] < times.size and times[counts[SAVED]] <= t:
                k = counts[SAVED]
                if times[k] == t:
                    for i in range(n):
                        states[k, i] = new[i]
                else:
                    interpolate(w, clock, counts, times[k], states[k], field)
                counts[SAVED] += 1
        if counts[EVALUATIONS] >= budget:
            return SPENT
        if turned(counts):
            return TURNED
        if taken >= most:
            return PAUSED
    return DONE
