"""Gradient descent beside the flow: how far apart they are, and what makes up the gap.

Both are read on one clock, ``t = eta * step``: the flow is evaluated at descent's own times. To
first order descent is ``theta(t) + eta e(t)``, where ``e`` solves a linear equation along the flow.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dynlens import validation
from dynlens.errors import IntegrationError
from dynlens.flow import COMPILED, METHODS
from dynlens.observables import registry
from dynlens.problem import Problem
from dynlens.stepping.tableaus import TABLEAUS
from dynlens.trajectory import Trajectory
from dynlens.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr

RESOLVED = 10.0  # a gap counts as seen when it exceeds its numerical error this many times
CLOSE = 0.1  # gaps below this share of the parameters' size are small
BUDGET = 20  # the first-order error may cost this many times the flow's evaluations


# -- the first-order term ------------------------------------------------------------------------


class FirstOrder(NamedTuple):
    """The flow and the leading error of descent along it, each of shape (T, P)."""

    theta: Array
    error: Array


def first_order_error(
    problem: Problem,
    theta0: ArrayLike,
    times: ArrayLike,
    *,
    linear: float = 1.0,
    forcing: float = 0.5,
    method: str = "DOP853",
    rtol: float = 1e-11,
    atol: float = 1e-13,
    max_evaluations: int = 1_000_000,
) -> FirstOrder:
    r"""Integrate the flow together with the leading error of gradient descent.

    Parameters
    ----------
    problem : Problem
    theta0 : array_like, shape (P,)
    times : array_like, shape (T,)
        Increasing times, not before 0.
    linear, forcing : float
        Coefficients of the equation (see Notes); other values than the defaults are wrong on
        purpose, for controls.
    method : {"RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF"}
    rtol, atol : float
    max_evaluations : int
        Budget of evaluations of the augmented field.

    Returns
    -------
    FirstOrder
        ``theta`` and ``error`` at the times.

    Raises
    ------
    IntegrationError
        If the integrator gave up, or the budget was used up.

    Notes
    -----
    At ``t = n eta`` descent is :math:`\theta_n = \theta(t) + \eta\,e(t) + O(\eta^2)` with

    .. math:: \dot e = -H e - \tfrac12 H g, \qquad e(0) = 0,

    :math:`g` and :math:`H` the gradient and Hessian along the flow (`linear` is the 1 and
    `forcing` the ½). Hessian-vector products are exact to rounding. In the language of backward
    error analysis, the forcing is the gradient of the :math:`\tfrac14\|g\|^2` of implicit gradient
    regularization.

    References
    ----------
    hairer1993solving, barrett2021implicit

    Examples
    --------
    >>> import numpy as np
    >>> from dynlens import DeepLinear, Full, Problem, SquaredLoss
    >>> line = Problem(DeepLinear((1, 1)), SquaredLoss(), Full([[0.0]]))  # theta**2 / 2
    >>> found = first_order_error(line, [1.0], [2.0])
    >>> float(found.error[0, 0] / (-0.5 * 2.0 * np.exp(-2.0))).__round__(9)
    1.0
    """
    from scipy.integrate import solve_ivp

    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    start = problem.check_theta(theta0)
    grid = validation.times("times", times)
    a, b = validation.finite("linear", linear), validation.finite("forcing", forcing)
    validation.one_of("method", method, METHODS)
    validation.positive("rtol", rtol)
    validation.positive("atol", atol, allow_zero=True)
    most, n, done = validation.count("max_evaluations", max_evaluations), start.size, 0

    def augmented(t: float, both: Array) -> Array:
        nonlocal done
        done += 1
        if done > most:
            raise IntegrationError(
                f"{method} used up max_evaluations={most} on the first-order error at t={t:.4g} of "
                f"{grid[-1]:.4g}; raise it, or try method='LSODA' if the problem is stiff."
            )
        theta, e = both[:n], both[n:]
        g = problem.gradient(theta)
        turn = problem.hessian_vector_product(theta, a * e + b * g)
        return np.concatenate([-g, -turn])

    y0 = np.concatenate([start, np.zeros(n)])
    if grid[-1] == 0:
        return FirstOrder(start[None], np.zeros((1, n)))
    found = solve_ivp(
        augmented, (0.0, grid[-1]), y0, method=method, t_eval=grid, rtol=rtol, atol=atol
    )
    if not found.success or not np.all(np.isfinite(found.y)):
        raise IntegrationError(
            f"{method} gave up on the first-order error before t={grid[-1]:.4g}: "
            f"{found.message} Try method='LSODA' or an earlier end."
        )
    return FirstOrder(found.y[:n].T.copy(), found.y[n:].T.copy())


def observed_order(h: ArrayLike, errors: ArrayLike, *, floor: float = 1e-12) -> tuple[float, float]:
    """Slope of log(error) against log(h), fitted above the rounding floor.

    Parameters
    ----------
    h : array_like, shape (K,)
        Step sizes (or tolerances).
    errors : array_like, shape (K,)
        Errors measured at each ``h``.
    floor : float, optional
        Errors below this value are rounding, not truncation, and are left out.

    Returns
    -------
    order : float
    spread : float
        Largest deviation of a pairwise slope from `order`; large values mean the
        fit straddles the pre-asymptotic range and says little.

    Raises
    ------
    ValueError
        If fewer than three errors lie above `floor`.

    Examples
    --------
    >>> order, spread = observed_order([0.1, 0.05, 0.025], [4e-3, 1e-3, 2.5e-4])
    >>> round(order, 2), round(spread, 2)
    (2.0, 0.0)
    """
    steps = validation.real_array("h", h, ndim=1)
    sizes = validation.real_array("errors", errors, shape=steps.shape)
    if np.any(steps <= 0) or len(set(steps.tolist())) < len(steps):
        raise ValueError(f"`h` must be positive and distinct, got {steps.tolist()}.")
    kept = sizes > validation.positive("floor", floor, allow_zero=True)
    if kept.sum() < 3:
        raise ValueError(
            f"`errors`: only {kept.sum()} of {len(sizes)} lie above floor={floor:g}, and a slope "
            "with its spread needs three; measure at larger `h`."
        )
    rank = np.argsort(steps[kept])
    x, y = np.log(steps[kept][rank]), np.log(sizes[kept][rank])
    order = float(np.polyfit(x, y, 1)[0])
    return order, float(np.abs(np.diff(y) / np.diff(x) - order).max())


# -- two trajectories side by side ---------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Comparison:
    """The flow and descent at the same times, and their distance; made by `compare`.

    Parameters
    ----------
    flow, descent : Trajectory
        At the same times.
    data : xarray.Dataset
        Along ``time``: ``parameter_distance`` and ``end_to_end_distance`` (Euclidean), each with
        an ``..._error``, the flow's own numerical error in the same norm; ``time_shift``, by
        how much descent is behind the flow (negative: ahead), the best fit of
        ``theta(t - shift)``, and ``aligned_distance``, what that leaves of the distance;
        ``predicted_distance``, the size of ``eta e(t)``, and ``remainder``, what that leaves (NaN
        where it was not computed). For each observable ``x``: ``x_flow``, ``x_descent``, ``x_gap``
        and ``x_error``, with the observable's own dims.
    names : tuple of str
        The observables that were compared.
    """

    flow: Trajectory
    descent: Trajectory
    data: xr.Dataset
    names: tuple[str, ...] = ()

    @property
    def finding(self) -> str:
        """What was found, in one sentence."""
        data, k = self.data, int(self.data["parameter_distance"].values.argmax())
        gap, error, aligned, left, shift = (
            float(data[name][k])
            for name in (
                "parameter_distance",
                "parameter_distance_error",
                "aligned_distance",
                "remainder",
                "time_shift",
            )
        )
        share = gap / float(np.linalg.norm(self.flow.theta[k]))
        if self.descent.status == "diverged":
            return f"Descent left the flow for good: {self.descent.message}"
        if gap == 0:
            return "Descent and flow coincide at every saved time."
        if gap < RESOLVED * error:
            return (
                f"The largest gap, {gap:.2g}, is not resolved, as the flow's own numerical error "
                f"there is {error:.2g}; tighten its tolerance or compare up to an earlier time."
            )
        text = "Descent stays within" if share < CLOSE else "Descent departs from the flow by"
        text += f" {gap:.2g}{' of the flow' if share < CLOSE else ''} ({share:.2g} of its size), "
        text += f"most at t = {float(data['time'][k]):.4g}"
        if aligned < 0.5 * gap:
            side = "behind" if shift > 0 else "ahead"
            text += f", where it is mainly {side} by a time of {abs(shift):.2g}"
        if np.isnan(left):
            return f"{text}; its first-order term was not computed."
        if left > 0.5 * gap:
            return (
                f"{text}; the first-order term eta e(t) leaves {left / gap:.0%} of the gap, so the "
                "step is too large, or the time too late, for first order."
            )
        return f"{text}; the first-order term eta e(t) accounts for all but {left / gap:.2g} of it."

    def __str__(self) -> str:
        t, descent = self.data["time"].values, self.descent
        head = f"descent against flow   {self.flow.problem.model!r}"
        head += f", eta = {descent.attrs['eta']:g}, {len(t)} states, t = {t[0]:g} … {t[-1]:.6g}"
        rows = [head, f"  {'':<20}{'largest gap':>12}{'at t':>10}{'of its size':>13}{'error':>10}"]
        rows.append(self._row("parameters", "parameter_distance", self.flow.theta))
        tensors = self.flow.values("end_to_end")
        rows.append(self._row("end-to-end", "end_to_end_distance", tensors))
        for name in self.names:
            rows.append(self._row(name, f"{name}_gap", self.data[f"{name}_flow"].values))
        rows.append(f"  {'flow':<20}{self.flow.message}")
        rows.append(f"  {'descent':<20}{descent.message}")
        return "\n".join([*rows, textwrap.fill(self.finding, 100, break_on_hyphens=False)])

    def _row(self, label: str, name: str, sizes: Array) -> str:
        gaps = np.abs(self.data[name].values).reshape(len(self.flow), -1).max(axis=1)
        errors = self.data[f"{name.removesuffix('_gap')}_error"].values
        k = int(np.argmax(np.nan_to_num(gaps)))
        size = np.linalg.norm(sizes[k]) if name.endswith("_distance") else np.abs(sizes[k]).max()
        share = gaps[k] / size if size > 0 else np.nan
        error = errors.reshape(len(gaps), -1).max(axis=1)[k]
        t = float(self.data["time"][k])
        return f"  {label:<20}{gaps[k]:>12.3g}{t:>10.4g}{share:>13.2g}{error:>10.1g}"


def compare(
    flow: Trajectory,
    descent: Trajectory,
    *,
    observable: str | Sequence[str] | None = None,
    first_order: bool = True,
    **parameters: Any,
) -> Comparison:
    """Set gradient descent beside the flow, at descent's own times.

    Parameters
    ----------
    flow : Trajectory
        From `gradient_flow`, with the same problem and start; it is evaluated at the descent's
        times by integrating again with its own settings.
    descent : Trajectory
        From `gradient_descent`, with step 0 among its saved states. For GroupRMSprop the times are
        the flow time that has passed, not the nominal ``eta * step``.
    observable : str or sequence of str, optional
        What else to compare; parameters and end-to-end tensor always are.
    first_order : bool
        Also predict the gap by `first_order_error`, where descent is plain.
    **parameters
        Parameters of the observable, if it is one.

    Returns
    -------
    Comparison
        Printed, a table that ends in a sentence; `Comparison.data` has everything by time.

    Notes
    -----
    The numerical error of each gap is the flow's, from its twins. Across a fast transition a small
    time shift makes a large gap; ``data["time_shift"]`` tells one from the other.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> flow = dl.gradient_flow(problem, [0.3, 0.2], 4.0)
    >>> descent = dl.gradient_descent(problem, [0.3, 0.2], eta=0.01, steps=400)
    >>> found = compare(flow, descent, observable="loss")
    >>> round(1e3 * float(found.data["loss_gap"].max()))
    10
    """
    names = (observable,) if isinstance(observable, str) else tuple(observable or ())
    if parameters and len(names) != 1:
        raise ValueError("parameters belong to one observable; name one, or leave them out.")
    for name in names:
        registry.find(name)
    times = _common_times(flow, descent)
    there = flow.at(times)
    n = len(there)
    if n < 2:
        raise ValueError(f"`flow` ended before descent's first step: {there.message}")
    here = replace(descent, t=there.t, theta=descent.theta[:n])
    velocity = flow.problem.vector_field(0.0, there.theta)
    leading = np.full_like(there.theta, np.nan)
    if first_order and descent.attrs["method"] == "plain":
        leading = _leading(there, here)
    with np.errstate(over="ignore", invalid="ignore"):  # descent may have diverged
        data = _distances(here, there, velocity, leading)
    for name in names:
        on_flow, on_descent = (run.observe(name, **parameters) for run in (there, here))
        data[f"{name}_flow"], data[f"{name}_descent"] = on_flow, on_descent
        data[f"{name}_gap"] = on_descent - on_flow
        data[f"{name}_error"] = on_flow.dims, there.error(name, **parameters)
    data.attrs = {"eta": descent.attrs["eta"], "flow": there.attrs["method"]}
    return Comparison(there, here, data, names)


def _common_times(flow: Trajectory, descent: Trajectory) -> Array:
    """Check that the two belong together; return descent's times on the flow's clock."""
    for argument, run in (("flow", flow), ("descent", descent)):
        maker = "gradient_flow" if argument == "flow" else "gradient_descent"
        validation.instance(argument, run, Trajectory, f"pass what `{maker}` returned.")
        if run.source != argument:
            raise ValueError(f"`{argument}` is a trajectory of the {run.source}; use `{maker}`.")
    if flow.problem != descent.problem:
        raise ValueError(
            f"`flow` and `descent` must be of the same problem, got {flow.problem!r} and "
            f"{descent.problem!r}; run both on one."
        )
    if len(descent) < 2 or descent.t[0] != 0:
        raise ValueError("`descent` must have saved its start and a later step; see `saves`.")
    if flow.t[0] == 0 and not np.array_equal(flow.theta[0], descent.theta[0]):
        raise ValueError(
            f"`flow` and `descent` start {np.linalg.norm(flow.theta[0] - descent.theta[0]):.2g} "
            "apart; pass the same `theta0` to both."
        )
    return np.asarray(descent.attrs.get("flow_time", descent.t), dtype=np.float64)


def _distances(
    descent: Trajectory, flow: Trajectory, velocity: Array, leading: Array
) -> xr.Dataset:
    """Distances of parameters and end-to-end tensors, and what they are made of."""
    import xarray as xr

    n, gap = len(flow), descent.theta - flow.theta
    tensors = descent.values("end_to_end") - flow.values("end_to_end")
    speed, along = np.square(velocity).sum(axis=1), (gap * velocity).sum(axis=1)
    behind = np.divide(-along, speed, out=np.full(n, np.nan), where=speed > 0)
    columns = {
        "parameter_distance": np.linalg.norm(gap, axis=1),
        "parameter_distance_error": _twin_distance(flow, lambda run: run.theta),
        "end_to_end_distance": np.linalg.norm(tensors.reshape(n, -1), axis=1),
        "end_to_end_distance_error": _twin_distance(flow, lambda run: run.values("end_to_end")),
        "time_shift": behind,
        "aligned_distance": np.linalg.norm(gap + behind[:, None] * velocity, axis=1),
        "predicted_distance": np.linalg.norm(leading, axis=1),
        "remainder": np.linalg.norm(gap - leading, axis=1),
    }
    return xr.Dataset({key: ("time", value) for key, value in columns.items()}, {"time": flow.t})


def _leading(flow: Trajectory, descent: Trajectory) -> Array:
    """Return ``eta e(t)``, or NaN where it cannot be had within the budget."""
    attrs = flow.attrs
    try:
        found = first_order_error(
            flow.problem,
            descent.theta[0],
            flow.t,
            method=_by_scipy(attrs),
            rtol=attrs["rtol"],
            atol=attrs["atol"],
            max_evaluations=1000 + BUDGET * attrs["evaluations"],
        )
    except (IntegrationError, ValueError):  # gave up, or a method of the caller's own
        return np.full_like(flow.theta, np.nan)
    return np.asarray(descent.attrs["eta"] * found.error)


def _by_scipy(attrs: Mapping[str, Any]) -> str:
    """The method of SciPy's that suits where a compiled one did; its own name for one of SciPy's.

    The first-order error is no gradient flow, so that the compiled loops cannot integrate it.
    """
    last = attrs.get("switches", [attrs])[-1]["method"]
    if last not in COMPILED:
        return str(last)
    return "DOP853" if last in TABLEAUS else "LSODA"


def _twin_distance(flow: Trajectory, of: Callable[[Trajectory], Array]) -> Array:
    here, error = of(flow), np.zeros(len(flow))
    for twin in flow.twins:
        there = of(twin)
        n = min(len(here), len(there))
        apart = np.linalg.norm((here[:n] - there[:n]).reshape(n, -1), axis=1)
        error[:n] = np.maximum(error[:n], apart)
        error[n:] = np.inf
    return error
