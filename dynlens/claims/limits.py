"""Claims in a limit, of time, of steps or of a parameter: what is tended to, and how fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from dynlens.cases.base import Samples
from dynlens.cases.formulas import Formula, compiled_formula
from dynlens.claims.base import Claim
from dynlens.claims.equations import SURE, TINY
from dynlens.claims.horizon import gap_of, horizon
from dynlens.claims.sides import named, two_sides
from dynlens.comparison.extrapolation import LEAST, Extrapolated, extrapolate
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import Measured


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
    tolerance: float = field(default=1e-4, kw_only=True)
    pooled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.to != np.inf:
            validation.finite("to", self.to)

    @property
    def statement(self) -> str:
        end = "oo" if self.to == np.inf else f"{self.to:g}"
        return f"{named(self.of)} -> {named(self.value)} as {named(self.along)} -> {end}"

    def measure(self, samples: Samples) -> Array:
        return self.evidence(samples).residual

    def evidence(self, samples: Samples) -> Measured:
        findings, _ = self.assumed(samples)
        asked = self._sequence(samples)
        residual, error = np.full(len(samples), np.nan), np.zeros(len(samples))
        note = "nothing here is asserted by the claim"
        if asked.use.any():
            last = np.flatnonzero(asked.use)[np.argmax(asked.x[asked.use])]
            found = extrapolate(*(values[asked.use] for values in asked[:3]))
            residual[last], error[last] = self._judged(found, asked.size)
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
        with np.errstate(all="ignore"):
            both = two_sides(self, samples, self.of, self.value)
            x = self.evaluate(self.along, samples)
            x = x if self.to == np.inf else 1 / np.abs(x - self.to)
            noise = both.error
            for twin in samples.twins:
                noise = np.fmax(
                    noise, gap_of(both.gap, two_sides(self, twin, self.of, self.value).gap)
                )
        noise = np.where(np.isnan(noise), np.inf, noise)
        use = self.asserted(samples, both.gap.shape) & both.defined & np.isfinite(x) & (x > 0)
        until = None
        if samples.t is not None:
            until = horizon(self, samples, np.zeros(len(samples)))
            use &= samples.t <= until
        if not use.any():
            return Sequence(x, both.gap, noise, use, np.nan, 1.0, until)
        right = both.right[use]
        if np.ptp(right) > 0:
            with np.errstate(all="ignore"):
                return Sequence(
                    x,
                    both.gap / both.right,
                    noise / np.abs(both.right),
                    use,
                    1.0,
                    1.0,
                    until,
                    constant=False,
                )
        size = abs(float(right[-1])) or float(np.abs(both.left[use]).max())
        if self.scale is not None:
            size = float(np.abs(self.evaluate(self.scale, samples)[use][-1]))
        return Sequence(x, both.gap, noise, use, float(right[-1]), max(size, TINY), until)

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
        digits = int(np.clip(np.ceil(np.log10(max(abs(limit), TINY) / found.error)), 0, 14)) + 2
        return (
            f"{self._extrapolated(asked)} extrapolated to {limit:.{digits}g} +- {found.error:.2g} "
            f"from {named(self.along)} = {begin:.4g} on; approach: {found.approach}"
        )


@dataclass(frozen=True)
class PowerLaw(Claim):
    r"""Along the path ``of ~ against**exponent``: the log-log slope, where ``while_`` is positive.

    The slope is fitted by least squares over the asserted samples; the residual is its distance
    to the exponent, and its error the spread over the twins. The limit itself cannot be reached by
    computing: `band` says how far from it the fit may be, and the theorem's file says why.

    Parameters
    ----------
    of, against : formula
    exponent : float
    where : formula, optional
        Fit only where this is positive; see also `after`.
    band : float
        Allowed distance of the slope.
    """

    of: Formula
    against: Formula
    exponent: float
    where: Formula = field(default=None, kw_only=True)
    band: float = field(default=0.05, kw_only=True)
    pooled: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        validation.finite("exponent", self.exponent)
        object.__setattr__(self, "tolerance", validation.positive("band", self.band))
        if not callable(self.against) and not compiled_formula(self.against)[0]:
            raise ValueError(f"`against` is the constant {self.against}; name what grows.")

    @property
    def statement(self) -> str:
        return f"{named(self.of)} ~ ({named(self.against)})**{self.exponent:.6g}"

    def measure(self, samples: Samples) -> Array:
        y, x = self.evaluate(self.of, samples), self.evaluate(self.against, samples)
        use = self.asserted(samples, x.shape) & (x > 0) & (y > 0)
        residual = np.full(len(samples), np.nan)
        if use.sum() >= 3:
            slope = np.polyfit(np.log(x[use]), np.log(y[use]), 1)[0]
            residual[np.flatnonzero(use)[-1]] = abs(slope - self.exponent)
        return residual
