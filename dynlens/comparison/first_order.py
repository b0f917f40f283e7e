"""The leading error of gradient descent along the flow, from its own equation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from dynlens.dynamics.settings import METHODS
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.stepping.methods import INTEGRATORS
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.typing import Array, ArrayLike

BUDGET = 20  # the first-order error may cost this many times the flow's evaluations


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


def leading_error(flow: Trajectory, start: Array, times: ArrayLike) -> FirstOrder | None:
    """Flow and leading error with the settings of a flow, or None beyond a budget."""
    attrs = flow.attrs
    try:
        return first_order_error(
            flow.problem,
            start,
            times,
            method=scipys_method(attrs),
            rtol=attrs["rtol"],
            atol=attrs["atol"],
            max_evaluations=1000 + BUDGET * attrs["evaluations"],
        )
    except (IntegrationError, ValueError):  # gave up, or a method of the caller's own
        return None


def scipys_method(attrs: Mapping[str, Any]) -> str:
    """The method of SciPy's that suits where a compiled one did; its own name for one of SciPy's.

    The first-order error is no gradient flow, so that the compiled loops cannot integrate it.
    """
    last = attrs.get("switches", [attrs])[-1]["method"]
    if last not in INTEGRATORS:
        return str(last)
    return "DOP853" if INTEGRATORS[last].kind == "explicit" else "LSODA"
