"""The parameters themselves, for claims about single ones."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, Factors


@observable(dims=("parameter",), analytic=True, symbol=r"\theta")
def parameters(problem: Problem, factors: Factors) -> NDArray[Any]:
    """All parameters in one vector, in the order of `Model.ravel`."""
    return problem.model.ravel(factors)


def _axes(problem: Problem) -> tuple[str, ...]:
    orders = {len(shape) for shape in problem.model.factor_shapes}
    if len(orders) > 1:
        raise TypeError(f"the factors of {problem.model!r} have different axes; see `parameters`.")
    return ("row", "column") if orders == {2} else tuple(f"axis_{k}" for k in range(orders.pop()))


@observable(dims=_axes, analytic=True)
def factor(problem: Problem, factors: Factors, number: int = 1) -> Array:
    """One factor by its number, counted from one: ``W_1`` is what acts first."""
    if not 1 <= validation.count("number", number) <= len(factors):
        raise ValueError(f"`number` is {number}, but there are {len(factors)} factors.")
    return factors[number - 1]
