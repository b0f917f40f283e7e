r"""Radau IIA of order 5 for stiff flows of few parameters, compiled beside the gradient.

The algorithm is that of Hairer & Wanner's RADAU5 (*Solving Ordinary Differential Equations II*,
IV.8), in the form of SciPy's solver. Two things are particular to a gradient flow, whose Jacobian
is minus a symmetric Hessian H:

* the real matrix :math:`\mu/h + H` is positive definite for every step that is not absurdly long,
  so that it and its complex companion are factored as :math:`L D L^\top` without pivoting;
* the Hessian is a central difference of the compiled gradient, symmetrized. Its error of about
  1e-10 costs nothing, because Newton's iteration corrects it.
"""

from __future__ import annotations

import numpy as np

from dynlens.problem import Problem
from dynlens.stepping.fields import Field
from dynlens.stepping.radau_algebra import algebra_module
from dynlens.stepping.stepper import HITS, PLACES, CompiledStepper
from dynlens.typing import Array

NAME = "Radau5"


class Implicit(CompiledStepper):
    """One integration by Radau IIA(5).

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
        # Vectors, then the Hessian and the factors of a real matrix; those of a complex one.
        n = problem.model.size
        super().__init__(problem, NAME, implicit_source, theta0, 21 + 2 * n, t, t_end, limits)
        pair, turn = np.zeros(n * n, dtype=complex), np.zeros(n, dtype=complex)
        self.more = (pair, turn)
        self.counts[HITS] = 2  # see `WANTED`
        self.begin(step)


def implicit_source(field: Field) -> str:
    """Source of the loop."""
    loop = _LOOP.replace("<ARGUMENTS>", field.arguments)
    places = {"PROBE": (1, "FNEW"), "AT_TRIAL": ("TRIAL", "TMP")}
    for key, (at, to) in {**places, "AT_STAGE": ("TRIAL", "K + m")}.items():
        loop = loop.replace(f"<{key}>", field.call(at, to))
    head = _HEAD.replace("<ALGEBRA>", algebra_module())
    return "\n".join((field.head, PLACES, head, field.evaluate + loop))


_HEAD = """from <ALGEBRA> import (
    between, correct, error_of, factor, guess, largest_row, polynomial, predicted, turn_of
)

# Blocks of the work space; the state and the new state come first.
F, FNEW, TRIAL, TMP, Z, K, REST, OLD, HESSIAN = 2, 3, 4, 5, 7, 13, 19, 20, 21
# More of the clock's and the counts' places: what the explicit methods need, this one does not.
WANTED = 2  # what `CURRENT` says of a Hessian that is not only old
H_FACTOR, CURRENT, KNOWN = CURVATURE, HITS, EXTENDED
"""

_LOOP = '''

@inner
def differentiate(w, counts, <ARGUMENTS>):  # the Hessian at the state
    y, trial, tmp = block(w, 0, n), block(w, TRIAL, n), block(w, TMP, n)
    hessian = w[HESSIAN * n :]
    size = 0.0
    for i in range(n):
        size = max(size, abs(y[i]))
        trial[i] = y[i]
    d = 6e-6 * max(size, 1e-3)
    for j in range(n):
        trial[j] = y[j] + d
        <AT_TRIAL>
        for i in range(n):
            hessian[j * n + i] = tmp[i]
        trial[j] = y[j] - d
        <AT_TRIAL>
        for i in range(n):
            hessian[j * n + i] = (tmp[i] - hessian[j * n + i]) / (2.0 * d)
        trial[j] = y[j]
    for i in range(n):
        for j in range(i):
            mean = 0.5 * (hessian[i * n + j] + hessian[j * n + i])
            hessian[i * n + j] = hessian[j * n + i] = mean
    counts[EVALUATIONS] += 2 * n


@inner
def iterate(w, counts, h, tolerance, pair, turn, <ARGUMENTS>):
    """Newton's iteration: how many rounds it took, negative if in vain, and its rate."""
    y, trial = block(w, 0, n), block(w, TRIAL, n)
    real = w[(HESSIAN + n) * n :]
    rate, before = -1.0, -1.0
    for r in range(6):
        for m in range(3):
            z = block(w, Z + m, n)
            for i in range(n):
                trial[i] = y[i] + z[i]
            <AT_STAGE>
        counts[EVALUATIONS] += 3
        moved = turn_of(w, real, pair, turn, h, n)
        if not moved < np.inf:
            return -1, rate
        if before > 0.0:
            rate = moved / before
            if rate >= 1.0 or rate ** (6 - r) / (1.0 - rate) * moved > tolerance:
                return -1, rate
        correct(w, turn, n)
        if moved == 0.0 or (rate >= 0.0 and rate / (1.0 - rate) * moved < tolerance):
            return r + 1, rate
        before = moved
    return -1, rate


@inner
def interpolate(w, clock, counts, t, out, pair, turn, <ARGUMENTS>):
    between(w, (t - clock[T_OLD]) / clock[H_DONE], out, n)


@fast
def dense(w, clock, counts, t, out, pair, turn, <ARGUMENTS>):  # the same for Python, seldom needed
    interpolate(w, clock, counts, t, out, pair, turn, <ARGUMENTS>)


@fast
def advance(
    w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, mild, pair, turn,
    <ARGUMENTS>
):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new, trial, old = block(w, FNEW, n), block(w, TRIAL, n), block(w, OLD, n)
    z3, rest = block(w, Z + 2, n), block(w, REST, n)
    hessian, real = w[HESSIAN * n :], w[(HESSIAN + n) * n :]
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
            counts[CURRENT], clock[H_FACTOR] = 1, 0.0
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
                good = factor(hessian, real, pair, turn, w, h, n)
                clock[H_FACTOR] = h if good else 0.0
            guess(w, h, h_old, counts[KNOWN], rtol, atol, n)
            rounds, rate = -1, -1.0
            if good:
                rounds, rate = iterate(w, counts, h, tolerance, pair, turn, <ARGUMENTS>)
            if rounds < 0:
                if counts[CURRENT] == 1:
                    h *= 0.5
                else:
                    differentiate(w, counts, <ARGUMENTS>)
                    counts[CURRENT], clock[H_FACTOR] = 1, 0.0
                continue
            for i in range(n):
                new[i] = y[i] + z3[i]
            error = error_of(w, real, h, 2, rtol, atol, n)
            safety = 0.9 * 13.0 / (12.0 + rounds)
            if counts[REFUSED] and error > 1.0:
                for i in range(n):
                    trial[i] = y[i] + rest[i]
                <AT_TRIAL>
                counts[EVALUATIONS] += 1
                error = error_of(w, real, h, 5, rtol, atol, n)
            if error <= 1.0:
                break
            finite = error < np.inf
            h *= max(0.2, safety * predicted(h, h_old, error, clock[ERROR])) if finite else 0.2
            counts[REFUSED] = 1
        growth = min(10.0, safety * predicted(h, h_old, error, clock[ERROR]))
        anew = rounds > 2 and rate > 1e-3
        if not anew and growth < 1.2:
            growth = 1.0
        loss = <PROBE>
        counts[EVALUATIONS] += 1
        polynomial(w, n)
        counts[CURRENT] = WANTED if anew else 0
        counts[REFUSED], counts[KNOWN], counts[FINISHED] = 0, 1, 1
        counts[STEPS] += 1
        taken += 1
        clock[ERROR] = max(error, 1e-10)
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * growth

        if mild > 0.0 and not last:
            size = largest_row(hessian, n)
            counts[MISSES] = counts[MISSES] + 1 if h * size < mild else 0
        if loss <= floor:
            return BELOW
        while counts[SAVED] < times.size and times[counts[SAVED]] <= t:
            k = counts[SAVED]
            if times[k] == t:
                for i in range(n):
                    states[k, i] = new[i]
            else:
                interpolate(w, clock, counts, times[k], states[k], pair, turn, <ARGUMENTS>)
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
