"""Explicit Runge-Kutta methods whose whole loop is compiled beside the gradient it calls.

The loop's source is generated from a tableau and kept on disk by `load_source`: one loop for all
problems, which is told the number of parameters and the address of the gradient, or one for a tiny
problem alone, into which both are written. All stages lie in one flat array, block after block.
"""

from __future__ import annotations

from functools import partial

from dynlens.problems.problem import Problem
from dynlens.stepping.beginning import beginning
from dynlens.stepping.fields import Field
from dynlens.stepping.layout import PLACES
from dynlens.stepping.stage_sums import tabled_sums, unrolled_sums
from dynlens.stepping.stepper import CompiledStepper
from dynlens.stepping.tableaus import TABLEAUS, Tableau, product, roots
from dynlens.support.typing import Array


class Explicit(CompiledStepper):
    """One integration by an explicit method.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    name : {"Tsit5", "DOP8"}
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try; chosen by Hairer's rule unless given.
    watchful : bool
        Return when the problem has turned stiff (see Notes).
    own : bool
        Let a tiny problem have a loop of its own, which takes seconds to compile.

    Notes
    -----
    The step is stiff if it is as long as stability allows. Two states at the end of the step are
    compared, a trial one and the new one: the ratio of the distance of their slopes to their own
    distance never exceeds the largest curvature between them, so that it can miss stiffness but
    not invent it. It must be found in fifteen steps that are not interrupted by six others, as in
    Hairer's codes.
    """

    slope = 3

    def __init__(
        self,
        problem: Problem,
        theta0: Array,
        name: str,
        t_end: float,
        *,
        t: float = 0.0,
        rtol: float,
        atol: float,
        step: float | None = None,
        watchful: bool = False,
        own: bool = False,
    ) -> None:
        tableau = TABLEAUS[name]
        self.spare, self.root = 3 + tableau.count, 1 / tableau.estimate_order
        limits = (rtol, atol, tableau.stable if watchful else 0.0)
        source = partial(explicit_source, tableau)
        blocks = 6 + tableau.count + len(tableau.extra)
        super().__init__(problem, name, source, theta0, blocks, t, t_end, limits, own=own)
        self.begin(step)


def explicit_source(tableau: Tableau, field: Field) -> str:
    """Source of the loop of one method: for all problems, or for a tiny one."""
    n, s = field.n, tableau.count
    first, spare = 3, 4 + s + len(tableau.extra)  # blocks: of the first stage, past the last one
    pair = len(tableau.errors) == 2
    norm = f"s0 / math.sqrt({n} * (s0 + 0.01 * s1))" if pair else f"math.sqrt(s0 / {n})"
    values = {
        "N": n,
        "STAGES": s,
        "FIRST": first,
        "LAST": first + s - 1,
        "NEW": first + s,
        "SPARE": spare,
        "SECOND": spare + len(tableau.errors) - 1,
        "EXTRA": len(tableau.extra),
        "ARGUMENTS": field.arguments,
        "NORM": f"0.0 if s0 == 0.0 and s1 == 0.0 else {norm}" if pair else norm,
        "ROOTS": "\n            ".join(roots("error")),
        "POWER": product(tableau.power),
        "TREND": product(tableau.damping),
        "LEAST": repr(1e-4**tableau.damping),
    }
    sums = unrolled_sums(tableau, field) if field.own else tabled_sums(tableau, field)
    text = sums + _LOOP
    for key, value in values.items():
        text = text.replace(f"<{key}>", str(value))
    start = beginning(field) if field.own else ""
    return "\n".join((field.head, PLACES, start + text))


_LOOP = """@part
def error_of(w, h, rtol, atol, <ARGUMENTS>):
    differences(w, h, <ARGUMENTS>)
    y, new = block(w, 0, <N>), block(w, 1, <N>)
    first, second = block(w, <SPARE>, <N>), block(w, <SECOND>, <N>)
    s0, s1 = 0.0, 0.0
    for i in range(<N>):
        scale = h / (atol + rtol * max(abs(y[i]), abs(new[i])))
        s0 += (scale * first[i]) ** 2
        s1 += (scale * second[i]) ** 2
    return <NORM>


@part
def curvature_of(w, <ARGUMENTS>):
    new, trial = block(w, 1, <N>), block(w, 2, <N>)
    slope_new, slope_trial = block(w, <NEW>, <N>), block(w, <LAST>, <N>)
    slopes, states = 0.0, 0.0
    for i in range(<N>):
        slopes += (slope_new[i] - slope_trial[i]) ** 2
        states += (new[i] - trial[i]) ** 2
    return math.sqrt(slopes / states) if states > 0.0 else 0.0


@inner
def interpolate(w, clock, counts, t, out, <ARGUMENTS>):
    h = clock[H_DONE]
    if <EXTRA> and not counts[EXTENDED]:
        extend(w, h, <ARGUMENTS>)
        counts[EVALUATIONS] += <EXTRA>
        counts[EXTENDED] = 1
    x = (t - clock[T_OLD]) / h
    between(w, h, x, <ARGUMENTS>)
    value = block(w, <SPARE>, <N>)
    for i in range(<N>):
        out[i] = value[i]


@seldom
def dense(w, clock, counts, t, out, <ARGUMENTS>):  # the same for Python
    interpolate(w, clock, counts, t, out, <ARGUMENTS>)


@fast(*ADVANCE, *GIVEN)
def advance(
    w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, stable, <ARGUMENTS>
):
    y, new = block(w, 0, <N>), block(w, 1, <N>)
    slope, slope_new = block(w, <FIRST>, <N>), block(w, <NEW>, <N>)
    taken = 0
    while counts[SAVED] < times.size:
        if counts[FINISHED]:  # its end is where the next step starts
            for i in range(<N>):
                y[i] = new[i]
                slope[i] = slope_new[i]
            counts[FINISHED] = 0
        t, h = clock[T], clock[H]
        least = 10.0 * abs(np.nextafter(t, np.inf) - t)
        h = max(h, least)
        while True:
            last = t + h * (1.0 + 1e-12) >= t_end
            if last:
                h = t_end - t
            loss = step(w, h, <ARGUMENTS>)
            counts[EVALUATIONS] += <STAGES>
            error = error_of(w, h, rtol, atol, <ARGUMENTS>)
            <ROOTS>
            factor = 0.9 / (<POWER>)
            if error < 1.0:
                break
            # An error that is no number is as bad as can be.
            h *= max(0.2, factor) if error < np.inf else 0.2
            counts[REFUSED] = 1
            if h < least:
                clock[H] = h
                return SMALL
        if counts[STEPS] > 0:
            factor *= clock[ERROR]
        factor = min(10.0, max(0.2, factor))
        if counts[REFUSED]:
            factor = min(1.0, factor)
        counts[REFUSED] = counts[EXTENDED] = 0
        counts[FINISHED] = 1
        counts[STEPS] += 1
        taken += 1
        clock[ERROR] = max(<TREND>, <LEAST>)  # as the next step wants it
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * factor

        if stable > 0.0:
            clock[CURVATURE] = curvature_of(w, <ARGUMENTS>)
            if h * clock[CURVATURE] > stable:
                counts[HITS] += 1
                counts[MISSES] = 0
            else:
                counts[MISSES] += 1
                if counts[MISSES] == 6:
                    counts[HITS] = 0
        if loss <= floor:
            return BELOW
        while counts[SAVED] < times.size and times[counts[SAVED]] <= t:
            k = counts[SAVED]
            if times[k] == t:
                for i in range(<N>):
                    states[k, i] = new[i]
            else:
                interpolate(w, clock, counts, times[k], states[k], <ARGUMENTS>)
            counts[SAVED] += 1
        if counts[EVALUATIONS] >= budget:
            return SPENT
        if counts[HITS] >= 15:
            counts[HITS] = counts[MISSES] = 0
            return STIFF
        if taken >= most:
            return PAUSED
    return DONE
"""
