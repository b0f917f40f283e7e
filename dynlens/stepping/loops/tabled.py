"""Sums of stages with coefficients from tables: short to compile, for all problems.

``step`` takes a step, ``extend`` makes the stages that the interpolant alone needs,
``differences`` what the error is made of, ``between`` the state inside a step. The last two
go to the blocks past the last stage.
"""

import numpy as np
from numba import types

from dynlens.stepping.loops.basics import PLACE, SCALAR, VECTOR, block, declared, inner, stretch
from dynlens.stepping.loops.field import call, size
from dynlens.stepping.loops.tableau import ERRORS, EXTRA, FIRST, NEW, SPARE, STAGES
from dynlens.stepping.stage_sums import tables
from dynlens.stepping.tableaus import TSIT5

TABLES = tables(TSIT5)  # coefficients, their blocks, where each row begins, the interpolant's shape
# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

COEFFICIENTS, BLOCKS = np.array(TABLES[0]), np.array(TABLES[1])
BEGINS, SHAPE = np.array(TABLES[2]), np.array(TABLES[3])
EXTRA_ROW, ERROR_ROW = STAGES, STAGES + EXTRA
DENSE_ROW = ERROR_ROW + ERRORS
BLOCKS_IN_ALL = 6 + STAGES + EXTRA
FACTORS = types.Array(types.float64, 1, "C", readonly=True)


@declared(VECTOR, PLACE, PLACE, SCALAR, SCALAR, FACTORS, PLACE, PLACE)
def combine(w, n, to, keep, h, factors, first, row):
    """Make ``keep * state + h * sum`` of a row, four terms at a time."""
    out, x = block(w, to, n), block(w, 0, n)
    for j in range(BEGINS[row], BEGINS[row + 1], 4):
        p, q = block(w, BLOCKS[j], n), block(w, BLOCKS[j + 1], n)
        r, s = block(w, BLOCKS[j + 2], n), block(w, BLOCKS[j + 3], n)
        a, b = h * factors[j - first], h * factors[j + 1 - first]
        c, d = h * factors[j + 2 - first], h * factors[j + 3 - first]
        if j == BEGINS[row]:
            for i in range(n):
                out[i] = keep * x[i] + (a * p[i] + b * q[i] + c * r[i] + d * s[i])
        else:
            for i in range(n):
                out[i] += a * p[i] + b * q[i] + c * r[i] + d * s[i]


@inner
def step(w, h, field):
    """Take a step of length h: the loss at its end."""
    n, loss = size(field), 0.0
    for j in range(1, STAGES + 1):
        to = 2 if j < STAGES else 1
        combine(w, n, to, 1.0, h, COEFFICIENTS, 0, j - 1)
        loss = call(field, block(w, to, n), block(w, FIRST + j, n))
    return loss


@inner
def extend(w, h, field):
    """Make the stages that the interpolant alone needs."""
    n, to = size(field), 2
    for j in range(EXTRA):
        combine(w, n, to, 1.0, h, COEFFICIENTS, 0, EXTRA_ROW + j)
        call(field, block(w, to, n), block(w, NEW + 1 + j, n))


@inner
def differences(w, h, field):
    """Make what the error is made of."""
    for m in range(ERRORS):
        combine(w, size(field), SPARE + m, 0.0, 1.0, COEFFICIENTS, 0, ERROR_ROW + m)


@inner
def between(w, h, x, field):
    """Make the state at a share x of the step."""
    n, first, stages = size(field), BEGINS[DENSE_ROW], SHAPE.shape[1]
    factors = stretch(w, BLOCKS_IN_ALL * n, BEGINS[DENSE_ROW + 1] - first)
    for j in range(factors.size):
        factors[j] = 0.0
    for j in range(stages):
        for q in range(SHAPE.shape[0] - 1, -1, -1):
            factors[j] = SHAPE[q, j] + (x if q % 2 else 1.0 - x) * factors[j]
    combine(w, n, SPARE, 1.0, h * x, factors, first, DENSE_ROW)
