"""What a calibration found, as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dynlens.calibration.drawing import KINDS
from dynlens.calibration.tally import FALL, HOLD, STATUSES, Tally

HEADS = ("kind", "true", "held", "undecided", "REFUTED", "false", "refuted", "undecided", "HELD",
         "least refuted", "ms")  # fmt: skip


@dataclass(frozen=True)
class Section:
    """A calibration under a heading.

    Parameters
    ----------
    title : str
    tally : Tally
    seed : int
    """

    title: str
    tally: Tally
    seed: int


def page(sections: Sequence[Section]) -> str:
    """Markdown of the whole page."""
    return "\n".join([INTRODUCTION.strip(), "", *_kinds(), *_sections(sections)]) + "\n"


INTRODUCTION = f"""
# Calibration of the judge

`dynlens calibrate` states claims that are known to be true or false, made by rule from a seed, and
counts what the judge says of them. A false claim is a true one with an error planted in it, of a
relative size from 1e-1 to 1e-12, or another claim altogether.

What must hold:

- no true claim is REFUTED, and at least {HOLD:.0%} of the *decidable* ones are held (SUPPORTED or
  PROVED): those whose margin exceeds the measured error tenfold;
- no *decidable* false claim is held, and at least {FALL:.0%} of them are REFUTED with a line that,
  pasted into a process of its own, prints the same verdict: those whose planted error exceeds the
  tolerance, and the measured error tenfold.

A claim that holds to within its tolerance is not false, so that planted errors below it are rightly
SUPPORTED; beyond the horizon nothing is decidable, and UNDECIDED is the right answer.
"""


def _kinds() -> list[str]:
    return ["## Kinds", "", "| kind | claims |", "|---|---|"] + [
        f"| {kind.name} | {kind.about.rstrip('.')} |" for kind in KINDS.values()
    ]


def _sections(sections: Iterable[Section]) -> Iterable[str]:
    for section in sections:
        tally = section.tally
        yield from ("", f"## {section.title}", "", f"Seed {section.seed}. {summary(tally)}", "")
        yield from table(("", *map(str, STATUSES)), matrix(tally))
        yield from (
            "",
            "By kind; false claims in the last columns are wrong only if decidable:",
            "",
        )
        yield from table(HEADS, rows(tally))
        yield from ("", "False claims by the decade of the planted error:", "")
        yield from table(("planted", *map(str, STATUSES)), decades(tally))
        if tally.faults:
            yield from ("", "Aims that are missed:", "", *(f"- {fault}" for fault in tally.faults))


def summary(tally: Tally) -> str:
    """The aims, as they were met, in a few sentences."""
    tried, agreed = tally.pasted
    true, false = tally.decidable(True), tally.decidable(False)
    lost = sum(j.wrong for j in tally.judged if j.true)
    passed = sum(j.wrong for j in tally.judged if not j.true)
    return (
        f"Of the true claims {lost} are refuted or broken, and {tally.held:.1%} of the {len(true)} "
        f"decidable ones are held. Of the decidable false claims, {len(false)}, {passed} are held "
        f"or broken, and {tally.refuted:.1%} are refuted with a line to paste; {agreed} of {tried} "
        f"lines pasted print the same verdict. {1e3 * tally.seconds:.0f} ms a claim."
    )


def matrix(tally: Tally) -> list[tuple[str, ...]]:
    """Statuses of true and of false claims."""
    return [
        (name, *(_count(tally.statuses(true), status) for status in STATUSES))
        for name, true in (("true", True), ("false", False))
    ]


def rows(tally: Tally) -> list[tuple[str, ...]]:
    """A row for each kind, under `HEADS`."""
    found = []
    for name, one in tally.by_kind():
        true, false = one.statuses(True), one.statuses(False)
        found.append((name, *_four(true), *_four(false, held_last=True),
                      _least(one), f"{1e3 * one.seconds:.0f}"))  # fmt: skip
    return found


def decades(tally: Tally) -> list[tuple[str, ...]]:
    """A row for each decade of planted errors."""
    return [
        (f"1e{decade}", *(_count(statuses, status) for status in STATUSES))
        for decade, statuses in tally.decades()
    ]


def table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    """Rows of a table in markdown."""

    def row(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    return [row(heads), row(["---"] * len(heads)), *map(row, lines)]


def _four(statuses: Counter[str], *, held_last: bool = False) -> tuple[str, ...]:
    total, held = sum(statuses.values()), statuses["SUPPORTED"] + statuses["PROVED"]
    refuted = statuses["REFUTED"]
    first, last = (refuted, held) if held_last else (held, refuted)
    return tuple(str(n) if n else "" for n in (total, first, total - held - refuted, last))


def _least(tally: Tally) -> str:
    return f"{tally.least:.1e}" if np.isfinite(tally.least) else ""


def _count(statuses: Counter[str], status: str) -> str:
    return str(statuses[status] or "")
