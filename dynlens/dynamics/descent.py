"""Gradient descent, on the flow's clock ``t = eta * step``.

What takes the steps is an engine: in numpy it reads as the update rule and is the reference;
compiled, and with torch, it equals that to rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from dynlens.dynamics.engines import ENGINES
from dynlens.dynamics.looks import Looks, looks_of
from dynlens.dynamics.plan import DICE, Plan, checked_plan
from dynlens.dynamics.times import STEPS
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.numerics import nudged
from dynlens.support.typing import Array, ArrayLike

BACKENDS = ("numba", "numpy", "torch")
DTYPES = ("float64", "float32")
ALL = 2000  # steps of which each is looked at
MOST = 20_000  # looks at a longer run, at most
NUMBERS = 4_000_000  # of all their states


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
        Step size; the time of step k is ``t = eta * k`` (of other methods, see Notes).
    steps : int
        Number of steps.
    method : {"plain", "momentum", "grouprmsprop", "adam", "rmsprop", "adagrad"}
        ``"momentum"`` is Polyak's heavy ball; ``"grouprmsprop"`` divides eta by one global root
        mean square of the gradient; the last three divide each entry by its own (see Notes).
    beta : float
        Of momentum and Adam, in [0, 1): the part of the velocity that is kept in a step.
    saves : int, "log", "steps" or array_like of int
        How many evenly spaced steps to save, ``"log"`` for 0 and 200 logarithmically spaced ones,
        or the increasing step numbers themselves. ``"steps"`` saves all of up to 2000, and of more
        as many as the states change, as in `gradient_flow`; the run is then taken twice.
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
    memory : array_like, optional
        What an earlier run of the same method (any but plain) left in ``attrs["memory"]``; with it
        and that run's final state, this one goes on as if there had been no break.
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

    Adam, RMSprop and AdaGrad are those of torch.optim with its defaults, entry by entry, from zero:

    ========  ==================================================================================
    adagrad   :math:`v \leftarrow v + g^2`, step :math:`\eta g / (\sqrt v + \epsilon)`,
              :math:`\epsilon = 10^{-10}`
    rmsprop   :math:`v \leftarrow \alpha v + (1 - \alpha) g^2`, the same step,
              :math:`\alpha = 0.99`, :math:`\epsilon = 10^{-8}`
    adam      :math:`m \leftarrow \beta m + (1 - \beta) g` and v as before,
              :math:`\alpha = 0.999`; step :math:`\eta \hat m / (\sqrt{\hat v} + \epsilon)`,
              :math:`\hat m = m / (1 - \beta^k)`, :math:`\hat v = v / (1 - \alpha^k)`
    ========  ==================================================================================

    None of them tends to gradient flow. With all constants but eta fixed, Adam and RMSprop forget
    within a time that vanishes with eta, and tend to the flow of signs
    :math:`\theta' = -g / (|g| + \epsilon)` on the clock ``t = eta * step``. AdaGrad forgets nothing
    and tends to :math:`\theta' = -g / \sqrt{\int_0^t g^2}` on the clock ``t = eta**2 * step``.
    These are the times of their trajectories.

    References
    ----------
    razin2021implicit, kingma2015adam, duchi2011adaptive

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
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    check_place(backend, device, dtype)
    plan = checked_plan(
        steps=steps,
        method=method,
        beta=beta,
        saves=saves,
        stop_below=stop_below,
        observables=observables,
        max_seconds=max_seconds,
        device=device,
        dtype=dtype,
        field=field,
    )
    if field is not None and (method != "plain" or ENGINES[backend].placed):
        raise ValueError(
            "`field` is followed by plain steps in numpy; leave `method` and `backend` out."
        )
    begun = _begun(plan, theta.size, memory)
    descent = Descent(problem, theta, rate, backend if field is None else "field", begun)
    run = descent.run(plan, steps=isinstance(saves, str) and saves == STEPS, progress=progress)
    return run if np.ndim(saves) else replace(run, attrs={**run.attrs, "saves": _plain(saves)})


@dataclass(frozen=True, eq=False)
class Descent:
    """What is asked for besides the plan, so that a run can be repeated by another one."""

    problem: Problem
    theta: Array
    eta: float
    engine: str
    memory: Array

    def run(self, plan: Plan, *, steps: bool = False, progress: bool = False) -> Trajectory:
        """Run it; with `steps`, saved as often as the states change."""
        engine, between = ENGINES[self.engine], {}
        if steps:
            looks = self._looks(plan)
            clock = plan.times(self.eta, 1)
            marks = np.round(looks.t / clock).astype(np.int64)
            plan = replace(plan, marks=np.union1d(plan.marks, marks))
            between = {"steps_between": looks.steps, "moved_between": looks.moved}
        where = (self.problem, plan, self.theta, self.eta)
        run = engine.one(*where, memory=self.memory, progress=progress)
        again = None if engine.placed else partial(self.again, plan)
        velocity = plan.field
        return replace(run, attrs={**run.attrs, **between}, rerun=again, velocity=velocity)

    def _looks(self, plan: Plan) -> Looks:
        if plan.total <= ALL:
            return Looks(plan.times(self.eta, np.arange(plan.total + 1)), 1.0, 0.0)
        numbers = max(ALL, min(MOST, NUMBERS // self.theta.size))
        engine = ENGINES[self.engine]
        pages = engine.every_step(self.problem, plan, self.theta, self.eta, self.memory)
        return looks_of(pages, numbers)

    def again(
        self,
        plan: Plan,
        *,
        twin: str | None = None,
        times: Array | None = None,
        steps: bool = False,
        watch: bool = True,
    ) -> Trajectory:
        """Repeat it as one of its `TWINS`, at other times, or without an eye on the loss."""
        if times is not None:
            marks = np.round(times / plan.times(self.eta, 1)).astype(np.int64)
            plan = replace(plan, marks=marks, total=int(marks[-1]))
        if not watch:
            plan = replace(plan, floor=-np.inf)
        if twin is None:
            return self.run(plan, steps=steps)
        plan = replace(plan, rounding=twin)
        extra = plan.memory(self.theta.size)[plan.remembered(self.theta.size) :]
        start = nudged(self.theta) if twin in DICE else self.theta
        return replace(self, theta=start, memory=np.append(self.memory, extra)).run(plan)


def _plain(saves: Any) -> int | str:
    return saves if isinstance(saves, str) else int(saves)


def _begun(plan: Plan, size: int, memory: ArrayLike | None) -> Array:
    """Return what the method remembers at the start, by itself or from an earlier run."""
    begun = plan.memory(size)
    if memory is not None:
        if plan.method == "plain":
            raise ValueError("`memory` is of other methods; plain descent has none: leave it out.")
        own = begun[plan.settings :]
        own[:] = validation.real_array("memory", memory, shape=own.shape)
    return begun


def check_place(backend: str, device: str, dtype: str) -> None:
    """Check where a run is to be computed, as far as can be told without torch."""
    validation.one_of("backend", backend, BACKENDS)
    validation.one_of("dtype", dtype, DTYPES)
    if not ENGINES[backend].placed and (device, dtype) != ("cpu", "float64"):
        raise ValueError(
            f"`device` and `dtype` are torch's, but `backend` is {backend!r}; pass backend='torch'."
        )
