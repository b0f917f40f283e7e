"""Integrators to compare: ours, SciPy's with our gradient, and others if they are installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from dynlens.flow import gradient_flow
from dynlens.problem import Problem
from dynlens.typing import Array

Solve = Callable[[Problem, Array, float, float, float], tuple[Array, int | None]]


@dataclass(frozen=True)
class Peer:
    """A way to integrate.

    Parameters
    ----------
    name : str
    solve : callable
        ``solve(problem, theta0, t_end, rtol, atol)`` returns the last state and how many
        gradients that took, if that is known.
    explicit : bool
        Whether it is hopeless on stiff problems.
    package : str
        What must be installed.
    """

    name: str
    solve: Solve
    explicit: bool = False
    package: str = "scipy"

    @property
    def installed(self) -> bool:
        return find_spec(self.package) is not None


def _ours(
    method: str, problem: Problem, theta0: Array, t_end: float, rtol: float, atol: float
) -> tuple[Array, int]:
    flow = gradient_flow(
        problem,
        theta0,
        t_end,
        method=method,
        rtol=rtol,
        atol=atol,
        saves=2,
        max_evaluations=10**9,
        strict=True,
    )
    return flow.final, int(flow.attrs["evaluations"])


def _scipy(
    method: str, problem: Problem, theta0: Array, t_end: float, rtol: float, atol: float
) -> tuple[Array, int]:
    from scipy.integrate import solve_ivp

    options: dict[str, Any] = {"rtol": rtol, "atol": atol, "t_eval": [t_end]}
    answer = solve_ivp(problem.compiled_field, (0.0, t_end), theta0, method, **options)
    return answer.y[:, -1], int(answer.nfev)


def _cyrk(
    method: str, problem: Problem, theta0: Array, t_end: float, rtol: float, atol: float
) -> tuple[Array, None]:
    from CyRK import pysolve_ivp

    kernel, data = problem.compiled.field, problem.kernel_data

    def field(out: Array, t: float, theta: Array) -> None:
        kernel(theta, *data, out)

    options = {"method": method, "rtol": rtol, "atol": atol, "pass_dy_as_arg": True}
    answer = pysolve_ivp(field, (0.0, t_end), theta0, **options)
    return np.array(answer.y[:, -1]), None


PEERS = (
    Peer("dynlens auto", partial(_ours, "auto")),
    Peer("dynlens DOP8", partial(_ours, "DOP8"), explicit=True),
    Peer("dynlens Tsit5", partial(_ours, "Tsit5"), explicit=True),
    Peer("SciPy DOP853", partial(_scipy, "DOP853"), explicit=True),
    Peer("SciPy LSODA", partial(_scipy, "LSODA")),
    Peer("CyRK DOP853 (called from Python)", partial(_cyrk, "DOP853"), True, "CyRK"),
)
