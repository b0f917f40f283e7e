"""Descent in numpy, which reads as in the papers: what all others are compared with."""

from __future__ import annotations

from functools import partial

import numpy as np

from dynlens.dynamics.engines.base import Engine, Loop, Update
from dynlens.dynamics.plan import COMPENSATED, DECAY, EPS, Plan
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array


class Reference(Engine):
    """The update rules in numpy."""

    def loop(self, problem: Problem, plan: Plan) -> Loop:
        return Loop(reference(problem, plan), partial(finite, problem))


def finite(problem: Problem, theta: Array) -> bool:
    """Whether the loss is."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(problem.objective(theta)))


def add(theta: Array, step: Array, memory: Array, rounding: str) -> None:
    """Add a step in place, rounded as `Plan.rounding` says; the memory ends as it says."""
    n = theta.size
    if not rounding:
        theta += step
    elif rounding == COMPENSATED:
        carried, before = memory[-2 * n - 1 : -n - 1], theta.copy()
        whole = step + carried
        theta += whole
        carried[:] = whole - (theta - before)
    else:
        memory[-1] += 1
        die = np.random.default_rng(int(memory[-1]))
        theta[:] = (theta + step) * (1 + die.choice([-1, 0, 0, 1], n) * 2.0**-52)


def reference(problem: Problem, plan: Plan) -> Update:
    """The update rule in numpy, as in the papers."""
    method, own = plan.method, plan.remembered(problem.model.parameters)

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        for k in range(steps):
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the status
                value = problem.objective(theta)
            if not (np.isfinite(value) and value > floor):
                return k
            g = problem.gradient(theta)
            if method == "momentum":
                velocity = memory[1:own]
                velocity[:] = memory[0] * velocity - eta * g
                add(theta, velocity, memory, plan.rounding)
                continue
            size = eta
            if method == "grouprmsprop":
                memory[0] = DECAY * memory[0] + (1 - DECAY) * np.sum(g * g)
                memory[1] += 1
                size = eta / (np.sqrt(memory[0] / (1 - DECAY ** memory[1])) + EPS)
                memory[2] += size
            add(theta, -size * g, memory, plan.rounding)
        return steps

    return advance
