"""Where to look at a run so that nothing of it is missed: as often as its own steps ask for.

A grid of times that is chosen beforehand does not see what happens between two of them. A method's
steps do: they are as short as the fastest change demands. Each run is therefore given a clock of
its own, which advances with every step and with every change of the state, and the looks are
evenly spaced on that clock.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dynlens.dynamics.settings import Settings
from dynlens.problems.problem import Problem
from dynlens.stepping.stepper import Saves
from dynlens.support.typing import Array

PAGE = 1024  # steps held at once
NUMBERS = 2**20  # of the states of a page, at most

PER_STEP = 2.0  # looks in each step, of which there are so few that
STEPS = 300  # this many looks are spent on them
MOVED = 0.2  # change of the state, in e-folds, between two looks
FLOOR = 1e-3  # of the largest entry: changes of smaller ones are changes of this size
MOST = 5000  # looks in all
COARSE = 1.0  # e-folds between two looks that are too many for a claim about what lies between


@dataclass(frozen=True)
class Looks:
    """Times to look at, and what lies between two of them at most.

    Parameters
    ----------
    t : ndarray, shape (T,)
    steps : float
        Steps of the method.
    moved : float
        Change of the state: that of the logarithm of its size, and of its entries beside it.
    """

    t: Array
    steps: float
    moved: float


def looks_of(pages: Iterable[tuple[Array, Array]], most: int = MOST) -> Looks:
    """Choose where to look at a run, from all its steps.

    Parameters
    ----------
    pages : iterable of (ndarray, ndarray)
        Times, shape (T,), and states, shape (T, P), of consecutive steps; the first is the start.
    most : int
    """
    times, motions = [], []
    before: tuple[Array, Array] | None = None
    for t, theta in pages:
        size = np.maximum(np.abs(theta).max(axis=1, initial=0.0), 1e-300)
        shape, size = np.arcsinh(theta / (FLOOR * size[:, None])), np.log(size)
        if before is not None:
            shape, size = np.vstack([before[0], shape]), np.concatenate([before[1], size])
        motion = np.abs(np.diff(shape, axis=0)).max(axis=1, initial=0.0) + np.abs(np.diff(size))
        times.append(t)
        motions.append(motion if before is not None else np.append(0.0, motion))
        before = shape[-1:], size[-1:]
    t, motion = np.concatenate(times), np.nan_to_num(np.concatenate(motions), posinf=0.0)
    each = min(PER_STEP, STEPS / max(len(t) - 1, 1))
    clock = np.cumsum(motion / MOVED + np.append(0.0, np.full(len(t) - 1, each)))
    count = int(min(most, np.ceil(clock[-1]))) + 1
    rate = clock[-1] / max(count - 1, 1)
    at = np.interp(np.linspace(0.0, clock[-1], count), clock, t)
    return Looks(np.unique(at), float(rate / each), float(rate * MOVED))


def page_of(parameters: int) -> int:
    """Return how many states to hold at once."""
    return max(16, min(PAGE, NUMBERS // parameters))


def steps_of(
    problem: Problem, start: Array, settings: Settings, t_end: float
) -> Iterator[tuple[Array, Array]]:
    """Integrate without an eye on events, and hand out every step."""
    yield np.zeros(1), start[None]
    until = time.perf_counter() + (settings.max_seconds or np.inf)
    stepper = settings.stepper(problem, start, t_end)
    size = page_of(start.size)
    while stepper.t < t_end and stepper.evaluations < settings.max_evaluations:
        # A time that is no number stands for the end of whatever step comes next.
        saves = Saves(np.full(size, np.nan), np.empty((size, start.size)))
        while stepper.t < t_end and not saves.complete:
            before, budget = saves.count, settings.max_evaluations
            failure = stepper.advance(saves, -np.inf, budget, size)
            if not failure and stepper.fresh and saves.count == before:
                saves.times[before], saves.states[before] = stepper.t, stepper.y
                saves.count += 1
            if failure or stepper.evaluations >= budget or time.perf_counter() > until:
                yield saves.times[: saves.count], saves.states[: saves.count]
                return
        yield saves.times[: saves.count], saves.states[: saves.count]
