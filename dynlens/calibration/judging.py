"""One claim judged, and what a calibration keeps of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dynlens.calibration.drawing import Kind, Stated
from dynlens.claims.equations import TINY, Relation
from dynlens.verdict import Status, Verdict

DECISIVE = 10.0
"""A margin, or a planted error, this many times the measured error must decide a claim."""
HELD = (Status.SUPPORTED, Status.PROVED)
FAILED = "FAILED"  # instead of a status: the claim could not be judged at all


@dataclass(frozen=True)
class Judged:
    """What the judge said of a claim of known truth.

    Parameters
    ----------
    kind : str
    true : bool
    number : int
        With the seed it makes the claim again.
    planted : float
        See `Stated`.
    status : str
        Of the verdict, or ``"FAILED"``.
    tolerance : float
        As the claim states it, or where it leaves that to the error, as the verdict does; NaN for
        what is decided by algebra.
    residual, error : float
        Of the verdict.
    seconds : float
    text : str
        The verdict as it is printed, or what failed.
    line : str
        What reproduces it.
    pasted : bool, optional
        Whether the line, in another process, printed the same text; None if it was not tried.
    """

    kind: str
    true: bool
    number: int
    planted: float
    status: str
    residual: float
    tolerance: float
    error: float
    seconds: float
    text: str
    line: str
    pasted: bool | None = None

    @property
    def decidable(self) -> bool:
        """Whether the numbers leave no doubt: tenfold, of a margin or of a planted error."""
        if self.algebraic:
            return self.true or self.planted > 0
        if not np.isfinite(self.error):  # no sample was trusted, or not all that was asserted
            return False
        if self.true:
            return self.tolerance - self.residual > DECISIVE * self.error
        return self.planted > max(DECISIVE * self.error, self.tolerance)

    @property
    def algebraic(self) -> bool:
        """Whether nothing was measured because all is exact."""
        return bool(np.isnan(self.tolerance)) and self.status != FAILED

    @property
    def held(self) -> bool:
        """Whether the claim was taken for true."""
        return self.status in HELD

    @property
    def refuted(self) -> bool:
        """Whether the claim was taken for false."""
        return self.status == Status.REFUTED

    @property
    def wrong(self) -> bool:
        """Whether the judge was: a true claim refuted, a false one held in spite of the numbers."""
        if self.status == FAILED:
            return True
        return self.refuted if self.true else self.held and self.decidable

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Judged:
        """Return it from plain data."""
        return cls(**plain)


def judge(kind: Kind, seed: int, true: bool, number: int) -> Judged:
    """Draw a claim and judge it; whatever is raised becomes a result too."""
    began = time.perf_counter()
    planted = np.nan
    try:
        stated = kind.draw(seed, true, number)
        planted = stated.planted
        began = time.perf_counter()
        verdict = check(stated)
    except Exception as error:
        seconds = time.perf_counter() - began
        text = f"{type(error).__name__}: {error}"
        none = (np.nan,) * 3
        return Judged(kind.name, true, number, planted, FAILED, *none, seconds, text, "")
    return Judged(
        kind.name,
        true,
        number,
        float(planted),
        str(verdict.status),
        float(verdict.residual),
        _stated_tolerance(stated, verdict),
        _error(stated, verdict, true),
        time.perf_counter() - began,
        str(verdict),
        verdict.reproduce,
    )


def _error(stated: Stated, verdict: Verdict, true: bool) -> float:
    """Measured error: of the verdict, or of the entry that a false claim hides in, if it held."""
    if verdict.within is not None:
        return np.inf  # where the horizon ends early, nothing is known of the rest
    error, claim = float(verdict.numerical_error), stated.claim
    if not true and verdict.held and isinstance(claim, Relation):
        # A residue of rounding is measured against the largest entry, its error too; with no
        # tolerance, every entry is measured against itself.
        strict = check(replace(stated, claim=replace(claim, tolerance=TINY)))
        error = max(error, float(np.nan_to_num(strict.numerical_error)))
    return error


def _stated_tolerance(stated: Stated, verdict: Verdict) -> float:
    # As stated, not as used: a judge that used another would go unnoticed.
    tolerance = getattr(stated.claim, "tolerance", np.nan)
    return float(verdict.tolerance if tolerance is None else tolerance)


def check(stated: Stated) -> Verdict:
    """Check the claim where it is stated."""
    if stated.case is None:
        return stated.claim.check()  # type: ignore[call-arg]
    return stated.claim.check(stated.case)  # type: ignore[arg-type]
