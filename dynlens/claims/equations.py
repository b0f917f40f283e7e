"""Claims that are formulas: equalities and inequalities between named quantities.

A rate law, a conservation law and a closed form are all equalities; they differ in what stands on
the left. An inequality holds at random states (static) or along a path, as the case has it.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula, initial_text, parsed, quantities_in, rate_text, terms
from dynlens.claims.base import LOOSEST, Claim
from dynlens.claims.horizon import gap_of
from dynlens.claims.rounding import EPS
from dynlens.claims.sides import TwoSides, named, two_sides
from dynlens.observables.registry import REGISTRY
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import Measured, doubt

TINY = 1e-300


EXPLAINED = 1e2  # times the numerical error: a residual that may be due to it
TIGHTEST = 1e-13  # tolerance where the error happens to be zero
NEARLY_ZERO = 1e-6  # upper bound of an assumption which means that a quantity vanishes
FLOOR = 1e-6
SURE = 10.0
"""A difference this many times its error is one; below, it is at most as large as its error."""


class Relation(Claim):
    """A claim about the difference of two sides; what they are, subclasses say.

    A difference is measured against the size of its own entry. Where it is not sure, being within
    ten times its numerical error, and that error is below the tolerance times the largest entry
    anywhere, it is measured against the latter: a residue of rounding beside numbers of order one
    violates nothing.
    """

    @abstractmethod
    def sides(self) -> tuple[Formula, Formula]:
        """Left and right side."""

    def measure(self, samples: Samples) -> Array:
        with np.errstate(all="ignore"):  # infinite and undefined values are judged as such
            return self._judged(samples, twins=False)[0]

    def evidence(self, samples: Samples) -> Measured:
        with np.errstate(all="ignore"):
            residual, error, note = self._judged(samples, twins=True)
        return self.measured(samples, residual, error, note)

    def excess(self, samples: Samples, *, absolute: bool = False) -> Array:
        with np.errstate(all="ignore"):
            both = self.both_sides(samples, refine=False)
            asserted = self.asserted(samples, both.gap.shape)
            size = np.maximum(self._smooth_size(samples, both, asserted), TINY)
            beyond = self._violation(both.gap) - SURE * both.error - (self.tolerance or 0.0) * size
            found = np.where(both.defined, beyond if absolute else beyond / size, -np.inf)
        return np.where(asserted, np.where(np.isnan(found), -np.inf, found), np.nan)

    def _smooth_size(self, samples: Samples, both: TwoSides, asserted: Mask) -> Array:
        """What `excess` is relative to, so that it varies wherever the sides do."""
        return self._sizes(samples, both, asserted)[0]

    def _judged(self, samples: Samples, *, twins: bool) -> tuple[Array, Array, str]:
        """Residuals, their errors, and what there is to say."""
        both = self.both_sides(samples)
        gap, error = both.gap, both.error
        for twin in samples.twins if twins else ():
            error = np.fmax(error, gap_of(gap, self.both_sides(twin).gap))
        asserted = self.asserted(samples, gap.shape)
        own, large = self._sizes(samples, both, asserted)
        unsure = np.abs(gap) <= SURE * (error if samples.t is None else doubt(error))
        lost = unsure & (error <= self.allowed * large)
        size = np.maximum(np.where(lost, large, own), TINY)
        violation = self._violation(gap)
        residual = np.where(violation == 0, 0.0, violation / size)
        error = np.where(error == 0, 0.0, error / size)
        known = both.defined & np.isfinite(size)
        residual, error = np.where(known, residual, np.inf), np.where(known, error, np.inf)
        settled = asserted & both.defined
        equal = settled.any() and bool(np.all(lost[settled]))
        note = "both sides are equal to rounding" if equal and self._says_equality_is_odd else ""
        if np.any(asserted & ~known):
            note = self._why_undefined(samples, asserted & ~known)
        if self.strict:
            # Equal within an error is undecided; what is equal exactly is not greater.
            same = known & self._exactly_equal(gap, error)
            residual, error = np.where(same, EPS, residual), np.where(same, 0.0, error)
            error = np.where((gap == 0) & ~same, np.maximum(error, EPS), error)
            note = "both sides are the same here" if np.any(same & asserted) else note
        return np.where(asserted, residual, np.nan), np.where(asserted, error, 0.0), note

    def _why_undefined(self, samples: Samples, missing: Mask) -> str:
        """Which quantities are no numbers where the claim is asserted, and left it undecided."""
        rows = missing.reshape(len(samples), -1).any(axis=1)
        found = {}
        for name in self.quantities():
            value = self.read(name, samples)
            value = value[rows] if value.ndim and len(value) == len(samples) else value
            if not np.isfinite(value).all():
                found[name] = value[~np.isfinite(value)].flat[0]
        told = ", ".join(f"{name} is {value}" for name, value in found.items())
        return f"{told or 'a side is no number'} there: undefined, or out of the floats' range"

    def both_sides(self, samples: Samples, *, refine: bool = True) -> TwoSides:
        """Both sides at every sample; see `two_sides`."""
        return two_sides(self, samples, *self.sides(), refine=refine)

    def _exactly_equal(self, gap: Array, error: Array) -> Mask:
        """Where both sides are the same, by algebra or in numbers that have no error."""
        sides = [side for side in self.sides() if isinstance(side, str)]
        if len(sides) < 2 or any(map(_has_a_fraction, sides)):  # read with sixteen digits
            return np.zeros_like(gap, dtype=bool)
        identity = bool(parsed(f"({sides[0]}) - ({sides[1]})") == 0)
        return np.asarray((gap == 0) & ((error == 0) | identity))

    strict = False
    _says_equality_is_odd: ClassVar[bool] = False

    @abstractmethod
    def _violation(self, gap: Array) -> Array:
        """What must not be positive, or not far from zero, of left minus right."""

    @abstractmethod
    def _sizes(self, samples: Samples, both: TwoSides, asserted: Mask) -> tuple[Array, Array]:
        """What an entry's difference is measured against, and what if it is a residue."""


@dataclass(frozen=True)
class Equality(Relation):
    """Two sides that are equal at every sample; what they are, subclasses say.

    Parameters
    ----------
    scale : formula, optional
        What the difference is measured against; unless given, the larger of both sides.
    floor : float, optional
        If given, a difference is measured against the largest entry at the same sample, but at
        least this share of the largest anywhere. So are, with a share of 1e-6, functions and the
        quantities of a `Measurement`: how they are computed is not known, and the error of a small
        entry may be that of the largest.
    where : formula, optional
        Nothing is asserted at entries where this is not positive.
    tolerance : float, optional
        Unless given, 1e-9 along a path and where it is not known how a quantity is computed; at
        states, for formulas in the shipped quantities, a hundred times the numerical error, if
        that is less. A law that is off by a part in a billion is then told from one that holds.
    """

    scale: Formula = field(default=None, kw_only=True)
    floor: float | None = field(default=None, kw_only=True)
    where: Formula = field(default=None, kw_only=True)
    tolerance: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.floor is not None:
            validation.positive("floor", self.floor, allow_zero=True)
        if self.scale is None and any(side in ("0", "0.0") for side in self.sides()):
            raise ValueError(
                "`scale` is needed where one side is 0: a difference from zero is measured against "
                "nothing else; pass a formula such as 'parameter_norm**2'."
            )

    @property
    def statement(self) -> str:
        left, right = self.sides()
        return f"{named(left)} = {named(right)}"

    def evidence(self, samples: Samples) -> Measured:
        measured = super().evidence(samples)
        if self.tolerance is None and samples.t is None and self._to_rounding(samples):
            return replace(measured, tolerance=self._equal_at(measured))
        return measured

    def _to_rounding(self, samples: Samples) -> bool:
        """Whether everything that the sides read is known to be computed to rounding."""
        if not samples.entrywise or any(callable(side) for side in self.sides()):
            return False
        readings = dict(self.readings)
        read = {name for side in self.sides() for name in quantities_in(side)}
        names = {readings[name].observable if name in readings else name for name in read}
        return all(REGISTRY[name].shipped for name in names if name in REGISTRY)

    def _equal_at(self, measured: Measured) -> float:
        """Largest residual that the numerical error explains, generously."""
        known = np.isfinite(measured.residual) & np.isfinite(measured.error)
        error = float(measured.error[known].max(initial=0.0))
        for assumption, finding in zip(self.assumptions, measured.assumptions, strict=True):
            if assumption.high is not None and 0 < assumption.high <= NEARLY_ZERO:
                error = max(error, finding.value)  # what is assumed to vanish, and does not quite
        return min(LOOSEST, max(EXPLAINED * error, TIGHTEST))

    def _violation(self, gap: Array) -> Array:
        return np.abs(gap)

    def _sizes(self, samples: Samples, both: TwoSides, asserted: Mask) -> tuple[Array, Array]:
        if self.scale is not None:
            size = np.abs(self.evaluate(self.scale, samples))
            size = size.reshape(*size.shape, *[1] * (both.gap.ndim - size.ndim))
            size = np.broadcast_to(size, both.gap.shape)
            return size, size
        own = np.fmax(np.abs(both.left), np.abs(both.right))
        row = np.where(asserted & both.defined, own, 0.0).reshape(len(samples), -1)
        largest = row.max(initial=0.0)
        known = samples.entrywise and all(isinstance(side, str) for side in self.sides())
        if self.floor is None and known:
            return own, np.full_like(own, largest)
        floor = FLOOR if self.floor is None else self.floor
        row = np.maximum(row.max(axis=1, initial=0.0), floor * largest)
        row = np.broadcast_to(row.reshape(-1, *[1] * (own.ndim - 1)), own.shape)
        return row, (np.full_like(own, largest) if self.floor is None else row)


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

    The left side is the exact derivative along the flow's vector field (chain rule), so no
    trajectory is differenced and none is needed.

    Parameters
    ----------
    of : formula
        In names of observables that have an exact derivative.
    rate : formula
    scale, floor, where, tolerance
        See `Equality`.
    """

    of: Formula
    rate: Formula

    def sides(self) -> tuple[Formula, Formula]:
        return rate_text(_text(self.of, "of")), self.rate

    @property
    def statement(self) -> str:
        of = self.of if self.of.isidentifier() else f"({self.of})"
        return f"d/dt {of} = {named(self.rate)}"


@dataclass(frozen=True)
class Conserved(Equality):
    """A quantity keeps its initial value along the path.

    A drift is measured against the squared size of the state (of the parameters, or of all
    variables of a system) unless `scale` says otherwise: a conserved quantity may well be zero.

    Parameters
    ----------
    of : formula
    """

    of: Formula
    scale: Formula = field(default="squared_size", kw_only=True)
    tolerance: float = field(default=1e-8, kw_only=True)

    def sides(self) -> tuple[Formula, Formula]:
        return self.of, initial_text(self.of) if isinstance(self.of, str) else self._at_the_start

    def _at_the_start(self, samples: Samples) -> Array:
        return self.evaluate(self.of, samples)[:1]

    @property
    def statement(self) -> str:
        return f"{named(self.of)} is constant along the path"


@dataclass(frozen=True)
class AtLeast(Relation):
    """``left >= right`` at every sample.

    Parameters
    ----------
    left, right : formula
    scale : formula, optional
        What a violation is measured against; unless given, ``|left| + |right|``, and if one side is
        0, the sum of the other's terms without their signs.
    where : formula, optional
        Nothing is asserted where this is not positive.
    strict : bool
        Whether ``left > right`` is meant. Where both are equal to within the error that is
        undecided, and where they are equal exactly it is refuted; nothing is allowed for rounding.
    tolerance : float
        Violation allowed for rounding, relative to the scale.

    Examples
    --------
    >>> from dynlens import RandomStates
    >>> claim = AtLeast("nuclear_norm", "spectral_norm", strict=True)
    >>> claim.check(RandomStates((3, 3))).status, claim.check(RandomStates((3, 1))).status
    (<Status.SUPPORTED: 'SUPPORTED'>, <Status.UNDECIDED: 'UNDECIDED'>)
    """

    left: Formula
    right: Formula
    scale: Formula = field(default=None, kw_only=True)
    where: Formula = field(default=None, kw_only=True)
    strict: bool = field(default=False, kw_only=True)
    tolerance: float = field(default=1e-12, kw_only=True)
    _says_equality_is_odd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.strict:
            object.__setattr__(self, "tolerance", 0.0)

    def sides(self) -> tuple[Formula, Formula]:
        return self.left, self.right

    @property
    def statement(self) -> str:
        return f"{named(self.left)} {'>' if self.strict else '>='} {named(self.right)}"

    def _violation(self, gap: Array) -> Array:
        return -gap

    def _sizes(self, samples: Samples, both: TwoSides, asserted: Mask) -> tuple[Array, Array]:
        if self.scale is not None:
            size = np.abs(self.evaluate(self.scale, samples))
            size = size.reshape(*size.shape, *[1] * (both.gap.ndim - size.ndim))
            own = np.broadcast_to(size, both.gap.shape)
        elif "0" in self.sides() or "0.0" in self.sides():
            other = self.left if self.right in ("0", "0.0") else self.right
            own = np.broadcast_to(self._of_terms(other, samples, both), both.gap.shape)
        else:
            own = np.abs(both.left) + np.abs(both.right)
        seen = np.where(asserted & both.defined & np.isfinite(own), own, 0.0)
        return own, np.full_like(own, seen.max(initial=0.0))

    def _smooth_size(self, samples: Samples, both: TwoSides, asserted: Mask) -> Array:
        if self.scale is not None or {"0", "0.0"} & set(map(str, self.sides())):
            return super()._smooth_size(samples, both, asserted)
        # Relative to |left| + |right|, all sides of opposite signs would be the same.
        return np.fmax(np.abs(both.left), np.abs(both.right))

    def _of_terms(self, formula: Formula, samples: Samples, both: TwoSides) -> Array:
        """Sum of a formula's terms without their signs; of a function, its size."""
        if callable(formula):
            return np.abs(both.left) + np.abs(both.right)
        found = sum(np.abs(self.evaluate(term, samples)) for term in terms(formula))
        found = np.asarray(found)
        return found.reshape(*found.shape, *[1] * (both.gap.ndim - found.ndim))


def _has_a_fraction(text: str) -> bool:
    """Whether a formula contains a decimal that is no whole number."""
    numbers = re.findall(r"(?<!\w)(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text)
    return any(float(number) != round(float(number)) for number in numbers)


def _text(formula: Formula, argument: str) -> str:
    if not isinstance(formula, str):
        raise TypeError(f"`{argument}` is a function, of which no rate is known; pass a formula.")
    return formula
