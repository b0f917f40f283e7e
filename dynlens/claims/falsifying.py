"""Attempts to refute a claim, by all means there are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from dynlens.cases.base import Case
from dynlens.cases.reproduce import concise, reproduction
from dynlens.cases.spaces import Space, space_of
from dynlens.claims.base import All, Claim
from dynlens.claims.searching import SHARES, Attack, Found, attempt, refutes
from dynlens.claims.shrinking import TRIES, judged, shrunk
from dynlens.support import validation
from dynlens.support.progress import Progress
from dynlens.support.typing import Array
from dynlens.verdict import WEAKEST, Search, Status, Verdict, weakest

STATES = 100_000
SECONDS = 20.0
SOME = 20  # states among which one is looked for at which a claim says something
DIGITS = (1, 2, 3, 5, 8)  # to which a counterexample is rounded, as far as it stays one


def falsify(
    claim: Claim,
    case: Case | Sequence[Case],
    *,
    seconds: float = SECONDS,
    states: int = STATES,
    seed: int = 0,
    processes: int = 1,
    tries: int = TRIES,
    progress: bool = False,
) -> Verdict:
    """Try to refute a claim: check it, search for a violation, and shrink what is found.

    The search is over all states that the case stands for: of `RandomStates`, states of all sizes
    and shapes beside targets of all kinds; of `RandomMatrices`, all matrices; of a `Box`, all its
    points. It keeps to the claim's assumptions and to `where`. A case that stands for itself
    alone, such as a `Path`, is checked and shrunk.

    Parameters
    ----------
    claim : Claim
    case : Case, or sequence of Case
        Several, of other sizes or losses, are searched in turn.
    seconds : float
        When to stop searching, if `states` have not been seen by then.
    states : int
        How many states the search may evaluate.
    seed : int
        The same seed gives the same verdict, unless the time runs out.
    processes : int
        How many to search with; the verdict does not depend on it.
    tries : int
        How many simpler cases may be tried while shrinking.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Verdict
        If the claim is refuted, on the simplest case found that does it, which is an ordinary case
        that is judged as any other. Else the one that `Claim.check` returns, with what the search
        saw as ``search``: the number of states, and how near the worst came.

    Examples
    --------
    The arithmetic mean is not above the geometric one by a share, however small; it is in all but
    a few points:

    >>> from dynlens import AtLeast, Box
    >>> box = Box({"x": (1, 2), "y": (0.3, 3)})
    >>> claim = AtLeast("(x + y) / 2", "1.00000001 * sqrt(x * y)")
    >>> claim.check(box).status, falsify(claim, box, states=10_000).status
    (<Status.SUPPORTED: 'SUPPORTED'>, <Status.REFUTED: 'REFUTED'>)
    """
    validation.instance("claim", claim, Claim, "for example `Equal(left, right)`.")
    cases = _listed(case)
    validation.positive("seconds", seconds, allow_zero=True)
    budget = validation.count("states", states, least=0)
    key = validation.seed_of(seed)
    workers = validation.count("processes", processes)
    until = time.time() + seconds
    if isinstance(claim, All):
        return _each(claim, cases, seconds=seconds, states=budget, seed=key, processes=workers)
    verdicts = []
    for one in cases:
        verdict = claim.check(one)
        if verdict.status == Status.REFUTED:
            return shrunk(claim, one, verdict, tries)
        verdicts.append(verdict)
    status = weakest([verdict.status for verdict in verdicts])
    verdict = next(v for v in verdicts if v.status == status)
    spaces = [] if claim.pooled else [s for s in map(space_of, cases) if s is not None]
    if not budget:
        return verdict
    if not spaces:
        return _noted(verdict, f"a {type(cases[0]).__name__} stands for itself: nothing to search")
    jobs = [
        (claim, spaces[k % len(spaces)], k, key, budget * share // sum(SHARES))
        for k, share in enumerate(SHARES)
    ]
    bar = Progress(sum(job[-1] for job in jobs), "search", "state", shown=progress)
    try:
        found = list(_until_refuted(jobs, until, workers, bar))
    except (ValueError, TypeError, IndexError) as error:  # of functions that know a few states
        return _noted(verdict, f"not searched: {error}")
    finally:
        bar.close()
    return _concluded(claim, verdict, found, tries)


def _each(claim: All, cases: tuple[Case, ...], *, states: int, **options: Any) -> Verdict:
    """Attack the claims of a conjunction one after another, each with its share of the states."""
    found = []
    for part in claim.claims:
        verdict = falsify(part, cases, states=states // len(claim.claims), **options)
        if verdict.status == Status.REFUTED:
            return verdict
        found.append(verdict)
    return replace(
        min(found, key=lambda verdict: WEAKEST.index(verdict.status)),
        statement=claim.statement,
        attacks=sum(verdict.attacks for verdict in found),
        parts=tuple(found),
        **reproduction(claim, cases[0]),
    )


def _listed(case: Case | Sequence[Case]) -> tuple[Case, ...]:
    remedy = "for example `RandomStates((3, 3, 3))`."
    if isinstance(case, (tuple, list)) and case:
        return validation.sequence("case", case, remedy, Case)
    return (validation.instance("case", case, Case, remedy),)


Job = tuple[Claim, Space, int, int, int]


def _until_refuted(jobs: list[Job], until: float, processes: int, bar: Progress) -> Iterator[Found]:
    """What attempts came to, in their order, up to the first that refutes."""
    if processes == 1:
        for job in jobs:
            found = attempt(*job, until, bar.advance)
            yield found
            if found.verdict is not None:
                return
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        pending = [pool.submit(attempt, *job, until) for job in jobs]
        for future in pending:
            found = future.result()
            bar.advance(found.states)
            yield found
            if found.verdict is not None:
                break
        for future in pending:
            future.cancel()


def _noted(verdict: Verdict, note: str) -> Verdict:
    return replace(verdict, note="; ".join(filter(None, (verdict.note, note))))


def _concluded(claim: Claim, verdict: Verdict, found: list[Found], tries: int) -> Verdict:
    states = sum(one.states for one in found)
    last = found[-1]
    if last.verdict is not None and last.row is not None:
        simplest = _rounded(Attack(claim, last.space), last.row, last.verdict, tries)
        return replace(simplest, search=Search(states, simplest.residual, ""))
    nearest: Verdict | None = None
    at = ""
    for one in found:
        if one.row is None:
            continue
        here = one.space.case(one.row)
        near = judged(claim, here)
        if near is not None and (nearest is None or _nearer(near, nearest)):
            nearest, at = near, concise(here)
    residual = float("nan") if nearest is None else nearest.residual
    whole = all(one.whole for one in found) and len(found) == len(SHARES)
    if verdict.status == Status.NOT_APPLICABLE:
        held = nearest if nearest is not None and nearest.held else None
        verdict = held or _applicable(Attack(claim, last.space)) or verdict
    unsure = nearest is not None and nearest.status in (Status.REFUTED, Status.UNDECIDED)
    attacks = verdict.attacks + states if verdict.held else verdict.attacks
    return replace(verdict, attacks=attacks, search=Search(states, residual, at, whole, unsure))


def _applicable(attack: Attack) -> Verdict | None:
    """Return the verdict on a state that is moved to where the assumptions hold, if one does."""
    rows = attack.place(attack.space.draw(np.random.default_rng(0), SOME))
    for row in rows[attack.score(rows) > -1]:
        found = judged(attack.claim, attack.space.case(row))
        if found is not None and found.held:
            return found
    return None


def _nearer(one: Verdict, other: Verdict) -> bool:
    a, b = (-np.inf if not np.isfinite(v.residual) else v.residual for v in (one, other))
    return bool(a > b)


def _rounded(attack: Attack, row: Array, verdict: Verdict, tries: int) -> Verdict:
    """Return the verdict on the state with the fewest digits that still refutes."""
    for digits in DIGITS[: max(tries, 0)]:
        rounder = attack.place(attack.space.rounder(row, digits)[None])[0]
        if attack.score(rounder[None])[0] <= 0:
            continue
        found = judged(attack.claim, attack.space.case(rounder))
        if found is not None and refutes(found):
            return found
    return verdict


__all__ = ["falsify"]
