"""Gradient flow, integrated as an ODE by compiled loops or by SciPy's solvers.

One driver steps any of them: it saves at the times asked for, locates events on the dense output,
keeps to its budgets, and returns what it has with a status that says why it stopped. Memory does
not grow with the number of steps.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dynlens.dynamics.events import Event, Watch
from dynlens.dynamics.trajectory import Crossing, Trajectory
from dynlens.observables.recorder import Kept, checked_names
from dynlens.problems.problem import Problem
from dynlens.stepping.auto import Auto
from dynlens.stepping.explicit import Explicit
from dynlens.stepping.implicit import NAME as RADAU
from dynlens.stepping.implicit import Implicit
from dynlens.stepping.scipy_solver import SciPyStepper
from dynlens.stepping.stabilized import STABILIZED, Stabilized
from dynlens.stepping.stepper import Saves, Stepper
from dynlens.stepping.tableaus import TABLEAUS
from dynlens.support import validation
from dynlens.support.errors import IntegrationError, KernelError
from dynlens.support.progress import Progress
from dynlens.support.typing import Array, ArrayLike

METHODS = ("RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF")  # SciPy's
COMPILED = (*TABLEAUS, RADAU, *STABILIZED, "auto")
INSTEAD = "DYNLENS_METHOD"  # environment variable: a method of SciPy's that "auto" stands for
TIGHTEST = 2.3e-14  # SciPy's floor for rtol, 100 machine epsilons
FEW = 20_000  # parameters and observations that are seen before it is left for the first time
PAGE = 256  # states held at once where observables are kept
MOMENT = 0.02  # seconds that a compiled loop runs before it is left, at least


def log_times(t_end: float, count: int = 201, *, first: float | None = None) -> Array:
    """Return save-at times: 0, then `count` - 1 times spaced evenly in log t up to `t_end`.

    Parameters
    ----------
    t_end : float
    count : int
        Number of times, at least 3.
    first : float, optional
        First time after zero; ``1e-4 * t_end`` unless given.
    """
    end = validation.positive("t_end", t_end)
    start = 1e-4 * end if first is None else validation.positive("first", first)
    if start >= end:
        raise ValueError(f"`first` is {start:g}, not before `t_end` = {end:g}.")
    n = validation.count("count", count, least=3)
    grid = np.geomspace(start, end, n - 1)
    grid[-1] = end
    return np.concatenate([[0.0], grid])


def gradient_flow(
    problem: Problem,
    theta0: ArrayLike,
    t_end: float | ArrayLike,
    *,
    method: str | type = "auto",
    rtol: float = 1e-9,
    atol: float = 1e-12,
    saves: int | str = 201,
    events: Sequence[Event] = (),
    max_evaluations: int = 10_000_000,
    max_seconds: float | None = None,
    compiled: bool = True,
    field: Callable[[float, Array], Array] | None = None,
    observables: Sequence[str] = (),
    progress: bool = False,
    strict: bool = False,
) -> Trajectory:
    r"""Integrate the gradient flow :math:`\dot\theta = -\nabla\phi(\theta)`.

    Parameters
    ----------
    problem : Problem
    theta0 : array_like, shape (P,)
        Start; see `Problem.init`.
    t_end : float or array_like, shape (T,)
        End time, or the increasing times to save at (the run starts at time 0 either way).
    method : str or OdeSolver subclass
        As compiled loops: "Tsit5", "DOP8", "Radau9", "RKC2", "ROCK4", and "auto", which changes
        between them (see Notes). By SciPy, and the reference: "RK23", "RK45", "DOP853", "LSODA",
        "Radau", "BDF". Explicit methods suit early times, implicit ones late and stiff times.
    rtol, atol : float
        Relative and absolute tolerance of one step, as in `scipy.integrate.solve_ivp`.
    saves : int or "log"
        How many evenly spaced times to save when `t_end` is a number, or ``"log"`` for 0 and 200
        logarithmically spaced ones.
    events : sequence of Event
        What to watch for; see `Event` and `loss_below`. Each crossing is located on the dense
        output to the solver's own accuracy.
    max_evaluations, max_seconds : int, float
        Budgets. A run that exceeds one ends with status ``"budget"`` and what it has.
    compiled : bool
        Use the generated kernel (default) or the numpy reference, which SciPy's methods alone can
        do; "auto" is then "DOP853". A model without a kernel takes the reference always, and
        ``attrs["reference"]`` says so.
    field : callable, optional
        ``field(t, theta)``, to be followed instead of the negative gradient: a modified flow, such
        as `modified_field(problem, eta)`. By SciPy's methods; "auto" is then "DOP853".
    observables : sequence of str
        Names of observables to be kept at the times to save, instead of the states: the run then
        takes the memory of some 256 states, however many times are saved.
    progress : bool
        Show a progress bar.
    strict : bool
        Raise `IntegrationError` instead of returning a partial trajectory.

    Returns
    -------
    Trajectory

    Raises
    ------
    TypeError, ValueError
        For a malformed argument, which the text names.
    IntegrationError
        With `strict`, if the run did not reach its end.
    KernelError
        If `method` names a compiled loop, and the compiled gradient is not that of the reference,
        or the model states none.

    Warns
    -----
    RuntimeWarning
        If the compiled gradient is not that of the reference, with another method: the run then
        takes the reference.

    Notes
    -----
    A name means one implementation. "DOP853" is SciPy's; "DOP8" has the same coefficients in a
    compiled loop, a hundred times as fast where the gradient is tiny. "Tsit5" is the pair of
    Tsitouras (2011), "Radau9" an implicit method of Hairer & Wanner (1999) for up to about a
    hundred parameters, "RKC2" and "ROCK4" the stabilized methods of Sommeijer, Shampine & Verwer
    (1998) and of Abdulle (2002), of order two and four, for more of them. "auto" begins with
    "Tsit5" (from ``rtol=1e-7`` on, 1e-5 for many parameters) or "DOP8" and changes to one of the
    latter three, and back, as the flow turns stiff or mild; ``attrs["switches"]`` tells when and
    why. The first run by a method compiles its loop for seconds, the first run of a problem its
    gradient for one; all later ones, also of other processes, load from the cache. Named by
    themselves, "Tsit5" and "DOP8" compile a loop of its own for each tiny problem, three times as
    fast; "auto" never does. The environment variable ``DYNLENS_METHOD`` makes "auto" stand for a
    method of SciPy's, to see what depends on it.

    The explicit methods' error per unit of time is controlled relative to ``|theta|``; quantities
    that are products of small and large factors (a determinant, say) can lose all their digits
    long before the tolerance suggests. `Trajectory.twins` and `Trajectory.error` measure it.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> flow = dl.gradient_flow(problem, [0.1, 0.1], 4.0)
    >>> round(float(flow.observe("end_to_end")[-1, 0, 0]), 6)
    1.999955
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    start = problem.check_theta(theta0)
    times = save_times(t_end, saves)
    validation.positive("rtol", rtol)
    validation.positive("atol", atol, allow_zero=True)
    validation.count("max_evaluations", max_evaluations)
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    remedy = "for example `loss_below(1e-4)`, in a list."
    watched = validation.sequence("events", events, remedy, Event)
    for event in watched:
        event.height(problem, start)
    note = problem.without_kernel if compiled and field is None else ""
    if note and method in COMPILED and method != "auto":
        raise KernelError(f"`method` {method!r} is a compiled loop, but {note} Use 'auto'.")
    compiled = compiled and not note
    settings = Settings(
        _checked_method(method, compiled and field is None),
        float(rtol),
        float(atol),
        watched,
        int(max_evaluations),
        max_seconds,
        bool(compiled),
        bool(progress),
        field,
        checked_names(observables),
        note,
    )
    try:
        trajectory = _integrate(problem, start, times, settings)
    except KernelError as error:
        if settings.method in COMPILED and settings.method != "auto":
            raise
        warnings.warn(f"{error} This run does so by itself.", RuntimeWarning, stacklevel=2)
        trajectory = _integrate(problem, start, times, settings.by_reference())
    if strict and not trajectory.complete:
        raise IntegrationError(trajectory.message)
    return trajectory


@dataclass(frozen=True)
class Settings:
    """How to integrate: everything but the problem, the start and the times."""

    method: str | type
    rtol: float
    atol: float
    events: tuple[Event, ...]
    max_evaluations: int
    max_seconds: float | None
    compiled: bool
    progress: bool
    field: Callable[[float, Array], Array] | None = None
    observables: tuple[str, ...] = ()
    note: str = ""  # why the reference computes, where that was not asked for

    @property
    def name(self) -> str:
        return self.method if isinstance(self.method, str) else self.method.__name__

    def by_reference(self) -> Settings:
        """Return the same without compiled code."""
        method = "DOP853" if self.method == "auto" else self.method
        return replace(self, method=method, compiled=False)

    def twin(self, k: int) -> Settings:
        """Numerics that differ: a tighter tolerance (0), or another family of solvers (1)."""
        if k == 0:
            tighter = max(self.rtol / 10, TIGHTEST)
            return replace(self, rtol=tighter, atol=self.atol / 10, progress=False)
        # Radau's order is 5, and its error here lies far below rtol: thirty times is enough of it.
        if self.name in ("LSODA", "BDF"):
            return replace(self, method="Radau", rtol=30 * self.rtol, progress=False)
        return replace(self, method="LSODA", progress=False)

    def stepper(self, problem: Problem, start: Array, t_end: float) -> Stepper:
        """Return the method, about to take its first step."""
        rtol, atol = self.rtol, self.atol
        if self.method in TABLEAUS:
            return Explicit(problem, start, self.name, t_end, rtol=rtol, atol=atol, own=True)
        if self.method in STABILIZED:
            return Stabilized(problem, start, self.name, t_end, rtol=rtol, atol=atol)
        if self.method in (RADAU, "auto"):
            kind: type[Implicit | Auto] = Implicit if self.method == RADAU else Auto
            return kind(problem, start, t_end, rtol=rtol, atol=atol)
        own = problem.compiled_field if self.compiled else problem.vector_field
        return SciPyStepper(
            problem,
            start,
            _solver(self.method),
            t_end,
            rtol=rtol,
            atol=atol,
            field=self.field or own,
            gradient=self.field is None,
        )


def _checked_method(method: str | type, compiled: bool) -> str | type:
    if isinstance(method, type):
        import scipy.integrate

        if not issubclass(method, scipy.integrate.OdeSolver):
            raise TypeError(f"`method` must be a subclass of scipy's OdeSolver, got {method!r}.")
        return method
    validation.one_of("method", method, (*METHODS, *COMPILED))
    if method == "auto" and os.environ.get(INSTEAD):
        return validation.one_of(INSTEAD, os.environ[INSTEAD], METHODS)
    if method == "auto" and not compiled:
        return "DOP853"
    if method in COMPILED and not compiled:
        raise ValueError(
            f"`method` {method!r} is a compiled loop of the gradient flow itself; leave `compiled` "
            "True and `field` out, or use 'DOP853'."
        )
    return method


def _solver(method: str | type) -> type:
    import scipy.integrate

    return method if isinstance(method, type) else getattr(scipy.integrate, method)


def save_times(t_end: float | ArrayLike, saves: int | str) -> Array:
    """Return the times to save at, as `gradient_flow` reads its arguments."""
    if np.ndim(t_end) == 0:
        end = validation.finite("t_end", t_end)
        if end <= 0:
            raise ValueError(f"`t_end` must be after the start at 0, got {end:g}.")
        if isinstance(saves, str):
            validation.one_of("saves", saves, ("log",))
            return log_times(end)
        last = validation.count("saves", saves, least=2) - 1
        times = np.arange(last + 1.0) * (end / last)  # np.linspace, in a quarter of its time
        times[last] = end
        return times
    return validation.times("t_end", t_end)


def _integrate(problem: Problem, start: Array, times: Array, settings: Settings) -> Trajectory:
    if settings.method in COMPILED:
        return integrate(problem, start, times, settings)
    with warnings.catch_warnings():  # LSODA prints what the status already says
        warnings.simplefilter("ignore", UserWarning)
        return integrate(problem, start, times, settings)


def integrate(
    problem: Problem,
    start: Array,
    times: Array,
    settings: Settings,
    halted: Callable[[], bool] = lambda: False,
) -> Trajectory:
    """Run `gradient_flow` with arguments that have been checked; end early once `halted`."""
    began = time.perf_counter()
    # The status tells of a state that blows up, and so do warnings of its overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        run = _Run(problem, start, times, settings)
        status, message = run.drive(began, halted)

    attrs = {
        "method": settings.name,
        "rtol": settings.rtol,
        "atol": settings.atol,
        "evaluations": run.stepper.evaluations,
        "steps": run.stepper.steps,
        "seconds": time.perf_counter() - began,
        **run.stepper.notes,
        **({"reference": settings.note} if settings.note else {}),
    }
    t, theta, kept = run.told()
    return Trajectory(
        problem=problem,
        t=t,
        theta=theta,
        status=status,
        message=message,
        attrs=attrs,
        crossings=tuple(run.crossings),
        kept=kept,
        rerun=partial(run_again, problem, start, settings, times),
    )


def run_again(
    problem: Problem,
    start: Array,
    settings: Settings,
    own_times: Array,
    *,
    twin: int | None = None,
    times: Array | None = None,
) -> Trajectory:
    """Repeat a run at other times, or with numerics that differ (see `Trajectory.twins`)."""
    if twin is not None:
        settings = settings.twin(twin)
    if twin == 0:
        # Half a unit in the last place, up and down in turn: what rounding alone could do.
        start = start * (1 + np.where(np.arange(start.size) % 2, 1.0, -0.5) * np.finfo(float).eps)
    return _integrate(problem, start, own_times if times is None else times, settings)


class _Run:
    """One integration in progress: the only place that holds changing state."""

    def __init__(self, problem: Problem, start: Array, times: Array, settings: Settings) -> None:
        self.times, self.settings = times, settings
        self.size = start.size + problem.observations.count
        # Where observables are kept, states are held for a page of times, which is then turned.
        page = min(len(times), PAGE) if settings.observables else len(times)
        self.saves, self.turned = Saves(times[:page], np.empty((page, start.size))), 0
        self.kept, self.last = Kept(problem, settings.observables), start[:0]
        self.crossings: list[Crossing] = []
        self.extra: Crossing | None = None
        self.watch = Watch(problem, start, settings.events)
        if times[0] == 0:
            self.saves.states[0], self.saves.count = start, 1
        self.stepper = settings.stepper(problem, start, times[-1] if times[-1] > 0 else 1.0)

    @property
    def saved(self) -> int:
        """How many times are."""
        return self.turned + self.saves.count

    def drive(self, began: float, halted: Callable[[], bool]) -> tuple[str, str]:
        """Step to the end, or to whatever stops the run first."""
        stepper, settings, end = self.stepper, self.settings, self.times[-1]
        progress = Progress(float(end), "flow", "t", shown=settings.progress)
        # A compiled loop is left now and then, to look at the clock and to hear an interrupt: first
        # after few steps, fewer of a large problem, or at once where seconds are counted.
        chunk = 1 if settings.max_seconds is not None else 1 + FEW // self.size
        looked = began
        while self.saved < len(self.times):
            budget = settings.max_evaluations
            failure = stepper.advance(self.saves, self.watch.floor, budget, chunk)
            if failure:
                return "failed", (
                    f"{settings.name} stopped at t={stepper.t:.4g} of {end:.4g}: {failure} "
                    "Try method='LSODA', a smaller scale, or an earlier t_end."
                )
            stop = self._look() if stepper.fresh else None
            self._turn(stepper.t if stop is None else stop.t)
            progress.reach(min(stepper.t if stop is None else stop.t, end))
            if stop is not None:
                if not self.saved or self.times[self.saved - 1] < stop.t:
                    self.extra = stop
                return "event", f"{stop.name} at t={stop.t:.6g}."
            if self.saved == len(self.times):
                break
            if stepper.evaluations >= budget:
                return "budget", self._short(f"max_evaluations={budget}")
            if halted():
                return "budget", self._short("the patience of its caller")
            now = time.perf_counter()
            if settings.max_seconds is not None and now - began > settings.max_seconds:
                return "budget", self._short(f"max_seconds={settings.max_seconds}")
            chunk = min(2 * chunk, 2**40) if now - looked < MOMENT else max(1, chunk // 2)
            looked = now
        return "finished", f"{settings.name} reached t={end:.6g}."

    def _short(self, budget: str) -> str:
        return (
            f"{self.settings.name} used up {budget} at t={self.stepper.t:.4g} of "
            f"{self.times[-1]:.4g}; raise it, or try method='LSODA' if the problem is stiff."
        )

    def _look(self) -> Crossing | None:
        """Save the last step, up to the first terminal event in it, which is returned."""
        stepper, stop = self.stepper, None
        if self.settings.events:
            found, stop = self.watch.locate(stepper, stepper.dense_output())
            self.crossings += found
        self._save(stepper.t if stop is None else stop.t)
        return stop

    def _save(self, limit: float) -> None:
        """Save what the last step holds of this page, up to a time."""
        stepper, saves = self.stepper, self.saves
        n = int(np.searchsorted(saves.times, limit, side="right"))
        if n > saves.count:
            saves.states[saves.count : n] = stepper.dense_output()(saves.times[saves.count : n]).T
            if saves.times[n - 1] == stepper.t:
                saves.states[n - 1] = stepper.y  # the step's own value, not the interpolant's
            saves.count = n

    def _turn(self, limit: float) -> None:
        """Go on to the next page when this one is full and not the last."""
        while self.saves.complete and self.saved < len(self.times):
            for theta in self.saves.states:
                self.kept.add(theta)
            self.turned, self.last = self.saved, theta.copy()
            times = self.times[self.turned :][: len(self.saves.times)]
            self.saves = Saves(times, self.saves.states[: len(times)])
            self._save(limit)

    def told(self) -> tuple[Array, Array, dict[str, Array]]:
        """Times, states or the last of them, and what was kept instead."""
        t, theta = self.times[: self.saved].copy(), self.saves.states[: self.saves.count].copy()
        if self.extra is not None:
            t, theta = np.append(t, self.extra.t), np.vstack([theta, self.extra.theta])
        if not self.settings.observables:
            return t, theta, {}
        for state in theta:
            self.kept.add(state)
        last = theta[-1:] if len(theta) or not self.turned else self.last[None]
        return t, last, self.kept.values()
