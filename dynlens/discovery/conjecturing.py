"""Rate laws conjectured: exact rates become a formula, which is attacked before it is believed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.cases.base import Case
from dynlens.claims.base import BALANCED, LOOSEST, Assumption, Claim
from dynlens.claims.equations import RateLaw
from dynlens.claims.falsifying import falsify
from dynlens.claims.orders import Recursion
from dynlens.discovery.attacks import Attack, attacks, varied, without_hypothesis
from dynlens.discovery.fitting import (
    Fit,
    Product,
    agrees,
    fits,
    rounded,
    sign_rule,
    signed_names,
)
from dynlens.discovery.tables import Table, known_cases, table
from dynlens.models.base import Model
from dynlens.support import validation
from dynlens.verdict import Status, Verdict

REPEATS = 3  # times that counterexamples join the data
SEARCHED, SECONDS = 2000, 10.0  # states of a search, and its time at most
SEEN = "on the states it was found on"
FLOOR = "1e-9"  # below which an entry is a residue of rounding


@dataclass(frozen=True)
class Tried:
    """An attack, and what came of it."""

    words: str
    verdict: Verdict
    case: Case


@dataclass(frozen=True)
class Conjecture:
    """What was found about a rate: a law with its evidence, or why there is none.

    Attributes
    ----------
    law : str
        The formula; empty where there is none.
    status : str
        ``"SUPPORTED"`` if the law survived attacks, ``"CONJECTURED"`` if there were none,
        ``"NONE"`` if there is no law.
    reason : str
        Why there is none.
    exponents : dict
        From each candidate in the law to its exponents as they were fitted, by the number's value.
    also : tuple of str
        Other laws that fit the same states and survived as much.
    """

    target: str
    law: str
    status: str
    number: str
    rows: int
    groups: int
    candidates: int
    residual: float
    exponents: dict[str, dict[float, float]] = field(default_factory=dict)
    constants: dict[float, float] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    needs: str = ""
    tried: tuple[Tried, ...] = ()
    reason: str = ""
    notes: tuple[str, ...] = ()
    steps: bool = False
    product: Product | None = field(default=None, repr=False)
    cases: tuple[Case, ...] = field(default=(), repr=False)
    where: str | None = None
    seconds: float = field(default=0.0, compare=False)

    def __bool__(self) -> bool:
        return bool(self.law)

    @property
    def claim(self) -> Claim:
        """The law as a claim.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not self.law:
            raise ValueError(f"no law of {self.target} was found: {self.reason}")
        return claim_of(self.target, self.law, self.assumptions, self.where, self.steps)

    def __str__(self) -> str:
        if not self.law:
            rows = [f"NONE  no law of the rate of {self.target} among these candidates"]
            rows += [_row("reason", self.reason)]
        else:
            left = f"{self.target} -> " if self.steps else f"d/dt {self.target} = "
            right = f"{self.target} + {self.law}" if self.steps else self.law
            rows = [f"{self.status}  {left}{right}"]
        kinds = f"{self.groups} values of {self.number}, " if self.number else ""
        rows.append(
            _row(
                "from",
                f"{kinds}{self.rows} rows; residual {self.residual:.2g}; "
                f"{len(self.exponents)} of {self.candidates} candidates",
            )
        )
        for name, values in self.exponents.items():
            rows.append(_row("exponents", f"{name}: {_listed(values.values())}"))
        if self.constants:
            rows.append(_row("factors", _listed(self.constants.values())))
        rows += [_row("also fits", law) for law in self.also]
        for status in dict.fromkeys(tried.verdict.status for tried in self.tried):
            words = [tried.words for tried in self.tried if tried.verdict.status == status]
            rows.append(_row("attacks", f"{status} {', '.join(words)}"))
        if self.status == "CONJECTURED":
            rows.append(_row("attacks", "none: pass cases it has not seen as `attack`"))
        rows += [_row("needs", self.needs)] if self.needs else []
        rows += [_row("note", note) for note in self.notes]
        rows += [_row("claim", concise_claim(self.claim))] if self.law else []
        return "\n".join(rows)

    def theorem(self, id: str, path: Any = None, *, source: str = "conjectured") -> str:
        """Write the law as a theorem file, with false variants as its controls.

        Parameters
        ----------
        id : str
            Of the theorem.
        path : path, optional
            Where to write the file; it is returned as text in any case.
        source : str

        Returns
        -------
        str
            A file for `dynlens verify --file`. Each control in it was refuted on its cases.
        """
        from dynlens.discovery.files import theorem_file

        text = theorem_file(self, id, source)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def _row(label: str, text: str) -> str:
    return f"  {label:<16} {text}"


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.8g}" for value in values)


def concise_claim(claim: Claim) -> str:
    """Text that recreates a claim, without what is at its default."""
    from dynlens.cases.reproduce import concise

    return concise(claim)


def claim_of(
    target: str,
    law: str,
    assumptions: tuple[Assumption, ...],
    where: str | None,
    steps: bool,
) -> Claim:
    """Return a law as a claim: of the rate, or of what a step adds."""
    if steps:
        factor = _divided(law, target)
        if factor:
            return Recursion(target, factor=f"1 {factor}", assumptions=assumptions)
        return Recursion(target, increment=law, assumptions=assumptions)
    return RateLaw(target, law, where=where, assumptions=assumptions)


def _divided(law: str, target: str) -> str:
    """The law over the target, with its sign, if the target is one of its factors."""
    negative, body = law.startswith("-"), law.removeprefix("-")
    parts = body.split("*")
    if target not in parts:
        return ""
    parts.remove(target)
    return f"{'-' if negative else '+'} {'*'.join(parts) or '1'}"


def conjecture(
    target: str,
    *,
    of: Sequence[str] | None = None,
    states: Case | Sequence[Case] | Model,
    number: str | None = None,
    sums: bool = False,
    steps: bool = False,
    most: int = 3,
    noise: float = 0.0,
    attack: bool | Sequence[Case] = True,
    seed: int = 0,
) -> Conjecture:
    """Look for the law of an observable's rate: a factor times powers of other observables.

    Rates are exact, so exponents come out to many digits; they are rounded to simple functions of
    a number of the model, such as ``2 - 2/depth``. The law is then attacked on states it has not
    seen, its hypotheses are dropped one by one, and what refutes it joins the data.

    Parameters
    ----------
    target : str
        An observable with an exact rate.
    of : sequence of str, optional
        Candidates: observables, or formulas in them; all that the models know unless given.
    states : Case, sequence of Case, or Model
        Where rates are read: vary the scale, and the depth or order. Of a model, such states are
        drawn.
    number : str, optional
        What exponents may depend on: one of ``depth``, ``order`` and ``local_component_orders``
        that varies, unless given; ``""`` for none.
    sums : bool
        Whether ``sum(x**p * y)`` are candidates too, for powers p that occur in such laws.
    steps : bool
        Of descents that save every step: whether what one step adds is asked for, not the rate.
        Then ``eta`` is a candidate.
    most : int
        Candidates in a law, at most.
    noise : float
        Relative error of the rates, where they are not exact.
    attack : bool, or sequence of Case
        Whether to attack what is found; the cases to do it on, where `states` are no
        `RandomStates`.
    seed : int

    Returns
    -------
    Conjecture
        Which prints as a sentence with its evidence; false where no law was found.

    Notes
    -----
    A set of candidates must fit at every value of the number, to 1e-9 in the logarithm of an exact
    rate. Of several that do, local ones are taken before global ones, and the others are told. Each
    factor and exponent takes one value of the number more than it has coefficients. A law is never
    more than SUPPORTED: samples prove nothing.

    Examples
    --------
    >>> from dynlens import RandomStates
    >>> states = [RandomStates((3,) * (L + 1), scale=c) for L in (2, 3, 4) for c in (0.5, 1.5)]
    >>> found = conjecture(
    ...     "singular_values", of=["singular_values", "alignment", "loss"], states=states
    ... )
    >>> found.law
    'depth*singular_values**(2 - 2/depth)*alignment'
    >>> found.status, found.needs
    ('SUPPORTED', 'balanced: REFUTED without it, ...')
    """
    began = time.perf_counter()
    cases = varied(states) if isinstance(states, Model) else known_cases(states)
    validation.count("most", most)
    validation.positive("noise", noise, allow_zero=True)
    if isinstance(attack, bool):
        planned = attacks(cases) if attack else []
    else:
        planned = [Attack(f"on {_kind(case)}", case) for case in known_cases(attack)]
    found: Conjecture | None = None
    refuted: list[str] = []
    for _ in range(1 + REPEATS):
        rows = table(target, of, cases, sums=sums, steps=steps, number=number, seed=seed)
        found = read_off(rows, cases, most=most, noise=noise, steps=steps)
        if not found:
            break
        found = _attacked(found, planned)
        bad = next((t for t in found.tried if t.verdict.status == Status.REFUTED), None)
        if bad is None:
            break
        refuted.append(f"{found.law} was refuted {bad.words}")
        cases = (*cases, bad.case)
    assert found is not None
    if found and any(t.verdict.status == Status.REFUTED for t in found.tried):
        found = replace(found, law="", status="NONE", reason="every law found was refuted")
    if found:
        found = _without_what_is_not_needed(found, cases)
        found = _searched(found, planned)
    if refuted and not found:
        found = replace(found, reason=f"{'; '.join(refuted)}; {found.reason}")
    elif refuted:
        found = replace(found, notes=(*found.notes, *refuted))
    return replace(found, seconds=time.perf_counter() - began)


def read_off(
    rows: Table,
    cases: tuple[Case, ...] = (),
    *,
    most: int = 3,
    noise: float = 0.0,
    steps: bool = False,
) -> Conjecture:
    """Read a law off a table, before any attack."""
    blank = Conjecture(
        rows.target,
        "",
        "NONE",
        rows.number,
        rows.rows,
        len(rows.groups),
        len(rows.names),
        np.inf,
        notes=_notes(rows),
        steps=steps,
        cases=cases,
    )
    if not rows.rows:
        return replace(blank, reason="the rate is zero, or undefined, at all states")
    found, best, collinear = fits(rows, most=most, noise=noise)
    if not found:
        reason = f"no product of at most {most} candidates: best residual {best:.2g}"
        if rows.constant:
            reason += f"; {_constant(rows)}"
        elif collinear:
            reason += (
                "; some candidates are not identifiable, being functions of one another at these "
                "states: vary widths, scales or starts"
            )
        return replace(blank, residual=best, reason=reason)
    if rows.constant:
        return replace(blank, residual=best, reason=_constant(rows))
    laws = [_law(fit, rows, noise) for fit in found]
    good = [(fit, law) for fit, law in zip(found, laws, strict=True) if isinstance(law, Product)]
    if not good:
        return replace(
            blank,
            residual=best,
            reason=str(laws[0]),
            exponents=_by_number(found[0], rows),
            constants=_constants(found[0], rows),
        )
    fit, product = good[0]
    assumptions = _assumed(cases)
    where = None if rows.whole or _negative(rows) else f"{rows.target} - {FLOOR}"
    return replace(
        blank,
        law=product.text(rows.number),
        status="CONJECTURED",
        residual=fit.residual,
        exponents=_by_number(fit, rows),
        constants=_constants(fit, rows),
        also=tuple(other.text(rows.number) for _, other in good[1:]),
        assumptions=assumptions,
        product=product,
        where=where,
    )


def _law(fit: Fit, rows: Table, noise: float) -> Product | str:
    """The law of a fit, or why it is none."""
    factor, powers = rounded(fit, rows)
    known = [form for form in powers if form is not None]
    if factor is None or len(known) < len(powers):
        few = len(rows.groups) < 3 and rows.number
        why = f"two values of {rows.number} decide at most one coefficient; " if few else ""
        return f"{why}exponents or factor are no simple function of {rows.number or 'nothing'}"
    named = tuple(zip(fit.names, known, strict=True))
    rule = sign_rule(rows, named)
    if rule is None:
        return "no product of the candidates' signs is the sign of the rate"
    product = Product(factor, tuple(zip(fit.names, known, strict=True)), *rule, signed_names(rows))
    if any(factor.at(group.number) <= 0 for group in rows.groups):
        return "the factor has no sign of its own"
    if not agrees(fit, product, rows, noise):
        return "the rounded law leaves more than the fit does"
    return product


def _constant(rows: Table) -> str:
    names = ", ".join(rows.constant)
    verb = "does" if len(rows.constant) == 1 else "do"
    return f"{names} {verb} not vary on these states; vary `scale`, or leave it out of `of`"


def _notes(rows: Table) -> tuple[str, ...]:
    found = []
    if rows.dropped:
        found.append(f"{rows.dropped} rows with a zero or a residue of rounding were dropped")
    found += [f"left out: {sentence}" for sentence in rows.left_out]
    return tuple(found)


def _negative(rows: Table) -> bool:
    own = [group.columns[rows.target] for group in rows.groups if rows.target in group.columns]
    return any(np.any(column < 0) for column in own)


def _by_number(fit: Fit, rows: Table) -> dict[str, dict[float, float]]:
    if len(fit.exponents) != len(rows.groups):
        return {}
    return {
        name: {g.number: float(e) for g, e in zip(rows.groups, fit.exponents[:, j], strict=True)}
        for j, name in enumerate(fit.names)
    }


def _constants(fit: Fit, rows: Table) -> dict[float, float]:
    if len(fit.constants) != len(rows.groups):
        return {}
    return {g.number: float(c) for g, c in zip(rows.groups, fit.constants, strict=True)}


def _assumed(cases: Sequence[Case]) -> tuple[Assumption, ...]:
    """What holds at all states, and may be what the law needs."""
    reader = RateLaw("loss", "1", assumptions=(BALANCED,))
    for case in cases:
        samples = case.samples()
        try:
            _, met = reader.assumed(samples)
        except (TypeError, ValueError):
            return ()
        if not met.all():
            return ()
    return (BALANCED,) if cases else ()


def _kind(case: Case) -> str:
    return type(case).__name__


def _attacked(found: Conjecture, planned: Sequence[Attack]) -> Conjecture:
    """Check the law where it was found, and attack it elsewhere; the first refutation ends it."""
    seen = [Attack(SEEN, case) for case in found.cases]
    tried = _tried(found, [*seen, *planned])
    refuted = any(t.verdict.status == Status.REFUTED for t in tried)
    elsewhere = [t for t in tried if t.words != SEEN]
    held = not refuted and any(t.verdict.held for t in elsewhere)
    also = tuple(
        law
        for law in found.also
        if not any(
            t.verdict.status == Status.REFUTED
            for t in _tried(replace(found, law=law), [*seen, *planned])
        )
    )
    return replace(
        found,
        tried=_told([t for t in tried if t.verdict.status == Status.REFUTED] or elsewhere),
        status="SUPPORTED" if held else "CONJECTURED",
        also=also,
    )


def _tried(found: Conjecture, planned: Sequence[Attack]) -> list[Tried]:
    """Attacks until one succeeds."""
    tried = []
    for words, case in planned:
        try:
            verdict = falsify(found.claim, case, states=0)
        except (TypeError, ValueError):  # a case that cannot be posed attacks nothing
            continue
        tried.append(Tried(words, verdict, case))
        if verdict.status == Status.REFUTED:
            break
    return tried


def _searched(found: Conjecture, planned: Sequence[Attack]) -> Conjecture:
    """Search all that the attacks' cases stand for, if the law needs no hypothesis.

    States that keep a hypothesis up to its tolerance may break a law that is true where it holds
    exactly.
    """
    if found.status != "SUPPORTED" or found.assumptions:
        return found
    cases = [attack.case for attack in planned]
    # Extreme states are where the error of an entry is told least well.
    claim = replace(found.claim, tolerance=LOOSEST)
    verdict = falsify(claim, cases, states=SEARCHED, seconds=SECONDS)
    if verdict.search is None and verdict.status != Status.REFUTED:
        return found
    words = f"in a search of {SEARCHED} states"
    tried = (*found.tried, Tried(words, verdict, cases[0]))
    if verdict.status == Status.REFUTED:
        reason = f"{found.law} was refuted {words}: {verdict.reproduce}"
        return replace(found, law="", status="NONE", reason=reason, tried=tried)
    return replace(found, tried=tried)


def _told(tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """One of each kind of attack, the worst."""
    order = [Status.REFUTED, Status.UNDECIDED, Status.NOT_APPLICABLE, Status.SUPPORTED]
    kept: dict[str, Tried] = {}
    for one in sorted(tried, key=lambda t: order.index(t.verdict.status)):
        kept.setdefault(one.words, one)
    return tuple(kept[words] for words in dict.fromkeys(t.words for t in tried))


def _without_what_is_not_needed(found: Conjecture, cases: Sequence[Case]) -> Conjecture:
    """Drop the hypothesis: if the law is refuted without it, it is needed, else it goes."""
    if not found.assumptions:
        return found
    loose = without_hypothesis(cases)
    free = replace(found, assumptions=())
    for _, case in loose:
        verdict = falsify(free.claim, case, states=0)
        if verdict.status == Status.REFUTED:
            name = found.assumptions[0].name
            return replace(
                found, needs=f"{name}: REFUTED without it, residual {verdict.residual:.2g}"
            )
    if not loose:
        return found
    return replace(free, notes=(*free.notes, f"{found.assumptions[0].name} is not needed"))
