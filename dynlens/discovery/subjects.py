"""What laws are asked of: a model, a problem, or a map of your own, as a traced program."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from dynlens.cases.reproduce import concise
from dynlens.discovery.polynomials import Polynomial
from dynlens.discovery.tracing import Program, traced
from dynlens.models.base import Model
from dynlens.models.capabilities import SumOfPowers
from dynlens.models.formula import FormulaModel
from dynlens.problems.problem import Problem
from dynlens.support import validation

LONGEST = 80  # letters of a name that is printed
REMEDY = "pass a model, a problem, or a function of arrays with `shapes`."


@dataclass(frozen=True)
class Subject:
    """A map of arrays with names.

    Parameters
    ----------
    name : str
        Text that recreates it, where there is one.
    names : tuple of str
        Of the arrays.
    shapes : tuple of tuple of int
    map : callable
        Of the arrays.
    owner : Model, Problem or None
    moving : bool
        Whether velocities and time are among the names.
    """

    name: str
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    map: Callable[..., Any]
    owner: Model | Problem | None = None
    moving: bool = False

    @cached_property
    def program(self) -> Program:
        """What the map does."""
        try:
            found = traced(self.map, self.shapes)
        except (TypeError, AttributeError) as error:
            raise TypeError(
                f"{self.short} is not made of arithmetic, powers and square roots alone, or is no "
                f"function of these shapes: {error}; of a ReLU network, ask `relu_cell`."
            ) from error
        if not found.outputs:
            raise ValueError(f"{self.short} does not depend on its parameters; {REMEDY}")
        return found

    @property
    def short(self) -> str:
        """The name, without its end if it is long."""
        return self.name if len(self.name) <= LONGEST else f"{self.name[: LONGEST - 3]}..."

    @cached_property
    def coordinates(self) -> tuple[str, ...]:
        """Name of each parameter: ``W1[0, 0]`` and so on."""
        return tuple(
            f"{name}[{', '.join(map(str, place))}]" if place else name
            for name, shape in zip(self.names, self.shapes, strict=True)
            for place in np.ndindex(*shape)
        )

    @property
    def model(self) -> Model | None:
        """Its model, if it is one or a problem of one."""
        return self.owner.model if isinstance(self.owner, Problem) else self.owner

    @cached_property
    def stated(self) -> list[Polynomial]:
        """What the model itself says is conserved; empty where it says nothing."""
        if self.model is None:
            return []
        model = self.model
        try:
            found = traced(lambda *factors: model.imbalances(factors), self.shapes)
        except TypeError:  # it states none
            return []
        return found.expanded() if found.polynomial else []


def subject(of: Any, shapes: Mapping[str, Sequence[int]] | None = None) -> Subject:
    """Return what laws are asked of."""
    if isinstance(of, Problem):
        return Subject(concise(of), _names(of.model), of.model.factor_shapes, _seen(of), of)
    if isinstance(of, Model):
        return Subject(concise(of), _names(of), of.factor_shapes, _whole(of), of)
    if not callable(of):
        raise TypeError(f"`of` is {of!r:.80}; {REMEDY}")
    if shapes is None:
        raise ValueError("`shapes` is needed with a function; for example `{'W': (2, 3)}`.")
    named = validation.mapping("shapes", shapes, "for example `{'W': (2, 3)}`.")
    sizes = tuple(tuple(int(n) for n in np.atleast_1d(np.asarray(s, int))) for s in named.values())
    return Subject(getattr(of, "__name__", repr(of)), tuple(named), sizes, of)


def _names(model: Model) -> tuple[str, ...]:
    """Names of a model's factors: its own, or W1, W2 and so on."""
    if isinstance(model, FormulaModel):
        return tuple(name for name, _ in model.shapes)
    count = len(model.factor_shapes)
    return ("W",) if count == 1 else tuple(f"W{k + 1}" for k in range(count))


def _whole(model: Model) -> Callable[..., Any]:
    if isinstance(model, SumOfPowers) and model.degrees is not None:
        return _sum_of_powers(model)
    return lambda *factors: model.end_to_end(factors)


def _sum_of_powers(model: SumOfPowers) -> Callable[..., Any]:
    """Different entries of a sum of powers, without the roots that lengths are computed by."""

    def entries(u: Any, *coefficients: Any) -> list[Any]:
        c = coefficients[0] if coefficients else model.polar((np.zeros(u.shape),))[2]
        places = itertools.combinations_with_replacement(range(u.shape[1]), model.order)
        return [sum(c[k] * prod(u[k, i] for i in place) for k in range(len(u))) for place in places]

    return entries


def _seen(problem: Problem) -> Callable[..., Any]:
    """What the loss looks at, and half the squared parameters under a penalty."""
    whole = _whole(problem.model)
    powers = isinstance(problem.model, SumOfPowers) and whole is not None

    def seen(*factors: Any) -> list[Any]:
        if powers and problem.observations.powers is not None:
            found = list(np.ravel(np.asarray(whole(*factors), dtype=object)))
        else:
            found = list(np.ravel(problem.observations.measure(problem.model.end_to_end(factors))))
        if problem.penalty is not None:
            found.append(sum((factor * factor).sum() for factor in factors) / 2)
        return found

    return seen
