"""Gradient descent, on the flow's clock ``t = eta * step``.

The numpy loop reads as the update rule and is the reference; the compiled loop is generated
beside the problem's kernel and equals it to rounding, and so does torch, in `dynamics.on_torch`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens.dynamics.descent_loops import Engine, along, engine
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import Kept, checked_names
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.progress import Progress
from dynlens.support.typing import Array, ArrayLike

METHODS = ("plain", "momentum", "grouprmsprop")
BACKENDS = ("numba", "numpy", "torch")
DTYPES = ("float64", "float32")


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
    device: str = "cpu",
    dtype: str = "float64",
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
    backend : {"numba", "numpy", "torch"}
        If the compiled gradient is not that of the reference, ``"numba"`` warns and takes numpy;
        if the model states none, it takes numpy, and ``attrs["reference"]`` says so.
        ``"torch"`` needs ``dynlens[torch]``. One run of it is slower than the compiled loop; it is
        there for CUDA and for many runs at once.
    device : str
        Of torch: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    dtype : {"float64", "float32"}
        Of torch: what the loop computes in. The states returned are in double precision always.
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
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    begun = plan.memory(theta.size)
    if memory is not None:
        if method == "plain":
            raise ValueError("`memory` is GroupRMSprop's; plain descent has none: leave it out.")
        own = begun[1:] if method == "momentum" else begun
        own[:] = validation.real_array("memory", memory, shape=own.shape)
    check_place(backend, device, dtype)
    if field is None and backend == "torch":
        from dynlens.dynamics.on_torch.loop import on_device

        steps_by = on_device(problem, method, device, dtype)
    elif field is None:
        steps_by = engine(problem, method, backend)
    elif method == "plain" and backend != "torch":
        steps_by = along(problem, field)
    else:
        raise ValueError(
            "`field` is followed by plain steps in numpy; leave `method` and `backend` out."
        )
    run = follow(problem, plan, theta, rate, steps_by, begun, max_seconds, progress)
    if backend == "torch":
        run = replace(run, attrs={**run.attrs, "device": device, "dtype": dtype})
    return run


def check_place(backend: str, device: str, dtype: str) -> None:
    """Check where a run is to be computed, as far as can be told without torch."""
    validation.one_of("backend", backend, BACKENDS)
    validation.one_of("dtype", dtype, DTYPES)
    if backend != "torch" and (device, dtype) != ("cpu", "float64"):
        raise ValueError(
            f"`device` and `dtype` are torch's, but `backend` is {backend!r}; pass backend='torch'."
        )


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
    engine: Engine,
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
    bar = Progress(plan.total, "descent", "step", shown=progress)
    for mark in plan.marks:
        while step < mark and status == "finished":
            wanted = int(min(mark - step, engine.chunk))
            done = engine.advance(theta, memory, eta, wanted, plan.floor)
            step += done
            if done < wanted:
                # The loop stops at the threshold or at a loss that is not finite; which, is asked
                # again, and not against the threshold: each loop adds up in an order of its own.
                status = "event" if engine.finite(theta) else "diverged"
            elif max_seconds is not None and time.perf_counter() - began > max_seconds:
                status = "budget" if step < plan.total else status
            bar.advance(done)
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
    if engine.note:
        attrs["reference"] = engine.note
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
