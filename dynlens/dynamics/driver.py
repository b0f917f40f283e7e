"""What drives any method from start to end.

It saves at the times asked for, locates events on the dense output, keeps to its budgets, and
returns what it has with a status that says why it stopped. Memory does not grow with the number of
steps.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np

from dynlens.dynamics.events import Watch
from dynlens.dynamics.looks import looks_of, steps_of
from dynlens.dynamics.settings import Settings
from dynlens.dynamics.tolerances import floor_of
from dynlens.dynamics.trajectory import Crossing, Trajectory
from dynlens.observables.recorder import Kept
from dynlens.problems.problem import Problem
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.stepper import Saves
from dynlens.support.progress import Progress
from dynlens.support.typing import Array

FIRST_LOOK = 20_000  # parameters and observations seen before a loop is left for the first time
PAGE = 256  # states held at once where observables are kept
MIN_LOOP_SECONDS = 0.02  # a compiled loop left earlier spends its time on being left


def integrate(
    problem: Problem,
    start: Array,
    times: Array,
    settings: Settings,
    halted: Callable[[], bool] = lambda: False,
) -> Trajectory:
    """Run `gradient_flow` with arguments that have been checked; end early once `halted`."""
    began = time.perf_counter()
    # The status tells of a state that blows up, and so do warnings of its overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        run = Run(problem, start, times, settings)
        status, message = run.drive(began, halted)

    attrs = {
        "method": settings.name,
        "t_end": float(times[-1]),
        "rtol": settings.rtol,
        "atol": settings.atol,
        "evaluations": run.stepper.evaluations,
        "steps": run.stepper.steps,
        "seconds": time.perf_counter() - began,
        **({} if settings.saves is None else {"saves": settings.saves}),
        **run.stepper.notes,
        **({"reference": settings.note} if settings.note else {}),
    }
    t, theta, kept = run.result()
    return Trajectory(
        problem=problem,
        t=t,
        theta=theta,
        status=status,
        message=message,
        attrs=attrs,
        velocity=settings.field,
        crossings=tuple(run.crossings),
        kept=kept,
        rerun=partial(run_again, problem, start, settings, times),
    )


def integrate_quietly(
    problem: Problem, start: Array, times: Array, settings: Settings
) -> Trajectory:
    """Run `integrate` without the warnings of SciPy's solvers; not in threads."""
    with _quiet(settings):
        return integrate(problem, start, times, settings)


def integrate_in_steps(
    problem: Problem, start: Array, times: Array, settings: Settings
) -> Trajectory:
    """Run `integrate_quietly` at these times, and as often as the method's own steps ask for."""
    with _quiet(settings), np.errstate(over="ignore", invalid="ignore"):
        looks = looks_of(steps_of(problem, start, settings, float(times[-1])))
    inside = looks.t[looks.t < times[-1]]
    run = integrate_quietly(problem, start, np.union1d(times, inside), settings)
    between = {"steps_between": looks.steps, "moved_between": looks.moved}
    return replace(run, attrs={**run.attrs, **between})


@contextmanager
def _quiet(settings: Settings) -> Iterator[None]:
    """Silence SciPy's LSODA, which prints what the status already says."""
    if settings.method in INTEGRATORS:
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def run_again(
    problem: Problem,
    start: Array,
    settings: Settings,
    own_times: Array,
    *,
    twin: str | None = None,
    times: Array | None = None,
    steps: bool = False,
    watch: bool = True,
) -> Trajectory:
    """Repeat a run at other times, in steps, as one of its `TWINS`, or without events."""
    settings = settings if watch else replace(settings, events=())
    if twin is not None:
        floor = floor_of(problem, start, settings.rtol)
        tighter = twin == "tighter"
        settings = settings.tighter(floor) if tighter else settings.by_other_family()
    if twin == "tighter":
        # Half a unit in the last place, up and down in turn: what rounding alone could do.
        start = start * (1 + np.where(np.arange(start.size) % 2, 1.0, -0.5) * np.finfo(float).eps)
    integrated = integrate_in_steps if steps else integrate_quietly
    return integrated(problem, start, own_times if times is None else times, settings)


class Run:
    """One integration in progress: the only place that holds changing state."""

    def __init__(self, problem: Problem, start: Array, times: Array, settings: Settings) -> None:
        self.times, self.settings = times, settings
        self.size = start.size + problem.observations.count
        # Where observables are kept, states are held for a page of times, which is then turned.
        page = min(len(times), PAGE) if settings.observables else len(times)
        self.saves, self.turned = Saves(times[:page], np.empty((page, start.size))), 0
        self.kept, self.last = Kept(problem, settings.observables), start[:0]
        self.crossings: list[Crossing] = []
        self.extra: Crossing | None = None
        self.watch = Watch(problem, start, settings.events)
        if times[0] == 0:
            self.saves.states[0], self.saves.count = start, 1
        self.stepper = settings.stepper(problem, start, times[-1] if times[-1] > 0 else 1.0)

    @property
    def saved(self) -> int:
        """Number of save times filled so far, on all pages."""
        return self.turned + self.saves.count

    def drive(self, began: float, halted: Callable[[], bool]) -> tuple[str, str]:
        """Step to the end, or to whatever stops the run first."""
        stepper, settings, end = self.stepper, self.settings, self.times[-1]
        progress = Progress(float(end), "flow", "t", shown=settings.progress)
        # A compiled loop is left now and then, to look at the clock and to hear an interrupt: first
        # after few steps, fewer of a large problem, or at once where seconds are counted.
        chunk = 1 if settings.max_seconds is not None else 1 + FIRST_LOOK // self.size
        looked = began
        while self.saved < len(self.times):
            budget = settings.max_evaluations
            failure = stepper.advance(self.saves, self.watch.floor, budget, chunk)
            if failure:
                return "failed", (
                    f"{settings.name} stopped at t={stepper.t:.4g} of {end:.4g}: {failure} "
                    "Try method='LSODA', a smaller scale, or an earlier t_end."
                )
            stop = self._look() if stepper.fresh else None
            self._turn(stepper.t if stop is None else stop.t)
            if settings.progress:
                progress.reach(min(stepper.t if stop is None else stop.t, end))
            if stop is not None:
                if not self.saved or self.times[self.saved - 1] < stop.t:
                    self.extra = stop
                return "event", f"{stop.name} at t={stop.t:.6g}."
            if self.saved == len(self.times):
                break
            if stepper.evaluations >= budget:
                return "budget", self._short(f"max_evaluations={budget}")
            if halted():
                return "budget", self._short("the patience of its caller")
            now = time.perf_counter()
            if settings.max_seconds is not None and now - began > settings.max_seconds:
                return "budget", self._short(f"max_seconds={settings.max_seconds}")
            chunk = min(2 * chunk, 2**40) if now - looked < MIN_LOOP_SECONDS else max(1, chunk // 2)
            looked = now
        return "finished", f"{settings.name} reached t={end:.6g}."

    def _short(self, budget: str) -> str:
        return (
            f"{self.settings.name} used up {budget} at t={self.stepper.t:.4g} of "
            f"{self.times[-1]:.4g}; raise it, or try method='LSODA' if the problem is stiff."
        )

    def _look(self) -> Crossing | None:
        """Save the last step, up to the first terminal event in it, which is returned."""
        stepper, stop = self.stepper, None
        if self.settings.events:
            found, stop = self.watch.locate(stepper, stepper.dense_output())
            self.crossings += found
        self._save(stepper.t if stop is None else stop.t)
        return stop

    def _save(self, limit: float) -> None:
        """Save what the last step holds of this page, up to a time."""
        stepper, saves = self.stepper, self.saves
        n = int(np.searchsorted(saves.times, limit, side="right"))
        if n > saves.count:
            saves.states[saves.count : n] = stepper.dense_output()(saves.times[saves.count : n]).T
            if saves.times[n - 1] == stepper.t:
                saves.states[n - 1] = stepper.y  # the step's own value, not the interpolant's
            saves.count = n

    def _turn(self, limit: float) -> None:
        """Go on to the next page when this one is full and not the last."""
        while self.saves.complete and self.saved < len(self.times):
            for theta in self.saves.states:
                self.kept.add(theta)
            self.turned, self.last = self.saved, theta.copy()
            times = self.times[self.turned :][: len(self.saves.times)]
            self.saves = Saves(times, self.saves.states[: len(times)])
            self._save(limit)

    def result(self) -> tuple[Array, Array, dict[str, Array]]:
        """Times, states or the last of them, and what was kept instead."""
        t, theta = self.times[: self.saved].copy(), self.saves.states[: self.saves.count].copy()
        if self.extra is not None:
            t, theta = np.append(t, self.extra.t), np.vstack([theta, self.extra.theta])
        if not self.settings.observables:
            return t, theta, {}
        for state in theta:
            self.kept.add(state)
        last = theta[-1:] if len(theta) or not self.turned else self.last[None]
        return t, last, self.kept.values()
