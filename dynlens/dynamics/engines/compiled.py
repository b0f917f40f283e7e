"""Descent compiled: a loop generated beside the problem's kernel, equal to numpy's to rounding."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from dynlens.dynamics.engines.base import MOMENT, Loop, Record, Update
from dynlens.dynamics.engines.blocks import Block
from dynlens.dynamics.engines.reference import Reference, finite
from dynlens.dynamics.made import Made
from dynlens.dynamics.plan import ADDED, DECAY, EPS, SQUARES, Plan
from dynlens.dynamics.threads import Queue, share_out
from dynlens.dynamics.trajectory import Trajectory
from dynlens.kernels.cache import specialised
from dynlens.kernels.sources import source_of
from dynlens.problems.problem import Problem
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array

# Modules of `dynamics.loops` that hold the update rules, and what is set in them.
RULES: dict[str, dict[str, float]] = {
    "plain": {},
    "momentum": {},
    "grouprmsprop": {"DECAY": DECAY, "EPS": EPS},
    "adam": {"ALPHA": SQUARES["adam"], "EPS": ADDED["adam"]},
    "rmsprop": {"ALPHA": SQUARES["rmsprop"], "EPS": ADDED["rmsprop"]},
    "adagrad": {"EPS": ADDED["adagrad"]},
}
AT_ONCE = 8_000_000  # numbers of the states that wait to be observed


class Compiled(Reference):
    """The same rules compiled; where a model states no kernel, or a wrong one, the reference."""

    def loop(self, problem: Problem, plan: Plan) -> Loop:
        loop = super().loop(problem, plan)
        if problem.without_kernel:
            return replace(loop, attrs={"reference": problem.without_kernel})
        try:
            advance, record = compiled(problem, plan)
            return replace(loop, advance=advance, record=record)
        except KernelError as error:
            warnings.warn(f"{error} This run does so by itself.", RuntimeWarning, stacklevel=4)
            return loop

    def many(
        self,
        problem: Problem,
        plan: Plan,
        thetas: Array,
        etas: Array,
        *,
        threads: int = 1,
        title: str = "",
    ) -> Sequence[Trajectory]:
        """Share the runs among threads; in blocks that fit into memory where states are not kept.

        Each run has the bits that it has alone.
        """
        if problem.without_kernel:
            return super().many(problem, plan, thetas, etas, threads=threads, title=title)
        if not plan.recorded:
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
    module, (count, size), marks = compiled_module(problem, plan), thetas.shape, plan.marks
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


def compiled(problem: Problem, plan: Plan) -> tuple[Update, Record]:
    """The same rule, compiled: for many steps, and for some to be saved one and all."""
    module = compiled_module(problem, plan)
    data, out = problem.machine.data, np.empty(problem.model.parameters)

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        return int(module.advance(theta, *data, out, memory, eta, steps, floor))

    def record(theta: Array, memory: Array, eta: float, floor: float, states: Array) -> int:
        place, steps = np.zeros(2, dtype=np.int64), len(states)
        limits = (eta, np.arange(1, steps + 1), place, floor, steps)
        module.descend(theta, memory, *data, out, *limits, states, np.empty(steps))
        return int(place[0])

    return advance, record


def compiled_module(problem: Problem, plan: Plan) -> Any:
    """Return the loop generated beside the problem's kernel: ``advance``, and ``descend``."""
    method, kind = plan.method, "twin" if plan.rounding else "rounded"
    name = f"descent_{method}" + ("_twin" if plan.rounding else "")
    rule = source_of(f"dynlens.dynamics.loops.{method}", **RULES[method])
    rounding = source_of(f"dynlens.dynamics.loops.{kind}")
    with problem.machine.explained():
        given = (problem.machine.gradient_source, rule, rounding)
        module = specialised("dynlens.dynamics.loops.descent", *given, name=name)
    if name not in problem.machine.checked:
        out = np.empty(problem.model.parameters)
        problem.machine.check(out, module.gradient(problem.probe, *problem.machine.data, out))
        problem.machine.checked.add(name)
    return module
