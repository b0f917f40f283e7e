"""Claims that are formulas: equalities and inequalities between named quantities.

A rate law, a conservation law and a closed form are all equalities; they differ in what stands on
the left. An inequality holds at random states (static) or along a path, as the case has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.claims.base import Claim
from dynlens.claims.cases import Samples
from dynlens.claims.formulas import Formula, as_text
from dynlens.typing import Array

TINY = 1e-300


def _name(formula: Formula) -> str:
    return getattr(formula, "__name__", str(formula))


@dataclass(frozen=True, kw_only=True)
class Equal(Claim):
    """``left = right`` at every sample.

    Parameters
    ----------
    left, right : formula
        Text or sympy expressions in names of quantities, or functions of the samples.
    scale : formula, optional
        What the difference is measured against; unless given, the largest entry of either side at
        the same sample, but at least `floor` times the largest anywhere.
    floor : float
        Below this share of the largest value anywhere, a difference counts absolutely.
    where : formula, optional
        Nothing is asserted at entries where this is not positive.
    tolerance : float

    Notes
    -----
    Quantities may be any observable ``x``; ``d_x``, its exact rate along the flow; ``x_0``, its
    initial value on the path; the time ``t``; a number of the model, such as ``depth``.
    """

    left: Formula
    right: Formula
    scale: Formula = None
    floor: float = 1e-6
    where: Formula = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in ("left", "right"):
            object.__setattr__(self, side, as_text(getattr(self, side), side))
        for optional in ("scale", "where"):
            if getattr(self, optional) is not None:
                object.__setattr__(self, optional, as_text(getattr(self, optional), optional))

    @property
    def statement(self) -> str:
        return f"{_name(self.left)} = {_name(self.right)}"

    def measure(self, samples: Samples) -> Array:
        left, right = _aligned(
            self.evaluate(self.left, samples), self.evaluate(self.right, samples)
        )
        asserted = self.asserted(samples, left.shape)
        defined = np.isfinite(left) & np.isfinite(right)
        size = np.where(asserted & defined, np.fmax(np.abs(left), np.abs(right)), 0.0)
        if self.scale is not None:
            size = np.abs(self.evaluate(self.scale, samples))
        elif size.ndim > 1:
            size = size.max(axis=tuple(range(1, size.ndim)), initial=0.0)
        if self.scale is None:
            size = np.maximum(size, self.floor * size.max(initial=0.0))
        size = size.reshape(*size.shape, *[1] * (left.ndim - size.ndim))
        with np.errstate(invalid="ignore"):
            gap = np.abs(left - right)
            residual = np.where(gap == 0, 0.0, gap / np.maximum(size, TINY))
        return np.where(asserted, np.where(defined, residual, np.inf), np.nan)


@dataclass(frozen=True, kw_only=True)
class RateLaw(Equal):
    """``d/dt of = rate``, pointwise: both sides are functions of the state.

    The left side is the observable's exact derivative along the flow's vector field (chain rule), so
    no trajectory is differenced and none is needed.

    Parameters
    ----------
    of : str
        Name of an observable that has an exact derivative.
    rate : formula
    """

    of: str
    rate: Formula
    left: Formula = ""
    right: Formula = ""
    tolerance: float = 1e-9

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", as_text(self.rate, "rate"))
        object.__setattr__(self, "left", f"d_{self.of}")
        object.__setattr__(self, "right", self.rate)
        super().__post_init__()

    @property
    def statement(self) -> str:
        return f"d/dt {self.of} = {_name(self.rate)}"


@dataclass(frozen=True, kw_only=True)
class Conserved(Equal):
    """An observable keeps its initial value along the path.

    Parameters
    ----------
    of : str
        Name of the observable.
    scale : formula
        What a drift is measured against; a conserved quantity may well be zero.
    """

    of: str
    left: Formula = ""
    right: Formula = ""
    scale: Formula = "parameter_norm**2"
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        object.__setattr__(self, "left", self.of)
        object.__setattr__(self, "right", f"{self.of}_0")
        super().__post_init__()

    @property
    def statement(self) -> str:
        return f"{self.of} is constant along the path"


@dataclass(frozen=True, kw_only=True)
class ClosedForm(Equal):
    """``left = right`` along a path, the right side a formula in ``t`` and initial values.

    An implicit form has ``t`` on the left. The same claim holds or fails on a descent path, to
    first order in its step.
    """

    tolerance: float = 1e-7


@dataclass(frozen=True, kw_only=True)
class AtLeast(Claim):
    """``left >= right`` at every sample.

    Parameters
    ----------
    left, right : formula
    where : formula, optional
        Nothing is asserted where this is not positive.
    tolerance : float
        Relative violation allowed for rounding.
    """

    left: Formula
    right: Formula
    where: Formula = None
    tolerance: float = 1e-12

    def __post_init__(self) -> None:
        super().__post_init__()
        for side in ("left", "right"):
            object.__setattr__(self, side, as_text(getattr(self, side), side))
        if self.where is not None:
            object.__setattr__(self, "where", as_text(self.where, "where"))

    @property
    def statement(self) -> str:
        return f"{_name(self.left)} >= {_name(self.right)}"

    def measure(self, samples: Samples) -> Array:
        left, right = _aligned(
            self.evaluate(self.left, samples), self.evaluate(self.right, samples)
        )
        defined = np.isfinite(left) & np.isfinite(right)
        size = np.abs(left) + np.abs(right)
        with np.errstate(invalid="ignore"):
            residual = np.where(left == right, 0.0, (right - left) / np.maximum(size, TINY))
        residual = np.where(defined, residual, np.inf)
        return np.where(self.asserted(samples, left.shape), residual, np.nan)


def _aligned(left: Array, right: Array) -> tuple[Array, Array]:
    depth = max(left.ndim, right.ndim)
    wide = [v.reshape(*v.shape, *[1] * (depth - v.ndim)) for v in (left, right)]
    a, b = np.broadcast_arrays(*wide)
    return np.array(a), np.array(b)
