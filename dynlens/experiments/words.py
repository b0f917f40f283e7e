"""What the experiments' texts share: paragraphs, tables, numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence


def paragraph(sentences: Iterable[str], label: str = "") -> str:
    """Join sentences and wrap them, with a label before the first."""
    whole = label + " ".join(sentences).replace(" .", ".")
    return textwrap.fill(whole, 100, break_on_hyphens=False)


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
