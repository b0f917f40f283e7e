"""Paths: where a claim is asserted along a trajectory, of the flow or of descent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np

from dynlens.cases.base import PROBLEM, Case, ModelSamples, Start, theta_of
from dynlens.cases.reproduce import concise
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.times import log_times
from dynlens.dynamics.trajectory import Trajectory, load
from dynlens.problems.problem import Problem
from dynlens.support import validation
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
        Of `gradient_flow`; for descent ``"plain"`` (also what any flow method means) or
        ``"grouprmsprop"``.
    rtol, atol : float
    saves : int, "log" or tuple of float
        How many evenly spaced times, to which logarithmic ones are added; ``"log"`` for those
        alone; a tuple lists the times.
    eta : float, optional
        If given, the trajectory is that of gradient descent with this step, not of the flow.
    """

    problem: Problem
    start: Start | tuple[float, ...]
    t_end: float
    method: str = "auto"
    rtol: float = 1e-10
    atol: float = 1e-13
    saves: int | str | tuple[float, ...] = 101
    eta: float | None = None

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        validation.positive("t_end", self.t_end, allow_zero=True)
        if self.eta is not None:
            validation.positive("eta", self.eta)
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
        path = cls(
            trajectory.problem,
            tuple(trajectory.theta[0].tolist()),
            float(t[-1]),
            method=attrs["method"],
            rtol=attrs.get("rtol", cls.rtol),
            atol=attrs.get("atol", cls.atol),
            saves=_saves(t),
            eta=attrs.get("eta"),
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

    def samples(self) -> ModelSamples:
        """Return the trajectory's states, with its twins (the flow's own, or a nudged descent)."""
        run = self.trajectory
        return ModelSamples(self.problem, run.theta, run.t, tuple(self._twins(run)))

    def _twins(self, run: Trajectory) -> Iterator[ModelSamples]:
        if self.eta is None:
            # A trajectory read from a file cannot repeat itself; its recipe can.
            listed = replace(self, saves=tuple(run.t.tolist()))
            for twin in run.twins or _trajectory(listed).twins:
                yield ModelSamples(self.problem, twin.theta, twin.t)
            return
        nudged = replace(self, start=tuple((self.theta0 * (1 + 2**-52)).tolist()))
        yield ModelSamples(self.problem, nudged.trajectory.theta, nudged.trajectory.t)

    def simpler(self) -> Iterator[Case]:
        """Shorter runs, rounder starts."""
        if isinstance(self.saves, tuple):
            yield replace(self, saves=101)
            return
        least = 1.0 if self.eta is None else 10 * self.eta
        short = float(f"{self.t_end / 4:.1g}")
        if short >= least:
            yield replace(self, t_end=short)
        for digits in (0, 1, 2):
            rounded = tuple(float(np.round(x, digits)) + 0.0 for x in self.theta0)
            if rounded != self.start and any(rounded):
                yield replace(self, start=rounded)
        half = float(f"{self.t_end / 2:.1g}")
        if least <= half and short < half < self.t_end:
            yield replace(self, t_end=half)


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
    if isinstance(path.saves, tuple):
        return np.array(path.saves)
    often = log_times(path.t_end)
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
    steps = max(1, round(path.t_end / path.eta))
    marks = np.round(np.array(path.saves) / path.eta).astype(int) if listed else path.saves
    return gradient_descent(
        path.problem,
        path.theta0,
        eta=path.eta,
        steps=steps,
        saves=marks,
        method=path.method if path.method == "grouprmsprop" else "plain",
    )
