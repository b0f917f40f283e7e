"""What is saved of the steps of all lanes, and which starts are done."""

import numpy as np

from dynlens.stepping.lane_layout import (
    LANE_ACCEPTED,
    LANE_EXTENDED,
    LANE_HITS,
    LANE_NEXT,
    LANE_PLACE,
    LANE_SPENT,
    LANE_STEP_DONE,
    LANE_STEPS,
    LANE_TIME,
    LANE_TIME_OLD,
    LANE_VAIN,
    LANES,
    RECORD_EVALUATIONS,
    RECORD_SAVED,
    RECORD_STATUS,
    RECORD_STEPS,
    START_FINISHED,
    START_SMALL,
    START_SPENT,
    START_STIFF,
)
from dynlens.stepping.loops.basics import part
from dynlens.stepping.loops.lanes_shape import N, spread
from dynlens.stepping.loops.lanes_sums import between, extend
from dynlens.stepping.loops.tableau import EXTRA

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@part
def save(w, r, ids, times, states, record, field):
    """Save the states at the times that lie in the accepted steps.

    What lies inside a step needs the interpolant, which is evaluated for all lanes: at the next
    time of each, and again until no lane has a time left in its step.
    """
    extended = False
    while True:
        inside = False
        for l in range(LANES):
            b, r[LANE_PLACE + l] = ids[l], 0.0
            if b < 0 or r[LANE_ACCEPTED + l] < 0.5 or r[LANE_NEXT + l] > r[LANE_TIME + l]:
                continue
            k = record[b, RECORD_SAVED]
            if times[k] < r[LANE_TIME + l]:
                x = (times[k] - r[LANE_TIME_OLD + l]) / r[LANE_STEP_DONE + l]
                r[LANE_PLACE + l] = x if x > 1e-300 else 1e-300  # whatever it is, it is saved
                inside = True
                continue
            for i in range(N):
                states[b, k, i] = w[(N + i) * LANES + l]
            record[b, RECORD_SAVED] = k + 1
            r[LANE_NEXT + l] = times[k + 1] if k + 1 < times.size else np.inf
        if not inside:
            return
        if not extended:
            spread(w, r, LANE_STEP_DONE)
            extend(w, field)
        between(w, r)
        for l in range(LANES):
            if r[LANE_PLACE + l] > 0.0:
                b = ids[l]
                k = record[b, RECORD_SAVED]
                for i in range(N):
                    states[b, k, i] = w[(2 * N + i) * LANES + l]
                record[b, RECORD_SAVED] = k + 1
                r[LANE_NEXT + l] = times[k + 1] if k + 1 < times.size else np.inf
                if r[LANE_EXTENDED + l] < 0.5:
                    r[LANE_SPENT + l] += EXTRA
                r[LANE_EXTENDED + l] = 1.0
        extended = True


@part
def release(r, ids, times, record, reached, budget):
    """Make lanes idle that are done; return how many are."""
    free = 0
    for l in range(LANES):
        b = ids[l]
        if b >= 0:
            status = 0
            if record[b, RECORD_SAVED] == times.size:
                status = START_FINISHED
            elif r[LANE_ACCEPTED + l] > 0.5 and r[LANE_SPENT + l] >= budget:
                status = START_SPENT
            elif r[LANE_VAIN + l] > 0.5:
                status = START_SMALL
            elif r[LANE_HITS + l] >= 15.0:
                status = START_STIFF
            if status:
                record[b, RECORD_EVALUATIONS] = int(r[LANE_SPENT + l])
                record[b, RECORD_STEPS] = int(r[LANE_STEPS + l])
                record[b, RECORD_STATUS] = status
                reached[b] = r[LANE_TIME + l]
                ids[l] = -1
        free += ids[l] < 0
    return free
