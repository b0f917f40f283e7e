r"""Radau IIA of order 9 for stiff flows of few parameters, in one compiled loop for all problems.

The algorithm is that of Hairer & Wanner (1999), *Stiff differential equations solved by Radau
methods*, with five stages throughout. The long tail of a gradient flow is smooth, so that at equal
error it takes a third of the steps that order five takes. What differs from theirs:

* A gradient flow's Jacobian is minus a symmetric Hessian, which is reduced to tridiagonal form
  once: see `radau`. A change of the step then costs next to nothing.
* The Hessian is a central difference of the compiled gradient, symmetrized. Its error of about
  1e-10 costs nothing, because Newton's iteration corrects it.
* What limits the steps late in a tail is Newton's iteration, whose matrix is that of the start
  while the stiff directions turn. A step at which it failed is remembered, and approached by a
  tenth at a time; otherwise every step would be tried too long first, and half of the work lost.
"""

from __future__ import annotations

from dynlens.problems.problem import Problem
from dynlens.stepping.fields import Field
from dynlens.stepping.layout import HITS, PLACES
from dynlens.stepping.radau import ALGEBRA, STAGES, coefficients
from dynlens.stepping.stepper import CompiledStepper
from dynlens.support.typing import Array

NAME = "Radau9"


class Implicit(CompiledStepper):
    """One integration by Radau IIA with five stages.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try; chosen by Hairer's rule unless given.
    watchful : bool
        Return when the steps have become so short that an explicit method could take them.
    """

    root = 1 / 4

    def __init__(
        self,
        problem: Problem,
        theta0: Array,
        t_end: float,
        *,
        t: float = 0.0,
        rtol: float,
        atol: float,
        step: float | None = None,
        watchful: bool = False,
    ) -> None:
        limits = (rtol, atol, 1.0 if watchful else 0.0)
        # Vectors, then the Hessian and the basis in which it is tridiagonal.
        n = problem.model.parameters
        super().__init__(problem, NAME, implicit_source, theta0, 41 + 2 * n, t, t_end, limits)
        self.counts[HITS] = 2  # see `WANTED`
        self.begin(step)


def implicit_source(field: Field) -> str:
    """Source of the loop."""
    loop = _LOOP.replace("<ARGUMENTS>", field.arguments).replace("<CALL>", field.call("at", "to"))
    tables = [f"{name} = np.array({value})" for name, value in coefficients().items()]
    names = f"STAGES = {STAGES}\n" + "\n".join(tables)
    return "\n".join((field.head, PLACES, names, ALGEBRA, _HEAD, loop))


_HEAD = """
# Blocks of the work space; the state and the new state come first.
F, FNEW, TRIAL, TMP = 2, 3, 4, 5
# More of the clock's and the counts' places: what the explicit methods need, this one does not.
WANTED = 2  # what `CURRENT` says of a Hessian that is not only old
H_FACTOR, CURRENT, KNOWN = CURVATURE, HITS, EXTENDED
ROUNDS = 9
"""

_LOOP = '''

@njit((VECTOR, *[PLACE] * 4, types.int64[::1]), **hidden)
def slope(w, at, to, <ARGUMENTS>):
    return <CALL>


@inner
def differentiate(w, counts, <ARGUMENTS>):  # the Hessian at the state, as Q T Q^T
    y, trial, tmp = block(w, 0, n), block(w, TRIAL, n), block(w, TMP, n)
    size = 0.0
    for i in range(n):
        size = max(size, abs(y[i]))
        trial[i] = y[i]
    d = 6e-6 * max(size, 1e-3)
    for j in range(n):
        row = block(w, HESSIAN + j, n)
        trial[j] = y[j] + d
        slope(w, TRIAL, TMP, <ARGUMENTS>)
        for i in range(n):
            row[i] = tmp[i]
        trial[j] = y[j] - d
        slope(w, TRIAL, TMP, <ARGUMENTS>)
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
def iterate(w, counts, h, tolerance, <ARGUMENTS>):
    """Newton's iteration: how many rounds it took, negative if in vain, and its rate."""
    y, trial = block(w, 0, n), block(w, TRIAL, n)
    rate, before = -1.0, -1.0
    for r in range(ROUNDS):
        for q in range(STAGES):
            z = block(w, Z + q, n)
            for i in range(n):
                trial[i] = y[i] + z[i]
            slope(w, TRIAL, K + q, <ARGUMENTS>)
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


@fast(vector, vector, numbers, scalar, vector, *GIVEN)
def dense(w, clock, counts, t, out, <ARGUMENTS>):
    y = block(w, 0, n)
    for i in range(n):
        out[i] = y[i]
    polynomial(w, (t - clock[T_OLD]) / clock[H_DONE], out, n)


@fast(*ADVANCE, *GIVEN)
def advance(
    w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, mild, <ARGUMENTS>
):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new, trial, old = block(w, FNEW, n), block(w, TRIAL, n), block(w, OLD, n)
    last_stage, rest = block(w, Z + STAGES - 1, n), block(w, R, n)
    taken = 0
    tolerance = max(10 * 2.3e-16 / rtol, min(0.03, rtol**0.5))
    while counts[SAVED] < times.size:
        if counts[FINISHED]:  # its end is where the next step starts
            for i in range(n):
                old[i] = y[i]
                y[i] = new[i]
                f[i] = f_new[i]
            counts[FINISHED] = 0
        if counts[CURRENT] == WANTED:
            differentiate(w, counts, <ARGUMENTS>)
            clock[H_FACTOR] = 0.0
        t, h, h_old = clock[T], clock[H], clock[H_DONE] if counts[KNOWN] else 0.0
        least = 10.0 * abs(np.nextafter(t, np.inf) - t)
        h = max(h, least)
        while True:
            if h < least:
                clock[H] = h
                return SMALL
            last = t + h * (1.0 + 1e-12) >= t_end
            if last:
                h = t_end - t
            good = True
            if h != clock[H_FACTOR]:
                good = factor(w, h, n)
                clock[H_FACTOR] = h if good else 0.0
            rounds, rate = -1, -1.0
            if good:
                guess(w, h, h_old, counts[KNOWN], rtol, atol, n)
                rounds, rate = iterate(w, counts, h, tolerance, <ARGUMENTS>)
            if rounds < 0:
                if counts[CURRENT] == 1:
                    h *= 0.7
                    clock[LIMIT] = h
                else:
                    differentiate(w, counts, <ARGUMENTS>)
                    clock[H_FACTOR] = 0.0
                continue
            for i in range(n):
                new[i] = y[i] + last_stage[i]
            error = error_of(w, h, F, rtol, atol, n)
            safety = 0.9 * (2 * ROUNDS + 1) / (2 * ROUNDS + rounds)
            if counts[REFUSED] and error > 1.0:
                for i in range(n):
                    trial[i] = y[i] + rest[i]
                slope(w, TRIAL, TMP, <ARGUMENTS>)
                counts[EVALUATIONS] += 1
                error = error_of(w, h, TMP, rtol, atol, n)
            if error <= 1.0:
                break
            finite = error < np.inf
            h *= max(0.2, safety * predicted(h, h_old, error, clock[ERROR])) if finite else 0.2
            counts[REFUSED] = 1
        growth = min(10.0, safety * predicted(h, h_old, error, clock[ERROR]))
        loss = slope(w, 1, FNEW, <ARGUMENTS>)
        counts[EVALUATIONS] += 1
        mix(w, POWERS, Z, Q, n)
        counts[CURRENT] = WANTED if rounds > 2 and rate > 1e-3 else 0
        counts[REFUSED], counts[KNOWN], counts[FINISHED] = 0, 1, 1
        counts[STEPS] += 1
        taken += 1
        clock[ERROR] = max(error, 1e-10)
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * growth
        if clock[LIMIT] > 0.0:  # where Newton's iteration failed: go there again, but slowly
            clock[LIMIT] *= 1.1
            clock[H] = min(clock[H], clock[LIMIT])

        if mild > 0.0 and not last:
            counts[MISSES] = counts[MISSES] + 1 if h * largest_row(w, n) < mild else 0
        if loss <= floor:
            return BELOW
        while counts[SAVED] < times.size and times[counts[SAVED]] <= t:
            k = counts[SAVED]
            if times[k] == t:
                for i in range(n):
                    states[k, i] = new[i]
            else:
                dense(w, clock, counts, times[k], states[k], <ARGUMENTS>)
            counts[SAVED] += 1
        if counts[EVALUATIONS] >= budget:
            return SPENT
        if counts[MISSES] >= 6:
            counts[MISSES] = 0
            return MILD
        if taken >= most:
            return PAUSED
    return DONE
'''
