"""Gradient flow, integrated as an ODE by SciPy's solvers.

One driver steps any `scipy.integrate.OdeSolver`: it saves at the times asked for, locates events
on the dense output, keeps to its budgets, and returns what it has with a status that says why it
stopped. Memory does not grow with the number of steps.
"""

from __future__ import annotations

import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens import validation
from dynlens.errors import IntegrationError
from dynlens.observables import registry
from dynlens.problem import Problem
from dynlens.trajectory import Crossing, Trajectory
from dynlens.typing import Array, ArrayLike

METHODS = ("RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF")
IMPLICIT = ("LSODA", "Radau", "BDF")
TIGHTEST = 2.3e-14  # SciPy's floor for rtol, 100 machine epsilons
DENSE_HESSIAN = 256  # up to this many parameters the implicit solvers get the exact Jacobian
LOOKS = 4  # points of a step at which events are looked for, so that two roots are seen


@dataclass(frozen=True)
class Event:
    """An observable crossing a value.

    Parameters
    ----------
    observable : str
        Name of the observable.
    value : float
        The value that is crossed.
    where : tuple of int
        Index of one entry, for an observable with dims.
    direction : {-1, 0, 1}
        Falling through the value, either way, or rising through it.
    terminal : bool
        Whether the run ends there.
    parameters : tuple of (name, value) pairs
        Parameters of the observable.
    """

    observable: str
    value: float
    where: tuple[int, ...] = ()
    direction: int = 0
    terminal: bool = False
    parameters: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if registry.find(self.observable).along_path:
            raise ValueError(
                f"observable {self.observable!r} is defined along a whole path, not at one state; "
                "watch another one."
            )
        validation.finite("value", self.value)
        object.__setattr__(self, "parameters", validation.pairs("parameters", self.parameters))
        if self.direction not in (-1, 0, 1):
            raise ValueError(f"`direction` must be -1, 0 or 1, got {self.direction!r}.")

    def height(self, problem: Problem, theta: Array) -> float:
        """Return the observable minus the value."""
        entry = registry.find(self.observable)
        observed = entry(problem, theta, **dict(self.parameters))
        try:
            return float(observed[self.where]) - self.value
        except (IndexError, TypeError) as error:
            raise ValueError(
                f"`where` is {self.where}, but {self.observable!r} has shape {observed.shape}; "
                "name one entry."
            ) from error

    @property
    def name(self) -> str:
        """Short name, such as ``loss = 0.001``."""
        place = f"[{', '.join(map(str, self.where))}]" if self.where else ""
        return f"{self.observable}{place} = {self.value:g}"


def loss_below(value: float, *, terminal: bool = True) -> Event:
    """Return the event of the loss falling below `value`, which ends the run unless told not to."""
    return Event("loss", validation.positive("value", value), (), -1, terminal)


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
    method: str | type = "DOP853",
    rtol: float = 1e-9,
    atol: float = 1e-12,
    saves: int | str = 201,
    events: Sequence[Event] = (),
    max_evaluations: int = 10_000_000,
    max_seconds: float | None = None,
    compiled: bool = True,
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
    method : {"RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF"} or OdeSolver subclass
        Explicit methods for early times; LSODA or Radau for late, stiff ones.
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
        Use the generated kernel (default) or the numpy reference.
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

    Notes
    -----
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
    times = _save_times(t_end, saves)
    validation.positive("rtol", rtol)
    validation.positive("atol", atol, allow_zero=True)
    validation.count("max_evaluations", max_evaluations)
    if max_seconds is not None:
        validation.positive("max_seconds", max_seconds)
    remedy = "for example `loss_below(1e-4)`, in a list."
    watched = validation.sequence("events", events, remedy, Event)
    for event in watched:
        event.height(problem, start)
    settings = _Settings(
        _solver(method),
        float(rtol),
        float(atol),
        watched,
        int(max_evaluations),
        max_seconds,
        bool(compiled),
        bool(progress),
    )
    trajectory = _integrate(problem, start, times, settings)
    if strict and not trajectory.complete:
        raise IntegrationError(trajectory.message)
    return trajectory


@dataclass(frozen=True)
class _Settings:
    """How to integrate: everything but the problem, the start and the times."""

    solver: type
    rtol: float
    atol: float
    events: tuple[Event, ...]
    max_evaluations: int
    max_seconds: float | None
    compiled: bool
    progress: bool

    @property
    def implicit(self) -> bool:
        return self.solver.__name__ in IMPLICIT

    def twin(self, k: int) -> _Settings:
        """Numerics that differ: a tighter tolerance (0), or another family of solvers (1)."""
        if k == 0:
            tighter = max(self.rtol / 10, TIGHTEST)
            return replace(self, rtol=tighter, atol=self.atol / 10, progress=False)
        # Radau's order is 5, and its error here lies far below rtol: thirty times is enough of it.
        if self.solver.__name__ in ("LSODA", "BDF"):
            return replace(self, solver=_solver("Radau"), rtol=30 * self.rtol, progress=False)
        return replace(self, solver=_solver("LSODA"), progress=False)


def _solver(method: str | type) -> type:
    import scipy.integrate

    if isinstance(method, type):
        if not issubclass(method, scipy.integrate.OdeSolver):
            raise TypeError(f"`method` must be a subclass of scipy's OdeSolver, got {method!r}.")
        return method
    validation.one_of("method", method, METHODS)
    return getattr(scipy.integrate, method)


def _save_times(t_end: float | ArrayLike, saves: int | str) -> Array:
    if np.ndim(t_end) == 0:
        end = validation.finite("t_end", t_end)
        if end <= 0:
            raise ValueError(f"`t_end` must be after the start at 0, got {end:g}.")
        if isinstance(saves, str):
            validation.one_of("saves", saves, ("log",))
            return log_times(end)
        return np.linspace(0.0, end, validation.count("saves", saves, least=2))
    return validation.times("t_end", t_end)


def _integrate(problem: Problem, start: Array, times: Array, settings: _Settings) -> Trajectory:
    began = time.perf_counter()
    run = _Run(problem, start, times, settings)
    # LSODA prints what the status already says, and so does the overflow of a state that blows up.
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        status, message = run.drive(began)

    def rerun(twin: int | None = None, times: Array = times) -> Trajectory:
        changed = settings if twin is None else settings.twin(twin)
        # Half a unit in the last place, up and down in turn: what rounding alone could do.
        nudge = np.where(np.arange(start.size) % 2, 1.0, -0.5) * np.finfo(float).eps
        return _integrate(problem, start * (1 + nudge) if twin == 0 else start, times, changed)

    attrs = {
        "method": settings.solver.__name__,
        "rtol": settings.rtol,
        "atol": settings.atol,
        "evaluations": int(run.solver.nfev),
        "steps": run.steps,
        "seconds": time.perf_counter() - began,
    }
    n = run.saved
    return Trajectory(
        problem=problem,
        t=times[:n].copy() if run.extra is None else np.append(times[:n], run.extra[0]),
        theta=run.states[:n].copy()
        if run.extra is None
        else np.vstack([run.states[:n], run.extra[1]]),
        status=status,
        message=message,
        attrs=attrs,
        crossings=tuple(run.crossings),
        rerun=rerun,
    )


class _Run:
    """One integration in progress: the only place that holds changing state."""

    def __init__(self, problem: Problem, start: Array, times: Array, settings: _Settings) -> None:
        self.problem, self.times, self.settings = problem, times, settings
        self.states = np.empty((len(times), start.size))
        self.saved = self.steps = 0
        self.crossings: list[Crossing] = []
        self.extra: tuple[float, Array] | None = None
        field: Callable[[float, Array], Array]
        field = problem.compiled_field if settings.compiled else problem.vector_field
        options: dict[str, Any] = {"rtol": settings.rtol, "atol": settings.atol}
        if settings.implicit and start.size <= DENSE_HESSIAN:
            options["jac"] = lambda t, theta: -problem.hessian(theta)
        self.heights = [event.height(problem, start) for event in settings.events]
        if times[0] == 0:
            self.states[0], self.saved = start, 1
        end = times[-1] if times[-1] > 0 else 1.0
        self.solver = settings.solver(field, 0.0, start, end, **options)

    def drive(self, began: float) -> tuple[str, str]:
        """Step to the end, or to whatever stops the run first."""
        solver, settings = self.solver, self.settings
        bar = _bar(settings.progress, self.times[-1])
        name = settings.solver.__name__
        while self.saved < len(self.times):
            try:
                message = solver.step()
            except (ValueError, np.linalg.LinAlgError) as error:
                # An implicit solver meeting a non-finite Jacobian.
                return "failed", f"{name} stopped at t={solver.t:.4g}: {error}"
            if solver.status == "failed" or not np.all(np.isfinite(solver.y)):
                return "failed", (
                    f"{name} stopped at t={solver.t:.4g} of {self.times[-1]:.4g}: "
                    f"{message or 'The state is not finite.'} "
                    "Try method='LSODA', a smaller scale, or an earlier t_end."
                )
            self.steps += 1
            dense = solver.dense_output()
            stop = self._locate(dense) if settings.events else None
            limit = solver.t if stop is None else stop.t
            self._save(dense, limit)
            if bar is not None:
                bar.update(min(limit, self.times[-1]) - bar.n)
            if stop is not None:
                if not self.saved or self.times[self.saved - 1] < stop.t:
                    self.extra = (stop.t, stop.theta)
                return "event", f"{stop.name} at t={stop.t:.6g}."
            if solver.nfev >= settings.max_evaluations and self.saved < len(self.times):
                return "budget", self._short(f"max_evaluations={settings.max_evaluations}")
            if (
                settings.max_seconds is not None
                and time.perf_counter() - began > settings.max_seconds
                and self.saved < len(self.times)
            ):
                return "budget", self._short(f"max_seconds={settings.max_seconds}")
        return "finished", f"{name} reached t={self.times[-1]:.6g}."

    def _short(self, budget: str) -> str:
        return (
            f"{self.settings.solver.__name__} used up {budget} at t={self.solver.t:.4g} of "
            f"{self.times[-1]:.4g}; raise it, or try method='LSODA' if the problem is stiff."
        )

    def _save(self, dense: Callable[[Any], Array], limit: float) -> None:
        stop = int(np.searchsorted(self.times, limit, side="right"))
        if stop > self.saved:
            self.states[self.saved : stop] = dense(self.times[self.saved : stop]).T
            if self.times[stop - 1] == self.solver.t:
                self.states[stop - 1] = self.solver.y  # the step's own value, not the interpolant's
            self.saved = stop

    def _locate(self, dense: Callable[[Any], Array]) -> Crossing | None:
        """Record the crossings of this step in order; return the first terminal one."""
        found = sorted(self._roots(dense), key=lambda pair: pair[0])
        for t, event in found:
            crossing = Crossing(event.name, t, np.asarray(dense(t)))
            self.crossings.append(crossing)
            if event.terminal:
                return crossing
        return None

    def _roots(self, dense: Callable[[Any], Array]) -> Iterator[tuple[float, Event]]:
        from scipy.optimize import brentq

        grid = np.linspace(self.solver.t_old, self.solver.t, LOOKS + 1)
        for k, event in enumerate(self.settings.events):

            def height(t: float, event: Event = event) -> float:
                return event.height(self.problem, np.asarray(dense(t)))

            left = self.heights[k]
            for a, b in itertools.pairwise(grid):
                right = height(b)
                rising = 1 if right > left else -1
                # A root exactly at `a` was counted when it was the right end.
                crosses = left != 0 and (right == 0 or (left > 0) != (right > 0))
                if crosses and event.direction in (0, rising):
                    yield float(b if right == 0 else brentq(height, a, b, xtol=1e-14)), event
                left = right
            self.heights[k] = left


def _bar(wanted: bool, total: float) -> Any:
    if not wanted:
        return None
    from tqdm.auto import tqdm

    return tqdm(
        total=float(total), desc="flow", unit="t", bar_format="{l_bar}{bar}| {n:.4g}/{total:.4g}"
    )
