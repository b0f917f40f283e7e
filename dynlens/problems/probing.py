"""The gradient of what a user wrote, checked once against what it is the gradient of.

A flow follows the gradient that it is given. If a model's `pullback` loses a factor, its kernel
very likely loses it too, both agree, and every claim is judged on another flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.models.base import STEP
from dynlens.support.differences import contradicted
from dynlens.support.shipped import is_shipped
from dynlens.support.typing import Array

if TYPE_CHECKING:
    from dynlens.problems.problem import Problem

SAME = 1e-9  # relative, of a gradient and a complex step
_PROBED: set[Any] = set()


def probe_gradient(problem: Problem) -> None:
    """Compare the gradient with a derivative of the objective, once for each foreign model.

    Raises
    ------
    ValueError
        If it is not the gradient.
    """
    parts = (problem.model, problem.loss, problem.observations, problem.tensor_penalty)
    foreign = [part for part in parts if part is not None and not is_shipped(type(part))]
    key = (type(problem.model), problem.model, problem.loss, *map(type, parts))
    if not foreign or key in _PROBED:
        return
    theta, v = problem.probe, np.random.default_rng(1).standard_normal(problem.probe.size)
    with np.errstate(all="ignore"):
        promised = np.asarray(problem.unprobed_gradient(theta) @ v)
    if not _equals_complex_step(problem, theta, v, promised):
        found = contradicted(promised, lambda h: problem.objective(theta + h * v))
        if found is not None:
            remedy = " or ".join(_remedy(problem, part) for part in foreign)
            raise ValueError(
                f"The gradient of {problem.model!r} is not that of its objective: along a random "
                f"direction it is {found[0]:.6g}, differences of the objective give "
                f"{found[1]:.6g}; mend {remedy} (`dynlens.testing.check_model` tells more)."
            )
    _PROBED.add(key)


def _equals_complex_step(problem: Problem, theta: Array, v: Array, promised: Array) -> bool:
    """Whether a complex step of the objective says the same; it may be refused or meaningless."""
    try:
        with np.errstate(all="ignore"):
            found = np.imag(problem.objective(theta + 1j * STEP * v)) / STEP
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return False
    return bool(np.abs(found - promised) <= SAME * np.abs(promised))


def _remedy(problem: Problem, part: Any) -> str:
    named = ((problem.model, "pullback"), (problem.loss, "derivative"))
    name = next((name for each, name in named if part is each), None)
    usual = "adjoint" if part is problem.observations else "gradient"
    return f"`{type(part).__name__}.{name or usual}`"
