"""Steps by Radau IIA, with Newton's iteration on a Hessian that is kept as long as it serves."""

import numpy as np

from dynlens.stepping.layout import (
    CURVATURE,
    ERROR,
    EVALUATIONS,
    EXTENDED,
    FINISHED,
    H_DONE,
    HITS,
    LIMIT,
    MILD,
    MISSES,
    REFUSED,
    T_OLD,
    H,
)
from dynlens.stepping.loops.basics import block, hook, inner, part
from dynlens.stepping.loops.evaluate import evaluate
from dynlens.stepping.loops.field import size
from dynlens.stepping.loops.radau_algebra import (
    HESSIAN,
    OLD,
    POWERS,
    STAGES,
    K,
    Q,
    R,
    Z,
    correct,
    error_of,
    factor,
    guess,
    largest_row,
    mix,
    polynomial,
    predicted,
    tridiagonalize,
)

# ---- constants above this line may be set by `source_of`; below it nothing is changed ----

TURNED = MILD  # why the loop ends if the watch says so
# Blocks of the work space; the state and the new state come first.
F, FNEW, TRIAL, TMP = 2, 3, 4, 5
# More of the clock's and the counts' places: what the explicit methods need, this one does not.
WANTED = 2  # what `CURRENT` says of a Hessian that is not only old
H_FACTOR, CURRENT, KNOWN = CURVATURE, HITS, EXTENDED
ROUNDS = 9


@inner
def differentiate(w, counts, field):
    """Make the Hessian at the state, as Q T Q^T."""
    n = size(field)
    y, trial, tmp = block(w, 0, n), block(w, TRIAL, n), block(w, TMP, n)
    length = 0.0
    for i in range(n):
        length = max(length, abs(y[i]))
        trial[i] = y[i]
    d = 6e-6 * max(length, 1e-3)
    for j in range(n):
        row = block(w, HESSIAN + j, n)
        trial[j] = y[j] + d
        evaluate(w, TRIAL, TMP, field)
        for i in range(n):
            row[i] = tmp[i]
        trial[j] = y[j] - d
        evaluate(w, TRIAL, TMP, field)
        for i in range(n):
            row[i] = (tmp[i] - row[i]) / (2.0 * d)
        trial[j] = y[j]
    for i in range(n):
        for j in range(i):
            below, above = (HESSIAN + i) * n + j, (HESSIAN + j) * n + i
            w[below] = w[above] = 0.5 * (w[below] + w[above])
    counts[EVALUATIONS] += 2 * n
    counts[CURRENT] = 1
    tridiagonalize(w, n)


@inner
def iterate(w, counts, h, tolerance, field):
    """Iterate by Newton: how many rounds it took, negative if in vain, and its rate."""
    n = size(field)
    y, trial = block(w, 0, n), block(w, TRIAL, n)
    rate, before = -1.0, -1.0
    for r in range(ROUNDS):
        for q in range(STAGES):
            z = block(w, Z + q, n)
            for i in range(n):
                trial[i] = y[i] + z[i]
            evaluate(w, TRIAL, K + q, field)
        counts[EVALUATIONS] += STAGES
        moved = correct(w, h, n)
        if not moved < np.inf:
            return -1, rate
        if before > 0.0:
            rate = moved / before
            if rate >= 1.0:
                return -1, rate
            if rate / (1.0 - rate) * moved < tolerance:
                return r + 1, rate
            if rate ** (ROUNDS - 1 - r) / (1.0 - rate) * moved > tolerance:
                return -1, rate
        elif moved == 0.0:
            return r + 1, rate
        before = moved
    return -1, rate


@hook
def begin_step(w, clock, counts, t_end, field):
    """Begin where the last step ended, with a new Hessian if one is wanted."""
    n = size(field)
    if counts[FINISHED]:
        y, new, old = block(w, 0, n), block(w, 1, n), block(w, OLD, n)
        f, f_new = block(w, F, n), block(w, FNEW, n)
        for i in range(n):
            old[i] = y[i]
            y[i] = new[i]
            f[i] = f_new[i]
        counts[FINISHED] = 0
    if counts[CURRENT] == WANTED:
        differentiate(w, counts, field)
        clock[H_FACTOR] = 0.0


@hook
def longest(clock):
    """No step is too long to be tried."""
    return np.inf


@hook
def solve_stages(w, clock, counts, h, rtol, atol, field):
    """Solve for the stages: how many rounds it took, negative if in vain, and the rate."""
    n = size(field)
    good = True
    if h != clock[H_FACTOR]:
        good = factor(w, h, n)
        clock[H_FACTOR] = h if good else 0.0
    if not good:
        return -1, -1.0
    guess(w, h, clock[H_DONE] if counts[KNOWN] else 0.0, counts[KNOWN], rtol, atol, n)
    return iterate(w, counts, h, max(10 * 2.3e-16 / rtol, min(0.03, rtol**0.5)), field)


@hook
def give_way(w, clock, counts, h, field):
    """Factor to the next length after Newton's iteration has failed."""
    if counts[CURRENT] == 1:
        clock[LIMIT] = h * 0.7
        return 0.7
    differentiate(w, counts, field)
    clock[H_FACTOR] = 0.0
    return 1.0


@hook
def size_of_error(w, counts, h, rtol, atol, field):
    """Size of the error in units of the tolerance, taken again after a step was refused."""
    n = size(field)
    error = error_of(w, h, F, rtol, atol, n)
    if counts[REFUSED] and error > 1.0:
        y, trial, rest = block(w, 0, n), block(w, TRIAL, n), block(w, R, n)
        for i in range(n):
            trial[i] = y[i] + rest[i]
        evaluate(w, TRIAL, TMP, field)
        counts[EVALUATIONS] += 1
        error = error_of(w, h, TMP, rtol, atol, n)
    return error


@hook
def attempt(w, clock, counts, h, rtol, atol, field):
    """Try a step of length h: whether it is good, the loss at its end, the next length over h."""
    n = size(field)
    rounds, rate = solve_stages(w, clock, counts, h, rtol, atol, field)
    if rounds < 0:
        return False, 0.0, give_way(w, clock, counts, h, field)
    y, new, last_stage = block(w, 0, n), block(w, 1, n), block(w, Z + STAGES - 1, n)
    for i in range(n):
        new[i] = y[i] + last_stage[i]
    error = size_of_error(w, counts, h, rtol, atol, field)
    safety = 0.9 * (2 * ROUNDS + 1) / (2 * ROUNDS + rounds)
    h_old = clock[H_DONE] if counts[KNOWN] else 0.0
    if not error <= 1.0:
        counts[REFUSED] = 1
        finite = error < np.inf
        growth = max(0.2, safety * predicted(h, h_old, error, clock[ERROR])) if finite else 0.2
        return False, 0.0, growth
    growth = min(10.0, safety * predicted(h, h_old, error, clock[ERROR]))
    loss = evaluate(w, 1, FNEW, field)
    counts[EVALUATIONS] += 1
    mix(w, POWERS, Z, Q, n)
    counts[CURRENT] = WANTED if rounds > 2 and rate > 1e-3 else 0
    counts[REFUSED], counts[KNOWN] = 0, 1
    clock[ERROR] = max(error, 1e-10)
    return True, loss, growth


@hook
def finish_step(w, clock, counts, h, last, mild, field):
    """Limit the next step, and count steps that an explicit method could take."""
    if clock[LIMIT] > 0.0:  # where Newton's iteration failed: go there again, but slowly
        clock[LIMIT] *= 1.1
        clock[H] = min(clock[H], clock[LIMIT])
    if mild > 0.0 and not last:
        counts[MISSES] = counts[MISSES] + 1 if h * largest_row(w, size(field)) < mild else 0


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
    y = block(w, 0, n)
    for i in range(n):
        out[i] = y[i]
    polynomial(w, (t - clock[T_OLD]) / clock[H_DONE], out, n)
