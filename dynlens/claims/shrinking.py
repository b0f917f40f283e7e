"""Shrinking: the simplest case that still refutes a claim."""

from __future__ import annotations

from dynlens.cases.base import Case
from dynlens.claims.base import Claim
from dynlens.verdict import Status, Verdict

TRIES = 8  # cases tried while shrinking a counterexample


def shrunk(claim: Claim, case: Case, verdict: Verdict, tries: int = TRIES) -> Verdict:
    """Return the verdict on the simplest case found that is refuted as `case` is.

    Parameters
    ----------
    claim : Claim
    case : Case
    verdict : Verdict
        On that case; one that does not refute is returned as it is.
    tries : int
        How many simpler cases may be tried.
    """
    if verdict.status != Status.REFUTED:
        return verdict
    while tries > 0:
        for simpler in case.simpler():
            tries -= 1
            smaller = judged(claim, simpler)
            if smaller is not None and smaller.status == Status.REFUTED:
                case, verdict = simpler, smaller
                break
            if tries <= 0:
                break
        else:
            break
    return verdict


def judged(claim: Claim, case: Case) -> Verdict | None:
    """Return the verdict on a case; None if it is too small to be posed."""
    try:
        return claim.check(case)
    except (ValueError, IndexError):
        return None


__all__ = ["TRIES", "judged", "shrunk"]
