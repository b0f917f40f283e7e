"""SciPy's solvers, driven like the compiled ones: the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dynlens.problems.problem import Problem
from dynlens.stepping.stepper import Dense, Saves
from dynlens.support.typing import Array

IMPLICIT = ("LSODA", "Radau", "BDF")
DENSE_HESSIAN = 256  # up to this many parameters the implicit solvers get the exact Jacobian


class SciPyStepper:
    """One integration by a `scipy.integrate.OdeSolver`; every step of it is fresh.

    Implicit solvers get the exact Jacobian if the field is the problem's own `gradient`.
    """

    fresh = True

    def __init__(
        self,
        problem: Problem,
        theta0: Array,
        solver: type,
        t_end: float,
        *,
        rtol: float,
        atol: float,
        field: Callable[[float, Array], Array],
        gradient: bool,
    ) -> None:
        options: dict[str, Any] = {"rtol": rtol, "atol": atol}
        if solver.__name__ in IMPLICIT and theta0.size <= DENSE_HESSIAN and gradient:
            options["jac"] = lambda t, theta: -problem.hessian(theta)
        self.steps, self.y_old = 0, theta0
        self.solver = solver(field, 0.0, theta0, t_end, **options)

    @property
    def t(self) -> float:
        return float(self.solver.t)

    @property
    def t_old(self) -> float:
        return float(self.solver.t_old)

    @property
    def y(self) -> Array:
        return self.solver.y

    @property
    def evaluations(self) -> int:
        return int(self.solver.nfev)

    @property
    def notes(self) -> dict[str, Any]:
        return {}

    def advance(self, saves: Saves, floor: float, evaluations: int, steps: int) -> str:
        self.y_old = self.solver.y
        try:
            message = self.solver.step()
        except (ValueError, np.linalg.LinAlgError) as error:
            # An implicit solver meeting a non-finite Jacobian.
            return f"{error or type(error).__name__}."
        if self.solver.status == "failed" or not np.all(np.isfinite(self.solver.y)):
            return message or "The state is not finite."
        self.steps += 1
        return ""

    def dense_output(self) -> Dense:
        return self.solver.dense_output()
