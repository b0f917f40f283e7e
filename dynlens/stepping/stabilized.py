r"""A Runge-Kutta-Chebyshev method of order two, for stiff flows of many parameters.

RKC of Sommeijer, Shampine & Verwer (1998), *RKC: an explicit solver for parabolic PDEs*: with m
stages it is stable for :math:`h \rho \le 0.65 m^2`, where an ordinary method with as many stages
gains no more than in proportion to m. The curvature :math:`\rho` is found by the power method on
differences of the gradient, whose direction is kept from one estimate to the next.
"""

from __future__ import annotations

from dynlens.problem import Problem
from dynlens.stepping.fields import Field
from dynlens.stepping.stepper import PLACES, CompiledStepper
from dynlens.typing import Array

NAME = "RKC2"


class Stabilized(CompiledStepper):
    """One integration by RKC of order two.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
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
        t_end: float,
        *,
        t: float = 0.0,
        rtol: float,
        atol: float,
        step: float | None = None,
        watchful: bool = False,
    ) -> None:
        limits = (rtol, atol, 1.0 if watchful else 0.0)
        super().__init__(problem, NAME, stabilized_source, theta0, 8, t, t_end, limits)
        self.begin(step)

    def first_step(self) -> float:
        """None yet: the loop chooses it by the curvature."""
        return 0.0


def stabilized_source(field: Field) -> str:
    """Source of the loop."""
    loop = _LOOP.replace("<ARGUMENTS>", field.arguments)
    places = {"NEW": (1, "FNEW"), "STAGE": ("LATEST", "G")}
    for key, (at, to) in {**places, "PROBE": ("PAST", "G")}.items():
        loop = loop.replace(f"<{key}>", field.call(at, to))
    return "\n".join((field.head, PLACES, field.evaluate + loop))


_LOOP = """MOST_STAGES = 200
RENEW = 25  # steps between estimates of the curvature
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


@fast
def stages(w, h, m, counts, <ARGUMENTS>):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    past, latest, g = block(w, PAST, n), block(w, LATEST, n), block(w, G, n)
    w0 = 1.0 + 2.0 / (13.0 * m * m)
    s = w0 * w0 - 1.0
    arg = m * math.log(w0 + math.sqrt(s))
    w1 = math.sinh(arg) * s / (math.cosh(arg) * m * math.sqrt(s) - w0 * math.sinh(arg))
    b1 = b2 = 1.0 / (2.0 * w0) ** 2
    for i in range(n):
        past[i] = y[i]
        latest[i] = y[i] + h * w1 * b1 * f[i]
    z1, z2, d1, d2, e1, e2 = w0, 1.0, 1.0, 0.0, 0.0, 0.0
    for j in range(2, m + 1):
        # Chebyshev's polynomial and its two derivatives at w0, by their recurrences.
        z = 2.0 * w0 * z1 - z2
        d = 2.0 * w0 * d1 - d2 + 2.0 * z1
        e = 2.0 * w0 * e1 - e2 + 4.0 * d1
        b = e / (d * d)
        mu, nu, gamma = 2.0 * w0 * b / b1, -b / b2, 2.0 * w1 * b / b1
        left = 1.0 - mu - nu
        start = 1.0 - z1 * b1
        <STAGE>
        for i in range(n):
            c = mu * latest[i] + nu * past[i] + left * y[i]
            c += h * gamma * (g[i] - start * f[i])
            past[i] = latest[i]
            latest[i] = c
        b2, b1, z2, z1, d2, d1, e2, e1 = b1, b, z1, z, d1, d, e1, e
    counts[EVALUATIONS] += m
    for i in range(n):
        new[i] = latest[i]
    return <NEW>


@part
def error_of(w, h, rtol, atol, n):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new = block(w, FNEW, n)
    total = 0.0
    for i in range(n):
        scale = atol + rtol * max(abs(y[i]), abs(new[i]))
        rest = 0.8 * (y[i] - new[i]) + 0.4 * h * (f[i] + f_new[i])
        total += (rest / scale) ** 2
    return math.sqrt(total / n)


@inner
def interpolate(w, clock, counts, t, out, <ARGUMENTS>):
    y, new, f = block(w, 0, n), block(w, 1, n), block(w, F, n)
    f_new = block(w, FNEW, n)
    # Hermite's cubic: the values are of order two, so that it loses nothing.
    h = clock[H_DONE]
    x = (t - clock[T_OLD]) / h
    r = 1.0 - x
    for i in range(n):
        values = y[i] * r * r * (1.0 + 2.0 * x) + new[i] * x * x * (3.0 - 2.0 * x)
        out[i] = values + h * x * r * (r * f[i] - x * f_new[i])


@fast
def dense(w, clock, counts, t, out, <ARGUMENTS>):  # the same for Python, seldom needed
    interpolate(w, clock, counts, t, out, <ARGUMENTS>)


@fast
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
            longest = 0.65 * MOST_STAGES**2 / max(clock[CURVATURE], 1e-300)
            h = min(h, longest)
            last = t + h * (1.0 + 1e-12) >= t_end
            if last:
                h = t_end - t
            m = max(2, 1 + int(math.sqrt(1.54 * h * clock[CURVATURE] + 1.0)))
            loss = stages(w, h, m, counts, <ARGUMENTS>)
            error = error_of(w, h, rtol, atol, n)
            if error < 1.0:
                break
            h *= max(0.1, 0.8 * error ** (-1 / 3)) if error < np.inf else 0.1
            if counts[REFUSED]:  # the curvature may have grown
                estimate(w, clock, counts, <ARGUMENTS>)
            counts[REFUSED] = 1
        factor = 10.0
        if error > 0.0:
            factor = 0.8 * error ** (-1 / 3)
            if counts[STEPS] > 0:  # the trend of the error, as in the authors' code
                change = h / clock[H_DONE] * (clock[ERROR] / error) ** (1 / 3)
                factor *= min(1.5, max(0.1, change))
        factor = min(10.0, max(0.1, factor))
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
