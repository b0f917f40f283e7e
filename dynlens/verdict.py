"""Verdicts: what checking a claim found, as a sentence.

Every claim measures *residuals*, which must not exceed a tolerance, each with an estimate of
its numerical error. An interval either lies below the tolerance, above it, or across; that
gives the statuses. An error is itself an estimate, the distance of two runs: what refutes must
exceed the tolerance by three of them, so that a true theorem is not refuted by arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dynlens.support.equality import EqualWithNaN
from dynlens.support.errors import ClaimViolated
from dynlens.support.files import write_atomically
from dynlens.support.typing import Array, Mask

SHARP = 1e3  # a sign-critical quantity is trusted while it exceeds its error this many times
COVERED = 0.5  # a claim judged on less of the time it is asserted for is undecided
BEYOND = 3.0  # a claim is refuted by what exceeds the tolerance by this many times its error
NEIGHBOURS = 3  # times to either side whose errors count when it is
LONGEST = 200  # characters of a case in a sentence
AGREE = 1e-2  # beyond this relative disagreement of the twins, a quantity is not trusted


class Status(StrEnum):
    """The five things a check can find."""

    PROVED = "PROVED"  # a symbolic identity reduced to zero
    SUPPORTED = "SUPPORTED"  # survived its attacks, margin larger than the numerical error
    REFUTED = "REFUTED"  # with a counterexample that can be pasted and run again
    UNDECIDED = "UNDECIDED"  # numerical error larger than the margin, or beyond the horizon
    NOT_APPLICABLE = "NOT_APPLICABLE"  # an assumption does not hold


WEAKEST = (
    Status.REFUTED,
    Status.UNDECIDED,
    Status.NOT_APPLICABLE,
    Status.SUPPORTED,
    Status.PROVED,
)


def weakest(statuses: list[Status]) -> Status:
    """Return the status of a conjunction: that of its weakest part."""
    return min(statuses, key=WEAKEST.index)


class Slack(NamedTuple):
    """How far a verdict is from another one; infinite where nothing could change it.

    Parameters
    ----------
    tolerance : float
        Tolerance over residual, the smallest over all samples. Below one the claim is refuted.
    error : float
        Margin over numerical error: (tolerance - residual) / error, likewise. Below one the claim
        is undecided.
    """

    tolerance: float = np.inf
    error: float = np.inf


UNLIMITED = Slack()


def smallest(slacks: Iterable[Slack]) -> Slack:
    """Return the smallest of each kind."""
    found = list(slacks)
    return Slack(
        min((one.tolerance for one in found), default=np.inf),
        min((one.error for one in found), default=np.inf),
    )


class Search(NamedTuple):
    """What a search for a counterexample saw.

    Parameters
    ----------
    states : int
        How many states were looked at.
    residual : float
        The largest that an ordinary check found at the worst of them.
    at : str
        That case, as text that recreates it.
    whole : bool
        Whether the search ended before its time ran out.
    unsure : bool
        Whether there is a violation there that may be rounding.
    """

    states: int
    residual: float
    at: str = ""
    whole: bool = True
    unsure: bool = False

    def __str__(self) -> str:
        told = f"{self.states} states" + ("" if self.whole else ", then time ran out")
        if not self.at:
            return told
        doubt = ", which may be rounding," if self.unsure else ""
        at = self.at if len(self.at) <= LONGEST else f"{self.at[: LONGEST - 1]}…"
        return f"{told}; the worst has residual {self.residual:.2g}{doubt} at {at}"


@dataclass(frozen=True, eq=False)
class Finding(EqualWithNaN):
    """An assumption with the value that was measured."""

    name: str
    holds: bool
    value: float

    def __str__(self) -> str:
        return f"{self.name}: {'satisfied' if self.holds else 'NOT satisfied'} ({self.value:.2g})"


@dataclass(frozen=True, eq=False)
class ControlFinding(EqualWithNaN):
    """A false variant and whether it was refuted, as it must be."""

    name: str
    status: Status
    expected: Status = Status.REFUTED
    residual: float = float("nan")
    reproduce: str = ""
    tolerance: float = float("nan")

    @property
    def as_expected(self) -> bool:
        """Whether the control did its job."""
        return self.status == self.expected


@dataclass(frozen=True, eq=False)
class Verdict(EqualWithNaN):
    """What checking a claim found.

    Residual, tolerance, numerical error and horizon always come together. ``residual`` is the worst
    one judged: for an equality its relative size, for an inequality the relative violation
    (negative is the margin kept). ``horizon`` is the time up to which arithmetic can be trusted, or
    None where there is no time; beyond it the status is UNDECIDED, whatever it is before.
    """

    status: Status
    statement: str
    residual: float = float("nan")
    tolerance: float = float("nan")
    numerical_error: float = float("nan")
    slack: Slack = UNLIMITED
    horizon: float | None = None
    t_end: float | None = None
    attacks: int = 0
    worst: dict[str, Any] = field(default_factory=dict)
    assumptions: tuple[Finding, ...] = ()
    note: str = ""
    scope: str = ""
    within: Status | None = None  # status up to the horizon, where that is too little of the time
    search: Search | None = None
    reproduce: str = ""
    script: str = field(default="", repr=False)
    id: str = ""
    title: str = ""
    source: str = ""
    parts: tuple[Verdict, ...] = ()
    controls: tuple[ControlFinding, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    def status_at(self, t: float) -> Status:
        """Status at time `t`: of what could be judged up to the horizon, UNDECIDED beyond."""
        beyond = self.horizon is not None and t > self.horizon
        return Status.UNDECIDED if beyond else self.within or self.status

    @property
    def held(self) -> bool:
        """Whether the statement is SUPPORTED or PROVED."""
        return self.status in (Status.SUPPORTED, Status.PROVED)

    @property
    def passed(self) -> bool:
        """Whether nothing is refuted and every control is."""
        return self.status != Status.REFUTED and all(c.as_expected for c in self.controls)

    def raise_if_refuted(self) -> Verdict:
        """Raise `ClaimViolated`, with the verdict as its text, if the claim is refuted."""
        if self.status == Status.REFUTED:
            raise ClaimViolated(str(self))
        return self

    def save_case(self, path: str | os.PathLike[str]) -> None:
        """Write a Python file that checks the same claim on the same case and prints the verdict.

        Parameters
        ----------
        path : path
            Of the file, overwritten if it is there. `dynlens.load_case` reads claim and case.

        Raises
        ------
        ValueError
            If there is no such file, with the reason.
        """
        if not self.script:
            raise ValueError(self.reproduce.lstrip("# ") or "this verdict is not of one case.")
        write_atomically(Path(path), self.script.encode())

    def as_dict(self) -> dict[str, Any]:
        """Plain data with stable keys, for JSON."""
        keys = [
            "id",
            "title",
            "source",
            "status",
            "residual",
            "tolerance",
            "numerical_error",
            "slack",
            "horizon",
            "attacks",
        ]
        plain = {key: _finite(getattr(self, key)) for key in keys}
        plain["status"] = str(self.status)
        plain["slack"] = {name: _finite(value) for name, value in self.slack._asdict().items()}
        plain["controls"] = [
            {"name": c.name, "status": str(c.status), "expected": str(c.expected)}
            for c in self.controls
        ]
        return {**plain, "seconds": round(self.seconds, 3), "reproduce": self.reproduce}

    def __str__(self) -> str:
        head = "  ".join(filter(None, (str(self.status), self.id, self.title or self.statement)))
        if self.source:
            head += f"   [{self.source}]"
        rows = [head]

        def row(label: str, text: str) -> None:
            rows.append(f"  {label:<16} {text}")

        if self.title:
            row("statement", self.statement)
        for finding in self.assumptions:
            row("assuming", str(finding))
        if np.isfinite(self.tolerance):
            row("worst residual", self._numbers())
        if self.horizon is not None:
            row("horizon", self._horizon())
        if self.worst:
            row("at", ", ".join(f"{k}={_short(v)}" for k, v in self.worst.items()))
        if self.scope:
            row("scope", self.scope)
        if self.attacks:
            verb = "survived" if self.status in (Status.SUPPORTED, Status.PROVED) else "checked"
            label = "identities" if self.status == Status.PROVED else "attacks"
            row(label, f"{self.attacks}" if label == "identities" else f"{verb} {self.attacks}")
        if self.search is not None:
            row("searched", str(self.search))
        if self.note:
            row("note", self.note)
        for part in self.parts if len(self.parts) > 1 else ():
            row("part", f"{part.status}  {part.statement}  ({part._numbers()})")
        if self.controls:
            done = sum(c.as_expected for c in self.controls)
            row("controls", f"refuted {done}/{len(self.controls)}")
        for control in self.controls:
            if not control.as_expected:
                row("", f"SURVIVES: {control.name} ({control.status})")
        if self.reproduce:
            row("reproduce", self.reproduce)
        return "\n".join(rows)

    def _numbers(self) -> str:
        if not np.isfinite(self.tolerance):
            return self.note or "symbolic"
        if np.isnan(self.residual):
            return f"not measured, tolerance {self.tolerance:.2g}"
        kept = " (a margin)" if self.residual < 0 else ""
        residual, tolerance = _told_apart(self.residual, self.tolerance)
        return (
            f"{residual}{kept}, tolerance {tolerance}, numerical error {self.numerical_error:.2g}"
        )

    def _horizon(self) -> str:
        if self.horizon is not None and self.horizon < 0:
            return "none, UNDECIDED from the start"
        if self.t_end is not None and self.horizon is not None and self.horizon < self.t_end:
            return f"t = {self.horizon:.4g}, UNDECIDED from there to {self.t_end:.4g}"
        return f"t = {self.horizon:.4g}, the whole run"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _told_apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with two digits each, or as many as tell them apart."""
    digits = 2
    while a != b and digits < 17 and f"{a:.{digits}g}" == f"{b:.{digits}g}":
        digits += 1
    return f"{a:.{digits}g}", f"{b:.{digits}g}"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Measured:
    """Residuals with their numerical errors, sample by sample.

    Parameters
    ----------
    residual, error : ndarray, shape (S, ...)
        What must not exceed `tolerance`, and how wrong it may be. NaN marks what is not asserted.
    tolerance : float
    t : ndarray, shape (S,), optional
        Times of the samples.
    horizon : float, optional
        Up to where they can be trusted.
    t_end : float, optional
        Up to when the claim was asserted; the last time unless given.
    labels : mapping from str to sequence, optional
        Of the axes after the first, by the names of the axes.
    """

    residual: Array
    error: Array
    tolerance: float
    t: Array | None = None
    horizon: float | None = None
    assumptions: tuple[Finding, ...] = ()
    note: str = ""
    t_end: float | None = None
    labels: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def judge(measured: Measured, statement: str) -> Verdict:
    """Turn residuals and their errors into a verdict."""
    shape, t = measured.residual.shape, measured.t
    found = Verdict(
        Status.NOT_APPLICABLE,
        statement,
        tolerance=measured.tolerance,
        horizon=measured.horizon,
        t_end=_end_of(measured),
        assumptions=measured.assumptions,
        note=measured.note,
    )
    if not all(finding.holds for finding in measured.assumptions):
        return found
    asserted = ~np.isnan(measured.residual)
    trusted = asserted.copy()
    if t is not None and measured.horizon is not None:
        trusted &= (t <= measured.horizon).reshape(-1, *[1] * (len(shape) - 1))
    if not asserted.any():
        return replace(found, note=found.note or "nothing here is asserted by the claim")
    if not trusted.any():
        return replace(found, status=Status.UNDECIDED, note=found.note or _untrusted(measured))
    residual = np.where(trusted, measured.residual, -np.inf)
    unknown = np.isnan(measured.error)
    error = np.where(trusted, np.where(unknown, np.inf, measured.error), 0.0)
    with np.errstate(invalid="ignore"):
        low, high = residual - BEYOND * (error if t is None else doubt(error)), residual + error
    low = np.where(np.isnan(low), -np.inf, low)  # infinite, as far as its error goes: no refutation
    if np.any(low > measured.tolerance):
        status, flat = Status.REFUTED, int(np.argmax(low))
    else:
        held = bool(np.all(high[trusted] <= measured.tolerance))
        status, flat = (Status.SUPPORTED if held else Status.UNDECIDED), int(np.argmax(high))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        room = measured.tolerance / residual[trusted & (residual > 0)]
        margin = ((measured.tolerance - residual) / error)[trusted & (error > 0)]
    share = _share(measured, asserted, trusted)
    note = found.note
    within = None
    if status == Status.SUPPORTED and share < COVERED:
        status, within = Status.UNDECIDED, Status.SUPPORTED
        told = f"held where it could be trusted, {share:.2g} of the time it is asserted for"
        note = "; ".join(filter(None, (note, told)))
    index = np.unravel_index(flat, shape)
    where: dict[str, Any] = {} if t is None else {"t": float(t[index[0]])}
    if t is None and len(residual) > 1:
        where["sample"] = int(index[0])
    if len(measured.labels) == len(index) - 1:
        pairs = zip(measured.labels.items(), index[1:], strict=True)
        where |= {dim: _plain(labels[int(i)]) for (dim, labels), i in pairs}
    elif len(index) > 1 and max(shape[1:]) > 1:
        where["index"] = tuple(int(i) for i in index[1:])
    return replace(
        found,
        status=status,
        residual=float(residual[index]),
        numerical_error=float(error[index]),
        slack=Slack(float(room.min(initial=np.inf)), float(margin.min(initial=np.inf))),
        attacks=int(trusted.sum()),
        worst=where,
        scope=_scope(measured, asserted, trusted),
        within=within,
        note=note,
    )


def _untrusted(measured: Measured) -> str:
    """Why nothing can be judged."""
    if measured.t is None or not len(measured.t):
        return "no sample is trusted"
    return (
        f"no sample is trusted: runs with other numerics differ already at t = {measured.t[0]:.4g} "
        "in what the claim reads; assert it later, by `after`"
    )


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def doubt(error: Array) -> Array:
    """Largest error at a time and at its neighbours, entry by entry; at the start its own.

    Two runs cross again and again: now and then their distance says nothing of their error. Where
    they start there is none.
    """
    found, known = error.copy(), np.where(np.isfinite(error), error, 0.0)
    for k in range(1, min(NEIGHBOURS, len(error) - 1) + 1):
        found[k:] = np.maximum(found[k:], known[:-k])
        found[:-k] = np.maximum(found[:-k], known[k:])
    found[0] = error[0]
    return found


def _end_of(measured: Measured) -> float | None:
    """Time up to which the claim is asserted."""
    if measured.t is None or not len(measured.t):
        return None
    return float(measured.t[-1]) if measured.t_end is None else measured.t_end


def _span(measured: Measured, mask: Mask) -> tuple[float, float]:
    """First and last time at which anything is marked."""
    assert measured.t is not None
    marked = measured.t[mask.reshape(len(mask), -1).any(axis=1)]
    return float(marked[0]), float(marked[-1])


def _share(measured: Measured, asserted: Mask, trusted: Mask) -> float:
    """Share of the time for which the claim is asserted at which it could be judged."""
    if measured.t is None:
        return 1.0
    begin, last = _span(measured, asserted)
    end = max(last, measured.t_end if measured.t_end is not None else last)
    until = _span(measured, trusted)[1]
    if measured.horizon is not None:
        until = max(until, min(measured.horizon, end))
    return 1.0 if end <= begin else (until - begin) / (end - begin)


def _scope(measured: Measured, asserted: Mask, trusted: Mask) -> str:
    """On how much of what was asserted the verdict rests, in words."""
    count = int(trusted.reshape(len(trusted), -1).any(axis=1).sum())
    if measured.t is None:
        return f"{count} sample{'s' * (count != 1)}"
    begin, until = _span(measured, trusted)
    end = max(_span(measured, asserted)[1], measured.t_end or 0.0)
    part = "" if until >= end else f" of {end:.4g}"
    return f"t = {begin:.4g} to {until:.4g}{part}, {count} time{'s' * (count != 1)}"
