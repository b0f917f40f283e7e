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

from dynlens.kernels.cache import load_source
from dynlens.problems.problem import Problem
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array

DECAY, EPS = 0.99, 1e-6  # of GroupRMSprop, as in the authors' code
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
    source = "\n\n".join((problem.machine.gradient_source, _TYPES, _LOOP[method], _DESCEND))
    module = load_source(source, name=f"descent_{method}")
    name = f"descent_{method}"
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


_TYPES = """scalar, place = types.float64, types.intp
ADVANCE = (*KERNEL, vector, scalar, place, scalar)
DESCEND = (
    vector, vector, *KERNEL[1:], scalar, numbers, numbers, scalar, place, scalar[:, ::1], vector
)
"""
_ARGUMENTS = "theta, values, index, rows, weight, work, tensor, cotangent, out"
_LOOP = {
    "plain": f"""@njit(ADVANCE, cache=True, no_cfunc_wrapper=True)
def advance({_ARGUMENTS}, memory, eta, steps, floor):
    for k in range(steps):
        value = gradient({_ARGUMENTS})
        if not (value > floor and value < np.inf):
            return k
        for i in range(theta.size):
            theta[i] -= eta * out[i]
    return steps
""",
    "momentum": f"""@njit(ADVANCE, cache=True, no_cfunc_wrapper=True)
def advance({_ARGUMENTS}, memory, eta, steps, floor):
    beta, velocity = memory[0], memory[1:]
    for k in range(steps):
        value = gradient({_ARGUMENTS})
        if not (value > floor and value < np.inf):
            return k
        for i in range(theta.size):
            velocity[i] = beta * velocity[i] - eta * out[i]
            theta[i] += velocity[i]
    return steps
""",
    "grouprmsprop": f"""@njit(ADVANCE, cache=True, no_cfunc_wrapper=True)
def advance({_ARGUMENTS}, memory, eta, steps, floor):
    for k in range(steps):
        value = gradient({_ARGUMENTS})
        if not (value > floor and value < np.inf):
            return k
        total = 0.0
        for i in range(theta.size):
            total += out[i] * out[i]
        memory[0] = {DECAY} * memory[0] + (1 - {DECAY}) * total
        memory[1] += 1
        size = eta / (math.sqrt(memory[0] / (1 - {DECAY} ** memory[1])) + {EPS})
        for i in range(theta.size):
            theta[i] -= size * out[i]
        memory[2] += size
    return steps
""",
}


_DESCEND = f"""PAUSED, STOPPED, FINISHED = range(3)


@njit(DESCEND, cache=True, no_cfunc_wrapper=True, nogil=True)
def descend(
    theta, memory, {_ARGUMENTS[7:]}, eta, marks, place, floor, most, states, flow_times
):
    # From save to save; `place` is the step, and how many saves are behind.
    while place[1] < marks.size:
        wanted = min(marks[place[1]] - place[0], most)
        done = advance({_ARGUMENTS}, memory, eta, wanted, floor)
        place[0] += done
        most -= done
        if done < wanted:
            return STOPPED
        if place[0] < marks[place[1]]:
            return PAUSED
        for i in range(theta.size):
            states[place[1], i] = theta[i]
        flow_times[place[1]] = memory[memory.size - 1]
        place[1] += 1
    return FINISHED
"""
