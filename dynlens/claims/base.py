"""What every claim is: a statement that measures itself on a case and is judged.

A formula is a sympy expression (or its text) in the *names* of quantities; see
`dynlens.cases.base` for what may be named. Formulas are kept as text, so that the `repr` of
a claim recreates it and a counterexample can be pasted whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from dynlens.cases.base import Case, Reading, Samples
from dynlens.cases.formulas import Formula, Word, as_text, compiled_formula, partials, word
from dynlens.cases.paths import Path
from dynlens.cases.reproduce import NAMED, reproduction
from dynlens.claims.horizon import gap_of, horizon
from dynlens.claims.words import entry_of, reduced_rate
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.registry import REGISTRY
from dynlens.support import validation
from dynlens.support.typing import Array, Mask
from dynlens.verdict import WEAKEST, Finding, Measured, Status, Verdict, judge, smallest

CLOSE = 1e4  # a refutation by fewer errors than these is confirmed with more twins
LEAST = 2.0**-52  # error that a refutation is taken to have at least, when it is confirmed
LOOSEST = 1e-9  # tolerance of what is computed to rounding


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
    at : float or "end", optional
        On a path, the claim is about this time alone, which the path is made to look at; ``"end"``
        is its last one.
    """

    assumptions: tuple[Assumption, ...] = ()
    given: tuple[tuple[str, float], ...] = ()
    readings: tuple[tuple[str, Reading], ...] = ()
    after: float = 0.0
    at: float | str | None = None

    def __post_init__(self) -> None:
        given = validation.pairs("given", self.given)
        given = tuple((k, validation.finite(f"given {k!r}", v)) for k, v in given)
        object.__setattr__(self, "given", given)
        object.__setattr__(self, "readings", validation.pairs("readings", self.readings))
        assumed = validation.sequence(
            "assumptions", self.assumptions, "for example `(BALANCED,)`.", Assumption
        )
        object.__setattr__(self, "assumptions", assumed)
        _refuse_shadows("given", given)
        _refuse_shadows("readings", self.readings)
        validation.finite("after", self.after)
        if isinstance(self.at, str):
            validation.one_of("at", self.at, ("end",))
        elif self.at is not None:
            validation.positive("at", self.at, allow_zero=True)
        validation.positive("tolerance", self.allowed, allow_zero=True)
        # Annotations are text here, which is what marks a field as a formula.
        for f in fields(self):
            if f.type == "Formula" and not (getattr(self, f.name) is f.default is None):
                object.__setattr__(self, f.name, as_text(getattr(self, f.name), f.name))

    def quantities(self) -> tuple[str, ...]:
        """Names that the claim's formulas read, without those that say where it is asserted."""
        found: dict[str, None] = {}
        for f in fields(self):
            formula = getattr(self, f.name)
            if (
                f.type == "Formula"
                and f.name not in ("where", "scale")
                and isinstance(formula, str)
            ):
                found |= dict.fromkeys(compiled_formula(formula)[0])
        return tuple(found)

    @property
    @abstractmethod
    def statement(self) -> str:
        """The claim as a formula, in one line."""

    @abstractmethod
    def measure(self, samples: Samples) -> Array:
        """Residuals at every sample, shape (S, ...): what must not exceed `tolerance`."""

    tolerance: float | None = LOOSEST
    pooled: ClassVar[bool] = False  # one residual is made of all samples
    confirmed: ClassVar[bool] = True  # a close refutation is looked at again with more twins

    @property
    def allowed(self) -> float:
        """The tolerance, or the most that it may be where it is set by the error."""
        return LOOSEST if self.tolerance is None else self.tolerance

    def excess(self, samples: Samples, *, absolute: bool = False) -> Array:
        """How far every sample is beyond what is claimed, shape (S, ...): what a search maximizes.

        Parameters
        ----------
        absolute : bool
            In the claim's own units, where there are any, and not relative to the size of the
            sides, which tells nothing once they are of opposite signs.
        """
        return self.measure(samples) - (self.tolerance or 0.0)

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
        looked = case if self.at is None else case.looking_at(self.at)
        samples = looked.samples()
        for argument, pairs in (("given", self.given), ("readings", self.readings)):
            _refuse_shadows(argument, pairs, samples.exact)
        verdict = judge(self.evidence(samples), self._stated)
        near = verdict.residual < CLOSE * max(verdict.numerical_error, LEAST)
        if verdict.status == Status.REFUTED and near and self.confirmed:
            verdict = judge(self.evidence(looked.closer()), self._stated)
        if samples.unseen and verdict.status == Status.SUPPORTED:
            note = "; ".join(filter(None, (verdict.note, samples.unseen)))
            verdict = replace(verdict, status=Status.UNDECIDED, within=verdict.status, note=note)
        return replace(verdict, **reproduction(self, case))

    @property
    def _stated(self) -> str:
        """The statement, and when it is asserted if that is one time."""
        if self.at is None:
            return self.statement
        when = "at the end" if isinstance(self.at, str) else f"at t = {self.at:g}"
        return f"{self.statement} {when}"

    def __and__(self, other: Claim) -> All:
        return All(self, other)

    def evidence(self, samples: Samples) -> Measured:
        """Residuals, errors (their spread over the twins), assumptions and horizon."""
        residual = self.measure(samples)
        error = np.zeros_like(residual)
        for twin in samples.twins:
            other = self.measure(twin)
            if self.pooled:
                error = np.fmax(error, _pooled_gap(residual, other))
            else:
                error = np.fmax(error, gap_of(residual, other))
        return self.measured(samples, residual, error)

    def measured(self, samples: Samples, residual: Array, error: Array, note: str = "") -> Measured:
        """Put assumptions and the horizon beside residuals and their errors."""
        findings, met = self.assumed(samples)
        notes = "; ".join(filter(None, (samples.note, note)))
        labels = self._labels(samples, residual.shape[1:])
        if samples.t is None:
            if not self.pooled:
                residual[~met] = np.nan
            if samples.doubted is not None and not self.pooled:
                error[samples.doubted] = np.inf
            return Measured(
                residual, error, self.allowed, None, None, findings, notes, labels=labels
            )
        until = horizon(self, samples, error)
        if samples.listed is not None and not self.pooled:
            residual[~samples.listed] = np.nan
        return Measured(
            residual,
            error,
            self.allowed,
            samples.t,
            until,
            findings,
            notes,
            samples.t_end if self.at is None else self._time(samples),
            labels,
        )

    def _labels(self, samples: Samples, shape: tuple[int, ...]) -> dict[str, Sequence[Any]]:
        """Labels of the axes of the residuals: those of the first quantity of their shape."""
        for name in self.quantities() if shape and not self.pooled else ():
            if self.read(name, samples).shape[1:] == shape:
                found = self._labels_of(name, samples, shape)
                if found:
                    return found
        return {}

    def _labels_of(
        self, name: str, samples: Samples, shape: tuple[int, ...]
    ) -> dict[str, Sequence[Any]]:
        readings, plain = dict(self.readings), name.removeprefix("d_").removesuffix("_0")
        return samples.labels(readings.get(name, readings.get(plain, plain)), shape)

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

    def evaluate(self, formula: Formula, samples: Samples) -> Array:
        """Evaluate a formula at every sample, shape (S, ...)."""
        if callable(formula):
            return _at_every(samples, np.asarray(formula(samples)))
        result = self._entries(formula, samples)
        if self.pooled and result.ndim > 1:
            raise ValueError(
                f"formula {formula!r} has shape {result.shape[1:]} at each sample, but this claim "
                "is about one number; name one by `readings`, as `Reading(observable, where=...)`."
            )
        return result

    def _entries(self, formula: str, samples: Samples) -> Array:
        """Evaluate a formula, of as many entries as it has."""
        names, function = compiled_formula(formula)
        inputs = self.inputs(formula, names, samples)
        with np.errstate(all="ignore"):
            result = np.asarray(function(*(inputs[name] for name in names)), dtype=np.float64)
        return _at_every(samples, result)

    def inputs(self, formula: str, names: Iterable[str], samples: Samples) -> dict[str, Array]:
        """Return the values of names, with axes added so that they broadcast sample by sample."""
        values = {name: self.read(name, samples) for name in names}
        depth = max((v.ndim for v in values.values()), default=1)
        shapes = {name: v.shape[1:] for name, v in values.items() if v.ndim > 1}
        longest = max(shapes.values(), key=len, default=())
        axes = {name: tuple(self._labels_of(name, samples, shapes[name])) for name in shapes}
        named = max(axes.values(), key=len, default=())
        if any(shape != longest[: len(shape)] for shape in shapes.values()) or any(
            axis != named[: len(axis)] for axis in axes.values()
        ):
            raise ValueError(
                f"formula {formula!r} mixes quantities of shapes {shapes}{_by_name(axes)}; name "
                f"entries, such as {next(iter(shapes))}[0]."
            )
        return {
            name: v.reshape(*v.shape, *[1] * (depth - v.ndim)) if v.ndim else v
            for name, v in values.items()
        }

    def asserted(self, samples: Samples, shape: tuple[int, ...]) -> Mask:
        """Where the claim says something: at times asked for, from `after` on, inside `where`."""
        listed = samples.listed
        mask = np.ones(len(samples), dtype=bool) if listed is None else listed.copy()
        if samples.t is not None:
            mask &= samples.t >= self.after
        if self.at is not None:
            mask &= np.isclose(self._times(samples), self._time(samples), rtol=1e-9, atol=0.0)
        if samples.doubted is not None and self.pooled:
            mask &= ~samples.doubted
        mask = mask.reshape(-1, *[1] * (len(shape) - 1))
        where = getattr(self, "where", None)
        if where is not None:
            inside = self.evaluate(where, samples) > 0
            mask = mask & inside.reshape(*inside.shape, *[1] * (len(shape) - inside.ndim))
        return np.broadcast_to(mask, shape)

    def _times(self, samples: Samples) -> Array:
        if samples.t is None:
            raise ValueError(f"`at` = {self.at!r} is a time, but these samples have none.")
        return samples.t

    def _time(self, samples: Samples) -> float:
        """The one time that the claim is about."""
        last = float(self._times(samples)[-1]) if samples.t_end is None else samples.t_end
        return last if isinstance(self.at, str) or self.at is None else float(self.at)

    def read(self, name: str, samples: Samples) -> Array:
        """Return the quantity called `name`: given, a reading, a word, or known to the samples."""
        given, readings = dict(self.given), dict(self.readings)
        if name in given:
            return np.asarray(given[name])
        if name in readings:
            return samples.read(readings[name])
        found = word(name)
        if found is not None:
            return self._read_word(found, samples)
        if name.endswith("_0") and name[:-2] in readings:
            samples.check_beginning(name)
            return samples.read(readings[name[:-2]])[:1]
        if name.startswith("d_") and (name[2:] in readings or name[2:] in given):
            return self._rate_of(name[2:], samples)
        return samples.read(name)

    def _read_word(self, found: Word, samples: Samples) -> Array:
        if found.kind == "entry":
            return entry_of(self.read(found.inside, samples), found)
        if found.kind == "d":
            return self.rate_along(found.inside, samples)
        values = self._entries(found.inside, samples)
        if found.kind == "initial":
            samples.check_beginning(f"initial({found.inside})")
            return values[:1]
        return np.asarray(getattr(np, found.kind)(values.reshape(len(values), -1), axis=1))

    def rate_along(self, formula: Formula, samples: Samples) -> Array:
        """Exact rate of a formula along the flow at every sample, by the chain rule."""
        if callable(formula):
            raise TypeError(
                f"the rate of the function {formula.__name__!r} is not known; state a formula."
            )
        total: Array = np.zeros(())
        for name, used, slope in partials(formula):
            inputs = self.inputs(formula, {*used, name}, samples)
            along = self._rate_of(name, samples)
            along = along.reshape(*along.shape, *[1] * (inputs[name].ndim - along.ndim))
            with np.errstate(all="ignore"):
                total = total + slope(*(inputs[each] for each in used)) * along
        return _at_every(samples, total)

    def _rate_of(self, name: str, samples: Samples) -> Array:
        readings, found = dict(self.readings), word(name)
        if name in dict(self.given):
            return np.zeros(())
        if name in readings:
            return samples.rate(readings[name])
        if found is None:
            return samples.rate(name)
        if found.kind == "initial":
            return np.zeros(())
        if found.kind == "entry":
            return entry_of(self._rate_of(found.inside, samples), found)
        if found.kind == "d":
            raise ValueError(f"{name!r} is a rate; rates of rates are not known.")
        both = (self._entries(found.inside, samples), self.rate_along(found.inside, samples))
        flat = [values.reshape(len(values), -1) for values in both]
        return reduced_rate(found.kind, *flat)


def _by_name(axes: dict[str, tuple[str, ...]]) -> str:
    """Names of axes, to be told where their sizes agree by chance."""
    found = {name: axis for name, axis in axes.items() if axis}
    return f" over {found}" if found else ""


@dataclass(frozen=True, init=False, repr=False)
class All(Claim):
    """Several claims, all of which hold; also written ``a & b``.

    The status is that of the weakest part, and the verdict shows every part.

    Parameters
    ----------
    *claims : Claim
        Or one sequence of them.
    **shared
        Fields of the claims, such as `after`, given to every one.

    Examples
    --------
    >>> from dynlens import AtLeast, RandomStates
    >>> both = AtLeast("frobenius_norm", "spectral_norm") & AtLeast("loss", "0")
    >>> verdict = both.check(RandomStates((2, 2)))
    >>> verdict.status, len(verdict.parts)
    (<Status.SUPPORTED: 'SUPPORTED'>, 2)
    """

    claims: tuple[Claim, ...]

    def __init__(self, *claims: Any, **shared: Any) -> None:
        given = shared.pop("claims", claims)
        if len(given) == 1 and isinstance(given[0], tuple | list):
            given = given[0]
        listed = validation.sequence("claims", given, "for example `All(a, b)`.", Claim)
        common = {f.name: f.default for f in fields(Claim)}
        shared = {name: value for name, value in shared.items() if value != common.get(name)}
        parts: list[Claim] = []
        for claim in listed:
            parts += claim.claims if isinstance(claim, All) else (claim,)
        if not parts:
            raise ValueError("`claims` is empty; name one, for example `All(a, b)`.")
        if shared:
            parts = [replace(part, **shared) for part in parts]
        object.__setattr__(self, "claims", tuple(parts))

    def __repr__(self) -> str:
        return f"All({', '.join(map(repr, self.claims))})"

    @property
    def statement(self) -> str:
        return ", and ".join(part._stated for part in self.claims)

    def check(self, case: Case | Trajectory) -> Verdict:
        if isinstance(case, Trajectory):
            case = Path.of(case)
        parts = tuple(part.check(case) for part in self.claims)
        worst = min(parts, key=lambda part: WEAKEST.index(part.status))
        return replace(
            worst,
            statement=self.statement,
            attacks=sum(part.attacks for part in parts),
            slack=smallest(part.slack for part in parts),
            parts=parts,
            **reproduction(self, case),
        )

    def measure(self, samples: Samples) -> Array:
        return self.evidence(samples).residual

    def evidence(self, samples: Samples) -> Measured:
        """Residuals less their tolerances, side by side."""
        found = [part.evidence(samples) for part in self.claims]
        n = len(samples)
        residual = [(each.residual - each.tolerance).reshape(n, -1) for each in found]
        horizons = [each.horizon for each in found if each.horizon is not None]
        return Measured(
            np.hstack(residual),
            np.hstack([each.error.reshape(n, -1) for each in found]),
            0.0,
            samples.t,
            min(horizons, default=None),
            tuple(finding for each in found for finding in each.assumptions),
            "; ".join(dict.fromkeys(each.note for each in found if each.note)),
            samples.t_end,
        )


def _refuse_shadows(
    argument: str, pairs: Iterable[tuple[str, Any]], also: Iterable[str] = ()
) -> None:
    """A name of the user's own must not hide a quantity that formulas know already."""
    known = {*REGISTRY, "t", *also}
    for name, _ in pairs:
        if name in known or name.startswith("d_") or name.endswith("_0"):
            raise ValueError(
                f"`{argument}` calls something {name!r}, which is the name of another quantity; "
                "call it otherwise."
            )


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
