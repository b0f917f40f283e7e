"""A theorem: claims with the cases they are asserted on, and the controls that must fail.

A theorem is data; the harness does the rest. A check that cannot fail is not a check, so every
theorem lists false variants, and each of them must be refuted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dynlens.claims.base import Claim, falsify
from dynlens.claims.proof import Algebra, Identities
from dynlens.support import validation
from dynlens.verdict import ControlFinding, Status, Verdict, weakest

_ORDER = (Status.REFUTED, Status.UNDECIDED, Status.NOT_APPLICABLE, Status.SUPPORTED, Status.PROVED)


@dataclass(frozen=True)
class Check:
    """A claim and where it is asserted.

    Parameters
    ----------
    claim : Claim or Identities
    cases : sequence of Case
        None for a symbolic claim.
    """

    claim: Any
    cases: tuple[Any, ...] = (Algebra(),)

    def __post_init__(self) -> None:
        remedy = "for example `Equal(left, right)`."
        validation.instance("claim", self.claim, (Claim, Identities), remedy)
        remedy = "for example `(Path(problem, start, t_end),)`."
        object.__setattr__(self, "cases", validation.sequence("cases", self.cases, remedy))
        if not self.cases:
            raise ValueError(f"`cases` is empty; name one, {remedy}")

    def verdict(self) -> Verdict:
        """Return the weakest verdict over all cases, with the attacks added up."""
        found = [self.claim.check(case) for case in self.cases]
        worst = min(found, key=lambda v: (_ORDER.index(v.status), -_room(v)))
        return replace(worst, attacks=sum(v.attacks for v in found))

    def refutation(self) -> Verdict:
        """Return the first case that refutes the claim, shrunk; or the last verdict there is."""
        verdict = Verdict(Status.NOT_APPLICABLE, self.claim.statement, note="no case was given")
        for case in self.cases:
            if isinstance(self.claim, Identities):
                verdict = self.claim.check()
            else:
                verdict = falsify(self.claim, case)
            if verdict.status == Status.REFUTED:
                break
        return verdict


def _room(verdict: Verdict) -> float:
    """How close a verdict came to its tolerance, in units of it; larger is closer."""
    return (verdict.residual + verdict.numerical_error) / (verdict.tolerance or 1.0)


@dataclass(frozen=True)
class Theorem:
    """A named statement, the checks that attack it, and the controls that must be refuted.

    Parameters
    ----------
    id : str
        Such as ``"P1.T1"``.
    title : str
        The theorem in words.
    source : str
        Where it is from: a key of ``references.bib``, and what part.
    checks : tuple of Check
    controls : mapping from name to Check
        False variants and broken assumptions, each with a name; each must be REFUTED.
    """

    id: str
    title: str
    source: str
    checks: tuple[Check, ...]
    controls: Mapping[str, Check] = field(default_factory=dict)

    def __post_init__(self) -> None:
        remedy = "for example `(Check(claim, cases),)`."
        checks = validation.sequence("checks", self.checks, remedy, Check)
        object.__setattr__(self, "checks", checks)
        if not checks:
            raise ValueError(f"theorem {self.id} has no checks; pass at least one, {remedy}")
        remedy = 'for example `{"another exponent": Check(claim, cases)}`.'
        controls = validation.mapping("controls", self.controls, remedy)
        validation.sequence("controls", controls.values(), remedy, Check)
        if not controls:
            raise ValueError(
                f"theorem {self.id} has no controls; a check that cannot fail is none."
            )

    def claim(self, k: int = 0) -> Any:
        """Return the claim of the k-th check."""
        return self.checks[k].claim

    def control(self, name: str) -> Any:
        """Return the false claim called `name`."""
        validation.one_of("name", name, self.controls)
        return self.controls[name].claim

    def verify(self, *, tell: Callable[[str], None] = lambda text: None) -> Verdict:
        """Attack the theorem, then its controls.

        Parameters
        ----------
        tell : callable
            Called with a short text before each piece of work, for progress.

        Returns
        -------
        Verdict
            Of the weakest check; `Verdict.parts` has them all, `Verdict.controls` the controls.
        """
        began = time.perf_counter()
        parts = []
        for check in self.checks:
            tell(check.claim.statement)
            parts.append(check.verdict())
        worst = min(parts, key=lambda v: (_ORDER.index(v.status), -_room(v)))
        controls = []
        for name, check in self.controls.items():
            tell(f"control: {name}")
            found = check.refutation()
            controls.append(
                ControlFinding(
                    name,
                    found.status,
                    residual=found.residual,
                    reproduce=found.reproduce,
                    tolerance=found.tolerance,
                )
            )
        return replace(
            worst,
            status=weakest([part.status for part in parts]),
            attacks=sum(part.attacks for part in parts),
            id=self.id,
            title=self.title,
            source=self.source,
            parts=tuple(parts),
            controls=tuple(controls),
            seconds=time.perf_counter() - began,
        )
