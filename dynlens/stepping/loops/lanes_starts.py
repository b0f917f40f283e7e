"""The next starts, for lanes that are free."""

import math

import numpy as np

from dynlens.stepping.lane_layout import (
    LANE_LAST,
    LANE_NEXT,
    LANE_PLACE,
    LANE_SPENT,
    LANE_STEP,
    LANE_SUM,
    LANE_TIME,
    LANE_TREND,
    LANES,
    RECORD_SAVED,
)
from dynlens.stepping.loops.basics import block, part
from dynlens.stepping.loops.field import call
from dynlens.stepping.loops.lanes_shape import M, N
from dynlens.stepping.loops.tableau import FIRST, ROOT, SCRATCH

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@part
def norm(w, r, at, less, l, rtol, atol):
    """Size of one block in a lane, or of the difference of two."""
    found = 0.0
    for i in range(N):
        value = w[(at * N + i) * LANES + l]
        if less >= 0:
            value -= w[(less * N + i) * LANES + l]
        found += (value / (atol + rtol * abs(w[i * LANES + l]))) ** 2
    return math.sqrt(found / N)


@part
def refill(w, r, ids, queue, place, times, starts, record, t_end, rtol, atol, field):
    """Give the next starts to idle lanes, each with a first step chosen by Hairer's rule.

    A lane that stays idle stands still: a step of no length from zero.
    """
    taken = 0
    for l in range(LANES):
        r[LANE_PLACE + l] = 0.0  # whether it is new
        if ids[l] >= 0:
            continue
        for row in range(0, r.size, LANES):
            r[row + l] = 0.0
        r[LANE_TIME + l], r[LANE_NEXT + l] = t_end, np.inf
        r[LANE_SPENT + l], r[LANE_TREND + l] = -1e300, 1.0
        for i in range(N):
            w[i * LANES + l] = w[(FIRST * N + i) * LANES + l] = 0.0
        if place[0] < place[1]:
            b = ids[l] = queue[place[0]]
            place[0] += 1
            taken += 1
            r[LANE_TIME + l], r[LANE_SPENT + l], r[LANE_PLACE + l] = 0.0, 2.0, 1.0
            r[LANE_NEXT + l] = times[record[b, RECORD_SAVED]]
            for i in range(N):
                w[i * LANES + l] = starts[b, i]
    if taken == 0:
        return
    call(field, block(w, 0, M), block(w, SCRATCH, M))
    for i in range(M):
        w[2 * M + i] = w[i]
    for l in range(LANES):
        if r[LANE_PLACE + l] > 0.5:
            for i in range(N):
                w[(FIRST * N + i) * LANES + l] = w[(SCRATCH * N + i) * LANES + l]
            d0 = norm(w, r, 0, -1, l, rtol, atol)
            d1 = norm(w, r, FIRST, -1, l, rtol, atol)
            h = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
            r[LANE_STEP + l], r[LANE_SUM + l] = min(h, t_end), d1
            for i in range(N):
                w[(2 * N + i) * LANES + l] += r[LANE_STEP + l] * w[(FIRST * N + i) * LANES + l]
    call(field, block(w, 2, M), block(w, SCRATCH, M))
    for l in range(LANES):
        if r[LANE_PLACE + l] > 0.5:
            h = r[LANE_STEP + l]
            d2 = norm(w, r, SCRATCH, FIRST, l, rtol, atol) / h
            most = max(r[LANE_SUM + l], d2)
            longer = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** ROOT
            h = min(100.0 * h, longer, t_end)
            last = h * (1.0 + 1e-12) >= t_end
            r[LANE_STEP + l] = t_end if last else h
            r[LANE_LAST + l] = 1.0 if last else 0.0
