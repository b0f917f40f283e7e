"""Paths: where a claim is asserted along a trajectory, of the flow or of descent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from dynlens.cases.base import PROBLEM, Case, ModelSamples, Start, theta_of
from dynlens.cases.reproduce import concise
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.looks import COARSE
from dynlens.dynamics.plan import METHODS as DESCENTS
from dynlens.dynamics.plan import clock
from dynlens.dynamics.settings import checked_method
from dynlens.dynamics.times import STEPS, log_times
from dynlens.dynamics.trajectory import Trajectory, load
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.numerics import nudged_at_random
from dynlens.support.run_cache import kept, ours
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Path(Case):
    """A trajectory to assert claims along.

    Parameters
    ----------
    problem : Problem
    start : Start or tuple of float
        A recipe, or ``theta0`` itself.
    t_end : float
    method : str
        Of `gradient_flow`, or with `eta` of `gradient_descent`; ``"auto"`` is then ``"plain"``.
    rtol, atol : float
        As of `gradient_flow`.
    saves : "steps", int, "log" or tuple of float
        Where to look. Claims speak of the whole path, and are looked at wherever the states change,
        as often as the method's own steps ask for (see `gradient_flow`), at logarithmic times, and
        at a hundred evenly spaced ones, or as many as this says. A tuple lists times at which alone
        anything is asserted; so does a number, of descent: that many, evenly spaced.
    eta : float, optional
        If given, the trajectory is that of gradient descent with this step, not of the flow, and
        `t_end` must be a whole number of steps on its clock.
    beta : float
        Of the methods "momentum" and "adam".
    """

    problem: Problem
    start: Start | tuple[float, ...]
    t_end: float
    method: str = "auto"
    rtol: float = 1e-10
    atol: float | None = None
    saves: int | str | tuple[float, ...] = STEPS
    eta: float | None = None
    beta: float = 0.9

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        validation.positive("t_end", self.t_end, allow_zero=True)
        if self.eta is None:
            checked_method(self.method, compiled=True)
        else:
            validation.positive("eta", self.eta)
            validation.one_of("method", self.method, ("auto", *DESCENTS))
            if not 0 <= validation.finite("beta", self.beta) < 1:
                raise ValueError(f"`beta` must be in [0, 1), got {self.beta!r}.")
            self._check_steps(self.t_end, "t_end")
        self._check_saves()
        if not isinstance(self.start, (Start, tuple)):
            start = validation.real_array("start", self.start, ndim=1)
            object.__setattr__(self, "start", tuple(start.tolist()))

    @classmethod
    def of(cls, trajectory: Trajectory) -> Path:
        """Return the path of a trajectory that was computed already; it is not computed again.

        Raises
        ------
        ValueError
            If the trajectory does not begin at its start, t = 0.
        """
        t, attrs = trajectory.t, trajectory.attrs
        if not len(t) or t[0] != 0:
            raise ValueError("`trajectory` must begin at t = 0; save its start.")
        ended = trajectory.status == "event"
        listed = trajectory.rerun is None or "saves" not in attrs
        path = cls(
            trajectory.problem,
            tuple(trajectory.theta[0].tolist()),
            float(t[-1]) if ended else attrs.get("t_end", float(t[-1])),
            method=attrs["method"],
            rtol=attrs.get("rtol", cls.rtol),
            atol=attrs.get("atol", cls.atol),
            saves=tuple(t.tolist()) if listed else STEPS if "eta" in attrs else attrs["saves"],
            eta=attrs.get("eta"),
            beta=attrs.get("beta", cls.beta),
        )
        # Where `cached_property` keeps it.
        path.__dict__["trajectory"] = trajectory if listed else path._looked_into(trajectory)
        return path

    @property
    def theta0(self) -> Array:
        """The start, shape (P,)."""
        return theta_of(self.start, self.problem)

    @cached_property
    def trajectory(self) -> Trajectory:
        """The run itself."""
        return _trajectory(self)

    @property
    def clock(self) -> float:
        """Time between two steps of descent."""
        assert self.eta is not None
        return clock(self.method, self.eta, self.beta)

    def looking_at(self, t: float | str) -> Path:
        """Return the path that ends at a time, unless this one looks there."""
        looked: Any = self.saves if isinstance(self.saves, tuple) else (self.t_end,)
        if "trajectory" in self.__dict__:
            looked = self.trajectory.t
        if isinstance(t, str) or np.any(np.isclose(looked, t, rtol=1e-9, atol=0.0)):
            return self
        if t > self.t_end:
            raise ValueError(f"`at` = {t:g} is beyond `t_end` = {self.t_end:g}.")
        saves: Any = self.saves
        if isinstance(saves, tuple):
            saves = (*(s for s in saves if s < t), t)
        return replace(self, t_end=t, saves=saves)

    def _check_steps(self, t: float, argument: str) -> None:
        """Refuse a time that descent does not come to."""
        steps = t / self.clock
        if abs(steps - round(steps)) > 1e-6:
            near = [k * self.clock for k in (math.floor(steps), math.ceil(steps))]
            raise ValueError(
                f"`{argument}` = {t:g} is not a whole number of steps of {self.clock:g}; pass "
                f"{near[0]:g} or {near[1]:g}."
            )

    def _check_saves(self) -> None:
        if not isinstance(self.saves, tuple):
            if self.saves not in ("log", STEPS):
                validation.count("saves", self.saves, least=2)
            return
        times = validation.times("saves", self.saves)
        if times[-1] > self.t_end * (1 + 1e-12):
            raise ValueError(f"`saves` go to {times[-1]:g}, beyond `t_end` = {self.t_end:g}.")
        for t in times if self.eta is not None else ():
            self._check_steps(float(t), "saves")

    def samples(self) -> ModelSamples:
        """Return the trajectory's states, with its twins.

        A last twin has the run's own states, off by rounding: what settles where a quantity is
        exactly zero settles there in every run, yet the quantity is known to rounding only.
        """
        run = self.trajectory
        states = self._states(run)
        rounded = replace(states, theta=nudged_at_random(run.theta, 1), _cache={})
        ended = "" if run.status == "finished" else f"the run ended early: {run.message}"
        return replace(
            states,
            twins=(*(self._states(twin) for twin in self._twins(run)), rounded),
            t_end=self._asserted_until(run),
            note=ended,
            unseen=_unseen(run),
        )

    @cached_property
    def _listed(self) -> Array | None:
        """Times at which alone anything is asserted."""
        if isinstance(self.saves, tuple):
            times = np.array(self.saves)
        elif self.eta is None or isinstance(self.saves, str):
            return None
        else:
            times = np.linspace(0.0, self.t_end, self.saves)
        return times if self.eta is None else np.unique(np.round(times / self.clock)) * self.clock

    def _states(self, run: Trajectory) -> ModelSamples:
        listed = None if self._listed is None else np.isin(run.t, self._listed)
        velocity = self.trajectory.velocity
        return ModelSamples(self.problem, run.theta, run.t, listed=listed, velocity=velocity)

    def _asserted_until(self, run: Trajectory) -> float:
        """Last time that a claim along this path speaks of."""
        if run.status == "event":
            return float(run.t[-1])
        if isinstance(self.saves, tuple) and run.complete:
            return float(self.saves[-1])
        return self.t_end

    def _looked_into(self, run: Trajectory) -> Trajectory:
        """Return the same run, seen as often as it changes, as far as it went."""
        assert run.rerun is not None
        times = np.union1d(_times(self, float(run.t[-1])), run.t[-1:])
        there = run.rerun(times=times[times <= run.t[-1]], steps=True, watch=False)
        return replace(
            there,
            status=run.status,
            message=run.message,
            attrs={**there.attrs, **run.attrs},
            crossings=run.crossings,
        )

    def _twins(self, run: Trajectory) -> tuple[Trajectory, ...]:
        if run.twins:
            return run.twins
        # A trajectory read from a file cannot repeat itself; its recipe can.
        again = _trajectory(replace(self, saves=tuple(run.t.tolist()))).twins
        return tuple(
            replace(twin, t=twin.t[same], theta=twin.theta[same])
            for twin in again
            for same in (np.isin(twin.t, run.t),)
        )

    def simpler(self) -> Iterator[Case]:
        """Shorter runs, rounder starts."""
        if isinstance(self.saves, tuple):
            yield replace(self, saves=STEPS)
            return
        least = 1.0 if self.eta is None else 10 * self.eta
        short = self._whole(float(f"{self.t_end / 4:.1g}"))
        if short >= least:
            yield replace(self, t_end=short)
        for digits in (0, 1, 2):
            rounded = tuple(float(np.round(x, digits)) + 0.0 for x in self.theta0)
            if rounded != self.start and any(rounded):
                yield replace(self, start=rounded)
        half = self._whole(float(f"{self.t_end / 2:.1g}"))
        if least <= half and short < half < self.t_end:
            yield replace(self, t_end=half)

    def _whole(self, t: float) -> float:
        """Return the time, or the nearest one that descent comes to."""
        return t if self.eta is None else round(t / self.clock) * self.clock


@lru_cache(maxsize=64)
def _trajectory(path: Path) -> Trajectory:
    """Run once for all claims on the same path, or read the run that another process kept."""
    problem = path.problem
    if not (ours(*problem.parts) and isinstance(path.method, str)):
        return _computed(path)
    text, made = concise(path), cache(lambda: _computed(path))

    def run(which: str, compute: Callable[[], Trajectory]) -> Trajectory:
        found = kept(f"{text} {which}", compute, Trajectory.save, load)
        return replace(found, problem=path.problem, rerun=None)

    def again(**changes: Any) -> Trajectory:
        repeat = made().rerun
        assert repeat is not None
        return repeat(**changes)

    def rerun(twin: str | None = None, **changes: Any) -> Trajectory:
        if twin is None or changes:
            return again(twin=twin, **changes)
        return run(f"twin {twin}", lambda: again(twin=twin))

    return replace(run("itself", made), rerun=rerun)


def _unseen(run: Trajectory) -> str:
    """In what a run was not looked at, in words; empty if nothing of it was missed."""
    moved = run.attrs.get("moved_between", 0.0)
    if moved <= COARSE:
        return ""
    steps = run.attrs["steps_between"]
    return (
        f"the state was looked at after every {steps:.3g} steps, in which it changes by {moved:.2g}"
        " e-folds; shorten the run"
    )


def _times(path: Path, t_end: float) -> Array:
    """Times asked for, and logarithmic ones: twins that part and meet again are caught apart."""
    often = log_times(t_end) if t_end > 0 else np.zeros(1)
    if path._listed is not None:
        return np.union1d(often, path._listed)
    if path.saves == "log":
        return often
    count = path.saves if isinstance(path.saves, int) else 101
    return np.union1d(often, np.linspace(0.0, t_end, count))


def _computed(path: Path) -> Trajectory:
    if path.eta is None:
        return gradient_flow(
            path.problem,
            path.theta0,
            _times(path, path.t_end),
            method=path.method,
            rtol=path.rtol,
            atol=path.atol,
            saves=STEPS,
        )
    run = gradient_descent(
        path.problem,
        path.theta0,
        eta=path.eta,
        steps=max(1, round(path.t_end / path.clock)),
        saves=2,
        method="plain" if path.method == "auto" else path.method,
        beta=path.beta,
    )
    return path._looked_into(run)
