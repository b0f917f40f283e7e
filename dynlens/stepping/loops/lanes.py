"""The loop over steps of all lanes: see `stepping.lanes`."""

from numba import types

from dynlens.stepping.lane_layout import (
    LANE_ACCEPTED,
    LANE_SECOND_SUM,
    LANE_STEP,
    LANE_SUM,
    LANES,
    LANES_IDLE,
    LANES_PAUSED,
    LANES_WANTING,
)
from dynlens.stepping.loops.basics import MATRIX, NUMBERS, PLACE, SCALAR, VECTOR, block, fast, part
from dynlens.stepping.loops.field import FIELD, call
from dynlens.stepping.loops.lanes_control import control, look_for_stiffness
from dynlens.stepping.loops.lanes_saves import release, save
from dynlens.stepping.loops.lanes_shape import STEPS_BLOCK, M, spread
from dynlens.stepping.loops.lanes_starts import refill
from dynlens.stepping.loops.lanes_sums import squares, stages, total
from dynlens.stepping.loops.tableau import ERRORS, FIRST, NEW, SECOND_SPARE, SPARE
from dynlens.stepping.loops.wide import wide

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----


@fast(VECTOR, PLACE, PLACE, FIELD)
def slopes(w, at, to, field):
    """Evaluate the field in all lanes, at one block into another."""
    wide()
    call(field, block(w, at, M), block(w, to, M))


@part
def step(w, r, rtol, atol, field):
    """Take a step in each lane, with the error's sums of squares."""
    wide()
    spread(w, r, LANE_STEP)
    stages(w, field)
    squares(w, rtol, atol)
    total(w, SPARE, r, LANE_SUM)
    if ERRORS == 2:
        total(w, SECOND_SPARE, r, LANE_SECOND_SUM)


@part
def commit(w, r):
    """Make what was accepted the start of the next step."""
    wide()
    spread(w, r, LANE_ACCEPTED)
    for i in range(M):
        good = w[STEPS_BLOCK * M + i] > 0.5
        a, b = w[i], w[M + i]
        w[i] = b if good else a
        a, b = w[FIRST * M + i], w[NEW * M + i]
        w[FIRST * M + i] = b if good else a


@fast(
    VECTOR,
    VECTOR,
    *[NUMBERS] * 3,
    VECTOR,
    MATRIX,
    types.float64[:, :, ::1],
    types.int64[:, ::1],
    VECTOR,
    SCALAR,
    SCALAR,
    PLACE,
    types.boolean,
    *[SCALAR] * 3,
    FIELD,
)
def advance(
    w,
    r,
    ids,
    queue,
    place,
    times,
    starts,
    states,
    record,
    reached,
    t_end,
    budget,
    most,
    drain,
    stable,
    rtol,
    atol,
    field,
):
    """Step in all lanes until something stops the loop; return what."""
    wide()
    found = True
    for _ in range(most):
        if found and release(r, ids, times, record, reached, budget):
            refill(w, r, ids, queue, place, times, starts, record, t_end, rtol, atol, field)
            idle = 0
            for l in range(LANES):
                idle += ids[l] < 0
            if idle == LANES and place[0] == place[1]:
                return LANES_IDLE
            if idle and not drain:
                return LANES_WANTING
        step(w, r, rtol, atol, field)
        found = control(r, t_end, budget)
        if stable > 0.0:
            found |= look_for_stiffness(w, r, stable, t_end)
        if found:
            save(w, r, ids, times, states, record, field)
        commit(w, r)
    return LANES_PAUSED
