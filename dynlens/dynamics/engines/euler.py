"""Plain steps along any field: Euler's method, on the clock that begins at zero."""

from __future__ import annotations

from functools import partial

import numpy as np

from dynlens.dynamics.engines.base import Engine, Loop
from dynlens.dynamics.engines.reference import add, finite
from dynlens.dynamics.plan import Plan
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array


class Euler(Engine):
    """Steps of `Plan.field` in place of the negative gradient, in numpy."""

    def loop(self, problem: Problem, plan: Plan) -> Loop:
        assert plan.field is not None
        field, t = plan.field, 0.0

        def advance(theta: Array, memory: Array, eta: float, steps: int, floor: float) -> int:
            nonlocal t
            for k in range(steps):
                with np.errstate(over="ignore", invalid="ignore"):
                    value = problem.objective(theta)
                if not (np.isfinite(value) and value > floor):
                    return k
                add(theta, eta * field(t, theta), memory, plan.rounding)
                t += eta
            return steps

        return Loop(advance, partial(finite, problem))
