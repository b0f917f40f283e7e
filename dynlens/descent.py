"""Gradient descent, on the flow's clock ``t = eta * step``.

The numpy loop reads as the update rule and is the reference; the compiled loop is generated
beside the problem's kernel and equals it to rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens import validation
from dynlens.compiled import load_source
from dynlens.observables.kept import Kept, checked_names
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
    observables: Sequence[str] = (),
    field: Callable[[float, Array], Array] | None = None,
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
    observables : sequence of str
        Names of observables to be kept at the steps to save, instead of the states: the run then
        takes the memory of a few states, however many steps are saved.
    field : callable, optional
        ``field(t, theta)``, to be followed by Euler steps instead of the negative gradient, such as
        `frozen_scalar_field(problem, kappa)`; by the numpy loop of plain descent.

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
    plan = checked_plan(
        steps=steps, method=method, beta=beta, saves=saves, stop_below=stop_below, kept=observables
    )
    validation.one_of("backend", backend, BACKENDS)
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    begun = plan.memory(theta.size)
    if memory is not None:
        if method == "plain":
            raise ValueError("`memory` is GroupRMSprop's; plain descent has none: leave it out.")
        own = begun[1:] if method == "momentum" else begun
        own[:] = validation.real_array("memory", memory, shape=own.shape)
    if field is not None:
        if method != "plain":
            raise ValueError(f"`field` is followed by plain steps; leave `method` {method!r} out.")
        advance = _along(problem, field)
    else:
        advance = _compiled(problem, method) if backend == "numba" else reference(problem, method)
    return follow(problem, plan, theta, rate, advance, begun, max_seconds, progress)


@dataclass(frozen=True)
class Plan:
    """How to descend: everything but the problem, the start and the step size.

    Parameters
    ----------
    total : int
        Steps asked for.
    method : str
    beta : float
    marks : ndarray of int
        Steps to save.
    floor : float
        Loss at which to end.
    kept : tuple of str
        Observables to keep instead of the states.
    """

    total: int
    method: str
    beta: float
    marks: Any
    floor: float
    kept: tuple[str, ...] = ()

    def memory(self, size: int) -> Array:
        """What a method remembers, at the start.

        GroupRMSprop's second moment, its step count and the flow time passed; or momentum's share
        and its velocity.
        """
        return np.append(self.beta, np.zeros(size)) if self.method == "momentum" else np.zeros(3)

    def times(self, eta: float, steps: Any) -> Array:
        """Return the times of these steps on the flow's clock."""
        clock = eta / (1 - self.beta) if self.method == "momentum" else eta
        return np.asarray(clock * np.asarray(steps, dtype=np.float64))


def checked_plan(
    *,
    steps: int,
    method: str,
    beta: float,
    saves: int | str | ArrayLike,
    stop_below: float | None,
    kept: Sequence[str],
) -> Plan:
    """Check the arguments that all runs of a batch share."""
    total = validation.count("steps", steps)
    validation.one_of("method", method, METHODS)
    share = validation.positive("beta", beta, allow_zero=True)
    if share >= 1:
        raise ValueError(f"`beta` must be in [0, 1), got {beta!r}.")
    floor = -np.inf
    if stop_below is not None:
        floor = validation.positive("stop_below", stop_below, allow_zero=True)
    return Plan(total, method, share, _save_steps(total, saves), floor, checked_names(kept))


def follow(
    problem: Problem,
    plan: Plan,
    theta: Array,
    eta: float,
    advance: Update,
    memory: Array,
    max_seconds: float | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run descent from one start, which is overwritten, as the arguments have been checked."""
    began, step, status = time.perf_counter(), 0, "finished"
    taken: list[int] = []
    states: list[Array] = []
    flow_times: list[float] = []
    kept = Kept(problem, plan.kept)
    bar = _bar(progress, plan.total)
    for mark in plan.marks:
        while step < mark and status == "finished":
            wanted = int(min(mark - step, CHUNK))
            done = advance(theta, memory, eta, wanted, plan.floor)
            step += done
            if done < wanted:
                status = stopped(problem, theta)
            elif max_seconds is not None and time.perf_counter() - began > max_seconds:
                status = "budget" if step < plan.total else status
            if bar is not None:
                bar.update(done)
        if not taken or step > taken[-1]:
            taken.append(step)
            if plan.kept:
                kept.add(theta)
            else:
                states.append(theta.copy())
            if plan.method == "grouprmsprop":
                flow_times.append(float(memory[2]))
        if status != "finished":
            break
    attrs: dict[str, Any] = {"seconds": time.perf_counter() - began}
    if plan.method == "grouprmsprop":
        attrs["flow_time"] = flow_times
    end = Ended(status, memory, max_seconds)
    return told(problem, plan, eta, taken, np.array(states or [theta]), kept.values(), end, attrs)


@dataclass(frozen=True)
class Ended:
    """How a run ended, and with what memory."""

    status: str
    memory: Array
    max_seconds: float | None = None


def told(
    problem: Problem,
    plan: Plan,
    eta: float,
    steps: Sequence[int],
    theta: Array,
    kept: Mapping[str, Array],
    end: Ended,
    more: Mapping[str, Any],
) -> Trajectory:
    """Return the trajectory of a run that is over, saved at some `steps`."""
    step = int(steps[-1])
    messages = {
        "finished": f"took all {step} steps.",
        "event": f"loss at or below {plan.floor:g} after {step} steps.",
        "budget": f"used up max_seconds={end.max_seconds} after {step} of {plan.total} steps; "
        "raise it.",
        "diverged": f"the loss is not finite after {step} steps; try a smaller `eta`.",
    }
    attrs: dict[str, Any] = {"method": plan.method, "eta": eta, "steps": step, **more}
    if plan.method == "momentum":
        attrs["beta"], attrs["memory"] = plan.beta, end.memory[1:].tolist()
    if plan.method == "grouprmsprop":
        attrs["memory"] = end.memory.tolist()
    return Trajectory(
        problem=problem,
        t=plan.times(eta, steps),
        theta=theta,
        source="descent",
        status=end.status,
        message=messages[end.status],
        attrs=attrs,
        kept=kept,
    )


def stopped(problem: Problem, theta: Array) -> str:
    """Why a loop stopped early: at the threshold, or at a loss that is not finite.

    Which, is asked again, and not against the threshold: numpy adds up in another order.
    """
    with np.errstate(all="ignore"):
        return "event" if np.isfinite(problem.objective(theta)) else "diverged"


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
    source = "\n\n".join((problem.kernel_source, _LOOP[method], _DESCEND))
    return load_source(source, name=f"{type(problem.model).__name__.lower()}_{method}")


def _along(problem: Problem, field: Callable[[float, Array], Array]) -> Update:
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

    return advance


def _compiled(problem: Problem, method: str) -> Update:
    """The same rule, compiled."""
    module = compiled_module(problem, method)
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


_DESCEND = f"""PAUSED, STOPPED, FINISHED = range(3)
released = njit(cache=True, no_cfunc_wrapper=True, nogil=True)


@released
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


def _bar(wanted: bool, total: int) -> Any:
    if not wanted:
        return None
    from tqdm.auto import tqdm

    return tqdm(total=total, desc="descent", unit="step")
