"""Claims about implicit bias: among all that fits the data, the limit has the least potential."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.cases.base import ModelSamples, Samples
from dynlens.cases.families import MemberSamples
from dynlens.cases.formulas import Formula
from dynlens.claims.base import Claim
from dynlens.claims.equations import TINY
from dynlens.claims.limits import Limit
from dynlens.claims.sides import named
from dynlens.models.base import Model
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array, Factors
from dynlens.verdict import Measured

SAME = 1e-9  # share by which a function of the tensor may differ, computed from it and from factors
KINK = 0.05  # change of a gradient's direction over a thousandth of the tensor's size


@dataclass(frozen=True)
class Entrywise(Model):
    """A tensor whose parameters are its entries."""

    shape: tuple[int, ...]

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.shape,)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self.shape

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        return factors[0]

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        return (cotangent,)


@dataclass(frozen=True)
class LeastAmongFits(Claim):
    r"""The limit of the path fits the data, and has the least potential among all that do.

    What is tested are the conditions of Karush, Kuhn and Tucker: the observations are fitted, and
    the potential's gradient with respect to the end-to-end tensor is a combination of the sensing
    tensors, whose multipliers are found by least squares. Both the misfit and what is left of the
    gradient, as shares, are extrapolated to the end of time (see `Limit`) and must vanish.

    Parameters
    ----------
    potential : formula
        In names of observables that are functions of the end-to-end tensor, or its entries.
    along, to : formula, float
        Of a `Family`: the limit is that of the limits in time, as the parameter tends to `to`.
    tolerance : float

    Notes
    -----
    For a convex potential the conditions are sufficient; for another they say that it is stationary
    among the fits. Where the potential has a kink at the limit, such as a nuclear norm at a
    matrix of lower rank, its gradient is one of many, and the claim is UNDECIDED.

    Examples
    --------
    >>> import dynlens as dl
    >>> seen = dl.Sensing([[[1.0, 2.0, 0.0]], [[0.0, 1.0, 1.0]]], [1.0, 2.0])
    >>> regression = dl.Problem(dl.DeepLinear((3, 1)), dl.SquaredLoss(), seen)
    >>> path = dl.Path(regression, (0.0, 0.0, 0.0), 100.0)
    >>> LeastAmongFits("frobenius_norm**2").check(path).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> LeastAmongFits("frobenius_norm**2 + end_to_end[0, 0]**2").check(path).status
    <Status.REFUTED: 'REFUTED'>
    """

    potential: Formula
    along: Formula = field(default="t", kw_only=True)
    to: float = field(default=np.inf, kw_only=True)
    tolerance: float = field(default=1e-4, kw_only=True)

    @property
    def statement(self) -> str:
        then = "" if self.along == "t" else f", and then as {named(self.along)} -> {self.to:g},"
        return f"the limit{then} has the least {named(self.potential)} among all that fits"

    def measure(self, samples: Samples) -> Array:
        return self.evidence(samples).residual

    def evidence(self, samples: Samples) -> Measured:
        family = isinstance(samples, MemberSamples)
        last = samples.members[-1] if isinstance(samples, MemberSamples) else samples
        if not isinstance(last, ModelSamples) or last.t is None:
            raise TypeError("the claim is about the limit of a `Path` of a model, or of several.")
        kinked = self._kinked(last)
        limits = [
            Limit(
                part,
                "0",
                scale="1",
                along=self.along,
                to=self.to,
                inner="t" if family else None,
                tolerance=self.tolerance,
                given=self.given,
                readings=self.readings,
                after=self.after,
            ).evidence(samples)
            for part in (misfit, self.stationarity)
        ]
        residual = np.stack([each.residual for each in limits], axis=1)
        error = np.stack([each.error for each in limits], axis=1)
        notes = ["", limits[0].note, limits[1].note]
        if kinked:
            error[~np.isnan(residual)] = np.inf
            notes[0] = "the potential has a kink at the limit, where multipliers decide nothing"
        return replace(
            limits[0],
            residual=residual,
            error=error,
            assumptions=() if family else self.assumed(samples)[0],
            labels={"part": ("misfit", "gradient")},
            note="; ".join(filter(None, notes)),
        )

    def stationarity(self, samples: Samples) -> Array:
        """Share of the potential's gradient that no multipliers make, at every sample."""
        assert isinstance(samples, ModelSamples)
        problem = samples.problem
        gradient = self._gradient(problem, _flat(samples))
        rows = problem.observations.adjoint(np.eye(problem.observations.count))
        basis, sizes, _ = np.linalg.svd(rows.reshape(len(rows), -1).T, full_matrices=False)
        basis = basis[:, sizes > 1e-12 * sizes.max()]
        left = gradient - (gradient @ basis) @ basis.T
        size = np.linalg.norm(gradient, axis=1)
        return np.asarray(np.linalg.norm(left, axis=1) / np.maximum(size, TINY))

    def _gradient(self, problem: Problem, tensors: Array) -> Array:
        """Gradient of the potential with respect to the tensor, shape (S, N)."""
        n = tensors.shape[1]
        each = replace(problem, model=Entrywise(problem.model.tensor_shape), penalty=None)
        samples = ModelSamples(each, np.repeat(tensors, n, axis=0))
        samples.__dict__["_along"] = np.tile(np.eye(n), (len(tensors), 1))
        return self.rate_along(self.potential, samples).reshape(len(tensors), n)

    def _kinked(self, samples: ModelSamples) -> bool:
        """Whether the gradient turns at once beside the last tensor; refuse what is none of it."""
        last = replace(samples, theta=samples.theta[-1:], t=None, _cache={})
        tensor = _flat(last)
        each = replace(samples.problem, model=Entrywise(samples.problem.model.tensor_shape))
        of_factors = self.evaluate(self.potential, last)
        of_tensor = self.evaluate(self.potential, ModelSamples(each, tensor))
        if np.any(np.abs(of_factors - of_tensor) > SAME * np.abs(of_factors)):
            raise ValueError(
                f"the potential {named(self.potential)!r} depends on the factors, not on the "
                "end-to-end tensor alone; name observables of the tensor."
            )
        beside = np.random.default_rng(0).standard_normal((4, tensor.size))
        beside *= 1e-3 * np.linalg.norm(tensor) / np.linalg.norm(beside, axis=1, keepdims=True)
        here = self._gradient(samples.problem, tensor)
        there = self._gradient(samples.problem, tensor + beside)
        change = np.linalg.norm(there - here, axis=1).max()
        return bool(not change <= KINK * np.linalg.norm(here))


def misfit(samples: Samples) -> Array:
    """Distance of the observations from the data, as a share of their size."""
    assert isinstance(samples, ModelSamples)
    seen = samples.problem.observations
    gap = seen.measure(samples.problem.end_to_end(samples.theta)) - seen.data
    size = float(np.linalg.norm(seen.data)) or 1.0
    return np.asarray(np.linalg.norm(gap, axis=1) / size)


def _flat(samples: ModelSamples) -> Array:
    """End-to-end tensors as rows, shape (S, N)."""
    tensors = samples.problem.end_to_end(samples.theta)
    return np.asarray(tensors.reshape(len(samples), prod(tensors.shape[1:])))
