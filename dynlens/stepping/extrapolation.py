"""Stiff systems of a few equations by a compiled method of high order; see `loops.extrapolated`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from dynlens.kernels.cache import load_source
from dynlens.kernels.sources import linked, source_of
from dynlens.support.typing import Array

LOOP = "dynlens.stepping.loops.extrapolated"
TINY = 1e-300
SHARPEST = 3e-13  # relative tolerance; below it rounding, which extrapolation enlarges, decides


@dataclass(frozen=True, eq=False)
class Solved:
    """States at the times that were reached, and why there are no more: empty if there are all.

    Parameters
    ----------
    t : ndarray, shape (T,)
    y : ndarray, shape (T, N)
    evaluations : int
    failure : str
    """

    t: Array
    y: Array
    evaluations: int
    failure: str = ""


@cache
def _loop() -> Any:
    return load_source(linked(source_of(LOOP)), name="extrapolated")


def extrapolated(
    field: Any,
    jacobian: Any,
    start: Array,
    times: Array,
    *,
    t_end: float,
    rtol: float,
    atol: float,
    budget: int,
    begin: float = 0.0,
) -> Solved:
    """Integrate a system.

    Parameters
    ----------
    field, jacobian : Tape
        Of the time and the state; the Jacobian's entries row by row.
    start : ndarray, shape (N,)
    times : ndarray, shape (T,)
        To save at; those that are NaN stand for the ends of steps.
    t_end, rtol, atol : float
    budget : int
        Evaluations of the field, at most.
    begin : float
        Time of the start.
    """
    loop, y, times, rtol = _loop(), start.copy(), times.copy(), max(rtol, SHARPEST)
    tape = (field.operations, field.registers.copy(), field.results)
    slopes = (jacobian.operations, jacobian.registers.copy(), jacobian.results)
    rate = np.empty_like(start)
    loop.evaluate(*tape[:2], begin, y, tape[2], rate)
    with np.errstate(all="ignore"):
        fast = np.abs(rate) / (np.abs(y) + atol / rtol + TINY)
    first = 1e-2 / float(np.nanmax(fast, initial=0.0) + TINY)
    left = t_end - begin
    clock = np.array([begin, min(left, max(first, 1e-12 * left)), 0.0, 0.0])
    states, rows = np.empty((len(times), len(start))), rows_for(rtol)
    if times[0] == begin:
        states[0], clock[3] = y, 1.0
    outcome = loop.integrate(
        *tape, *slopes, clock, y, t_end, rtol, atol, rows, budget, times, states
    )
    reached, count = float(clock[0]), int(clock[3])
    failure = {
        loop.DONE: "",
        loop.SPENT: f"the budget of {budget} evaluations was used up at t={reached:.6g}",
        loop.SMALL: f"no step is short enough at t={reached:.6g}, where the solution ends or is "
        "not smooth",
    }[outcome]
    return Solved(times[:count], states[:count], int(clock[2]), failure)


def rows_for(rtol: float) -> int:
    """Return the order of the method for a tolerance."""
    return min(11, max(4, round(2.0 - 0.6 * math.log10(rtol))))
