"""Judged claims counted: true against false, kind by kind, and what must not occur."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dynlens.calibration.judging import FAILED, Judged
from dynlens.verdict import Status

STATUSES = (
    Status.SUPPORTED,
    Status.PROVED,
    Status.UNDECIDED,
    Status.REFUTED,
    Status.NOT_APPLICABLE,
    FAILED,
)
HOLD, FALL = 0.97, 0.95  # shares of the decidable claims that must be held, and refuted


@dataclass(frozen=True)
class Tally:
    """Judged claims, and what can be counted of them.

    Parameters
    ----------
    judged : tuple of Judged
    """

    judged: tuple[Judged, ...]

    @classmethod
    def of(cls, judged: Iterable[Judged]) -> Tally:
        """Count them, in an order of their own."""
        return cls(tuple(sorted(judged, key=lambda j: (j.kind, not j.true, j.number))))

    @property
    def kinds(self) -> list[str]:
        """Names of the kinds."""
        return list(dict.fromkeys(j.kind for j in self.judged))

    def by_kind(self) -> Iterator[tuple[str, Tally]]:
        """Counts of each kind alone."""
        for name in self.kinds:
            yield name, Tally(tuple(j for j in self.judged if j.kind == name))

    def statuses(self, true: bool) -> Counter[str]:
        """How often each status was given to claims of this truth."""
        return Counter(j.status for j in self.judged if j.true == true)

    @cached_property
    def wrong(self) -> list[Judged]:
        """What must not occur: true claims refuted, false ones held, claims that broke."""
        return [j for j in self.judged if j.wrong]

    def decidable(self, true: bool) -> list[Judged]:
        """Claims of this truth that the numbers decide tenfold."""
        return [j for j in self.judged if j.true == true and j.decidable]

    @property
    def held(self) -> float:
        """Share of the decidable true claims that were held; one if there are none."""
        found = self.decidable(True)
        return sum(j.held for j in found) / len(found) if found else 1.0

    @property
    def refuted(self) -> float:
        """Share of the decidable false claims refuted with a line that was pasted and agreed.

        A line that was not tried counts as if it had agreed.
        """
        found = self.decidable(False)
        told = sum(j.refuted and bool(j.line) and j.pasted is not False for j in found)
        return told / len(found) if found else 1.0

    @property
    def pasted(self) -> tuple[int, int]:
        """How many lines were pasted, and how many of them printed the same verdict."""
        tried = [j for j in self.judged if j.pasted is not None]
        return len(tried), sum(bool(j.pasted) for j in tried)

    @property
    def least(self) -> float:
        """The least planted error that was refuted; infinite if there is none."""
        return min((j.planted for j in self.judged if not j.true and j.refuted), default=np.inf)

    @property
    def seconds(self) -> float:
        """Mean time of a claim."""
        return float(np.mean([j.seconds for j in self.judged])) if self.judged else np.nan

    @property
    def faults(self) -> list[str]:
        """Aims that are missed, in words."""
        found = []
        lost = [j for j in self.wrong if j.true and j.status != FAILED]
        passed = [j for j in self.wrong if not j.true and j.status != FAILED]
        broken = [j for j in self.wrong if j.status == FAILED]
        for which, told in (
            (lost, "true claims REFUTED"),
            (passed, "false claims held though the planted error is large enough"),
            (broken, "claims that could not be judged"),
        ):
            if which:
                found.append(f"{len(which)} {told}: {_places(which)}")
        if self.held < HOLD:
            missed = [j for j in self.decidable(True) if not j.held and not j.refuted]
            found.append(f"{self.held:.1%} of the decidable true claims held: {_places(missed)}")
        if self.refuted < FALL:
            missed = [j for j in self.decidable(False) if not j.refuted or not j.line]
            found.append(f"{self.refuted:.1%} of the decidable false ones: {_places(missed)}")
        return found

    def decades(self) -> list[tuple[int, Counter[str]]]:
        """Statuses of the false claims by the decade of the planted error, the largest first."""
        found: dict[int, Counter[str]] = {}
        for j in self.judged:
            if not j.true and np.isfinite(j.planted) and j.planted > 0:
                decade = int(np.floor(np.log10(j.planted)))
                found.setdefault(decade, Counter())[j.status] += 1
        return sorted(found.items(), reverse=True)


def _places(judged: list[Judged]) -> str:
    listed = Counter(j.kind for j in judged)
    return ", ".join(f"{name} ({count})" for name, count in listed.most_common())
