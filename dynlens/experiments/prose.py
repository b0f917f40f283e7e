"""What the experiments' texts share: paragraphs, tables, numbers."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Sequence

from dynlens.support.typing import Array


def paragraph(sentences: Iterable[str], label: str = "", *, hanging: bool = False) -> str:
    """Join sentences and wrap them, with a label before the first, which may hang out."""
    whole, indent = label + " ".join(sentences), " " * (len(label) * hanging)
    return textwrap.fill(whole, 100, subsequent_indent=indent, break_on_hyphens=False)


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Align rows of words under their heads, to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(head))]
    return "\n".join(
        "  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def each(values: Iterable[float], form: str) -> str:
    """Numbers with commas between."""
    return ", ".join(format(value, form) for value in values)


def rises(times: Sequence[float] | Array) -> str:
    """The first of some times, and how long after it the others come."""
    return f"{times[0]:.4g}, +" + ", +".join(f"{t - times[0]:.3g}" for t in times[1:])


def distinct(times: Sequence[float] | Array, end: float) -> int:
    """Number of times that are apart by more than 1% of what lies between the first and the end."""
    ordered = sorted(times)
    gaps = [after - before for before, after in itertools.pairwise(ordered)]
    return 1 + sum(gap > 0.01 * (end - ordered[0]) for gap in gaps)


def span(values: Iterable[float], form: str) -> str:
    """The least and the largest of some numbers, or the one that they all are."""
    low, high = (format(value, form) for value in _ends(values))
    return low if low == high else f"{low} to {high}"


def _ends(values: Iterable[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[0], ordered[-1]
