"""What an experiment is, and what it leaves behind."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Each = Callable[[Sequence[T]], Iterable[T]]  # passes jobs through, and may show how far they are


@dataclass(frozen=True)
class Experiment:
    """An experiment of a paper that can be repeated.

    Parameters
    ----------
    id, title : str
    source : str
        A key of ``references.bib``, and what part.
    run : callable
        ``run(folder, quick, each) -> Result``: writes figures and tables into the folder. `quick`
        asks for a small version of the same, `each` is wrapped around the list of jobs.
    """

    id: str
    title: str
    source: str
    run: Callable[[Path, bool, Each[Any]], Result]


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
    table: tuple[Mapping[str, Any], ...]
    text: str
    figures: tuple[Path, ...]
    files: tuple[Path, ...] = ()
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.text

    def rows(self, **where: Any) -> list[Mapping[str, Any]]:
        """Rows of the table whose columns have the given values."""
        return [row for row in self.table if all(row[k] == v for k, v in where.items())]


def leave(
    experiment: Experiment,
    folder: Path,
    table: Sequence[Mapping[str, Any]],
    parts: Iterable[str],
    pictures: Mapping[str, Callable[[], Any]],
) -> Result:
    """Write the figures, the table and the text under a headline, and return them.

    `pictures` draws a figure for each ending of a file's name, such as ``""`` or ``"_width"``.
    """
    import matplotlib as mpl

    from dynlens import plot

    stem = experiment.id.lower().replace(".", "_")
    figures = []
    with mpl.rc_context(plot.STYLE):
        for ending, draw in pictures.items():
            figure = draw()
            figures += [plot.save(figure, folder / f"{stem}{ending}.{k}") for k in ("png", "pdf")]
    source = experiment.source.split(",")[0].split(";")[0]
    headline = f"{experiment.id}  {experiment.title}   [{source}]"
    text = "\n\n".join([headline, *parts])
    files = (
        write(folder / f"{stem}.csv", as_csv(table)),
        write(folder / f"{stem}.txt", text + "\n"),
    )
    return Result(experiment.id, experiment.title, tuple(table), text, tuple(figures), files)


def write(path: Path, text: str) -> Path:
    """Write a text file, atomically."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def as_csv(table: Sequence[Mapping[str, Any]]) -> str:
    """Comma-separated values, floats to full precision."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return stream.getvalue()
