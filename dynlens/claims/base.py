"""What every claim is: a statement that measures itself on a case and is judged.

A formula is a sympy expression (or its text) in the *names* of quantities; see
`dynlens.cases.base` for what may be named. Formulas are kept as text, so that the `repr` of
a claim recreates it and a counterexample can be pasted whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np

from dynlens.cases.base import Case, Reading, Samples
from dynlens.cases.formulas import Formula, as_text, compiled_formula
from dynlens.cases.paths import Path
from dynlens.cases.reproduce import NAMED, reproduce_line
from dynlens.dynamics.trajectory import Trajectory
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import AGREE, SHARP, Finding, Measured, Status, Verdict, judge

TRIES = 8  # cases tried while shrinking a counterexample


@dataclass(frozen=True)
class Assumption:
    """What a claim presupposes: ``low <= quantity <= high``.

    Parameters
    ----------
    name : str
        In words, such as ``"balanced"``.
    quantity : formula
    low, high : float, optional
    critical : bool
        The sign of the quantity decides the claim and is known to be invariant, so the horizon ends
        where the quantity leaves the bounds or no longer exceeds its error a thousand times.
    """

    name: str
    quantity: Formula
    low: float | None = None
    high: float | None = None
    critical: bool = False

    def met(self, value: Array) -> Mask:
        """Where a value of the quantity is within the bounds."""
        inside = np.ones(np.shape(value), dtype=bool)
        if self.low is not None:
            inside &= value >= self.low
        if self.high is not None:
            inside &= value <= self.high
        return inside

    def __post_init__(self) -> None:
        object.__setattr__(self, "quantity", as_text(self.quantity, "quantity"))
        low, high = (
            None if bound is None else validation.finite(name, bound)
            for name, bound in (("low", self.low), ("high", self.high))
        )
        if low is not None and high is not None and low > high:
            raise ValueError(f"`low` = {low:g} is above `high` = {high:g}; swap them.")


BALANCED = Assumption("balanced", "unbalancedness / parameter_norm**2", high=1e-9)
"""Neighbouring factors have equal Gram matrices (relative to the parameters' size)."""

POSITIVE_DETERMINANT = Assumption("det W > 0", "determinant", low=0.0, critical=True)
"""The end-to-end matrix has positive determinant; a sign that arithmetic can lose."""

NAMED.extend([(BALANCED, "BALANCED"), (POSITIVE_DETERMINANT, "POSITIVE_DETERMINANT")])


@dataclass(frozen=True, kw_only=True)
class Claim(ABC):
    """A statement about named quantities, with its assumptions.

    Parameters
    ----------
    assumptions : tuple of Assumption
    given : tuple of (name, value) pairs, or a mapping
        Numbers the formulas use by name.
    readings : tuple of (name, Reading) pairs, or a mapping
        Names for observables with parameters, or for single entries.
    after : float
        On a path, nothing is asserted before this time.
    """

    assumptions: tuple[Assumption, ...] = ()
    given: tuple[tuple[str, float], ...] = ()
    readings: tuple[tuple[str, Reading], ...] = ()
    after: float = 0.0

    def __post_init__(self) -> None:
        given = validation.pairs("given", self.given)
        given = tuple((k, validation.finite(f"given {k!r}", v)) for k, v in given)
        object.__setattr__(self, "given", given)
        object.__setattr__(self, "readings", validation.pairs("readings", self.readings))
        assumed = validation.sequence(
            "assumptions", self.assumptions, "for example `(BALANCED,)`.", Assumption
        )
        object.__setattr__(self, "assumptions", assumed)
        validation.finite("after", self.after)
        validation.positive("tolerance", self.tolerance, allow_zero=True)
        # Annotations are text here, which is what marks a field as a formula.
        for f in fields(self):
            if f.type == "Formula" and not (getattr(self, f.name) is f.default is None):
                object.__setattr__(self, f.name, as_text(getattr(self, f.name), f.name))

    @property
    @abstractmethod
    def statement(self) -> str:
        """The claim as a formula, in one line."""

    @abstractmethod
    def measure(self, samples: Samples) -> Array:
        """Residuals at every sample, shape (S, ...): what must not exceed `tolerance`."""

    tolerance: float = 1e-9
    pooled: ClassVar[bool] = False  # one residual is made of all samples

    def check(self, case: Case | Trajectory) -> Verdict:
        """Check the claim on one case, or along a trajectory that was computed already.

        Returns
        -------
        Verdict
            With the line that reproduces it.
        """
        if isinstance(case, Trajectory):
            case = Path.of(case)
        validation.instance("case", case, Case, "for example `Path(problem, start, t_end)`.")
        verdict = judge(self.evidence(case.samples()), self.statement)
        return replace(verdict, reproduce=reproduce_line(self, case))

    def evidence(self, samples: Samples) -> Measured:
        """Residuals, errors (their spread over the twins), assumptions and horizon."""
        residual = self.measure(samples)
        error = np.zeros_like(residual)
        for twin in samples.twins:
            other, n = self.measure(twin), min(len(samples), len(twin))
            if self.pooled:
                error = np.fmax(error, _pooled_gap(residual, other))
                continue
            with np.errstate(invalid="ignore"):
                gap = np.abs(residual[:n] - other[:n])
            # An undefined residual (inf) is as wrong as can be; one not asserted (nan) is not.
            gap = np.where(np.isinf(residual[:n]) | np.isinf(other[:n]), np.inf, gap)
            error[:n] = np.fmax(error[:n], gap)
            error[n:] = np.inf
        findings, met = self.assumed(samples)
        if samples.t is not None:
            horizon = self._horizon(samples, error)
            return Measured(residual, error, self.tolerance, samples.t, horizon, findings)
        if not self.pooled:
            residual[~met] = np.nan
        return Measured(residual, error, self.tolerance, None, None, findings)

    def assumed(self, samples: Samples) -> tuple[tuple[Finding, ...], Mask]:
        """What the assumptions are worth: at the start of a path, or state by state."""
        findings, met = [], np.ones(len(samples), dtype=bool)
        for assumption in self.assumptions:
            value = np.broadcast_to(self.evaluate(assumption.quantity, samples), (len(samples),))
            inside = assumption.met(value)
            if samples.t is not None:
                findings.append(Finding(assumption.name, bool(inside[0]), float(value[0])))
            else:
                worst = value[inside] if inside.any() else value
                far = np.abs(worst).min() if assumption.high is None else np.abs(worst).max()
                findings.append(Finding(assumption.name, bool(inside.any()), float(far)))
            met &= inside
        return tuple(findings), met

    def _horizon(self, samples: Samples, error: Array) -> float:
        """Time up to which the twins agree and sign-critical quantities exceed their error."""
        assert samples.t is not None
        spread = np.where(np.isnan(error), 0.0, error).reshape(len(samples), -1)
        good = spread.max(axis=1, initial=0.0) <= AGREE
        for assumption in self.assumptions:
            if assumption.critical:
                value = self.evaluate(assumption.quantity, samples)
                # The sign is invariant: if it is lost, even by all twins alike, it is arithmetic.
                good &= assumption.met(value) & (np.sign(value) == np.sign(value[0]))
                for twin in samples.twins:
                    n = min(len(samples), len(twin))
                    gap = np.abs(value[:n] - self.evaluate(assumption.quantity, twin)[:n])
                    good[:n] &= np.abs(value[:n]) > SHARP * gap
        bad = np.flatnonzero(~good)
        if not len(bad):
            return float(samples.t[-1])
        return float(samples.t[bad[0] - 1]) if bad[0] > 0 else -1.0

    def evaluate(self, formula: Formula, samples: Samples) -> Array:
        """Evaluate a formula at every sample, shape (S, ...)."""
        if callable(formula):
            return _at_every(samples, np.asarray(formula(samples)))
        names, function = compiled_formula(formula)
        values = [self.read(name, samples) for name in names]
        depth = max((v.ndim for v in values), default=1)
        wide = [v.reshape(*v.shape, *[1] * (depth - v.ndim)) if v.ndim else v for v in values]
        try:
            with np.errstate(all="ignore"):
                result = np.asarray(function(*wide), dtype=np.float64)
        except ValueError as error:
            shapes = {name: v.shape[1:] for name, v in zip(names, values, strict=True)}
            raise ValueError(
                f"formula {formula!r} mixes quantities of shapes {shapes}; name entries by "
                "`readings`."
            ) from error
        if self.pooled and result.ndim > 1:
            raise ValueError(
                f"formula {formula!r} has shape {result.shape[1:]} at each sample, but this claim "
                "is about one number; name one by `readings`, as `Reading(observable, where=...)`."
            )
        return _at_every(samples, result)

    def asserted(self, samples: Samples, shape: tuple[int, ...]) -> Mask:
        """Where the claim says something: from `after` on, and where `where` is positive."""
        mask = np.ones(len(samples), dtype=bool)
        if samples.t is not None:
            mask &= samples.t >= self.after
        mask = mask.reshape(-1, *[1] * (len(shape) - 1))
        where = getattr(self, "where", None)
        if where is not None:
            inside = self.evaluate(where, samples) > 0
            mask = mask & inside.reshape(*inside.shape, *[1] * (len(shape) - inside.ndim))
        return np.broadcast_to(mask, shape)

    def read(self, name: str, samples: Samples) -> Array:
        """Return the quantity called `name`: given, a reading, or known to the samples."""
        given, readings = dict(self.given), dict(self.readings)
        if name in given:
            return np.asarray(given[name])
        if name in readings:
            return samples.read(readings[name])
        if name.endswith("_0") and name[:-2] in readings:
            return samples.read(readings[name[:-2]])[:1]
        return samples.read(name)


def _at_every(samples: Samples, values: Array) -> Array:
    """Give a value that holds once, such as an initial one, to every sample."""
    if values.ndim and len(values) == len(samples):
        return values
    return np.broadcast_to(values, (len(samples), *values.shape[1:])).copy()


def _pooled_gap(residual: Array, other: Array) -> Array:
    """Distance of two pooled residuals, wherever in their arrays they stand."""
    here, there = residual[~np.isnan(residual)], other[~np.isnan(other)]
    gap = np.abs(here[0] - there[0]) if here.size and there.size else np.inf
    return np.where(np.isnan(residual), 0.0, gap)


def falsify(claim: Claim, case: Case, *, tries: int = TRIES) -> Verdict:
    """Check a claim and, if it is refuted, shrink the counterexample.

    Parameters
    ----------
    claim : Claim
    case : Case
    tries : int
        How many simpler cases may be tried.

    Returns
    -------
    Verdict
        On the simplest case found that still refutes the claim, if any does.
    """
    validation.instance("claim", claim, Claim, "for example `Equal(left, right)`.")
    verdict = claim.check(case)
    if verdict.status != Status.REFUTED:
        return verdict
    while tries > 0:
        for simpler in case.simpler():
            tries -= 1
            try:
                smaller = claim.check(simpler)
            except (ValueError, IndexError):  # a case too small to be posed is not simpler
                smaller = replace(verdict, status=Status.NOT_APPLICABLE)
            if smaller.status == Status.REFUTED:
                case, verdict = simpler, smaller
                break
            if tries <= 0:
                break
        else:
            break
    return verdict
