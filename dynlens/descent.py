"""Gradient descent, on the flow's clock ``t = eta * step``.

The numpy loop reads as the update rule and is the reference; the compiled loop is generated
beside the problem's kernel and equals it to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from dynlens import validation
from dynlens.compiled import load_source
from dynlens.problem import Problem
from dynlens.trajectory import Trajectory
from dynlens.typing import Array, ArrayLike

METHODS = ("plain", "momentum", "grouprmsprop")
BACKENDS = ("numba", "numpy")
DECAY, EPS = 0.99, 1e-6  # of GroupRMSprop, as in the authors' code
CHUNK = 200_000  # steps between looks at the clock

Update = Callable[..., int]


def gradient_descent(
    problem: Problem,
    theta0: ArrayLike,
    *,
    eta: float,
    steps: int,
    method: str = "plain",
    beta: float = 0.9,
    saves: int | str | ArrayLike = 201,
    stop_below: float | None = None,
    max_seconds: float | None = None,
    backend: str = "numba",
    progress: bool = False,
    memory: ArrayLike | None = None,
) -> Trajectory:
    r"""Run gradient descent :math:`\theta_{k+1} = \theta_k - \eta\nabla\phi(\theta_k)`.

    Parameters
    ----------
    problem : Problem
    theta0 : array_like, shape (P,)
    eta : float
        Step size; the time of step k is ``t = eta * k`` (of momentum, see Notes).
    steps : int
        Number of steps.
    method : {"plain", "momentum", "grouprmsprop"}
        ``"momentum"`` is Polyak's heavy ball; ``"grouprmsprop"`` divides eta by one global root
        mean square of the gradient (see Notes).
    beta : float
        Of momentum, in [0, 1): the part of the velocity that is kept in a step.
    saves : int, "log" or array_like of int
        How many evenly spaced steps to save, ``"log"`` for 0 and 200 logarithmically spaced ones,
        or the increasing step numbers themselves.
    stop_below : float, optional
        End, with status ``"event"``, at the first step where the loss is at or below this.
    max_seconds : float, optional
        Budget; a run that exceeds it ends with status ``"budget"`` and what it has.
    backend : {"numba", "numpy"}
    progress : bool
    memory : array_like, shape (3,) or (P,), optional
        What an earlier run of GroupRMSprop or momentum left in ``attrs["memory"]``; with it and
        that run's final state, this one goes on as if there had been no break.

    Returns
    -------
    Trajectory
        ``attrs["steps"]`` is the number of steps taken. Divergence (a loss that is not finite)
        ends the run with status ``"diverged"``.

    Notes
    -----
    GroupRMSprop as in the code of Razin, Maman & Cohen (2021): with one scalar
    :math:`v \leftarrow \beta v + (1-\beta)\sum\|g\|^2`, the step is
    :math:`\eta\, g / (\sqrt{v/(1-\beta^k)} + \epsilon)`, :math:`\beta = 0.99`,
    :math:`\epsilon = 10^{-6}`. Its clock ``eta * step`` is nominal: the flow time that has passed
    is the sum of the actual steps, saved as ``attrs["flow_time"]``. ``attrs["memory"]`` holds
    v, the number of steps and their sum at the end.

    Momentum is :math:`v \leftarrow \beta v - \eta g`, :math:`\theta \leftarrow \theta + v`, from
    :math:`v = 0`. In the end each gradient moves the state by :math:`\eta g / (1-\beta)`: as eta
    tends to zero with beta fixed, the states tend to gradient flow on the clock
    ``t = eta * step / (1 - beta)``, which is the time of this trajectory. (With
    :math:`1 - \beta` of the order of :math:`\sqrt\eta` the limit is another equation, of second
    order, and this clock means nothing.) ``attrs["memory"]`` holds the velocity.

    References
    ----------
    razin2021implicit

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> descent = dl.gradient_descent(problem, [0.1, 0.1], eta=0.01, steps=400)
    >>> round(float(descent.t[-1]), 9), descent.status
    (4.0, 'finished')
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    theta = problem.check_theta(theta0)
    rate = validation.positive("eta", eta)
    total = validation.count("steps", steps)
    validation.one_of("method", method, METHODS)
    validation.one_of("backend", backend, BACKENDS)
    floor = -np.inf
    if stop_below is not None:
        floor = validation.positive("stop_below", stop_below, allow_zero=True)
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    marks = _save_steps(total, saves)
    # GroupRMSprop's second moment, its step count, the flow time passed; or the velocity.
    kept = np.zeros(theta.size if method == "momentum" else 3)
    if memory is not None:
        if method == "plain":
            raise ValueError("`memory` is GroupRMSprop's; plain descent has none: leave it out.")
        kept = validation.real_array("memory", memory, shape=kept.shape).copy()
    share = validation.positive("beta", beta, allow_zero=True)
    if share >= 1:
        raise ValueError(f"`beta` must be in [0, 1), got {beta!r}.")
    if method == "momentum":
        kept = np.append(share, kept)
    advance = _compiled(problem, method) if backend == "numba" else _reference(problem, method)
    return _run(
        problem, theta, kept, rate, total, method, marks, floor, max_seconds, advance, progress
    )


def _run(
    problem: Problem,
    theta: Array,
    memory: Array,
    eta: float,
    total: int,
    method: str,
    marks: Array,
    floor: float,
    max_seconds: float | None,
    advance: Update,
    progress: bool,
) -> Trajectory:
    began, step = time.perf_counter(), 0
    states, flow_times, status = [], [], "finished"
    bar = _bar(progress, total)
    for mark in marks:
        while step < mark and status == "finished":
            wanted = int(min(mark - step, CHUNK))
            done = advance(theta, memory, eta, wanted, floor)
            step += done
            if done < wanted:
                # The loop stops at the threshold or at a loss that is not finite; which, is asked
                # again here, and not against the threshold: numpy adds up in another order.
                with np.errstate(all="ignore"):
                    status = "event" if np.isfinite(problem.objective(theta)) else "diverged"
            elif max_seconds is not None and time.perf_counter() - began > max_seconds:
                status = "budget" if step < total else status
            if bar is not None:
                bar.update(done)
        states.append(theta.copy())
        if method == "grouprmsprop":
            flow_times.append(memory[2])
        if status != "finished":
            break
    taken = np.append(marks[: len(states) - 1], step) if states else marks[:0]
    if len(taken) > 1 and taken[-1] == taken[-2]:
        taken, states, flow_times = taken[:-1], states[:-1], flow_times[:-1]
    messages = {
        "finished": f"took all {step} steps.",
        "event": f"loss at or below {floor:g} after {step} steps.",
        "budget": f"used up max_seconds={max_seconds} after {step} of {total} steps; raise it.",
        "diverged": f"the loss is not finite after {step} steps; try a smaller `eta`.",
    }
    attrs: dict[str, Any] = {"method": method, "eta": eta, "steps": step}
    attrs["seconds"] = time.perf_counter() - began
    clock = eta
    if method == "momentum":
        attrs["beta"], attrs["memory"] = float(memory[0]), memory[1:].tolist()
        clock = eta / (1 - attrs["beta"])
    if method == "grouprmsprop":
        attrs["flow_time"] = [float(s) for s in flow_times]
        attrs["memory"] = memory.tolist()
    return Trajectory(
        problem=problem,
        t=clock * taken.astype(np.float64),
        theta=np.array(states),
        source="descent",
        status=status,
        message=messages[status],
        attrs=attrs,
    )


def _save_steps(total: int, saves: int | str | ArrayLike) -> Any:
    if isinstance(saves, str):
        validation.one_of("saves", saves, ("log",))
        grid = np.unique(np.geomspace(1, total, 200).round().astype(np.int64))
        return np.concatenate([[0], grid])
    if np.ndim(saves) == 0:
        n = validation.count("saves", saves, least=2)
        return np.unique(np.linspace(0, total, min(n, total + 1)).round().astype(np.int64))
    marks = np.asarray(saves)
    if marks.ndim != 1 or marks.size == 0 or marks.dtype.kind not in "iu":
        raise ValueError("`saves` must be a number, 'log', or a list of step numbers.")
    if marks[0] < 0 or marks[-1] > total or np.any(np.diff(marks) <= 0):
        raise ValueError(f"`saves` must be increasing step numbers between 0 and {total}.")
    return marks.astype(np.int64)


def _reference(problem: Problem, method: str) -> Update:
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


def _compiled(problem: Problem, method: str) -> Update:
    """The same loop, generated beside the problem's kernel."""
    source = f"{problem.kernel_source}\n\n{_LOOP[method]}"
    module = load_source(source, name=f"descent_{method}")
    data, out = problem.kernel_data, np.empty(problem.model.size)

    def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
        return int(module.advance(theta, *data, out, memory, eta, steps, floor))

    return advance


_ARGUMENTS = "theta, values, index, rows, weight, work, tensor, cotangent, out"
_LOOP = {
    "plain": f"""@compiled
def advance({_ARGUMENTS}, memory, eta, steps, floor):
    for k in range(steps):
        value = gradient({_ARGUMENTS})
        if not (value > floor and value < np.inf):
            return k
        for i in range(theta.size):
            theta[i] -= eta * out[i]
    return steps
""",
    "momentum": f"""@compiled
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
    "grouprmsprop": f"""@compiled
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


def _bar(wanted: bool, total: int) -> Any:
    if not wanted:
        return None
    from tqdm.auto import tqdm

    return tqdm(total=total, desc="descent", unit="step")
