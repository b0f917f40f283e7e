"""What a search for a counterexample may vary: rows of numbers, each of which makes a case.

A case of random states stands for all states of its kind: of every size, near every degenerate
shape, beside every target. Its *space* draws such states, evaluates many at once, and turns any
one of them into an ordinary case, on which the claim is judged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property, singledispatch
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

import numpy as np

from dynlens.cases.base import Case, ModelSamples, RandomMatrices, RandomStates, Samples, States
from dynlens.cases.boxes import Box, point, rounded
from dynlens.models.base import Model
from dynlens.problems.observations import Entries
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

SCALES = (1e-3, 1e2)
BALANCED = 20_000  # parameters that are balanced at once, which may cost their square
SINGULAR = 1e-12  # a determinant is of one sign while it exceeds this share of its rows' norms


class Space(ABC):
    """States as rows of numbers, shape (S, n).

    Attributes
    ----------
    low, high : ndarray, shape (n,)
        Bounds of the numbers, possibly infinite.
    """

    low: Array
    high: Array
    exact: ClassVar[bool] = False  # whether what is read has no rounding error

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int) -> Array:
        """Draw states of all sizes and shapes."""

    @abstractmethod
    def samples(self, rows: Array) -> Samples:
        """Return the states, with names and without twins."""

    @abstractmethod
    def case(self, row: Array) -> Case:
        """Return one state as an ordinary case."""

    def project(self, rows: Array) -> Array:
        """Move states into the space."""
        return np.clip(rows, self.low, self.high)

    def balanced(self, rows: Array) -> Array:
        """Move states to balanced ones."""
        return rows

    def outside(self, rows: Array) -> Array:
        """How far states are from being in the space, shape (S,); 0 for those that are in it."""
        return np.zeros(len(rows))

    def again(self, k: int) -> Space:
        """Return the space for the k-th restart, in which what no row says may be different."""
        return self

    def beside(self, row: Array, rng: np.random.Generator, count: int, share: float) -> Array:
        """Return states that are off by a share of the largest number, shape (count, n)."""
        return row + share * np.abs(row).max() * rng.standard_normal((count, len(row)))

    def blurred(self, share: float) -> Space:
        """Return the space with readings that are off by a share of the largest number."""
        return self

    def rounder(self, row: Array, digits: int) -> Array:
        """Return a state of fewer digits near this one."""
        return self.project(rounded(row, digits)[None])[0]


@singledispatch
def space_of(case: Case) -> Space | None:
    """Return the space of the states that a case stands for; None if it stands for itself alone.

    Examples
    --------
    >>> space_of(Box({"x": (0, 1), "y": (-1, 1)})).high.tolist()
    [1.0, 1.0]
    """
    return None


@dataclass(frozen=True)
class BoxSpace(Space):
    """All points of a box."""

    box: Box
    exact: ClassVar[bool] = True

    @cached_property
    def low(self) -> Array:  # type: ignore[override]
        return self.box.limits[0]

    @cached_property
    def high(self) -> Array:  # type: ignore[override]
        return self.box.limits[1]

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        corners = self.box.corners()[:count]
        return np.concatenate([corners, self.box.draw(rng, count - len(corners))])

    def samples(self, rows: Array) -> Samples:
        return self.box.named(rows)

    def case(self, row: Array) -> Case:
        return point(self.box.named(row[None]).values, 0)


@space_of.register
def _(case: Box) -> Space:
    return BoxSpace(case)


@dataclass(frozen=True)
class StateSpace(Space):
    """All states of a problem and, if wanted, all values of what is observed.

    Parameters
    ----------
    problem : Problem
    kind : {"gaussian", "balanced"}
        Whether all states belong to it, or balanced ones alone.
    targets : bool
        Whether the observed values vary, too; a row then has them behind the parameters.
    sign : {1, -1}, optional
        Of the end-to-end determinant.
    origin : RandomStates, optional
        Whose places of observation change from restart to restart.
    """

    problem: Problem
    kind: str = "gaussian"
    targets: bool = False
    sign: int | None = None
    origin: RandomStates | None = None

    @property
    def _observed(self) -> int:
        return self.problem.observations.count if self.targets else 0

    @cached_property
    def low(self) -> Array:  # type: ignore[override]
        return np.full(self.problem.model.parameters + self._observed, -np.inf)

    @property
    def high(self) -> Array:  # type: ignore[override]
        return -self.low

    def _theta(self, rows: Array) -> Array:
        return rows[..., : self.problem.model.parameters]

    @cached_property
    def _places(self) -> _EachItsOwn:
        seen = self.problem.observations
        assert isinstance(seen, Entries)
        return _EachItsOwn(seen.shape, seen.indices, seen.values)

    def _with_values(self, values: Array) -> Problem:
        return replace(self.problem, observations=self._places.of_values(values))

    def draw(self, rng: np.random.Generator, count: int) -> Array:
        model, seen = self.problem.model, self.problem.observations
        theta = shapes(model, rng, count)
        if self.sign is not None:
            theta = self._near_the_values(theta, rng)
        if not self.targets:
            return self.project(theta)
        n = seen.count
        values = rng.standard_normal((count, n)) * _sizes(rng, (count, 1))
        values = np.where(rng.random((count, 1)) < 0.1, np.round(values), values)
        fitted = seen.measure(model.end_to_end(model.unravel(theta)))
        off = rng.standard_normal((count, n)) * 10.0 ** rng.uniform(-6, 0, (count, 1))
        values = np.where(rng.random((count, 1)) < 0.3, fitted + off, values)
        return self.project(np.concatenate([theta, values], axis=1))

    def _near_the_values(self, theta: Array, rng: np.random.Generator) -> Array:
        """Move half of the matrices towards the observed values, and give all the wanted sign."""
        seen, shape = self.problem.observations, self.problem.model.tensor_shape
        base = seen.adjoint(seen.data)
        where = seen.adjoint(np.ones(seen.count)) != 0
        off = _sizes(rng, (len(theta), *shape)) * rng.standard_normal((len(theta), *shape))
        other = _sizes(rng, (len(theta), 1, 1)) * rng.standard_normal((len(theta), *shape))
        near = np.where(where, base + other, off)
        matrices = np.where(rng.random((len(theta), 1, 1)) < 0.5, near, theta.reshape(-1, *shape))
        wrong = self.sign * np.linalg.det(matrices) < 0
        matrices[wrong] = matrices[wrong][:, [1, 0, *range(2, shape[0])]]
        return matrices.reshape(len(theta), -1)

    def project(self, rows: Array) -> Array:
        return self.balanced(rows) if self.kind == "balanced" else rows

    def balanced(self, rows: Array) -> Array:
        model = self.problem.model
        with np.errstate(all="ignore"):
            theta = model.ravel(model.balanced(model.unravel(self._theta(rows))))
        return np.concatenate([theta, rows[..., model.parameters :]], axis=-1)

    def outside(self, rows: Array) -> Array:
        if self.sign is None:
            return np.zeros(len(rows))
        matrices = rows.reshape(-1, *self.problem.model.tensor_shape)
        norms = np.linalg.norm(matrices, axis=-1).prod(axis=-1)
        with np.errstate(all="ignore"):
            share = self.sign * np.linalg.det(matrices) / norms
        return np.where(share > SINGULAR, 0.0, 1.0 - np.nan_to_num(share, nan=-1.0))

    def beside(self, row: Array, rng: np.random.Generator, count: int, share: float) -> Array:
        model = self.problem.model
        noise = [
            share * np.abs(factor).max() * rng.standard_normal((count, *factor.shape))
            for factor in model.unravel(self._theta(row))
        ]
        found = np.repeat(row[None], count, axis=0)
        found[:, : model.parameters] += model.ravel(tuple(noise))
        return found

    def blurred(self, share: float) -> Space:
        return replace(
            self, problem=replace(self.problem, model=_blurred(self.problem.model, share))
        )

    def samples(self, rows: Array) -> Samples:
        problem = self.problem
        if self.targets:
            problem = self._with_values(rows[:, problem.model.parameters :])
        return ModelSamples(problem, self._theta(rows))

    def case(self, row: Array) -> Case:
        problem, theta = self.problem, tuple(self._theta(row).tolist())
        if self.targets:
            seen, values = problem.observations, row[problem.model.parameters :].tolist()
            assert isinstance(seen, Entries)
            problem = replace(problem, observations=replace(seen, values=tuple(values)))
        return States(problem, (theta,))

    def again(self, k: int) -> Space:
        if self.origin is None or self.origin.fraction == 1:
            return self
        origin = replace(self.origin, seed=self.origin.seed + k)
        return replace(self, problem=origin.problem)


@space_of.register
def _(case: RandomStates) -> Space | None:
    if case.start not in ("gaussian", "balanced"):
        return None
    return StateSpace(case.problem, case.start, targets=True, origin=case)


@space_of.register
def _(case: RandomMatrices) -> Space:
    return StateSpace(case.problem, sign=case.determinant)


class _EachItsOwn(Entries):
    """Entries that have another value for every state: `data` has shape (S, n)."""

    def of_values(self, values: Array) -> _EachItsOwn:
        """Observe the same places, and what is there."""
        found = copy(self)
        found.__dict__["data"] = values  # where `cached_property` keeps it
        return found

    @property
    def count(self) -> int:
        return len(self.indices)


def _blurred(model: Model, share: float) -> Model:
    """Return the model with end-to-end tensors that are off as singular values of them may be."""
    rng, twin = np.random.default_rng(0), copy(model)
    axes = tuple(range(-len(model.tensor_shape), 0))

    def end_to_end(factors: Any) -> Any:
        tensor = model.end_to_end(factors)
        size = np.abs(tensor).max(axis=axes, keepdims=True)
        return tensor + share * size * rng.standard_normal(tensor.shape)

    object.__setattr__(twin, "end_to_end", end_to_end)
    return twin


def shapes(model: Model, rng: np.random.Generator, count: int) -> Array:
    """Draw parameters of all sizes and shapes, shape (count, P).

    To Gaussian factors happens, each to some states: sizes of their own for factors, columns or
    entries; zeros; small whole numbers; columns or factors that are equal or almost so; a matrix
    that is almost of rank one or almost orthogonal; being balanced or almost so.
    """
    factors = []
    for shape in model.factor_shapes:
        found = rng.standard_normal((count, *shape))
        ones = [1] * len(shape)

        def some(share: float, ones: list[int] = ones) -> Any:
            return rng.random((count, *ones)) < share

        found = np.where(some(0.15), np.round(found), found)
        found = np.where(some(0.15) & (rng.random(found.shape) < 0.4), 0.0, found)
        if len(shape) == 2:
            found = np.where(some(0.2), _of_rank_one(found) + _little(rng, found), found)
            found = np.where(some(0.2), _orthogonal(found) + _little(rng, found), found)
            found = np.where(some(0.15), found[..., :1] + _little(rng, found), found)
        for axes in (ones, [*ones[:-1], shape[-1]], shape):  # a factor, its columns, its entries
            found = np.where(some(0.3), found * _sizes(rng, (count, *axes)), found)
        factors.append(found)
    for n, (before, shape) in enumerate(pairwise(model.factor_shapes)):
        if shape == before:
            same = rng.random((count, *[1] * len(shape))) < 0.15
            factors[n + 1] = np.where(same, factors[n] + _little(rng, factors[n]), factors[n + 1])
    theta = model.ravel(tuple(factors)) * _sizes(rng, (count, 1))
    chosen = np.flatnonzero(rng.random(count) < 0.2)[: BALANCED // model.parameters]
    with suppress(TypeError):  # of a model that has nothing to balance
        level = model.ravel(model.balanced(model.unravel(theta[chosen])))
        theta[chosen] = np.nan_to_num(level * (1 + _little(rng, level)))
    return np.asarray(theta)


def _sizes(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    low, high = np.log(SCALES)
    return np.exp(rng.uniform(low, high, shape))


def _little(rng: np.random.Generator, like: Array) -> Array:
    """Noise, of a size of its own for every state, often none to speak of."""
    size = 10.0 ** rng.uniform(-9, 0, (len(like), *[1] * (like.ndim - 1)))
    return size * rng.standard_normal(like.shape)


def _of_rank_one(matrices: Array) -> Array:
    return matrices[..., :, :1] * matrices[..., :1, :]


def _orthogonal(matrices: Array) -> Array:
    """Matrices with all singular values one."""
    if not prod(matrices.shape):
        return matrices
    left, _, right = np.linalg.svd(matrices, full_matrices=False)
    return np.asarray(left @ right)


__all__ = ["BoxSpace", "Space", "StateSpace", "space_of"]
