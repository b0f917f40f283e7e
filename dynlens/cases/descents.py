"""Gradient descent at several step sizes, and the flow beside it: where orders are measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from dynlens.cases.base import PROBLEM, Case, ModelSamples, Start, theta_of
from dynlens.cases.reproduce import concise
from dynlens.comparison.first_order import first_order_error
from dynlens.dynamics.descent import check_place, gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.run_cache import kept_arrays, ours
from dynlens.support.typing import Array


@dataclass(frozen=True, eq=False)
class DescentSamples(ModelSamples):
    """States of the flow at common times, with those of descent at every step size beside them.

    Parameters
    ----------
    etas : tuple of float
    descents : ndarray, shape (K, T, P)
        NaN where a run diverged.
    numerics : (method, rtol, atol)
    """

    etas: tuple[float, ...] = ()
    descents: Array = field(default_factory=lambda: np.empty((0, 0, 0)))
    numerics: tuple[str, float, float] = ("DOP853", 1e-12, 1e-14)

    def first_order(self, linear: float, forcing: float) -> Array:
        """Leading error e(t) at the common times, shape (T, P)."""
        assert self.t is not None
        start, times = tuple(self.theta[0].tolist()), tuple(self.t.tolist())
        return _first_order(self.problem, start, times, linear, forcing, *self.numerics)


@dataclass(frozen=True)
class DescentCase(Case):
    """Gradient descent at several step sizes, and the flow, at common times.

    Parameters
    ----------
    problem : Problem
    start : Start or tuple of float
        A recipe, or ``theta0`` itself.
    t_end : float
    etas : tuple of float
        At least three step sizes, the largest first, each a whole fraction of it.
    points : int
        How many common times, evenly spaced among the steps of the largest.
    rtol, atol : float
        Of the flow, integrated by DOP853.
    backend, device : str
        Of `gradient_descent`.
    """

    problem: Problem
    start: Start | tuple[float, ...]
    t_end: float
    etas: tuple[float, ...]
    points: int = 12
    rtol: float = 1e-12
    atol: float = 1e-14
    backend: str = "numba"
    device: str = "cpu"

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        check_place(self.backend, self.device, "float64")
        listed = validation.sequence("etas", self.etas, "for example (0.04, 0.02, 0.01).")
        etas = tuple(validation.positive("etas", eta) for eta in listed)
        ratios = [etas[0] / eta for eta in etas] if etas else []
        whole = all(abs(r - round(r)) < 1e-9 * r for r in ratios)
        if len(etas) < 3 or not whole or np.any(np.diff(ratios) <= 0):
            raise ValueError(
                f"`etas` must be three or more step sizes, the largest first and each a whole "
                f"fraction of it, got {self.etas}; for example (0.04, 0.02, 0.01)."
            )
        object.__setattr__(self, "etas", etas)
        validation.count("points", self.points)
        if validation.positive("t_end", self.t_end) < etas[0]:
            raise ValueError(f"`t_end` = {self.t_end:g} is before the first step, {etas[0]:g}.")

    @property
    def theta0(self) -> Array:
        """The start, shape (P,)."""
        return theta_of(self.start, self.problem)

    def samples(self) -> DescentSamples:
        """Run everything; the twins repeat it with other numerics and a start off by rounding."""
        return _ladder(self)

    def simpler(self) -> Iterator[Case]:
        """Shorter runs, rounder starts."""
        short = float(f"{self.t_end / 4:.1g}")
        if short >= 10 * self.etas[0]:
            yield replace(self, t_end=short)
        for digits in (0, 1, 2):
            rounded = tuple(float(np.round(x, digits)) + 0.0 for x in self.theta0)
            if rounded != self.start and any(rounded):
                yield replace(self, start=rounded)


@lru_cache(maxsize=32)
def _ladder(case: DescentCase) -> DescentSamples:
    problem, theta0, coarse = case.problem, case.theta0, case.etas[0]
    total = max(1, round(case.t_end / coarse))
    marks = np.unique(np.linspace(0, total, case.points + 1).round().astype(np.int64))
    times = coarse * marks
    # By the method that also integrates the first-order error, which is no gradient flow.
    numerics = ("DOP853", case.rtol, case.atol)
    flow = gradient_flow(problem, theta0, times, method="DOP853", rtol=case.rtol, atol=case.atol)
    if not flow.complete:
        raise IntegrationError(flow.message)

    def descents(start: Array) -> Array:
        found = np.full((len(case.etas), *flow.theta.shape), np.nan)
        for k, eta in enumerate(case.etas):
            fine = marks * round(coarse / eta)
            run = gradient_descent(
                problem, start, eta=eta, steps=int(fine[-1]), saves=fine,
                backend=case.backend, device=case.device,
            )  # fmt: skip
            if run.status == "finished":
                found[k] = run.theta
        return found

    runs = descents(theta0)
    nudged = descents(theta0 * (1 + 2.0**-52))
    settings = [("DOP853", case.rtol / 10, case.atol / 10), ("LSODA", case.rtol, case.atol)]
    twins = tuple(
        DescentSamples(problem, twin.theta, twin.t, (), etas=case.etas, descents=d, numerics=s)
        for twin, d, s in zip(flow.twins, (nudged, runs), settings, strict=True)
        if len(twin) == len(flow)
    )
    return DescentSamples(
        problem, flow.theta, flow.t, twins, etas=case.etas, descents=runs, numerics=numerics
    )


@lru_cache(maxsize=64)
def _first_order(
    problem: Problem,
    start: tuple[float, ...],
    times: tuple[float, ...],
    linear: float,
    forcing: float,
    method: str,
    rtol: float,
    atol: float,
) -> Array:
    settings: dict[str, Any] = {"linear": linear, "forcing": forcing, "method": method}

    def compute() -> tuple[Array]:
        found = first_order_error(problem, start, times, rtol=rtol, atol=atol, **settings)
        return (found.error,)

    if not ours(*problem.parts):
        return compute()[0]
    text = concise((problem, start, times, linear, forcing, method, rtol, atol))
    return kept_arrays(f"first-order error {text}", compute)[0]
