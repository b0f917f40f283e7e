"""What an experiment is, and what it leaves behind."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from dynlens.experiments.lab import Each, Lab
from dynlens.support.files import write_atomically

M = TypeVar("M")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Experiment(Generic[M]):
    """An experiment of a paper that can be repeated: what is measured, and what is made of it.

    Parameters
    ----------
    id, title : str
    source : str
        A key of ``references.bib``, and what part.
    measure : callable
        ``measure(lab)`` computes everything; the others are functions of what it returns.
    table : callable
        Rows of the table, all with the same keys.
    text : callable
        Paragraphs: what was done, and what the numbers say.
    pictures : mapping from str to callable
        Draws a figure for each ending of a file's name, such as ``""`` or ``"_width"``.
    """

    id: str
    title: str
    source: str
    measure: Callable[[Lab], M]
    table: Callable[[M], Sequence[Row]]
    text: Callable[[M], Iterable[str]]
    pictures: Mapping[str, Callable[[M], Any]]

    def run(self, folder: Path, quick: bool, each: Each[Any]) -> Result:
        """Measure, draw, and say what was found; write figures, table and text into a folder."""
        import matplotlib as mpl

        from dynlens import plot

        stem = self.id.lower().replace(".", "_")
        measured = self.measure(Lab(folder / f"{stem}-cases", quick, each))
        figures = []
        with mpl.rc_context(plot.STYLE):
            for ending, draw in self.pictures.items():
                figure = draw(measured)
                figures += [plot.save(figure, folder / f"{stem}{ending}.{k}") for k in KINDS]
        source = self.source.split(",")[0].split(";")[0]
        headline = f"{self.id}  {self.title}   [{source}]"
        text = "\n\n".join([headline, *self.text(measured)])
        table = tuple(self.table(measured))
        files = (
            write_atomically(folder / f"{stem}.csv", as_csv(table).encode()),
            write_atomically(folder / f"{stem}.txt", f"{text}\n".encode()),
        )
        return Result(self.id, self.title, table, text, tuple(figures), files)


KINDS = ("png", "pdf")


@dataclass(frozen=True, eq=False)
class Result:
    """What an experiment found.

    Parameters
    ----------
    id, title : str
    table : tuple of mappings
        One row each, with the same keys throughout.
    text : str
        The table and what it says, to be read.
    figures : tuple of Path
    files : tuple of Path
        The table as ``.csv`` and the text, beside the figures.
    seconds : float
    """

    id: str
    title: str
    table: tuple[Row, ...]
    text: str
    figures: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.text

    def rows(self, **where: Any) -> list[Row]:
        """Rows of the table whose columns have the given values."""
        return [row for row in self.table if all(row[k] == v for k, v in where.items())]


def as_csv(table: Sequence[Row]) -> str:
    """Comma-separated values, floats to full precision."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return stream.getvalue()
