"""What takes the steps of gradient descent: a rule in numpy, compiled, or with torch.

The numpy loop reads as the update rule and is the reference; the compiled loop is generated
beside the problem's kernel and equals it to rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from dynlens.kernels.cache import specialised
from dynlens.kernels.sources import source_of
from dynlens.problems.problem import Problem
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array

DECAY, EPS = 0.99, 1e-6  # of GroupRMSprop, as in the authors' code
# Modules of `loops` that hold the update rules, and what is set in them.
RULES: dict[str, dict[str, float]] = {
    "plain": {},
    "momentum": {},
    "grouprmsprop": {"DECAY": DECAY, "EPS": EPS},
}
CHUNK = 200_000  # steps between looks at the clock

Update = Callable[..., int]


@dataclass(frozen=True)
class Engine:
    """What takes the steps of one run.

    Parameters
    ----------
    advance : callable
        Takes some steps in place, ``(theta, memory, eta, steps, floor) -> steps taken``: fewer
        where the loss is at or below the floor, or not finite.
    finite : callable
        Whether the loss at a state is, in the arithmetic of the loop.
    chunk : int
        Steps between looks at the clock.
    note : str
        Why the reference computes, where that was not asked for.
    """

    advance: Update
    finite: Callable[[Array], bool]
    chunk: int
    note: str = ""


def engine(problem: Problem, method: str, backend: str = "numba") -> Engine:
    """Return the engine of one run, in numpy or compiled."""
    update = reference(problem, method)
    note = problem.without_kernel if backend == "numba" else ""
    if backend == "numba" and not note:
        try:
            update = compiled(problem, method)
        except KernelError as error:
            warnings.warn(f"{error} This run does so by itself.", RuntimeWarning, stacklevel=3)
    return Engine(update, partial(finite, problem), CHUNK, note)


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


def compiled_module(problem: Problem, method: str) -> Any:
    """Return the loop generated beside the problem's kernel: ``advance``, and ``descend``."""
    name, constants = f"descent_{method}", RULES[method]
    rule = source_of(f"dynlens.dynamics.loops.{method}", **constants)
    given = (problem.machine.gradient_source, rule)
    module = specialised("dynlens.dynamics.loops.descent", *given, name=name)
    if name not in problem.machine.checked:
        out = np.empty(problem.model.parameters)
        problem.machine.check(out, module.gradient(problem.probe, *problem.machine.data, out))
        problem.machine.checked.add(name)
    return module


def along(problem: Problem, field: Callable[[float, Array], Array]) -> Engine:
    """Euler's method on any field, on the clock that begins at zero."""
    t = 0.0

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        nonlocal t
        for k in range(steps):
            with np.errstate(over="ignore", invalid="ignore"):
                value = problem.objective(theta)
            if not (np.isfinite(value) and value > floor):
                return k
            theta += eta * field(t, theta)
            t += eta
        return steps

    return Engine(advance, partial(finite, problem), CHUNK)


def compiled(problem: Problem, method: str) -> Update:
    """The same rule, compiled."""
    module = compiled_module(problem, method)
    data, out = problem.machine.data, np.empty(problem.model.parameters)

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        return int(module.advance(theta, *data, out, memory, eta, steps, floor))

    return advance
