"""Claims that are formulas: equalities and inequalities between named quantities.

A rate law, a conservation law and a closed form are all equalities; they differ in what stands on
the left. An inequality holds at random states (static) or along a path, as the case has it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula
from dynlens.claims.base import Claim
from dynlens.support.typing import Array

TINY = 1e-300


def named(formula: Formula) -> str:
    """Text of a formula, or the name of a function."""
    return getattr(formula, "__name__", str(formula))


@dataclass(frozen=True)
class Equality(Claim):
    """Two sides that are equal at every sample; what they are, subclasses say.

    Parameters
    ----------
    scale : formula, optional
        What the difference is measured against; unless given, the largest entry of either side at
        the same sample, but at least `floor` times the largest anywhere.
    floor : float
        Below this share of the largest value anywhere, a difference counts absolutely.
    where : formula, optional
        Nothing is asserted at entries where this is not positive.
    tolerance : float
    """

    scale: Formula = field(default=None, kw_only=True)
    floor: float = field(default=1e-6, kw_only=True)
    where: Formula = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.scale is None and any(side in ("0", "0.0") for side in self.sides()):
            raise ValueError(
                "`scale` is needed where one side is 0: a difference from zero is measured against "
                "nothing else; pass a formula such as 'parameter_norm**2'."
            )

    @abstractmethod
    def sides(self) -> tuple[Formula, Formula]:
        """Left and right side."""

    @property
    def statement(self) -> str:
        left, right = self.sides()
        return f"{named(left)} = {named(right)}"

    def measure(self, samples: Samples) -> Array:
        left, right = _aligned(self, samples, *self.sides())
        asserted = self.asserted(samples, left.shape)
        defined = np.isfinite(left) & np.isfinite(right)
        if self.scale is not None:
            size = np.abs(self.evaluate(self.scale, samples))
        else:
            size = np.where(asserted & defined, np.fmax(np.abs(left), np.abs(right)), 0.0)
            size = size.reshape(len(samples), -1).max(axis=1, initial=0.0)
            size = np.maximum(size, self.floor * size.max(initial=0.0))
        size = size.reshape(*size.shape, *[1] * (left.ndim - size.ndim))
        defined = defined & np.isfinite(size)
        with np.errstate(invalid="ignore"):
            gap = np.abs(left - right)
            residual = np.where(gap == 0, 0.0, gap / np.maximum(size, TINY))
        return np.where(asserted, np.where(defined, residual, np.inf), np.nan)


@dataclass(frozen=True)
class Equal(Equality):
    """``left = right`` at every sample.

    Parameters
    ----------
    left, right : formula
        Text or sympy expressions in names of quantities, or functions of the samples.
    scale, floor, where, tolerance
        See `Equality`.

    Notes
    -----
    Quantities may be any observable ``x``; ``d_x``, its exact rate along the flow; ``x_0``, its
    initial value on the path; the time ``t``; a number of the model, such as ``depth``.

    Examples
    --------
    >>> from dynlens import RandomStates
    >>> claim = Equal("frobenius_norm**2", "schatten_norm**2")
    >>> claim.check(RandomStates((2, 2))).status  # the default Schatten norm is the nuclear one
    <Status.REFUTED: 'REFUTED'>
    """

    left: Formula
    right: Formula

    def sides(self) -> tuple[Formula, Formula]:
        return self.left, self.right


@dataclass(frozen=True)
class ClosedForm(Equal):
    """``left = right`` along a path, the right side a formula in ``t`` and initial values.

    An implicit form has ``t`` on the left. The same claim holds or fails on a descent path, to
    first order in its step.
    """

    tolerance: float = field(default=1e-7, kw_only=True)


@dataclass(frozen=True)
class RateLaw(Equality):
    """``d/dt of = rate``, pointwise: both sides are functions of the state.

    The left side is the observable's exact derivative along the flow's vector field (chain rule),
    so no trajectory is differenced and none is needed.

    Parameters
    ----------
    of : str
        Name of an observable that has an exact derivative.
    rate : formula
    scale, floor, where, tolerance
        See `Equality`.
    """

    of: str
    rate: Formula

    def sides(self) -> tuple[Formula, Formula]:
        return f"d_{self.of}", self.rate

    @property
    def statement(self) -> str:
        return f"d/dt {self.of} = {named(self.rate)}"


@dataclass(frozen=True)
class Conserved(Equality):
    """A quantity keeps its initial value along the path.

    A drift is measured against the squared size of the parameters unless `scale` says otherwise: a
    conserved quantity may well be zero.

    Parameters
    ----------
    of : formula
    """

    of: Formula
    scale: Formula = field(default="parameter_norm**2", kw_only=True)
    tolerance: float = field(default=1e-8, kw_only=True)

    def sides(self) -> tuple[Formula, Formula]:
        named_alone = isinstance(self.of, str) and self.of.isidentifier()
        return self.of, f"{self.of}_0" if named_alone else self._at_the_start

    def _at_the_start(self, samples: Samples) -> Array:
        return self.evaluate(self.of, samples)[:1]

    @property
    def statement(self) -> str:
        return f"{named(self.of)} is constant along the path"


@dataclass(frozen=True)
class AtLeast(Claim):
    """``left >= right`` at every sample.

    Parameters
    ----------
    left, right : formula
    where : formula, optional
        Nothing is asserted where this is not positive.
    tolerance : float
        Violation allowed for rounding, relative to ``|left| + |right|``.
    """

    left: Formula
    right: Formula
    where: Formula = field(default=None, kw_only=True)
    tolerance: float = field(default=1e-12, kw_only=True)

    @property
    def statement(self) -> str:
        return f"{named(self.left)} >= {named(self.right)}"

    def measure(self, samples: Samples) -> Array:
        left, right = _aligned(self, samples, self.left, self.right)
        defined = np.isfinite(left) & np.isfinite(right)
        size = np.abs(left) + np.abs(right)
        with np.errstate(invalid="ignore"):
            residual = np.where(left == right, 0.0, (right - left) / np.maximum(size, TINY))
        residual = np.where(defined, residual, np.inf)
        return np.where(self.asserted(samples, left.shape), residual, np.nan)


def _aligned(claim: Claim, samples: Samples, left: Formula, right: Formula) -> tuple[Array, Array]:
    """Evaluate both sides, and give them the same shape."""
    sides = [claim.evaluate(side, samples) for side in (left, right)]
    depth = max(side.ndim for side in sides)
    try:
        a, b = np.broadcast_arrays(*(v.reshape(*v.shape, *[1] * (depth - v.ndim)) for v in sides))
    except ValueError as error:
        shapes = " and ".join(str(side.shape[1:]) for side in sides)
        raise ValueError(
            f"{named(left)} and {named(right)} have shapes {shapes} at each sample; name entries "
            "by `readings`."
        ) from error
    return np.array(a), np.array(b)
