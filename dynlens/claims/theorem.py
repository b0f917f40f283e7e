"""A theorem: claims with the cases they are asserted on, and the controls that must fail.

A theorem is data; the harness does the rest. A check that cannot fail is not a check, so every
theorem lists false variants, and each of them must be refuted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field, fields, replace
from typing import Any

from dynlens.claims.base import Claim
from dynlens.claims.proof import Algebra, Identities
from dynlens.claims.shrinking import shrunk
from dynlens.support import validation
from dynlens.verdict import WEAKEST, ControlFinding, Status, Verdict, smallest, weakest


@dataclass(frozen=True)
class Check:
    """A claim and where it is asserted.

    Parameters
    ----------
    claim : Claim or Identities
    cases : sequence of Case
        None for a symbolic claim.
    """

    claim: Claim | Identities
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
        worst = min(found, key=lambda v: (WEAKEST.index(v.status), -_room(v)))
        return replace(
            worst, attacks=sum(v.attacks for v in found), slack=smallest(v.slack for v in found)
        )

    def refutation(self) -> Verdict:
        """Return the first case that refutes the claim, shrunk; or the last verdict there is."""
        verdict = Verdict(Status.NOT_APPLICABLE, self.claim.statement, note="no case was given")
        for case in self.cases:
            if isinstance(self.claim, Identities):
                verdict = self.claim.check()
            else:
                verdict = shrunk(self.claim, case, self.claim.check(case))
            if verdict.status == Status.REFUTED:
                break
        return verdict


def _room(verdict: Verdict) -> float:
    """How close a verdict came to its tolerance, in units of it; larger is closer."""
    return (verdict.residual + verdict.numerical_error) / (verdict.tolerance or 1.0)


@dataclass(frozen=True)
class Theorem:
    """A named statement, the cases it is asserted on, and false variants that must be refuted.

    Parameters
    ----------
    id : str
        Such as ``"P1.T1"``.
    title : str
        The theorem in words.
    source : str
        Where it is from: a key of ``references.bib``, and what part.
    claims : sequence of Claim, Identities or Check, or a mapping from names to them
        What is asserted. A `Check` brings cases of its own.
    on : sequence of Case
        Where the other claims are asserted.
    false : mapping from name to changes
        What the theorem does *not* say; each must be REFUTED. The changes are fields of a claim
        with other values, so that a variant differs from its claim in nothing but what it names:
        ``{"rate": "..."}``. Meant is the first claim that has these fields, or the one called by
        the key ``"claim"`` (a name, or an index); the key ``"on"`` replaces its cases.

    Attributes
    ----------
    checks : tuple of Check
        Every claim with its cases. May be passed in the place of `claims` and `on`.
    controls : mapping from name to Check
        The false variants likewise, in the place of `false`.

    Examples
    --------
    >>> import dynlens as dl
    >>> law = "depth * alignment * singular_values**(2 - 2 / depth)"
    >>> theorem = dl.Theorem(
    ...     "X.1",
    ...     "singular values of a balanced product",
    ...     source="a remark",
    ...     claims=[dl.RateLaw("singular_values", law, assumptions=(dl.BALANCED,))],
    ...     on=[dl.RandomStates((3, 3, 3), "balanced")],
    ...     false={
    ...         "sign flipped": {"rate": f"-{law}"},
    ...         "balancedness dropped": {
    ...             "assumptions": (),
    ...             "on": [dl.RandomStates((3, 3, 3), "gaussian")],
    ...         },
    ...     },
    ... )
    >>> theorem.verify().passed
    True
    """

    id: str
    title: str
    source: str
    checks: tuple[Check, ...] = ()
    controls: Mapping[str, Check] = field(default_factory=dict)
    claims: InitVar[Any] = ()
    on: InitVar[Any] = ()
    false: InitVar[Any] = None

    def __post_init__(self, claims: Any, on: Any, false: Any) -> None:
        stated = _stated(self.id, claims, on)
        remedy = "for example `(Check(claim, cases),)`."
        checks = validation.sequence("checks", self.checks, remedy, Check)
        checks = (*checks, *stated.values())
        object.__setattr__(self, "checks", checks)
        if not checks:
            raise ValueError(f"theorem {self.id} has no checks; pass `claims`, or {remedy}")
        remedy = 'for example `{"another exponent": Check(claim, cases)}`.'
        controls = validation.mapping("controls", self.controls, remedy)
        validation.sequence("controls", controls.values(), remedy, Check)
        variants = {} if false is None else _variants(self.id, false, stated)
        object.__setattr__(self, "controls", {**controls, **variants})
        if not self.controls:
            raise ValueError(
                f"theorem {self.id} has no controls; a check that cannot fail is none: pass "
                '`false`, for example `{"sign flipped": {"rate": ...}}`.'
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
        worst = min(parts, key=lambda v: (WEAKEST.index(v.status), -_room(v)))
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
            slack=smallest(part.slack for part in parts),
            id=self.id,
            title=self.title,
            source=self.source,
            parts=tuple(parts),
            controls=tuple(controls),
            seconds=time.perf_counter() - began,
        )


def _stated(id: str, claims: Any, on: Any) -> dict[Any, Check]:
    """Every claim with its cases, by name, or by index where there are no names."""
    remedy = "for example `[RateLaw(of, rate)]`."
    if isinstance(claims, Mapping):
        named = dict(claims)
    else:
        named = dict(enumerate(validation.sequence("claims", claims, remedy)))
    cases = validation.sequence("on", on, "for example `[Path(problem, start, t_end)]`.")
    found = {}
    for name, item in named.items():
        validation.instance("claims", item, (Claim, Identities, Check), remedy)
        if isinstance(item, Check):
            found[name] = item
        elif isinstance(item, Identities):
            found[name] = Check(item)
        elif cases:
            found[name] = Check(item, cases)
        else:
            raise ValueError(
                f"theorem {id} does not say where {item.statement!r} holds; pass `on`."
            )
    return found


def _variants(id: str, false: Any, stated: Mapping[Any, Check]) -> dict[str, Check]:
    """Each claim with something changed."""
    remedy = 'for example `{"sign flipped": {"rate": ...}}`.'
    found = {}
    for name, changes in validation.mapping("false", false, remedy).items():
        if isinstance(changes, Check):
            found[name] = changes
            continue
        fields_ = dict(validation.mapping(f"false[{name!r}]", changes, remedy))
        check = _meant(id, name, fields_, stated)
        cases = fields_.pop("on", check.cases)
        if not fields_ and cases is check.cases:
            raise ValueError(f"theorem {id}: the variant {name!r} changes nothing; name a field.")
        found[name] = Check(replace(check.claim, **fields_), cases)
    return found


def _meant(id: str, name: str, changes: dict[str, Any], stated: Mapping[Any, Check]) -> Check:
    """Return the claim that a variant is a variant of."""
    changed = set(changes) - {"claim", "on"}
    if "claim" in changes:
        key = changes.pop("claim")
        if key not in stated:
            raise ValueError(
                f"theorem {id}: the variant {name!r} is of the claim {key!r}, but claims are "
                f"{list(stated)}; name one of these."
            )
        candidates = [stated[key]]
    else:
        candidates = list(stated.values())
    for check in candidates:
        if changed <= {f.name for f in fields(check.claim) if f.init}:
            return check
    raise ValueError(
        f"theorem {id}: no claim has the fields {sorted(changed)} that the variant {name!r} "
        "changes; name fields of one claim."
    )
