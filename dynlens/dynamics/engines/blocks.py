"""Descents side by side: what an engine returns of many runs, as their trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dynlens.dynamics.plan import Ending, Plan, trajectory_of
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import Kept
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Block:
    """What an engine returns of B runs, saved at K steps.

    Parameters
    ----------
    states : ndarray, shape (K, B, P)
        The state at each step to save; of a run that ended before, at the first of them that it
        did not reach, its last state. What comes after is not read.
    steps : ndarray of int, shape (B,)
        How many each run took.
    status : list of str
        Why each ended: ``"finished"``, ``"event"`` at or below the floor, or ``"diverged"``.
    memory : ndarray, shape (B, M)
        As `Plan.memory`, at the end.
    flow_times : ndarray, shape (K, B)
        Of GroupRMSprop, the flow time passed at the states.
    observed : dict of ndarray, shape (K, B, ...)
        Observables at the states, where the engine computed them; `states` are then the last
        ones alone, of shape (1, B, P).
    attrs : dict
        Of the trajectories.
    """

    states: Array
    steps: Any
    status: list[str]
    memory: Array
    flow_times: Array
    observed: dict[str, Array] = field(default_factory=dict)
    attrs: dict[str, Any] = field(default_factory=dict)

    def run(self, problem: Problem, plan: Plan, etas: Array, b: int) -> Trajectory:
        """Return the trajectory of one run."""
        taken = int(self.steps[b])
        count = int(np.searchsorted(plan.marks, taken)) + 1
        theta = self.states[:count, b].copy()
        values = {name: rows[:count, b].copy() for name, rows in self.observed.items()}
        if plan.recorded and not values:
            recorder = Kept(problem, plan.recorded)
            for state in theta:
                recorder.add(state)
            values, theta = recorder.values(), theta[-1:].copy()
        attrs = dict(self.attrs)
        if plan.method == "grouprmsprop":
            attrs["flow_time"] = self.flow_times[:count, b].tolist()
        return trajectory_of(
            problem,
            plan,
            float(etas[b]),
            steps=[*plan.marks[: count - 1], taken],
            states=theta,
            recorded=values,
            ending=Ending(self.status[b], self.memory[b], attrs),
        )
