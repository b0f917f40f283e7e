"""Descent in numpy, which reads as in the papers: what all others are compared with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from dynlens.dynamics.engines.base import Engine, Loop, Update
from dynlens.dynamics.plan import ADDED, COMPENSATED, DECAY, EPS, SQUARES, Plan
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


# Each rule: gradient (P,), step size, own memory -> shift (P,); the memory changes in place.


def _plain(g: Array, eta: float, memory: Array) -> Array:
    return -eta * g


def _momentum(g: Array, eta: float, memory: Array) -> Array:
    velocity = memory[1:]
    velocity[:] = memory[0] * velocity - eta * g
    return velocity


def _grouprmsprop(g: Array, eta: float, memory: Array) -> Array:
    memory[0] = DECAY * memory[0] + (1 - DECAY) * np.sum(g * g)
    memory[1] += 1
    size = eta / (np.sqrt(memory[0] / (1 - DECAY ** memory[1])) + EPS)
    memory[2] += size
    return np.asarray(-size * g)


def _adam(g: Array, eta: float, memory: Array) -> Array:
    beta, alpha, (mean, squares) = memory[0], SQUARES["adam"], memory[2:].reshape(2, -1)
    memory[1] += 1
    mean[:] = beta * mean + (1 - beta) * g
    squares[:] = alpha * squares + (1 - alpha) * g * g
    unbiased = mean / (1 - beta ** memory[1])
    root = np.sqrt(squares / (1 - alpha ** memory[1]))
    return np.asarray(-eta * unbiased / (root + ADDED["adam"]))


def _rmsprop(g: Array, eta: float, memory: Array) -> Array:
    memory[:] = SQUARES["rmsprop"] * memory + (1 - SQUARES["rmsprop"]) * g * g
    return np.asarray(-eta * g / (np.sqrt(memory) + ADDED["rmsprop"]))


def _adagrad(g: Array, eta: float, memory: Array) -> Array:
    memory += g * g
    return np.asarray(-eta * g / (np.sqrt(memory) + ADDED["adagrad"]))


RULES: dict[str, Callable[[Array, float, Array], Array]] = {
    "plain": _plain,
    "momentum": _momentum,
    "grouprmsprop": _grouprmsprop,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
}


def reference(problem: Problem, plan: Plan) -> Update:
    """The update rule in numpy, as in the papers."""
    rule, own = RULES[plan.method], plan.remembered(problem.model.parameters)

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        for k in range(steps):
            with np.errstate(over="ignore", invalid="ignore"):  # divergence is told by the status
                value = problem.objective(theta)
            if not (np.isfinite(value) and value > floor):
                return k
            step = rule(problem.gradient(theta), eta, memory[:own])
            add(theta, step, memory, plan.rounding)
        return steps

    return advance
