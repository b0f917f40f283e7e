"""Claims about random draws: frequencies and means, each within its standard errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula
from dynlens.claims.base import Claim
from dynlens.claims.equations import TINY
from dynlens.claims.sides import named
from dynlens.support import validation
from dynlens.support.typing import Array

ROUNDING = 1e-13  # relative error of a mean of numbers that are all the same


@dataclass(frozen=True)
class _Drawn(Claim):
    """A claim that holds up to the chance of its draws: within `sigmas` standard errors."""

    sigmas: float = field(default=5.0, kw_only=True)
    tolerance: float = field(default=0.0, init=False, repr=False)
    pooled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", validation.positive("sigmas", self.sigmas))
        super().__post_init__()


@dataclass(frozen=True)
class Frequency(_Drawn):
    """Over random states, ``event > 0`` happens with the given probability.

    The tolerance is `sigmas` standard errors of the count: with the default of 5, a true statement
    is refuted once in about two million seeds.

    Parameters
    ----------
    event : formula
    probability : float
    sigmas : float
    """

    event: Formula
    probability: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < validation.finite("probability", self.probability) < 1:
            raise ValueError(
                f"`probability` must be strictly between 0 and 1, got {self.probability!r}; state "
                "what is certain as an `AtLeast`."
            )

    @property
    def statement(self) -> str:
        return f"P({self.event} > 0) = {self.probability:g}, within {self.sigmas:g} standard errors"

    def measure(self, samples: Samples) -> Array:
        _, met = self.assumed(samples)
        happened = (self.evaluate(self.event, samples) > 0)[met]
        residual = np.full(len(samples), np.nan)
        if met.any():
            p, n = self.probability, happened.size
            residual[0] = abs(happened.mean() - p) / np.sqrt(p * (1 - p) / n)
        return residual


@dataclass(frozen=True)
class Mean(_Drawn):
    """Over random draws, the mean of `of` is `value`.

    The residual is the distance of the average from it in standard errors, estimated from the same
    draws, and `sigmas` of them are allowed. With the default of 5 and a hundred draws or more, a
    true statement is refuted for about one seed in a million; with 20 draws for one in ten
    thousand. The variance must be finite, else the standard error means nothing.

    Parameters
    ----------
    of, value : formula
    sigmas : float
    """

    of: Formula
    value: Formula

    @property
    def statement(self) -> str:
        of, value = named(self.of), named(self.value)
        return f"E[{of}] = {value}, within {self.sigmas:g} standard errors"

    def measure(self, samples: Samples) -> Array:
        _, met = self.assumed(samples)
        values, wanted = (self.evaluate(side, samples)[met] for side in (self.of, self.value))
        residual = np.full(len(samples), np.nan)
        if len(values) > 1:
            gaps = values - wanted
            # What does not vary has rounding for its error.
            least = ROUNDING * np.abs(values).max()
            error = max(gaps.std(ddof=1) / np.sqrt(len(gaps)), least, TINY)
            residual[0] = abs(gaps.mean()) / error
        return residual
