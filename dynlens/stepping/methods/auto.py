"""Explicit while that is cheap, implicit or stabilized where the flow is stiff.

A gradient flow often ends stiff: the loss has curvatures of order one, while what is left to do
happens on a time scale that grows without bound. An explicit method then takes steps as long as
stability allows, however loose the tolerance. Which method goes on depends on the size: factoring
a Hessian is cheap for few parameters and hopeless for many.
"""

from __future__ import annotations

from typing import Any

from dynlens.problems.problem import Problem
from dynlens.stepping.integrators import INTEGRATORS, integrator
from dynlens.stepping.layout import CURVATURE, MILD, PAUSED, SMALL, STIFF, H
from dynlens.stepping.stepper import TOO_SMALL, CompiledStepper, Dense, Saves
from dynlens.support.typing import Array

AUTO = "auto"
# Explicit methods for loose and for tight tolerances, an implicit one for few parameters, and
# stabilized ones for many, likewise.
LOOSE, STRICT, FOR_FEW, FOR_MANY, FOR_MANY_STRICT = "Tsit5", "DOP8", "Radau9", "RKC2", "ROCK4"
TIGHT = 1e-7  # below this tolerance order eight takes fewer evaluations than order five
TIGHT_MANY = 1e-5  # the same for many parameters, since ROCK4 goes on from a better state
FEW = 100  # parameters, up to which a Hessian is factored
TIGHTEST = 1e-9  # above this tolerance ROCK4 takes fewer evaluations than order eight
HESSIANS = 20  # an implicit method needs some of them: 2 P evaluations each


def explicit_for(rtol: float, size: int = 1) -> str:
    """Return the explicit method to begin with."""
    return STRICT if rtol < (TIGHT if size <= FEW else TIGHT_MANY) else LOOSE


def reason(method: str, rtol: float) -> str:
    """Why a run begins with this method, for its record."""
    return f"order {INTEGRATORS[method].order} for rtol={rtol:g}"


@integrator(AUTO, order=None, kind="switching")
class Auto:
    """One integration that changes its method; see `notes`."""

    def __init__(
        self, problem: Problem, theta0: Array, t_end: float, *, rtol: float, atol: float
    ) -> None:
        self.problem, self.t_end, self.rtol, self.atol = problem, t_end, rtol, atol
        self.explicit = explicit_for(rtol, problem.model.parameters)
        self.before = (0, 0)  # evaluations and steps of the parts that are over
        self.switches: list[dict[str, Any]] = []
        self.outcome = PAUSED  # of the part, when it last ran
        self.part: CompiledStepper = self._part(self.explicit, theta0, 0.0, None)
        self._record(self.explicit, reason(self.explicit, rtol))

    @property
    def t(self) -> float:
        return self.part.t

    @property
    def t_old(self) -> float:
        return self.part.t_old

    @property
    def y(self) -> Array:
        return self.part.y

    @property
    def y_old(self) -> Array:
        return self.part.y_old

    @property
    def fresh(self) -> bool:
        return self.part.fresh

    @property
    def evaluations(self) -> int:
        return self.before[0] + self.part.evaluations

    @property
    def steps(self) -> int:
        return self.before[1] + self.part.steps

    @property
    def notes(self) -> dict[str, Any]:
        """Every change of method: when, to which, why."""
        return {"switches": list(self.switches)}

    def dense_output(self) -> Dense:
        return self.part.dense_output()

    def advance(self, saves: Saves, floor: float, evaluations: int, steps: int) -> str:
        # Not before it is asked to go on: until then the last step can be looked into.
        if self.outcome == STIFF:
            self._leave_explicit()
        elif self.outcome == MILD:
            self._change(self.explicit, "steps are short enough for an explicit method")
        self.outcome = self.part.run(saves, floor, evaluations - self.before[0], steps)
        return TOO_SMALL if self.outcome == SMALL else ""

    def _leave_explicit(self) -> None:
        part, n = self.part, self.problem.model.parameters
        h, curvature = float(part.clock[H]), float(part.clock[CURVATURE])
        left = INTEGRATORS[self.explicit].stages * (self.t_end - part.t) / h
        why = f"stiff: step {h:.2g}, curvature {curvature:.2g}, {left:.2g} evaluations left"
        if n <= FEW and left > HESSIANS * 2 * n:
            self._change(FOR_FEW, why)
        elif n > FEW and self.rtol >= TIGHTEST:
            self._change(FOR_MANY if self.rtol >= TIGHT_MANY else FOR_MANY_STRICT, why)

    def _change(self, method: str, why: str) -> None:
        part = self.part
        self.before = (self.evaluations, self.steps)
        self.part = self._part(method, part.y, part.t, float(part.clock[H]))
        self._record(method, why)

    def _record(self, method: str, why: str) -> None:
        self.switches.append({"t": self.part.t, "method": method, "why": why})

    def _part(self, method: str, theta: Array, t: float, step: float | None) -> CompiledStepper:
        options: dict[str, Any] = {"t": t, "step": step, "rtol": self.rtol, "atol": self.atol}
        make = INTEGRATORS[method].make
        part: CompiledStepper = make(self.problem, theta, self.t_end, watchful=True, **options)
        return part
