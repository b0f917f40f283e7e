"""Descent in numpy, which reads as in the papers: what all others are compared with."""

from __future__ import annotations

from functools import partial

import numpy as np

from dynlens.dynamics.engines.base import Engine, Loop, Update
from dynlens.dynamics.plan import DECAY, EPS, Plan
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array


class Reference(Engine):
    """The update rules in numpy."""

    def loop(self, problem: Problem, plan: Plan) -> Loop:
        return Loop(reference(problem, plan.method), partial(finite, problem))


def finite(problem: Problem, theta: Array) -> bool:
    """Whether the loss is."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(problem.objective(theta)))


def reference(problem: Problem, method: str) -> Update:
    """The update rule in numpy, as in the papers."""

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        for k in range(steps):
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the status
                value = problem.objective(theta)
            if not (np.isfinite(value) and value > floor):
                return k
            g = problem.gradient(theta)
            if method == "momentum":
                memory[1:] = memory[0] * memory[1:] - eta * g
                theta += memory[1:]
                continue
            size = eta
            if method == "grouprmsprop":
                memory[0] = DECAY * memory[0] + (1 - DECAY) * np.sum(g * g)
                memory[1] += 1
                size = eta / (np.sqrt(memory[0] / (1 - DECAY ** memory[1])) + EPS)
                memory[2] += size
            theta -= size * g
        return steps

    return advance
