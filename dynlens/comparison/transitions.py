r"""Event times instead of states: across a sharp transition a small shift in time is a large gap.

Along an eigendirection of curvature :math:`\kappa` descent moves like the flow on a clock that runs
:math:`c = -\ln(1 - \eta\kappa) / (\eta\kappa)` times as fast: ahead where the objective is convex,
behind where it is concave, as on the way out of a saddle (Rosca et al. 2023; from the quadratic).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens.comparison.first_order import leading_error
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.events import Event
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.settings import METHODS
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables import registry
from dynlens.problems.curvature import along_gradient
from dynlens.support.typing import Array

MANY = 8  # entries of an observable that are followed
SEEN = 100.0  # a change is a transition if it exceeds its numerical error this many times
SMALL = 1e-3  # share of an observable's largest change below which an entry is left out
LONG = 200_000  # steps between two saved states that are taken again to find a crossing
NEWTON = 12  # iterations towards the nearest point of the flow's path


@dataclass(frozen=True)
class Shift:
    r"""One transition: when flow and descent are half-way through it, and what theory predicts.

    Parameters
    ----------
    observable : str
    where : tuple of int
        Which entry.
    level : float
        Half-way between the flow's first and last value.
    t_flow, t_descent : float
        First times at that level; of descent by a cubic through its four nearest steps.
    error : float
        Numerical error of ``t_flow``, by the flow's twins.
    width : float
        Time that the whole change would take at the flow's speed there.
    first_order : float
        Predicted delay :math:`-\eta\,Dx[e] / \dot x`, from the leading error e at ``t_flow``.
    clock : float
        Predicted delay :math:`\int_0^t (1/c - 1)`, with the curvature along the gradient: for a
        run along one eigendirection (see the module).
    """

    observable: str
    where: tuple[int, ...]
    level: float
    t_flow: float
    t_descent: float
    error: float
    width: float
    first_order: float
    clock: float

    @property
    def delay(self) -> float:
        """By how much descent comes later than the flow."""
        return self.t_descent - self.t_flow

    @property
    def name(self) -> str:
        """Name of the entry."""
        return self.observable + (f"[{', '.join(map(str, self.where))}]" if self.where else "")

    def __str__(self) -> str:
        return (
            f"{self.name} = {self.level:.4g}: flow at t = {self.t_flow:.6g}, descent "
            f"{self.delay:+.3g} (predicted {self.first_order:+.3g}; passed in "
            f"{self.width:.2g})"
        )


def speed(eta: float, curvature: Any) -> Array:
    r"""Speed of descent's clock, :math:`c = -\ln(1 - \eta\kappa) / (\eta\kappa)`.

    NaN from :math:`\eta\kappa = 1` on, where descent oscillates.

    Examples
    --------
    >>> round(float(speed(0.1, -2.0)), 6)  # out of a saddle: ln(1.2) / 0.2
    0.911608
    """
    z = eta * np.asarray(curvature, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        whole = -np.log1p(-np.where(z < 1, z, np.nan)) / z
    return np.where(np.abs(z) < 1e-8, 1 + z / 2, whole)


def clock_delay(flow: Trajectory, eta: float) -> Array:
    r"""Delay of descent at the flow's saved times, :math:`\int_0^t (1/c - 1)`, shape (T,).

    To first order it is :math:`-\tfrac{\eta}{2}\int_0^t\kappa = \tfrac{\eta}{2}\ln(|g(t)|/|g(0)|)`,
    which needs no quadrature; only the rest is summed by trapezoids.
    """
    problem, theta, t = flow.problem, flow.theta, flow.t
    kappa = along_gradient(problem, theta)
    size = np.linalg.norm(problem.gradient(theta), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        leading = eta / 2 * np.log(size / size[0])
        rest = 1 / speed(eta, kappa) - 1 + eta * kappa / 2
    inside = (rest[1:] + rest[:-1]) / 2 * np.diff(t)
    return np.asarray(leading + np.concatenate([[0.0], np.cumsum(inside)]))


# -- the nearest point of the flow's path ----------------------------------------------------------


def alignment(path: Trajectory, descent: Trajectory) -> tuple[Array, Array]:
    """Delay of each descent state behind the nearest state of the flow, and that distance.

    Parameters
    ----------
    path : Trajectory
        The flow, at times dense enough for cubic interpolation with its exact velocities.
    descent : Trajectory
        Its times are those of the same clock.

    Returns
    -------
    delay, distance : ndarray, shape (T,)
        NaN where the flow is at rest: all times are alike there.
    """
    from scipy.interpolate import CubicHermiteSpline

    problem = path.problem
    velocity = problem.vector_field(0.0, path.theta)
    first, last = path.t[0], path.t[-1]
    inside = CubicHermiteSpline(path.t, path.theta, velocity)
    slope = inside.derivative()

    def at(s: float) -> tuple[Array, Array]:
        end = min(max(s, first), last)  # straight on beyond the ends
        moving = slope(end)
        return inside(end) + (s - end) * moving, moving

    delays, distances = np.full((2, len(descent)), np.nan)
    guess = 0.0
    for k, (t, theta) in enumerate(zip(descent.t, descent.theta, strict=True)):
        if not np.all(np.isfinite(theta)):
            continue
        best = (np.inf, 0.0)
        for begin in (t - guess, t):
            s = begin
            for _ in range(NEWTON):
                state, moving = at(s)
                gap = theta - state
                best = min(best, (float(np.linalg.norm(gap)), t - s))
                square = float(moving @ moving)
                if square == 0:
                    break
                step = float(gap @ moving) / square
                s += float(np.clip(step, -0.1 * last, 0.1 * last))
                if abs(step) < 1e-14 * last:
                    break
        distances[k], guess = best
        if np.any(at(t - guess)[1]):
            delays[k] = guess
    return delays, distances


# -- transitions -----------------------------------------------------------------------------------


def transitions(
    flow: Trajectory, descent: Trajectory, names: Sequence[str], **parameters: Any
) -> tuple[Shift, ...]:
    """Find when flow and descent pass half of each observable's change.

    Parameters
    ----------
    flow, descent : Trajectory
        At the same times. The flow is integrated again from the saved state before a crossing,
        plain descent repeats the steps between two saved states.
    names : sequence of str
        Observables; of each the first 8 entries are followed.
    **parameters
        Of the observable.

    Returns
    -------
    tuple of Shift
        In order of time; entries that hardly change, that pass in descent's first step, or that
        descent does not bring to the same level, are left out.
    """
    found = []
    for name in names:
        if registry.find(name, flow.problem).along_path:
            continue
        here = flow.values(name, **parameters)
        most = np.abs(here[-1] - here[0]).max(initial=0.0)
        for where in itertools.islice(np.ndindex(*here.shape[1:]), MANY):
            if not abs(here[-1][where] - here[0][where]) > SMALL * most:
                continue
            one = _transition(flow, descent, name, where, parameters)
            if one is not None:
                found.append(one)
    found.sort(key=lambda pair: pair[0].t_flow)
    return _predicted(flow, descent, found, parameters)


def _transition(
    flow: Trajectory,
    descent: Trajectory,
    name: str,
    where: tuple[int, ...],
    parameters: dict[str, Any],
) -> tuple[Shift, Array] | None:
    """Return one entry's transition without predictions, with the flow's state there."""
    index: Any = (slice(None), *where)
    on_flow, on_descent = (run.values(name, **parameters)[index] for run in (flow, descent))
    error = flow.error(name, **parameters)[index]
    change = on_flow[-1] - on_flow[0]
    noise = max(error[0], error[-1], np.finfo(float).eps * np.abs(on_flow).max())
    if not abs(change) > SEEN * noise:  # also where a NaN is in it
        return None
    level = float(on_flow[0] + change / 2)
    k, j = _bracket(on_flow - level), _bracket(on_descent - level)
    if k is None or j is None:
        return None
    direction = 1 if change > 0 else -1
    event = Event(name, level, where, direction, True, tuple(parameters.items()))
    t, state = _flow_crossing(flow, k, event)
    if t < descent.attrs["eta"]:
        return None
    velocity = flow.problem.vector_field(0.0, state)
    try:
        entry = registry.find(name, flow.problem)
        rate = entry.derivative(flow.problem, state, velocity, **parameters)[where]
    except TypeError:  # it has no exact derivative
        rate = np.nan
    return (
        Shift(
            name,
            where,
            level,
            t,
            _descent_crossing(descent, j, event),
            float(error[k : k + 2].max() / abs(rate)),
            float(abs(change / rate)),
            np.nan,
            np.nan,
        ),
        state,
    )


def _bracket(height: Array) -> int | None:
    """Index of the last sample before the first change of sign."""
    with np.errstate(invalid="ignore"):
        passed = np.flatnonzero(np.sign(height[1:]) * np.sign(height[0]) <= 0)
    return int(passed[0]) if len(passed) else None


def _flow_crossing(flow: Trajectory, k: int, event: Event) -> tuple[float, Array]:
    span, attrs = flow.t[k + 1] - flow.t[k], flow.attrs
    method = attrs["method"] if attrs["method"] in METHODS else "auto"
    run = gradient_flow(
        flow.problem,
        flow.theta[k],
        [1.01 * span],  # the event may come a rounding after the saved state
        method=method,
        rtol=attrs["rtol"],
        atol=attrs["atol"],
        events=[event],
    )
    if run.status != "event":
        return float(flow.t[k + 1]), flow.theta[k + 1]
    return float(flow.t[k] + run.t[-1]), run.final


def _descent_crossing(descent: Trajectory, j: int, event: Event) -> float:
    t, theta, attrs = descent.t, descent.theta, descent.attrs
    plain = attrs["method"] == "plain"
    steps = round((t[j + 1] - t[j]) / attrs["eta"]) if plain else 1
    if 1 < steps <= LONG:
        # Two steps more, so that four lie around a crossing at the end.
        run = gradient_descent(
            descent.problem,
            theta[j],
            eta=attrs["eta"],
            steps=steps + 2,
            saves=np.arange(steps + 3),
        )
        t, theta, j = t[j] + run.t, run.theta, 0
    near = slice(max(j - 1, 0), None if j == 0 else j + 3)
    heights = np.array([event.height(descent.problem, state) for state in theta[near]])
    return step_crossing(t[near], heights)


def step_crossing(t: Array, heights: Array) -> float:
    """First time at which descent's steps cross zero, by a cubic through the four nearest.

    Descent is a smooth curve to every order in eta, so that between steps a polynomial is right.

    Parameters
    ----------
    t, heights : ndarray, shape (K,)
        Of consecutive steps.

    Returns
    -------
    float
        NaN if there is no crossing.
    """
    from scipy.interpolate import BarycentricInterpolator
    from scipy.optimize import brentq

    j = _bracket(heights)
    if j is None:
        return np.nan
    near, span = slice(max(j - 1, 0), j + 3), t[j + 1] - t[j]
    cubic = BarycentricInterpolator(t[near] - t[j], heights[near])
    if not heights[j] * heights[j + 1] < 0:
        return float(t[j] if heights[j] == 0 else t[j + 1])
    return float(t[j] + brentq(lambda s: float(cubic(s)), 0.0, span, xtol=1e-15))


def _predicted(
    flow: Trajectory,
    descent: Trajectory,
    found: list[tuple[Shift, Array]],
    parameters: dict[str, Any],
) -> tuple[Shift, ...]:
    """Give each transition the two delays that theory predicts."""
    if not found or descent.attrs["method"] != "plain":
        return tuple(shift for shift, _ in found)
    eta, problem = descent.attrs["eta"], flow.problem
    times = np.unique([shift.t_flow for shift, _ in found])
    leading = leading_error(flow, flow.theta[0], times) if times[0] > 0 else None
    on_grid = clock_delay(flow, eta)
    size = np.linalg.norm(problem.gradient(flow.theta[0]))
    whole = []
    for shift, state in found:
        predicted = np.nan
        if leading is not None and np.isfinite(shift.width):
            e = leading.error[np.searchsorted(times, shift.t_flow)]
            entry = registry.find(shift.observable, problem)
            velocity = problem.vector_field(0.0, state)
            moved, rate = (
                entry.derivative(problem, state, v, **parameters)[shift.where]
                for v in (e, velocity)
            )
            predicted = float(-eta * moved / rate)
        # The part without quadrature is exact at the crossing, only the rest is interpolated.
        k = int(np.searchsorted(flow.t, shift.t_flow)) - 1
        ahead = np.linalg.norm(problem.gradient(flow.theta[k]))
        here = np.linalg.norm(problem.gradient(state))
        clock = float(on_grid[k] + eta / 2 * np.log(here / ahead)) if size > 0 else np.nan
        whole.append(replace(shift, first_order=predicted, clock=clock))
    return tuple(whole)
