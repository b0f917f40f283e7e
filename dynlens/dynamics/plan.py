"""What a descent is asked to do, and what is told of it when it is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.dynamics.times import STEPS
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import checked_names
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

METHODS = ("plain", "momentum", "grouprmsprop", "adam", "rmsprop", "adagrad")
COMPENSATED = "compensated"
DICE = {"shaken": 1.0, "shaken again": 2.0**31}  # what is thrown first
DECAY, EPS = 0.99, 1e-6  # of GroupRMSprop, as in the authors' code
# What torch.optim takes unless told otherwise: the share of squares that is kept, and what is
# added to their root.
SQUARES = {"adam": 0.999, "rmsprop": 0.99}
ADDED = {"adam": 1e-8, "rmsprop": 1e-8, "adagrad": 1e-10}
WITH_BETA = ("momentum", "adam")


def remembered(method: str, size: int) -> int:
    """How many numbers a method remembers of so many parameters."""
    vectors = {"momentum": 1 + size, "adam": 2 + 2 * size, "rmsprop": size, "adagrad": size}
    return vectors.get(method, 3)


def clock(method: str, eta: float, beta: float) -> float:
    """Time that passes in a step; see the Notes of `gradient_descent`."""
    if method == "adagrad":
        return eta * eta
    return eta / (1 - beta) if method == "momentum" else eta


@dataclass(frozen=True)
class Plan:
    """How to descend: everything but the problem, the start and the step size.

    Parameters
    ----------
    total : int
        Steps asked for.
    method : str
    beta : float
        Of momentum and Adam: the part of the velocity that is kept.
    marks : ndarray of int
        Steps to save.
    floor : float
        Loss at which to end.
    recorded : tuple of str
        Observables to keep instead of the states.
    max_seconds : float, optional
        Budget of a single run.
    device, dtype : str
        Where and in what precision to compute, for an engine that has the choice.
    field : callable, optional
        Followed in place of the negative gradient.
    rounding : {"", "compensated", "shaken", "shaken again"}
        How the state is rounded after each step: as it is; not at all, by carrying what it is too
        coarse for; or off by a last digit, by chance.
    """

    total: int
    method: str
    beta: float
    marks: NDArray[np.int64]
    floor: float
    recorded: tuple[str, ...] = ()
    max_seconds: float | None = None
    device: str = "cpu"
    dtype: str = "float64"
    field: Callable[[float, Array], Array] | None = None
    rounding: str = ""

    @property
    def settings(self) -> int:
        """How many numbers at the front of the memory are settings: momentum's share, or none."""
        return 1 if self.method in WITH_BETA else 0

    def remembered(self, size: int) -> int:
        """How many numbers the method itself remembers."""
        return remembered(self.method, size)

    def memory(self, size: int) -> Array:
        """What a method remembers, at the start.

        GroupRMSprop's second moment, its step count and the flow time passed; momentum's share
        and its velocity; Adam's share, step count, mean of gradients and of their squares; the
        latter alone of RMSprop, their sum of AdaGrad. For another rounding there follow what is
        carried, room for a step, and a die, which is negative if nothing is shaken.
        """
        begun = np.zeros(self.remembered(size))
        begun[: self.settings] = self.beta
        if self.rounding:
            begun = np.append(begun, np.zeros(2 * size + 1))
            begun[-1] = DICE.get(self.rounding, -1.0)
        return begun

    def times(self, eta: float, steps: Any) -> Array:
        """Return the times of these steps on the flow's clock."""
        step = clock(self.method, eta, self.beta)
        return np.asarray(step * np.asarray(steps, dtype=np.float64))


def checked_plan(
    *,
    steps: int,
    method: str,
    beta: float,
    saves: int | str | ArrayLike,
    stop_below: float | None,
    observables: Sequence[str],
    **others: Any,
) -> Plan:
    """Check the arguments that all runs of a batch share; `others` have been checked."""
    total = validation.count("steps", steps)
    validation.one_of("method", method, METHODS)
    share = validation.positive("beta", beta, allow_zero=True)
    if share >= 1:
        raise ValueError(f"`beta` must be in [0, 1), got {beta!r}.")
    floor = -np.inf
    if stop_below is not None:
        floor = validation.positive("stop_below", stop_below, allow_zero=True)
    marks, recorded = save_steps(total, saves), checked_names(observables)
    return Plan(total, method, share, marks, floor, recorded, **others)


def save_steps(total: int, saves: int | str | ArrayLike) -> NDArray[np.int64]:
    """Return the increasing steps to save, of so many in all; see `gradient_descent`.

    For `STEPS` they are those that are saved in any case.
    """
    if isinstance(saves, str):
        validation.one_of("saves", saves, ("log", STEPS))
        if saves == STEPS:
            return np.unique([0, total])
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


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Parameters
    ----------
    status : {"finished", "event", "diverged", "budget"}
    memory : ndarray
        As `Plan.memory`, at the end.
    attrs : dict
        What else is to be said of the run.
    """

    status: str
    memory: Array
    attrs: dict[str, Any] = field(default_factory=dict)


def trajectory_of(
    problem: Problem,
    plan: Plan,
    eta: float,
    *,
    steps: Sequence[int],
    states: Array,
    recorded: Mapping[str, Array],
    ending: Ending,
) -> Trajectory:
    """Return the trajectory of a run that is over.

    Parameters
    ----------
    problem : Problem
    plan : Plan
    eta : float
    steps : sequence of int, length T
        Those saved, the last of which is the last taken.
    states : ndarray, shape (T, P) or (1, P)
        At these steps, or the last one alone where observables were recorded.
    recorded : mapping of ndarray, shape (T, ...)
    ending : Ending
    """
    step = int(steps[-1])
    messages = {
        "finished": f"took all {step} steps.",
        "event": f"loss at or below {plan.floor:g} after {step} steps.",
        "budget": f"used up max_seconds={plan.max_seconds} after {step} of {plan.total} steps; "
        "raise it.",
        "diverged": f"the loss is not finite after {step} steps; try a smaller `eta`.",
    }
    attrs: dict[str, Any] = {"method": plan.method, "eta": eta, "steps": step, **ending.attrs}
    if plan.settings:
        attrs["beta"] = plan.beta
    if plan.method != "plain":
        own = ending.memory[: plan.remembered(states.shape[-1])]
        attrs["memory"] = own[plan.settings :].tolist()
    return Trajectory(
        problem=problem,
        t=plan.times(eta, steps),
        theta=states,
        source="descent",
        status=ending.status,
        message=messages[ending.status],
        attrs=attrs,
        kept=recorded,
    )
