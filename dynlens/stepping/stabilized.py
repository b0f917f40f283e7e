r"""Stabilized Runge-Kutta methods, for stiff flows of many parameters.

With m stages they are stable for :math:`h \rho` in proportion to :math:`m^2`, where an ordinary
method with as many stages gains no more than in proportion to m. The curvature :math:`\rho` is
found by the power method on differences of the gradient, whose direction is kept from one estimate
to the next. What a step consists of is said in `chebyshev` (order two) and `rock` (order four).
"""

from __future__ import annotations

from functools import partial

from dynlens.problems.problem import Problem
from dynlens.stepping import chebyshev, rock
from dynlens.stepping.fields import Field
from dynlens.stepping.layout import PLACES
from dynlens.stepping.stepper import CompiledStepper
from dynlens.support.typing import Array

RKC, ROCK = "RKC2", "ROCK4"
STABILIZED = (RKC, ROCK)
BLOCKS = {RKC: 8, ROCK: 12}


class Stabilized(CompiledStepper):
    """One integration by a stabilized method.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    name : {"RKC2", "ROCK4"}
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try.
    watchful : bool
        Return when the steps have become so short that an ordinary method could take them.
    """

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
        limits = (rtol, atol, 1.0 if watchful else 0.0)
        source = partial(stabilized_source, name)
        super().__init__(problem, name, source, theta0, BLOCKS[name], t, t_end, limits)
        self.begin(step)  # the loop chooses the first step by the curvature


def stabilized_source(name: str, field: Field) -> str:
    """Source of the loop."""
    tables = rock.coefficients() if name == ROCK else {}
    names = "\n".join(f"{key} = np.array({value})" for key, value in tables.items())
    loop = _LOOP.replace("<METHOD>", rock.STAGES if name == ROCK else chebyshev.STAGES)
    loop = loop.replace("<ARGUMENTS>", field.arguments)
    places = {"NEW": (1, "FNEW"), "STAGE": ("LATEST", "G"), "SLOPE": ("PAST", "SLOPES + q")}
    for key, (at, to) in {**places, "PROBE": ("PAST", "G")}.items():
        loop = loop.replace(f"<{key}>", field.call(at, to))
    return "\n".join((field.head, PLACES, names, loop))


_LOOP = """RENEW = 25  # steps between estimates of the curvature
# Blocks of the work space; the state and the new state come first.
F, FNEW, PAST, LATEST, G, V = 2, 3, 4, 5, 6, 7


@inner
def estimate(w, clock, counts, <ARGUMENTS>):
    y, f, past = block(w, 0, n), block(w, F, n), block(w, PAST, n)
    g, v = block(w, G, n), block(w, V, n)
    size, length, before, found = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        size += y[i] ** 2
        length += v[i] ** 2
    d = 1.5e-8 * max(math.sqrt(size), 1e-3)
    length = math.sqrt(length)
    if length == 0.0:
        v[0] = length = 1.0
    for k in range(50):
        for i in range(n):
            past[i] = y[i] + v[i] * (d / length)
        <PROBE>
        counts[EVALUATIONS] += 1
        length = 0.0
        for i in range(n):
            v[i] = g[i] - f[i]
            length += v[i] ** 2
        length = math.sqrt(length)
        before, found = found, length / d
        if length == 0.0:
            v[0] = length = 1.0
        if k > 1 and abs(found - before) < 0.01 * max(found, before):
            break
    clock[CURVATURE] = 1.2 * found  # the power method comes from below
    counts[HITS] = 0


<METHOD>


@inner
def interpolate(w, clock, counts, t, out, <ARGUMENTS>):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new = block(w, FNEW, n)
    # Hermite's cubic, whose error is of the order of the error estimate at least.
    h = clock[H_DONE]
    x = (t - clock[T_OLD]) / h
    r = 1.0 - x
    for i in range(n):
        values = y[i] * r * r * (1.0 + 2.0 * x) + new[i] * x * x * (3.0 - 2.0 * x)
        out[i] = values + h * x * r * (r * f[i] - x * f_new[i])


@seldom
def dense(w, clock, counts, t, out, <ARGUMENTS>):  # the same for Python
    interpolate(w, clock, counts, t, out, <ARGUMENTS>)


@fast(*ADVANCE, *GIVEN)
def advance(
    w, clock, counts, times, states, floor, budget, most, t_end, rtol, atol, mild, <ARGUMENTS>
):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new, v = block(w, FNEW, n), block(w, V, n)
    taken = 0
    if clock[CURVATURE] == 0.0:  # at the start
        for i in range(n):
            v[i] = f[i]
        estimate(w, clock, counts, <ARGUMENTS>)
        if clock[H] == 0.0:
            # Shorter than explicit Euler's limit: the first error then chooses better.
            clock[H] = min(1e-2 / max(clock[CURVATURE], 1e-10), t_end - clock[T])
    while counts[SAVED] < times.size:
        if counts[FINISHED]:  # its end is where the next step starts
            for i in range(n):
                y[i] = new[i]
                f[i] = f_new[i]
            counts[FINISHED] = 0
            counts[HITS] += 1
            if counts[HITS] >= RENEW:
                estimate(w, clock, counts, <ARGUMENTS>)
        t, h = clock[T], clock[H]
        least = 10.0 * abs(np.nextafter(t, np.inf) - t)
        h = max(h, least)
        while True:
            if h < least:
                clock[H] = h
                return SMALL
            h = min(h, LONGEST / max(clock[CURVATURE], 1e-300))
            last = t + h * (1.0 + 1e-12) >= t_end
            if last:
                h = t_end - t
            m = method_for(h * clock[CURVATURE])
            loss = stages(w, h, m, counts, <ARGUMENTS>)
            error = error_of(w, h, m, rtol, atol, n)
            if error < 1.0:
                break
            h *= max(0.1, 0.8 * error ** -ROOT) if error < np.inf else 0.1
            if counts[REFUSED]:  # the curvature may have grown
                estimate(w, clock, counts, <ARGUMENTS>)
            counts[REFUSED] = 1
        factor = 10.0
        if error > 0.0:
            factor = 0.8 * error ** -ROOT
            if counts[STEPS] > 0:  # the trend of the error, as in the authors' code
                change = h / clock[H_DONE] * (clock[ERROR] / error) ** ROOT
                factor *= min(1.5, max(0.1, change))
        most_growth = 10.0 if h * clock[CURVATURE] < SHORTEST else GROWTH
        factor = min(most_growth, max(0.1, factor))
        if counts[REFUSED]:
            factor = min(1.0, factor)
        counts[REFUSED] = 0
        counts[FINISHED] = 1
        counts[STEPS] += 1
        taken += 1
        clock[ERROR] = max(error, 1e-10)
        clock[T_OLD], clock[H_DONE], clock[LOSS] = t, h, loss
        clock[T] = t = t_end if last else t + h
        clock[H] = h * factor

        if mild > 0.0 and not last:
            counts[MISSES] = counts[MISSES] + 1 if h * clock[CURVATURE] < mild else 0
        if loss <= floor:
            return BELOW
        while counts[SAVED] < times.size and times[counts[SAVED]] <= t:
            k = counts[SAVED]
            if times[k] == t:
                for i in range(n):
                    states[k, i] = new[i]
            else:
                interpolate(w, clock, counts, times[k], states[k], <ARGUMENTS>)
            counts[SAVED] += 1
        if counts[EVALUATIONS] >= budget:
            return SPENT
        if counts[MISSES] >= 6:
            counts[MISSES] = 0
            return MILD
        if taken >= most:
            return PAUSED
    return DONE
"""
