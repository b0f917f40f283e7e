"""Descent beside modified flows, at several step sizes: the cases of backward error analysis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from dynlens.cases.base import PROBLEM, Case, Start, theta_of
from dynlens.cases.reproduce import concise
from dynlens.cases.small_starts import FamilySamples
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.modified import Field, modified_field, principal_field
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.run_cache import kept_arrays, ours
from dynlens.support.typing import Array


@dataclass(frozen=True)
class BackwardError(Case):
    r"""Distances of gradient descent to the flow and to its modified flows, for several steps.

    The samples are the states of descent at the end, one for each step size. They answer to
    ``eta`` and to the distances ``to_flow``, ``to_first`` and ``to_second`` (modified flows with
    corrections up to :math:`\eta` and :math:`\eta^2`) and ``to_principal``.

    Parameters
    ----------
    problem : Problem
    start : Start or tuple of float
    etas : tuple of float
        Decreasing.
    t_end : float
        Time at the end, a multiple of every step; 0 for a single step.
    rtol : float
        Of the flows, by DOP853.
    """

    problem: Problem
    start: Start | tuple[float, ...]
    etas: tuple[float, ...]
    t_end: float = 0.0
    rtol: float = 1e-13

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        etas = validation.real_array("etas", self.etas, ndim=1)
        if not (len(etas) and etas[-1] > 0 and np.all(np.diff(etas) < 0)):
            raise ValueError(f"`etas` must be positive and decreasing, got {self.etas!r:.80}.")
        object.__setattr__(self, "etas", tuple(etas.tolist()))
        theta_of(self.start, self.problem)
        end = validation.positive("t_end", self.t_end, allow_zero=True)
        steps = end / etas
        if np.any(np.abs(steps - steps.round()) > 1e-9 * np.maximum(steps, 1)):
            raise ValueError(f"`t_end` = {end:g} is not a multiple of every step in {self.etas}.")

    def samples(self) -> FamilySamples:
        """Run all, with a twin at ten times the tolerance."""
        return replace(_compared(self), twins=(_compared(replace(self, rtol=10 * self.rtol)),))

    def simpler(self) -> Iterator[Case]:
        """Shorter runs."""
        if self.t_end:
            yield replace(self, t_end=0.0)

    def compute(self) -> tuple[Array, ...]:
        """Final states of descent (K, P), and the distances (K, 4)."""
        problem = self.problem
        theta0 = theta_of(self.start, problem)
        ends, distances = [], []
        for eta in self.etas:
            steps = max(1, round(self.t_end / eta))
            descent = gradient_descent(problem, theta0, eta=eta, steps=steps, saves=[steps])
            ends.append(descent.final)
            fields: tuple[Field, ...] = (
                *(modified_field(problem, eta, order=order) for order in (0, 1, 2)),
                principal_field(problem, eta),
            )
            flows = [self.flow(theta0, eta * steps, f) for f in fields]
            distances.append([np.linalg.norm(descent.final - flow.final) for flow in flows])
        return np.array(ends), np.array(distances)

    def flow(self, theta0: Array, t: float, field: Field) -> Trajectory:
        """Follow a field to time t."""
        return gradient_flow(
            self.problem,
            theta0,
            [t],
            method="DOP853",
            rtol=self.rtol,
            atol=self.rtol / 100,
            field=field,
            strict=True,
        )


@lru_cache(maxsize=32)
def _compared(case: BackwardError) -> FamilySamples:
    problem = case.problem
    if ours(*problem.parts):
        theta, distances = kept_arrays(f"backward error {concise(case)}", case.compute)
    else:
        theta, distances = case.compute()
    names = ("to_flow", "to_first", "to_second", "to_principal")
    measured = {"eta": np.array(case.etas)} | dict(zip(names, distances.T, strict=True))
    return FamilySamples(problem, theta, measured=measured)
