"""Families of runs from starts ``alpha * a``: what is claimed as alpha tends to zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from dynlens.cases.base import PROBLEM, Case, ModelSamples
from dynlens.cases.reproduce import concise
from dynlens.dynamics.events import Event
from dynlens.dynamics.flow import gradient_flow
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.run_cache import kept_arrays, ours
from dynlens.support.typing import Array


@dataclass(frozen=True, eq=False)
class FamilySamples(ModelSamples):
    """States at which the runs of a family leave the neighbourhood of zero, one for each alpha.

    Besides observables, ``alpha``, ``escape_time`` and what else a family measures may be read.
    """

    measured: dict[str, Array] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        return (*super().names(), *self.measured)

    def check_beginning(self, name: str) -> None:
        """The first member of the family is its beginning."""

    def _read(self, name: Any) -> Array:
        if isinstance(name, str) and name in self.measured:
            return self.measured[name]
        return super()._read(name)


@dataclass(frozen=True)
class SmallStarts(Case):
    r"""Gradient flow from ``alpha * a`` for several alpha, until the end-to-end norm is reached.

    The samples are the states at escape, where :math:`\|W\|` first rises through `norm`, one for
    each alpha; they answer to observables, to ``alpha`` and to ``escape_time``.

    Parameters
    ----------
    problem : Problem
    direction : tuple of float
        The start at alpha = 1.
    alphas : tuple of float
        Decreasing.
    norm : float
        Frobenius norm of the end-to-end tensor at escape.
    t_max : float
        Time after which a run that has not escaped is given up, an error.
    method : str
        Of `gradient_flow`.
    rtol, atol : float
        `atol` is that of alpha = 1; it shrinks with alpha.
    """

    problem: Problem
    direction: tuple[float, ...]
    alphas: tuple[float, ...]
    norm: float
    t_max: float = 1e6
    method: str = "auto"
    rtol: float = 1e-11
    atol: float = 1e-13

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        start = self.problem.check_theta(self.direction, "direction")
        object.__setattr__(self, "direction", tuple(start.tolist()))
        alphas = validation.real_array("alphas", self.alphas, ndim=1)
        if not (len(alphas) and alphas[-1] > 0 and np.all(np.diff(alphas) < 0)):
            raise ValueError(f"`alphas` must be positive and decreasing, got {self.alphas!r:.80}.")
        object.__setattr__(self, "alphas", tuple(alphas.tolist()))
        validation.positive("norm", self.norm)
        validation.positive("t_max", self.t_max)

    def samples(self) -> FamilySamples:
        """Run all, with a twin at a tenth of the tolerance from a start off in the last place."""
        nudge = 1 + np.where(np.arange(len(self.direction)) % 2, 1, -1) * 2.0**-52
        twin = replace(
            self,
            direction=tuple((np.array(self.direction) * nudge).tolist()),
            rtol=max(self.rtol / 10, 2.3e-14),
            atol=self.atol / 10,
        )
        return replace(_gathered(self), twins=(_gathered(twin),))

    def simpler(self) -> Iterator[Case]:
        """Fewer alphas, the largest kept."""
        if len(self.alphas) > 3:
            yield replace(self, alphas=self.alphas[:-1])

    @property
    def leaving(self) -> Event:
        """What ends a run: the norm rises through its value, unless a subclass says otherwise."""
        return Event("frobenius_norm", self.norm, direction=1, terminal=True)

    def escape(self, alpha: float) -> tuple[float, Array]:
        """Time and state at which the run from ``alpha * a`` leaves."""
        start, event = alpha * np.array(self.direction), self.leaving
        numerics = self.numerics(alpha)
        run = gradient_flow(self.problem, start, [self.t_max], events=[event], **numerics)
        if run.status != "event":
            raise IntegrationError(
                f"the run from alpha = {alpha:g} has not come to {event.name} by "
                f"t = {self.t_max:g} ({run.message}); raise `t_max` or alpha."
            )
        return float(run.t[-1]), run.final

    def numerics(self, alpha: float) -> dict[str, Any]:
        """Arguments of `gradient_flow`."""
        return {"method": self.method, "rtol": self.rtol, "atol": self.atol * alpha}

    def measure(self) -> dict[str, Array]:
        """Everything that is measured, by name: one value, or one row, for each alpha."""
        found = [self.escape(alpha) for alpha in self.alphas]
        return {
            "alpha": np.array(self.alphas),
            "escape_time": np.array([t for t, _ in found]),
            "theta": np.array([theta for _, theta in found]),
        }


@lru_cache(maxsize=64)
def _gathered(family: SmallStarts) -> FamilySamples:
    """Run once, or read what another process kept."""

    def compute() -> tuple[Array, ...]:
        found = family.measure()
        return np.array(list(found)), *found.values()

    parts = (family, family.problem.model, family.problem.loss, family.problem.observations)
    text = f"{type(family).__module__} {concise(family)}"
    listed, *arrays = kept_arrays(text, compute) if ours(*parts) else compute()
    measured = dict(zip(listed.tolist(), arrays, strict=True))
    theta = measured.pop("theta")
    return FamilySamples(family.problem, theta, measured=measured)


__all__ = ["FamilySamples", "SmallStarts"]
