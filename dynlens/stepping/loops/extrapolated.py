"""A stiff system of a few equations, by extrapolation of the linearly implicit Euler method.

As in SEULEX of Hairer & Wanner (1996), with the order fixed by the tolerance: row k of the scheme
takes k Euler steps, each solves with ``1 - h/k J``, and what they are off by is a power series in
the step, of which one term more is removed in each column. The equations are tapes: see
`symbolic.tape`.
"""

import math

import numpy as np
from numba import njit, types

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

CODE = types.int64[:, ::1]
VECTOR, NUMBERS, SCALAR = types.float64[::1], types.int64[::1], types.float64
MATRIX = types.float64[:, ::1]
TAPE = (CODE, VECTOR, NUMBERS)  # operations, registers, where the results are
LIMITS = (SCALAR, SCALAR, SCALAR, types.int64, types.int64)  # the end, tolerances, rows, budget
DONE, SPENT, SMALL = range(3)
inner = njit(cache=True, error_model="numpy")


@inner
def evaluate(code, r, t, y, results, out):
    """Run a tape: the time and the state are its arguments."""
    r[0] = t
    for i in range(y.size):
        r[1 + i] = y[i]
    for k in range(code.shape[0]):
        which, a = code[k, 0], r[code[k, 1]]
        if which <= 4:
            b = r[code[k, 2]]
            if which == 0:
                v = a + b
            elif which == 1:
                v = a * b
            elif which == 2:
                v = a**b
            elif which == 3:
                v = max(a, b)
            else:
                v = min(a, b)
        elif which == 24:
            v = a * a
        elif which == 25:
            v = 1.0 / a
        elif which == 5:
            v = math.exp(a) if a < 709.0 else np.inf
        elif which == 6:
            v = math.log(a) if a > 0.0 else (-np.inf if a == 0.0 else np.nan)
        elif which == 7:
            v = math.sqrt(a) if a >= 0.0 else np.nan
        elif which == 8:
            v = abs(a)
        elif which == 9:
            v = np.sign(a)
        elif which == 10:
            v = math.sin(a) if abs(a) < np.inf else np.nan
        elif which == 11:
            v = math.cos(a) if abs(a) < np.inf else np.nan
        elif which == 12:
            v = math.tan(a) if abs(a) < np.inf else np.nan
        elif which == 13:
            v = math.sinh(a) if abs(a) < 710.0 else a * np.inf
        elif which == 14:
            v = math.cosh(a) if abs(a) < 710.0 else np.inf
        elif which == 15:
            v = math.tanh(a)
        elif which == 16:
            v = math.atan(a)
        elif which == 17:
            v = math.asin(a) if abs(a) <= 1.0 else np.nan
        elif which == 18:
            v = math.acos(a) if abs(a) <= 1.0 else np.nan
        elif which == 19:
            v = math.asinh(a)
        elif which == 20:
            v = math.acosh(a) if a >= 1.0 else np.nan
        elif which == 21:
            v = math.atanh(a) if abs(a) < 1.0 else np.nan
        elif which == 22:
            v = math.erf(a)
        else:
            v = 0.5 * (1.0 + np.sign(a))
        r[code[k, 3]] = v
    for k in range(results.size):
        out[k] = r[results[k]]


@inner
def factor(lu, pivots):
    """Factor in place, with pivots; whether that can be done."""
    n = lu.shape[0]
    for j in range(n):
        p = j
        for i in range(j + 1, n):
            if abs(lu[i, j]) > abs(lu[p, j]):
                p = i
        pivots[j] = p
        if not abs(lu[p, j]) > 0.0:
            return False
        for k in range(n):
            lu[j, k], lu[p, k] = lu[p, k], lu[j, k]
        for i in range(j + 1, n):
            lu[i, j] /= lu[j, j]
            for k in range(j + 1, n):
                lu[i, k] -= lu[i, j] * lu[j, k]
    return True


@inner
def solve(lu, pivots, b):
    """Solve in place."""
    n = lu.shape[0]
    for j in range(n):
        b[j], b[pivots[j]] = b[pivots[j]], b[j]
        for i in range(j + 1, n):
            b[i] -= lu[i, j] * b[j]
    for j in range(n - 1, -1, -1):
        for k in range(j + 1, n):
            b[j] -= lu[j, k] * b[k]
        b[j] /= lu[j, j]


@inner
def row(k, t, h, y, jacobian, code, r, results, total, lu, pivots, point, change):
    """Take k Euler steps; what they add up to, and whether that is a number."""
    n, part = y.size, h / k
    for i in range(n):
        total[i] = 0.0
        for j in range(n):
            lu[i, j] = -part * jacobian[i * n + j]
        lu[i, i] += 1.0
    if not factor(lu, pivots):
        return False
    for m in range(k):
        for i in range(n):
            point[i] = y[i] + total[i]
        evaluate(code, r, t + (m + 1) * part, point, results, change)
        for i in range(n):
            change[i] *= part
        solve(lu, pivots, change)
        for i in range(n):
            total[i] += change[i]
            if not abs(total[i]) < np.inf:
                return False
    return True


@inner
def attempt(t, h, y, jacobian, code, r, results, limits, table, lu, pivots, point, change):
    """Try a step: its error in units of the tolerance, with what it adds in the table's last row.

    Increments are extrapolated, not states: their rounding is relative to them.
    """
    rtol, atol, rows = limits
    n = y.size
    for k in range(1, rows + 1):
        # Columns of this row, from the last one back: table[j] holds column j of the row before.
        fresh = table[rows + k]
        if not row(k, t, h, y, jacobian, code, r, results, fresh, lu, pivots, point, change):
            return np.inf
        for j in range(1, k):
            ratio = k / (k - j) - 1.0
            for i in range(n):
                before = table[j - 1, i]
                table[j - 1, i] = fresh[i]
                fresh[i] += (fresh[i] - before) / ratio
        for i in range(n):
            table[k - 1, i] = fresh[i]
    square = 0.0
    for i in range(n):
        new = y[i] + table[rows - 1, i]
        scale = atol + rtol * max(abs(y[i]), abs(new))
        off = table[rows - 1, i] - table[rows - 2, i]
        square += (off / scale) ** 2 if scale > 0.0 else (0.0 if off == 0.0 else np.inf)
    return math.sqrt(square / n)


@njit((*TAPE, *TAPE, VECTOR, VECTOR, *LIMITS, VECTOR, MATRIX), cache=True, error_model="numpy")
def integrate(
    code,
    r,
    results,
    slopes,
    rs,
    entries,
    clock,
    y,
    t_end,
    rtol,
    atol,
    rows,
    budget,
    times,
    states,
):
    """Integrate to the end, and save; the clock holds time, step, evaluations, states saved.

    A time that is NaN stands for the end of whatever step comes next.
    """
    n = y.size
    table, lu = np.empty((2 * rows + 1, n)), np.empty((n, n))
    pivots, point, change = np.empty(n, dtype=np.int64), np.empty(n), np.empty(n)
    jacobian = np.empty(n * n)
    work = rows * (rows + 1) // 2 + n
    while clock[3] < times.size:
        t, k = clock[0], int(clock[3])
        if t >= t_end:
            return DONE
        if clock[2] >= budget:
            return SPENT
        evaluate(slopes, rs, t, y, entries, jacobian)
        aim = t_end if np.isnan(times[k]) else min(times[k], t_end)
        h = clock[1]
        while True:
            clipped = t + h * (1.0 + 1e-12) >= aim
            step = aim - t if clipped else h
            if step < 1e-15 * max(abs(t), 1e-300):
                if not clipped:
                    return SMALL
                break  # it is there already
            where = (t, step, y, jacobian, code, r, results, (rtol, atol, rows))
            error = attempt(*where, table, lu, pivots, point, change)
            clock[2] += work
            growth = 0.9 * error ** (-1.0 / rows) if error > 0.0 else 5.0
            if error <= 1.0:
                break
            if clock[2] >= budget:
                return SPENT
            h = step * (min(0.8, max(0.1, growth)) if error < np.inf else 0.1)
        if step >= 1e-15 * max(abs(t), 1e-300):
            for i in range(n):
                y[i] += table[rows - 1, i]
            proposed = step * min(5.0, max(0.2, growth))
            # A step that was clipped says little of the length of the next.
            clock[1] = max(h, proposed) if clipped else proposed
        clock[0] = aim if clipped else t + step
        if np.isnan(times[k]):
            times[k] = clock[0]
        if times[k] <= clock[0]:
            for i in range(n):
                states[k, i] = y[i]
            clock[3] += 1.0
    return DONE
