"""Claims in a limit, of time, of steps or of a parameter: what is tended to, and how fast."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.families import MemberSamples
from dynlens.cases.formulas import Formula, compiled_formula
from dynlens.claims.base import Claim
from dynlens.claims.equations import SURE, TINY
from dynlens.claims.horizon import gap_of, horizon
from dynlens.claims.sides import named, two_sides
from dynlens.comparison.extrapolation import (
    LEAST,
    ROUNDING,
    Extrapolated,
    extrapolate,
    may_vanish,
)
from dynlens.comparison.slopes import Slope, settled_slope
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import BEYOND, Measured

ENOUGH = 0.02  # share of the tolerance: a limit known better is not looked at any longer
FEWEST = 3  # points of a slope


class Sequence(NamedTuple):
    """What is extrapolated: places that tend to infinity, values less the limit, and their error.

    Parameters
    ----------
    x, gap, noise : ndarray, shape (S,)
    use : ndarray of bool, shape (S,)
        What is asserted and can be trusted.
    value, size : float
        The limit that is claimed, and what a distance from it is measured against.
    until : float, optional
        Time up to which arithmetic can be trusted.
    constant : bool
        Whether the limit that is claimed is one number.
    """

    x: Array
    gap: Array
    noise: Array
    use: Mask
    value: float
    size: float
    until: float | None
    constant: bool = True


@dataclass(frozen=True)
class Limit(Claim):
    r"""``of -> value``, in time, steps or a parameter: extrapolated, with an error of its own.

    No computation comes to the limit. Several kinds of approach are fitted to the end of what is
    there (see `dynlens.comparison.extrapolation`): powers, exponentials, inverse logarithms. What
    they disagree by is the error, to which the twins' is added. The claim is SUPPORTED if the
    extrapolated value is the claimed one to within that error, and the error is below the
    tolerance; REFUTED if they differ by more than error and tolerance; UNDECIDED otherwise, in
    particular if nothing has settled.

    Parameters
    ----------
    of, value : formula
        If the value varies along the samples, the ratio of the two tends to one.
    along : formula
        What tends to its limit: the time, unless another is named, such as the parameter of a
        `Family`.
    to : float
        Where it tends to.
    scale : formula, optional
        What the distance from a value that does not vary is measured against; unless given, that
        value, and if it is 0 the largest that `of` was.
    where : formula, optional
        Samples at which this is not positive are left out.
    inner : formula, optional
        Of a `Family`: in every member, `of` is first taken to its limit as this tends to infinity,
        with the errors of these limits; ``"t"``, as a rule.
    tolerance : float

    Notes
    -----
    A run that has come to rest near a saddle looks as if it had come to its limit: what happens
    after the last time is not seen.

    Examples
    --------
    >>> import dynlens as dl
    >>> path = dl.SystemPath({"x": "-x**3"}, {"x": 1.0}, 1e6)
    >>> verdict = dl.Limit("x * sqrt(t)", "1 / sqrt(2)").check(path)
    >>> verdict.status, verdict.note[:38]
    (<Status.SUPPORTED: 'SUPPORTED'>, 'x * sqrt(t) extrapolated to 0.70710678')
    >>> dl.Limit("x * sqrt(t)", 0.708).check(path).status
    <Status.REFUTED: 'REFUTED'>
    """

    of: Formula
    value: Formula
    along: Formula = field(default="t", kw_only=True)
    to: float = field(default=np.inf, kw_only=True)
    scale: Formula = field(default=None, kw_only=True)
    where: Formula = field(default=None, kw_only=True)
    inner: Formula = field(default=None, kw_only=True)
    tolerance: float = field(default=1e-4, kw_only=True)
    pooled: ClassVar[bool] = True
    confirmed: ClassVar[bool] = False  # more twins do not tell of a slower approach

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to != np.inf:
            validation.finite("to", self.to)

    @property
    def statement(self) -> str:
        end = "oo" if self.to == np.inf else f"{self.to:g}"
        first = "" if self.inner is None else f"{named(self.inner)} -> oo, then "
        return f"{named(self.of)} -> {named(self.value)} as {first}{named(self.along)} -> {end}"

    def measure(self, samples: Samples) -> Array:
        return self.evidence(samples).residual

    def evidence(self, samples: Samples) -> Measured:
        findings, _ = self.assumed(samples)
        asked = self._sequence(samples)
        residual, error = np.full(len(samples), np.nan), np.zeros(len(samples))
        note = "nothing here is asserted by the claim"
        if asked.use.any():
            last = np.flatnonzero(asked.use)[np.argmax(asked.x[asked.use])]
            # What is below the rounding of the size is no trend.
            noise = np.fmax(asked.noise, ROUNDING * asked.size)
            found = extrapolate(
                *(values[asked.use] for values in (asked.x, asked.gap, noise)),
                enough=lambda found: self._known(found, asked.size),
            )
            off, own = self._judged(found, asked.size)
            if off - BEYOND * own > self.tolerance and may_vanish(
                asked.x[asked.use], asked.gap[asked.use], noise, found.since
            ):
                own = max(own, off)  # a slower approach to the limit that is claimed fits as well
            residual[last], error[last] = off, own
            late = asked.use & (asked.x >= found.since)
            residual[late], error[late] = residual[last], error[last]
            note = self._told(found, asked)
        return Measured(
            residual,
            error,
            self.tolerance,
            samples.t,
            asked.until,
            findings,
            "; ".join(filter(None, (samples.note, note))),
            samples.t_end,
        )

    def _sequence(self, samples: Samples) -> Sequence:
        left, right, gap, noise = self._values(samples)
        with np.errstate(all="ignore"):
            x = self.evaluate(self.along, samples)
            x = x if self.to == np.inf else 1 / np.abs(x - self.to)
        use = self.asserted(samples, gap.shape) & np.isfinite(gap) & np.isfinite(x) & (x > 0)
        until = None
        if samples.t is not None:
            until = horizon(self, samples, np.zeros(len(samples)))
            use &= samples.t <= until
        if not use.any():
            return Sequence(x, gap, noise, use, np.nan, 1.0, until)
        last = np.flatnonzero(use)[np.argmax(x[use])]
        value = float(right[last])
        if np.ptp(right[use]) > 0:
            with np.errstate(all="ignore"):
                gap, noise = gap / right, noise / np.abs(right)
            return Sequence(x, gap, noise, use, 1.0, 1.0, until, constant=False)
        size = abs(value) or float(np.abs(left[use]).max())
        if self.scale is not None:
            size = float(np.abs(self.evaluate(self.scale, samples)[last]))
        return Sequence(x, gap, noise, use, value, max(size, TINY), until)

    def _values(self, samples: Samples) -> tuple[Array, Array, Array, Array]:
        """What is claimed to tend to what, their difference, and its error, shape (S,) each."""
        with np.errstate(all="ignore"):
            if self.inner is not None:
                return self._inner_limits(samples)
            both = two_sides(self, samples, self.of, self.value)
            noise = both.error
            for twin in samples.twins:
                there = two_sides(self, twin, self.of, self.value).gap
                noise = np.fmax(noise, gap_of(both.gap, there))
        return both.left, both.right, both.gap, np.where(np.isnan(noise), np.inf, noise)

    def _inner_limits(self, samples: Samples) -> tuple[Array, Array, Array, Array]:
        if not isinstance(samples, MemberSamples):
            raise TypeError("`inner` is a limit in every member; check the claim on a `Family`.")
        once = replace(self, value="0", along=self.inner, to=np.inf, inner=None, where=None)
        found = []
        for member in samples.members:
            asked = once._sequence(member)
            found.append(extrapolate(*(values[asked.use] for values in asked[:3])))
        left = np.array([limit.value for limit in found])
        right = self.evaluate(self.value, samples)
        return left, right, left - right, np.array([limit.error for limit in found])

    def _known(self, found: Extrapolated, size: float) -> bool:
        """Whether the limit is known better than it need be, or to be elsewhere."""
        allowed = self.tolerance * size
        elsewhere = abs(found.value) > max(100 * found.error, 10 * allowed)
        return found.error <= ENOUGH * allowed or elsewhere

    def _judged(self, found: Extrapolated, size: float) -> tuple[float, float]:
        """Residual and error, in units of the size."""
        off, error = abs(found.value) / size, found.error / size
        if SURE * error < off <= self.tolerance:
            error = self.tolerance  # more than an error, less than a violation: undecided
        return off, error

    def _extrapolated(self, asked: Sequence) -> str:
        return named(self.of) if asked.constant else f"({named(self.of)}) / ({named(self.value)})"

    def _told(self, found: Extrapolated, asked: Sequence) -> str:
        if asked.use.sum() < LEAST:
            return f"{asked.use.sum()} samples are too few to extrapolate from, which takes {LEAST}"
        limit = asked.value + found.value
        if not np.isfinite(found.error):
            return f"{self._extrapolated(asked)} has not settled; it was {limit:.6g} at last"
        begin = found.since if self.to == np.inf else self.to + 1 / found.since
        digits = (
            int(np.clip(np.ceil(np.log10(max(abs(limit), TINY) / max(found.error, TINY))), 0, 14))
            + 2
        )
        return (
            f"{self._extrapolated(asked)} extrapolated to {limit:.{digits}g} +- {found.error:.2g} "
            f"from {named(self.along)} = {begin:.4g} on; approach: {found.approach}"
        )


@dataclass(frozen=True)
class PowerLaw(Claim):
    r"""Along the samples ``of ~ against**exponent``: the log-log slope, as far as it has settled.

    The residual is the slope's distance to the exponent; its error is the spread over the twins and
    what is left of the slope's drift (see `dynlens.comparison.slopes.settled_slope`). The limit
    itself cannot be reached by computing: `band` says how far from it the slope may be.

    Parameters
    ----------
    of, against : formula
    exponent : float
    logs : float
        Power of ``log(against)`` in the law, for one that is corrected by a logarithm.
    where : formula, optional
        Fit only where this is positive; see also `after`.
    band : float
        Allowed distance of the slope. There is no other tolerance.

    Examples
    --------
    >>> import dynlens as dl
    >>> path = dl.SystemPath({"x": "-x**3"}, {"x": 1.0}, 1e6)
    >>> dl.PowerLaw("x", "t", -1 / 2, after=1e3).check(path).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    of: Formula
    against: Formula
    exponent: float
    logs: float = field(default=0.0, kw_only=True)
    where: Formula = field(default=None, kw_only=True)
    band: float = field(default=0.05, kw_only=True)
    tolerance: float = field(default=0.0, init=False, repr=False)
    pooled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", validation.positive("band", self.band))
        super().__post_init__()
        validation.finite("exponent", self.exponent)
        validation.finite("logs", self.logs)
        if not callable(self.against) and not compiled_formula(self.against)[0]:
            raise ValueError(f"`against` is the constant {self.against}; name what grows.")

    @property
    def statement(self) -> str:
        x = named(self.against)
        log = f" log({x})**{self.logs:.6g}" if self.logs else ""
        return f"{named(self.of)} ~ ({x})**{self.exponent:.6g}{log}"

    def measure(self, samples: Samples) -> Array:
        return self.evidence(samples).residual

    def evidence(self, samples: Samples) -> Measured:
        x, y, use = self.points(samples)
        residual, error = np.full(len(samples), np.nan), np.zeros(len(samples))
        if use.sum() < FEWEST:
            residual[0], error[0] = 0.0, np.inf
            note = f"a slope takes {FEWEST} points, and {use.sum()} are asserted and positive"
            return self.measured(samples, residual, error, note)
        others = [self.points(twin)[:2] for twin in samples.twins]
        if any(len(there) != len(y) for _, there in others):
            noise = np.full_like(y, np.inf)
        else:
            gaps = [np.nan_to_num(np.abs(there - y), nan=np.inf) for _, there in others]
            noise = np.max([np.zeros_like(y), *gaps], axis=0)
        slope = settled_slope(x[use], y[use], noise[use])
        moved = 0.0
        for a, b in others:
            known = not np.isinf(noise[use]).any()
            there = settled_slope(a[use], b[use], noise[use]).value if known else np.inf
            moved = max(moved, abs(there - slope.value))
        last = np.flatnonzero(use)[-1]
        residual[last] = abs(slope.value - self.exponent)
        error[last] = moved + self._drift(slope)
        parts = ", ".join(f"{part:.5g}" for part in slope.parts)
        note = f"slope {slope.value:.6g}; of its parts {parts}"
        return self.measured(samples, residual, error, note)

    def _drift(self, slope: Slope) -> float:
        """What the drift adds to the residual's error, towards the tolerance and beyond."""
        off = abs(slope.value - self.exponent)
        inside = slope.low <= self.exponent <= slope.high
        ends = [abs(slope.low - self.exponent), abs(slope.high - self.exponent)]
        least = 0.0 if inside else min(ends)
        if least > self.band:
            return (off - least) / BEYOND  # what is left of the drift is no estimate
        return max(ends) - off

    def points(self, samples: Samples) -> tuple[Array, Array, Mask]:
        """Return `against`, `of` less the logarithm, and where they count; shape (S,) each."""
        y, x = self.evaluate(self.of, samples), self.evaluate(self.against, samples)
        use = self.asserted(samples, x.shape) & (x > 0) & (y > 0)
        if self.logs:
            with np.errstate(divide="ignore", invalid="ignore"):
                y = y / np.abs(np.log(x)) ** self.logs
            use &= np.isfinite(y)
        return x, y, use
