"""Claims along systems given by formulas: closed forms, first integrals, thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.cases.systems import SystemPath
from dynlens.claims.equations import AtLeast, ClosedForm, Conserved
from dynlens.claims.limits import Limit

# Right-hand side, solution, start, end of time; K is the rate, in which errors are planted.
SOLVED = (
    ("K * x * (1 - x)", "x_0 / (x_0 + (1 - x_0) * exp(-K * t))", (0.05, 0.9), 6.0),
    ("-K * x", "x_0 * exp(-K * t)", (0.1, 5.0), 8.0),
    ("-K * x**3", "x_0 / sqrt(1 + 2 * K * x_0**2 * t)", (0.1, 3.0), 1e3),
    ("-K * sqrt(x)", "(sqrt(x_0) - K * t / 2)**2", (2.0, 5.0), 1.0),
    ("K * (1 + x**2)", "tan(atan(x_0) + K * t)", (0.0, 0.3), 0.5),
    ("K * (1 - x**2)", "tanh(atanh(x_0) + K * t)", (0.05, 0.9), 4.0),
    ("K * x**2", "x_0 / (1 - K * x_0 * t)", (0.1, 0.4), 0.8),
    ("-K * t * x", "x_0 * exp(-K * t**2 / 2)", (0.5, 2.0), 3.0),
)


def _numerics(draw: Draw) -> dict[str, Any]:
    return {"rtol": draw.one_of((1e-8, 1e-11)), "method": draw.one_of(("auto", "LSODA"))}


@kind
def solutions(draw: Draw) -> Stated:
    """Solutions of equations in one variable; false: the rate in them is off."""
    field, form, (low, high), t_end = draw.one_of(SOLVED)
    rate, start = draw.uniform(0.5, 1.5), draw.uniform(low, high)
    fields = {"x": field.replace("K", repr(rate))}
    path = SystemPath(fields, {"x": start}, t_end, **_numerics(draw))
    wrong = rate * (1 + draw.error)
    claim = ClosedForm("x", form.replace("K", f"({wrong!r})"), tolerance=draw.tolerance(1e-6))
    gap = 0.0
    if not draw.true:
        exact = ClosedForm("x", form.replace("K", f"({rate!r})"))
        right, there = (c.evaluate(c.sides()[1], path.samples()) for c in (exact, claim))
        largest = np.maximum(np.abs(right), np.abs(there))
        # Beside the largest value anywhere, as an entry of a system is judged.
        gap = float((np.abs(right - there) / np.maximum(largest, 1e-6 * largest.max())).max())
    return Stated(claim, path, 0.9 * gap)


@kind
def limits_in_time(draw: Draw) -> Stated:
    """What decays like a power of time, or like an exponential, in the limit; false: off."""
    rate, start = draw.uniform(0.5, 1.5), draw.uniform(0.5, 2.0)
    if draw.sometimes(0.5):
        power = draw.one_of((2, 3, 4))
        path = SystemPath({"x": f"-{rate!r} * x**{power}"}, {"x": start}, draw.spread(1e3, 1e6))
        of, value = f"x * t**(1/{power - 1})", ((power - 1) * rate) ** (-1 / (power - 1))
    else:
        goal = draw.uniform(0.5, 2.0)
        path = SystemPath(
            {"x": f"{rate!r} * x * ({goal!r} - x)"}, {"x": start}, draw.uniform(20, 60)
        )
        of, value = "x", goal
    claim = Limit(of, f"{float(value)!r} * {draw.factor}", tolerance=draw.tolerance(1e-4))
    return Stated(claim, path, 0.99 * abs(draw.error))


INTEGRALS = (
    ({"a": "b", "b": "-sin(a)"}, {"a": (0.3, 2.0), "b": (-0.5, 0.5)}, "b**2 / 2 - cos(a)"),
    ({"a": "-b", "b": "a"}, {"a": (0.3, 2.0), "b": (0.3, 2.0)}, "a**2 + b**2"),
    (
        {"a": "a * (1 - b)", "b": "b * (a - 1)"},
        {"a": (0.5, 2.0), "b": (0.5, 2.0)},
        "a - log(a) + b - log(b)",
    ),
    (
        {"a": "b * c", "b": "-2 * a * c", "c": "a * b"},
        {"a": (0.3, 1.0), "b": (0.3, 1.0), "c": (0.3, 1.0)},
        "a**2 + b**2 + c**2",
    ),
    ({"a": "-0.5 * a * b", "b": "0.5 * a * b - 0.2 * b"}, {"a": (0.8, 2.0), "b": (0.05, 0.2)},
     "a + b - 0.4 * log(a)"),
)  # fmt: skip


@kind
def first_integrals(draw: Draw) -> Stated:
    """First integrals of systems; false: a share of a variable is added."""
    fields, ranges, integral = draw.one_of(INTEGRALS)
    start = {name: draw.uniform(*between) for name, between in ranges.items()}
    path = SystemPath(fields, start, draw.spread(1, 30), **_numerics(draw))
    of = integral if draw.true else f"{integral} + {draw.error!r} * a"
    claim = Conserved(of, tolerance=draw.tolerance(1e-6))
    samples = path.samples()
    a, size = samples.read("a"), samples.read("squared_size")
    return Stated(claim, path, 0.95 * abs(draw.error) * float(np.max(np.abs(a - a[0]) / size)))


@kind
def thresholds(draw: Draw) -> Stated:
    """Starts on either side of a threshold, 1e-1 to 1e-12 away from it."""
    edge, away = draw.uniform(0.2, 0.8), draw.size
    above = draw.sometimes(0.5)
    start = edge * (1 + away) if above else edge * (1 - away)
    # Long enough to leave the threshold, whose rate of repulsion is edge (1 - edge).
    t_end = round((np.log(1 / away) + 12) / (edge * (1 - edge)), 1)
    path = SystemPath({"x": f"x * (x - {edge!r}) * (1 - x)"}, {"x": start}, t_end)
    goes_up = above == draw.true
    claim = AtLeast("x", repr(edge)) if goes_up else AtLeast(repr(edge), "x")
    return Stated(claim, path, away)
