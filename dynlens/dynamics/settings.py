"""How to integrate a flow: one record of everything but the problem, the start and the times."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from dynlens.dynamics.events import Event
from dynlens.problems.problem import Problem
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.methods.auto import AUTO
from dynlens.stepping.scipy_solver import SciPyStepper
from dynlens.stepping.stepper import Stepper
from dynlens.support import validation
from dynlens.support.typing import Array

METHODS = ("RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF")  # SciPy's
REFERENCE = "DOP853"  # what AUTO stands for where compiled loops will not do
INSTEAD = "DYNLENS_METHOD"  # environment variable: a method of SciPy's that AUTO stands for
SCIPY_RTOL_FLOOR = 2.3e-14  # 100 machine epsilons; SciPy warns below


@dataclass(frozen=True)
class Settings:
    """How to integrate: everything but the problem, the start and the times."""

    method: str | type
    rtol: float
    atol: float
    events: tuple[Event, ...] = ()
    max_evaluations: int = 10_000_000
    max_seconds: float | None = None
    compiled: bool = True
    progress: bool = False
    field: Callable[[float, Array], Array] | None = None
    observables: tuple[str, ...] = ()
    saves: int | str | None = None  # what was asked for, unless the times were listed
    note: str = ""  # why the reference computes, where that was not asked for

    @property
    def named_loop(self) -> bool:
        """Whether one compiled method was asked for, and no other would do."""
        return self.method in INTEGRATORS and self.method != AUTO

    @property
    def name(self) -> str:
        """Name of the method."""
        return self.method if isinstance(self.method, str) else self.method.__name__

    def by_reference(self) -> Settings:
        """Return the same without compiled code."""
        method = REFERENCE if self.method == AUTO else self.method
        return replace(self, method=method, compiled=False)

    def tighter(self, floor: float) -> Settings:
        """Return the same at a tenth of the tolerance, with an absolute one that knows the start.

        Where the absolute tolerance decides, a tenth of it is as wrong as all of it: it becomes a
        thousandth of the `floor` that belongs to the start.
        """
        rtol = max(self.rtol / 10, SCIPY_RTOL_FLOOR)
        return replace(self, rtol=rtol, atol=min(self.atol / 10, floor / 1000), progress=False)

    def by_other_family(self) -> Settings:
        """Return the same by solvers of another family, of SciPy's."""
        # Radau's order is 5, and its error here lies far below rtol: thirty times is enough of it.
        if self.name in ("LSODA", "BDF"):
            return replace(self, method="Radau", rtol=30 * self.rtol, progress=False)
        return replace(self, method="LSODA", progress=False)

    def stepper(self, problem: Problem, start: Array, t_end: float) -> Stepper:
        """Return the method, about to take its first step."""
        options: dict[str, Any] = {"rtol": self.rtol, "atol": self.atol}
        if isinstance(self.method, str) and self.method in INTEGRATORS:
            made: Stepper = INTEGRATORS[self.method].make(problem, start, t_end, **options)
            return made
        own = problem.compiled_field if self.compiled else problem.vector_field
        field, gradient = self.field or own, self.field is None
        solver = _solver(self.method)
        return SciPyStepper(
            problem, start, solver, t_end, field=field, gradient=gradient, **options
        )


def checked_method(method: str | type, compiled: bool) -> str | type:
    """Return the method that is meant, where `compiled` says whether loops of ours will do."""
    if isinstance(method, type):
        import scipy.integrate

        if not issubclass(method, scipy.integrate.OdeSolver):
            raise TypeError(f"`method` must be a subclass of scipy's OdeSolver, got {method!r}.")
        return method
    if not isinstance(method, str) or method not in INTEGRATORS:
        return validation.one_of("method", method, (*METHODS, *INTEGRATORS))
    if method == AUTO:
        if os.environ.get(INSTEAD):
            return validation.one_of(INSTEAD, os.environ[INSTEAD], METHODS)
        return AUTO if compiled else REFERENCE
    if not compiled:
        raise ValueError(
            f"`method` {method!r} is a compiled loop of the gradient flow itself; leave `compiled` "
            f"True and `field` out, or use {REFERENCE!r}."
        )
    return method


def _solver(method: str | type) -> type:
    import scipy.integrate

    return method if isinstance(method, type) else getattr(scipy.integrate, method)
