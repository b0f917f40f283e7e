"""Sums of stages in all lanes, with coefficients from tables.

What is compiled for lanes has every sum written out instead: see `stepping.stage_sums`.
"""

import numpy as np

from dynlens.stepping.lane_layout import LANE_PLACE, LANE_STEP_DONE, LANES
from dynlens.stepping.loops.basics import block, part
from dynlens.stepping.loops.field import call
from dynlens.stepping.loops.lanes_shape import STEPS_BLOCK, M, N
from dynlens.stepping.loops.tableau import ERRORS, EXTRA, FIRST, SPARE, STAGES
from dynlens.stepping.loops.wide import wide
from dynlens.stepping.stage_sums import tables
from dynlens.stepping.tableaus import TSIT5

TABLES = tables(TSIT5)  # coefficients, their blocks, where each row begins, the interpolant's shape
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

COEFFICIENTS, BLOCKS = np.array(TABLES[0]), np.array(TABLES[1])
BEGINS, SHAPE = np.array(TABLES[2]), np.array(TABLES[3])


@part
def row_sum(w, row, i):
    """Sum of a row at one place of the blocks."""
    found = 0.0
    for j in range(BEGINS[row], BEGINS[row + 1]):
        found += COEFFICIENTS[j] * w[BLOCKS[j] * M + i]
    return found


@part
def stage(w, row, to, j, field):
    """Make stage j, at the state that a row makes."""
    for i in range(M):
        w[to * M + i] = w[i] + w[STEPS_BLOCK * M + i] * row_sum(w, row, i)
    call(field, block(w, to, M), block(w, FIRST + j, M))


@part
def stages(w, field):
    """Make the stages of a step, up to the slope at its end."""
    wide()
    for j in range(1, STAGES):
        stage(w, j - 1, 2, j, field)
    stage(w, STAGES - 1, 1, STAGES, field)


@part
def extend(w, field):
    """Make the stages that the interpolant alone needs."""
    wide()
    for j in range(EXTRA):
        stage(w, STAGES + j, 2, STAGES + 1 + j, field)


@part
def squares(w, rtol, atol):
    """Make the squares of the errors, in units of the tolerance."""
    wide()
    for i in range(M):
        a, b = abs(w[i]), abs(w[M + i])
        scale = w[STEPS_BLOCK * M + i] / (atol + rtol * (a if a > b else b))
        for k in range(ERRORS):
            error = scale * row_sum(w, STAGES + EXTRA + k, i)
            w[(SPARE + k) * M + i] = error * error


@part
def total(w, at, r, row):
    """Add up a block over the entries of each lane."""
    wide()
    for l in range(LANES):
        found = 0.0
        for i in range(N):
            found += w[at * M + LANES * i + l]
        r[row + l] = found


@part
def between(w, r):
    """Make the state of each lane at a share of its step, as a trial one."""
    wide()
    for i in range(M):
        w[2 * M + i] = w[i]
    first = BEGINS[STAGES + EXTRA + ERRORS]
    for l in range(LANES):
        x = r[LANE_PLACE + l]
        for j in range(SHAPE.shape[1]):
            factor = 0.0
            for q in range(SHAPE.shape[0] - 1, -1, -1):
                factor = SHAPE[q, j] + (x if q % 2 else 1.0 - x) * factor
            for i in range(N):
                stage = BLOCKS[first + j] * M
                w[2 * M + LANES * i + l] += (
                    x * r[LANE_STEP_DONE + l] * factor * w[stage + LANES * i + l]
                )
