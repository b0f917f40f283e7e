"""Which lanes took a good step, how long the next ones are, and which flows turn stiff."""

import math

from dynlens.stepping.lane_layout import (
    LANE_ACCEPTED,
    LANE_EXTENDED,
    LANE_HITS,
    LANE_LAST,
    LANE_MISSES,
    LANE_NEXT,
    LANE_REFUSED,
    LANE_SECOND_SUM,
    LANE_SPENT,
    LANE_STEP,
    LANE_STEP_DONE,
    LANE_STEPS,
    LANE_SUM,
    LANE_TIME,
    LANE_TIME_OLD,
    LANE_TREND,
    LANE_VAIN,
    LANES,
)
from dynlens.stepping.loops.basics import hook, part
from dynlens.stepping.loops.lanes_shape import STEPS_BLOCK, M, N
from dynlens.stepping.loops.lanes_sums import total
from dynlens.stepping.loops.tableau import ERRORS, LAST, LEAST, NEW, SPARE, STAGES, powers
from dynlens.stepping.loops.wide import wide

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@hook
def error_of(first, second):
    """Size of the error from sums of squares; where both vanish, so does it."""
    if ERRORS == 1:
        return math.sqrt(first / N)
    return math.sqrt(first * (first / (N * (first + 0.01 * second) + 1e-300)))


@part
def control(r, t_end, budget):
    """Judge the step of each lane and choose its next one; return whether any needs a closer look.

    Without a branch, so that it is done for all lanes at once.
    """
    wide()
    found = 0
    for l in range(LANES):
        h, t, before = r[LANE_STEP + l], r[LANE_TIME + l], r[LANE_TREND + l]
        error = error_of(r[LANE_SUM + l], r[LANE_SECOND_SUM + l])
        power, trend = powers(error)
        good = error < 1.0  # not so if it is no number
        after = t_end if r[LANE_LAST + l] > 0.5 else t + h
        after = after if good else t
        factor = 0.9 / power
        factor = factor * before if good else factor
        factor = factor if factor > 0.2 else 0.2  # what is no number becomes 0.2
        most = 10.0 if good and r[LANE_REFUSED + l] < 0.5 else 1.0
        factor = factor if factor < most else most
        least = 2.3e-15 * after + 1e-300  # so that no step is zero
        size = h * factor
        small = not good and size < least
        size = size if size > least else least
        last = after + size * (1.0 + 1e-12) >= t_end
        spent = r[LANE_SPENT + l] + STAGES
        r[LANE_STEP + l] = t_end - after if last else size
        r[LANE_LAST + l] = 1.0 if last else 0.0
        r[LANE_TIME_OLD + l], r[LANE_TIME + l], r[LANE_STEP_DONE + l] = t, after, h
        r[LANE_TREND + l] = (trend if trend > LEAST else LEAST) if good else before
        r[LANE_REFUSED + l] = 0.0 if good else 1.0
        r[LANE_ACCEPTED + l] = 1.0 if good else 0.0
        r[LANE_EXTENDED + l] = 0.0
        r[LANE_VAIN + l] = 1.0 if small else 0.0
        r[LANE_SPENT + l] = spent
        r[LANE_STEPS + l] += 1.0 if good else 0.0
        found |= (good and (after >= r[LANE_NEXT + l] or spent >= budget)) or small
    return found


@part
def look_for_stiffness(w, r, stable, t_end):
    """Count stiff steps as `explicit` does, by slopes at the new state and at the last trial."""
    wide()
    for i in range(M):
        moved = w[M + i] - w[2 * M + i]
        turned = w[NEW * M + i] - w[LAST * M + i]
        w[SPARE * M + i] = turned * turned
        w[STEPS_BLOCK * M + i] = moved * moved
    total(w, SPARE, r, LANE_SUM)
    total(w, STEPS_BLOCK, r, LANE_SECOND_SUM)
    found = 0
    for l in range(LANES):
        good = r[LANE_ACCEPTED + l] > 0.5
        h = r[LANE_STEP_DONE + l]
        hit = h * h * r[LANE_SUM + l] > stable * stable * r[LANE_SECOND_SUM + l]
        misses = 0.0 if hit else r[LANE_MISSES + l] + 1.0
        hits = r[LANE_HITS + l] + 1.0 if hit else (0.0 if misses == 6.0 else r[LANE_HITS + l])
        # Changing the method costs some Hessians, of 2 P gradients each.
        worth = STAGES * (t_end - r[LANE_TIME + l]) > 40.0 * N * r[LANE_STEP + l]
        r[LANE_MISSES + l] = misses if good else r[LANE_MISSES + l]
        hits = hits if good else r[LANE_HITS + l]
        hits = hits if hits < 15.0 or worth else 0.0
        r[LANE_HITS + l] = hits
        found |= hits >= 15.0
    return found
