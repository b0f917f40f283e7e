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
from dynlens.dynamics.plan import METHODS as DESCENTS
from dynlens.dynamics.settings import checked_method
from dynlens.dynamics.times import log_times
from dynlens.dynamics.trajectory import Trajectory, load
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.numerics import nudged, nudged_at_random
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
    saves : int, "log" or tuple of float
        How many evenly spaced times, to which logarithmic ones are added; ``"log"`` for those
        alone; a tuple lists the times.
    eta : float, optional
        If given, the trajectory is that of gradient descent with this step, not of the flow, and
        `t_end` must be a whole number of steps on its clock.
    beta : float
        Of the method "momentum".
    """

    problem: Problem
    start: Start | tuple[float, ...]
    t_end: float
    method: str = "auto"
    rtol: float = 1e-10
    atol: float | None = None
    saves: int | str | tuple[float, ...] = 101
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
        path = cls(
            trajectory.problem,
            tuple(trajectory.theta[0].tolist()),
            float(t[-1]) if ended else attrs.get("t_end", float(t[-1])),
            method=attrs["method"],
            rtol=attrs.get("rtol", cls.rtol),
            atol=attrs.get("atol", cls.atol),
            saves=_saves(t),
            eta=attrs.get("eta"),
            beta=attrs.get("beta", cls.beta),
        )
        path.__dict__["trajectory"] = trajectory  # where `cached_property` keeps it
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
        return self.eta / (1 - self.beta) if self.method == "momentum" else self.eta

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
            if self.saves != "log":
                validation.count("saves", self.saves, least=2)
            return
        times = validation.times("saves", self.saves)
        if times[-1] > self.t_end * (1 + 1e-12):
            raise ValueError(f"`saves` go to {times[-1]:g}, beyond `t_end` = {self.t_end:g}.")
        for t in times if self.eta is not None else ():
            self._check_steps(float(t), "saves")

    def samples(self) -> ModelSamples:
        """Return the trajectory's states, with its twins (the flow's own, or a nudged descent).

        A last twin has the run's own states, off by rounding: what settles where a quantity is
        exactly zero settles there in every run, yet the quantity is known to rounding only.
        """
        run = self.trajectory
        states = self._states(run)
        rounded = replace(states, theta=nudged_at_random(run.theta, 1), _cache={})
        return replace(
            states,
            twins=(*(self._states(twin) for twin in self._twins(run)), rounded),
            t_end=self._asserted_until(run),
            note="" if run.status == "finished" else f"the run ended early: {run.message}",
        )

    def _states(self, run: Trajectory) -> ModelSamples:
        listed = np.isin(run.t, self.saves) if isinstance(self.saves, tuple) else None
        velocity = self.trajectory.velocity
        return ModelSamples(self.problem, run.theta, run.t, listed=listed, velocity=velocity)

    def _asserted_until(self, run: Trajectory) -> float:
        """Last time that a claim along this path speaks of."""
        if run.status == "event":
            return float(run.t[-1])
        if isinstance(self.saves, tuple) and run.complete:
            return float(self.saves[-1])
        return self.t_end

    def _twins(self, run: Trajectory) -> tuple[Trajectory, ...]:
        if self.eta is not None:
            off = replace(self, start=tuple(nudged(self.theta0).tolist()))
            return (off.trajectory,)
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
            yield replace(self, saves=101)
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


def _saves(t: Array) -> str | tuple[float, ...]:
    """Name the logarithmic grid, list any other: a pasted line looks at the same times."""
    usual = len(t) == 201 and np.allclose(t, log_times(t[-1]))
    return "log" if usual else tuple(t.tolist())


@lru_cache(maxsize=64)
def _trajectory(path: Path) -> Trajectory:
    """Run once for all claims on the same path, or read the run that another process kept."""
    problem = path.problem
    parts = (problem.model, problem.loss, problem.observations)
    if not (ours(*parts) and isinstance(path.method, str)):
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
        if twin is None:
            return again(**changes)
        return run(f"twin {twin}", lambda: again(twin=twin))

    return replace(run("itself", made), rerun=None if path.eta else rerun)


def _times(path: Path) -> Array:
    """Times asked for, and logarithmic ones: twins that part and meet again are caught apart."""
    often = log_times(path.t_end)
    if isinstance(path.saves, tuple):
        return np.union1d(often, np.array(path.saves))
    if path.saves == "log":
        return often
    return np.union1d(often, np.linspace(0.0, path.t_end, int(path.saves)))


def _computed(path: Path) -> Trajectory:
    listed = isinstance(path.saves, tuple)
    if path.eta is None:
        return gradient_flow(
            path.problem,
            path.theta0,
            _times(path),
            method=path.method,
            rtol=path.rtol,
            atol=path.atol,
        )
    steps = max(1, round(path.t_end / path.clock))
    marks = np.round(np.array(path.saves) / path.clock).astype(int) if listed else path.saves
    return gradient_descent(
        path.problem,
        path.theta0,
        eta=path.eta,
        steps=steps,
        saves=marks,
        method="plain" if path.method == "auto" else path.method,
        beta=path.beta,
    )
