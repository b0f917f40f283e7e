"""Explicit Runge-Kutta methods whose whole loop is compiled beside the gradient it calls.

The loop's source is generated from a tableau, for one number of parameters, and kept on disk by
`load_source`. All stages lie in one flat array at constant offsets: then the sums of stages are
vectorized without a test for overlap, and no view is made inside a step.
"""

from __future__ import annotations

from functools import partial

from dynlens.problem import Problem
from dynlens.stepping.fields import field_source
from dynlens.stepping.stepper import PLACES, CompiledStepper
from dynlens.stepping.tableaus import TABLEAUS, Row, Tableau
from dynlens.typing import Array


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
    ) -> None:
        tableau = TABLEAUS[name]
        size = (4 + tableau.count + len(tableau.extra)) * problem.model.size
        module = problem.loop(name.lower(), partial(explicit_source, tableau))
        limits = (rtol, atol, tableau.stable if watchful else 0.0)
        super().__init__(problem, module, theta0, size, t, t_end, limits)
        self.begin(step)


def explicit_source(tableau: Tableau, problem: Problem) -> str:
    """Source of the loop of one method for one problem's kernel and size."""
    n, s = problem.model.size, tableau.count
    head, call, arguments = field_source(problem)
    k = [(3 + j) * n for j in range(s + 1 + len(tableau.extra))]

    def total(row: Row) -> str:
        return " + ".join(f"{a!r} * w[{k[j]} + i]" for j, a in sorted(row.items()))

    def state(row: Row, to: int) -> list[str]:
        return [f"    for i in range({n}):", f"        w[{to} + i] = w[i] + h * ({total(row)})"]

    step = [f"def step(w, h, {arguments}):"]
    for j in range(1, s):
        step += [*state(tableau.stages[j], 2 * n), f"    {call(2 * n, k[j])}"]
    step += [*state(tableau.weights, n), f"    return {call(n, k[s])}"]

    extend = [f"def extend(w, h, {arguments}):", "    pass"]
    for j, row in enumerate(tableau.extra, start=s + 1):
        extend += [*state(row, 2 * n), f"    {call(2 * n, k[j])}"]

    sums = [f"        e{m} = scale * ({total(row)})" for m, row in enumerate(tableau.errors)]
    sums += [f"        s{m} += e{m} * e{m}" for m in range(len(tableau.errors))]
    pair = len(tableau.errors) == 2
    norm = f"s0 / math.sqrt({n} * (s0 + 0.01 * s1))" if pair else f"math.sqrt(s0 / {n})"
    if pair:
        norm = f"0.0 if s0 == 0.0 and s1 == 0.0 else {norm}"

    stages = sorted({j for row in tableau.dense for j in row})
    between = [f"    c{j} = h * x * ({_nested(tableau.dense, j)})" for j in stages]
    value = " + ".join(f"c{j} * w[{k[j]} + i]" for j in stages)

    values = {
        "N": n,
        "STAGES": s,
        "FIRST": k[0],
        "LAST": k[s - 1],
        "NEW": k[s],
        "EXTRA": len(tableau.extra),
        "ARGUMENTS": arguments,
        "START": call(0, k[0]),
        "PROBE": call(n, k[s]),
        "SUMS": "\n".join(sums),
        "NORM": norm,
        "BETWEEN": "\n".join(between),
        "VALUE": value,
        "POWER": repr(1 / tableau.estimate_order - 0.75 * tableau.damping),
        "DAMPING": repr(tableau.damping),
        "ROOT": repr(1 / tableau.estimate_order),
    }
    loop = _LOOP
    for key, text in values.items():
        loop = loop.replace(f"<{key}>", str(text))
    parts = (PLACES, "", "@part", "\n".join(step), "", "", "@part", "\n".join(extend), "", "", loop)
    return "\n".join((head, *parts))


def _nested(dense: tuple[Row, ...], j: int) -> str:
    """The factor of stage j between the ends of a step, from the innermost bracket out."""
    text = repr(dense[-1].get(j, 0.0))
    for q in range(len(dense) - 2, -1, -1):
        text = f"{dense[q].get(j, 0.0)!r} + {'x' if q % 2 else 'r'} * ({text})"
    return text


_LOOP = """@fast
def begin(w, clock, counts, t_end, rtol, atol, stable, <ARGUMENTS>):
    clock[LOSS] = <START>
    counts[EVALUATIONS] += 1
    if clock[H] > 0.0:
        return
    d0, d1 = 0.0, 0.0
    for i in range(<N>):
        scale = 1.0 / (atol + rtol * abs(w[i]))
        d0 += (w[i] * scale) ** 2
        d1 += (w[<FIRST> + i] * scale) ** 2
    d0, d1 = math.sqrt(d0 / <N>), math.sqrt(d1 / <N>)
    h = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    h = min(h, t_end - clock[T])
    for i in range(<N>):
        w[<N> + i] = w[i] + h * w[<FIRST> + i]
    <PROBE>
    counts[EVALUATIONS] += 1
    d2 = 0.0
    for i in range(<N>):
        scale = 1.0 / (atol + rtol * abs(w[i]))
        d2 += ((w[<NEW> + i] - w[<FIRST> + i]) * scale) ** 2
        w[<N> + i] = w[i]
    d2 = math.sqrt(d2 / <N>) / h
    most = max(d1, d2)
    h1 = max(1e-6, 1e-3 * h) if most <= 1e-15 else (0.01 / most) ** <ROOT>
    clock[H] = min(100.0 * h, h1, t_end - clock[T])


@part
def error_of(w, h, rtol, atol):
    s0, s1 = 0.0, 0.0
    for i in range(<N>):
        scale = h / (atol + rtol * max(abs(w[i]), abs(w[<N> + i])))
<SUMS>
    return <NORM>


@part
def curvature_of(w):
    slopes, states = 0.0, 0.0
    for i in range(<N>):
        slopes += (w[<NEW> + i] - w[<LAST> + i]) ** 2
        states += (w[<N> + i] - w[2 * <N> + i]) ** 2
    return math.sqrt(slopes / states) if states > 0.0 else 0.0


@fast
def interpolate(w, clock, counts, t, out, <ARGUMENTS>):
    h = clock[H_DONE]
    if <EXTRA> and not counts[EXTENDED]:
        extend(w, h, <ARGUMENTS>)
        counts[EVALUATIONS] += <EXTRA>
        counts[EXTENDED] = 1
    x = (t - clock[T_OLD]) / h
    r = 1.0 - x
<BETWEEN>
    for i in range(<N>):
        out[i] = w[i] + (<VALUE>)


@fast
def advance(
    w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, stable, <ARGUMENTS>
):
    taken = 0
    while counts[SAVED] < times.size:
        if counts[FINISHED]:  # its end is where the next step starts
            for i in range(<N>):
                w[i] = w[<N> + i]
                w[<FIRST> + i] = w[<NEW> + i]
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
            error = error_of(w, h, rtol, atol)
            if error < 1.0:
                break
            # An error that is no number is as bad as can be.
            h *= max(0.2, 0.9 * error ** -<ROOT>) if error < np.inf else 0.2
            counts[REFUSED] = 1
            if h < least:
                clock[H] = h
                return SMALL
        factor = 10.0
        if error > 0.0:
            factor = 0.9 * error ** -<POWER>
            if <DAMPING> > 0.0 and counts[STEPS] > 0:
                factor *= clock[ERROR] ** <DAMPING>
        factor = min(10.0, max(0.2, factor))
        if counts[REFUSED]:
            factor = min(1.0, factor)
        counts[REFUSED] = counts[EXTENDED] = 0
        counts[FINISHED] = 1
        counts[STEPS] += 1
        taken += 1
        clock[ERROR] = max(error, 1e-4)
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * factor

        if stable > 0.0:
            clock[CURVATURE] = curvature_of(w)
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
                    states[k, i] = w[<N> + i]
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
