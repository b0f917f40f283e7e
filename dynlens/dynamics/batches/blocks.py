"""Descents side by side: what a backend returns of many runs, as their trajectories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from dynlens.dynamics.batches.batch import Made
from dynlens.dynamics.batches.threads import Queue, share_out
from dynlens.dynamics.descent import Ended, Plan, told
from dynlens.dynamics.descent_loops import compiled_module, finite
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import Kept
from dynlens.problems.problem import Problem
from dynlens.support.progress import Progress
from dynlens.support.typing import Array

MOMENT = 0.02  # seconds that the compiled loop runs before it is left, at least
AT_ONCE = 8_000_000  # numbers of the states that wait to be observed


@dataclass(frozen=True)
class Block:
    """What a backend returns of B runs, saved at K steps.

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
        Observables at the states, where the backend computed them; `states` are then the last
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
        if plan.kept and not values:
            kept = Kept(problem, plan.kept)
            for state in theta:
                kept.add(state)
            values, theta = kept.values(), theta[-1:].copy()
        more = dict(self.attrs)
        if plan.method == "grouprmsprop":
            more["flow_time"] = self.flow_times[:count, b].tolist()
        steps, end = [*plan.marks[: count - 1], taken], Ended(self.status[b], self.memory[b])
        return told(problem, plan, float(etas[b]), steps, theta, values, end, more)


def by_blocks(
    problem: Problem, plan: Plan, thetas: Array, etas: Array, threads: int, title: str
) -> Sequence[Trajectory]:
    """Run the compiled loop, in blocks that fit into memory where states are not kept."""
    if not plan.kept:
        block = compiled_block(problem, plan, thetas, etas, threads, title)
        return Made(len(thetas), partial(block.run, problem, plan, etas))
    runs: list[Trajectory] = []
    size = max(threads, AT_ONCE // (len(plan.marks) * problem.model.parameters))
    for first in range(0, len(thetas), size):
        part = slice(first, first + size)
        block = compiled_block(problem, plan, thetas[part], etas[part], threads, title)
        runs += [block.run(problem, plan, etas[part], b) for b in range(len(etas[part]))]
    return runs


def compiled_block(
    problem: Problem, plan: Plan, thetas: Array, etas: Array, threads: int, title: str
) -> Block:
    """Run the compiled loop from all starts, in several threads."""
    module, (count, size), marks = compiled_module(problem, plan.method), thetas.shape, plan.marks
    states = np.empty((count, len(marks), size))
    flow_times = np.zeros((count, len(marks)))
    memory = np.tile(plan.memory(size), (count, 1))
    steps, status = np.zeros(count, dtype=np.int64), ["finished"] * count

    def work(queue: Queue) -> None:
        data, out = problem.machine.private_data(), np.empty(size)
        for b in queue:
            theta, place = thetas[b].copy(), np.zeros(2, dtype=np.int64)
            state = (theta, memory[b], *data, out)
            limits = (float(etas[b]), marks, place, plan.floor)
            outcome, most = module.PAUSED, 1
            while outcome == module.PAUSED and not queue.stopped():
                began = time.perf_counter()
                outcome = module.descend(*state, *limits, most, states[b], flow_times[b])
                most = 2 * most if time.perf_counter() - began < MOMENT else max(1, most // 2)
            if outcome == module.STOPPED:
                status[b] = "event" if finite(problem, theta) else "diverged"
                states[b, place[1]], flow_times[b, place[1]] = theta, memory[b, -1]
            steps[b] = place[0]
            queue.finish()

    share_out(work, count, threads, title)
    return Block(states.swapaxes(0, 1), steps, status, memory, flow_times.T)


def by_torch(
    problem: Problem,
    plan: Plan,
    thetas: Array,
    etas: Array,
    threads: int,
    title: str,
    *,
    device: str,
    dtype: str,
) -> Sequence[Trajectory]:
    """Run all starts in one block on a torch device, where the observables are computed too."""
    from dynlens.dynamics.on_torch.loop import descend

    if not len(thetas):
        return []
    memory = np.tile(plan.memory(problem.model.parameters), (len(thetas), 1))
    progress = Progress(plan.total, title, "step", shown=bool(title))
    runs = descend(
        problem,
        thetas,
        etas,
        marks=plan.marks,
        method=plan.method,
        memory=memory if plan.method != "plain" else None,
        floor=plan.floor,
        observables=plan.kept,
        device=device,
        dtype=dtype,
        tell=progress.advance if title else None,
    )
    block = Block(
        runs.final[None] if plan.kept else runs.states,
        runs.steps,
        runs.status,
        runs.memory,
        runs.flow_times,
        runs.observed,
        {"device": device, "dtype": dtype},
    )
    return Made(len(thetas), partial(block.run, problem, plan, etas))
