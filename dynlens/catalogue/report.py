"""Reports: a summary of verdicts as a table, and a folder with their texts and figures."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dynlens import __version__
from dynlens.support import validation
from dynlens.support.files import write_atomically
from dynlens.verdict import Status, Verdict

if TYPE_CHECKING:
    from rich.table import Table

    from dynlens.claims.theorem import Theorem

COLOURS = {
    Status.PROVED: "bold green",
    Status.SUPPORTED: "green",
    Status.REFUTED: "bold red",
    Status.UNDECIDED: "yellow",
    Status.NOT_APPLICABLE: "cyan",
}
COLUMNS = (
    *("id", "title", "status"),
    *("residual", "tolerance", "error", "horizon", "controls", "seconds"),
)
LEFT = 3  # the first columns are words, the others numbers


def summary_row(verdict: Verdict) -> tuple[str, ...]:
    """One verdict as the cells of the summary, in the order of `COLUMNS`."""
    return (
        verdict.id or "-",
        verdict.title or verdict.statement,
        str(verdict.status),
        _number(verdict.residual),
        _number(verdict.tolerance),
        _number(verdict.numerical_error),
        _horizon(verdict),
        _refuted([verdict]),
        f"{verdict.seconds:.1f}",
    )


def summary_table(verdicts: Iterable[Verdict], *, titles: bool = True) -> Table:
    """Return the summary as a coloured table; on a narrow terminal leave the titles out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    shown = [k for k, name in enumerate(COLUMNS) if titles or name != "title"]
    for k in shown:
        table.add_column(COLUMNS[k], justify="left" if k < LEFT else "right", no_wrap=k != 1)
    for verdict in verdicts:
        cells = [Text(cell) for cell in summary_row(verdict)]
        cells[2].stylize(COLOURS[verdict.status])
        cells[7].stylize("" if _all_refuted(verdict) else "bold red")
        table.add_row(*(cells[k] for k in shown))
    return table


def summary_text(verdicts: Iterable[Verdict]) -> str:
    """Return the summary as plain text, without the seconds, so that it is the same every time."""
    rows = [COLUMNS[:-1], *(summary_row(verdict)[:-1] for verdict in verdicts)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(_padded(row, widths)).rstrip() for row in rows)


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if k < LEFT else cell.rjust(width)
        for k, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def totals(verdicts: Iterable[Verdict]) -> str:
    """Count the statuses and the controls, in one line."""
    found = list(verdicts)
    count = Counter(verdict.status for verdict in found)
    parts = [f"{count[status]} {status}" for status in Status if count[status]]
    return f"{', '.join(parts) or 'nothing verified'}; controls refuted {_refuted(found)}"


def _refuted(verdicts: Iterable[Verdict]) -> str:
    controls = [control for verdict in verdicts for control in verdict.controls]
    return f"{sum(control.as_expected for control in controls)}/{len(controls)}"


def _all_refuted(verdict: Verdict) -> bool:
    return all(control.as_expected for control in verdict.controls)


def _horizon(verdict: Verdict) -> str:
    if verdict.horizon is None:
        return "-"
    short = verdict.t_end is not None and verdict.horizon < verdict.t_end
    return f"{verdict.horizon:.4g}" + (f" of {verdict.t_end:.4g}" if short else "")


def _number(value: float) -> str:
    return f"{value:.1e}" if np.isfinite(value) else "-"


# The folder --------------------------------------------------------------------------------------


def write_report(
    verdicts: Iterable[Verdict],
    directory: str | os.PathLike[str],
    *,
    figures: bool = True,
    pictures: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a folder with `index.md` and one figure per theorem.

    Parameters
    ----------
    verdicts : iterable of Verdict
    directory : path
        Made if it does not exist; files of an earlier report are replaced.
    figures : bool
        Whether to draw figures at all.
    pictures : mapping from id to bytes, optional
        Figures that exist already, as PNG files. Theorems of the catalogue that are not in it are
        measured again and drawn when it is not given.

    Returns
    -------
    Path
        Of ``index.md``. Its text is the same for the same verdicts, but for its last section.
    """
    found = list(verdicts)
    for verdict in found:
        validation.instance("verdicts", verdict, Verdict, "from `verify()`, say.")
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    if figures and found:
        drawn = _drawn(found) if pictures is None else dict(pictures)
        write_atomically(folder / "overview.png", _overview(found))
    for name, picture in drawn.items():
        write_atomically(folder / f"{_stem(name)}.png", picture)
    text = _index(found, drawn.keys(), overview=figures and bool(found))
    return write_atomically(folder / "index.md", text.encode())


def _drawn(verdicts: Sequence[Verdict]) -> dict[str, bytes]:
    from dynlens import catalogue

    known = {theorem.id: theorem for theorem in catalogue.theorems()}
    drawn = {v.id: picture(known[v.id], v) for v in verdicts if v.id in known}
    return {name: content for name, content in drawn.items() if content is not None}


def picture(theorem: Theorem, verdict: Verdict | None = None) -> bytes | None:
    """Draw the figure of a theorem as a PNG file; None if nothing about it is measured."""
    from dynlens import plot
    from dynlens.plot import evidence

    found = evidence.gather(theorem, verdict)
    return None if found is None else plot.image(plot.plot_verdict(found))


def _overview(verdicts: Sequence[Verdict]) -> bytes:
    from dynlens import plot

    return plot.image(plot.plot_controls(verdicts))


def _stem(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z.-]+", "_", name) or "theorem"


def _index(verdicts: Sequence[Verdict], drawn: Iterable[str], *, overview: bool) -> str:
    with_figure = set(drawn)
    parts = [
        "# Verdicts",
        f"dynlens {__version__}. {totals(verdicts)}.",
        "Residuals are relative; where a claim is an inequality, a negative residual is the margin "
        "kept. Nothing is decided beyond a theorem's horizon.",
        _markdown_table(verdicts),
    ]
    if overview:
        parts += [
            "## Theorems and their false variants",
            "![every theorem left of its tolerance, its controls right](overview.png)",
        ]
    for verdict in verdicts:
        parts += _section(verdict, verdict.id in with_figure)
    return "\n\n".join([*parts, "## Seconds", _seconds(verdicts)]) + "\n"


def _markdown_table(verdicts: Sequence[Verdict]) -> str:
    names = COLUMNS[:-1]
    rows = [names, tuple("---" if k < LEFT else "---:" for k in range(len(names)))]
    rows += [tuple(map(_escaped, summary_row(verdict)[:-1])) for verdict in verdicts]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _escaped(cell: str) -> str:
    return re.sub(r"([|*_<>`])", r"\\\1", cell)


def _section(verdict: Verdict, with_figure: bool) -> list[str]:
    parts = [f"## {_escaped(verdict.id)} {_escaped(verdict.title)}".rstrip()]
    if with_figure:
        parts.append(f"![residual and numerical error of {verdict.id}]({_stem(verdict.id)}.png)")
    parts.append(_fenced(str(verdict), "text"))
    if verdict.controls:
        lines = [f"* {_escaped(c.name)}: {c.status}{_size(c.residual)}" for c in verdict.controls]
        parts += ["Controls, false variants that must be refuted:", "\n".join(lines)]
    commands = [f"# {c.name}\n{c.reproduce}" for c in verdict.controls if c.reproduce]
    if commands:
        parts += [
            "<details><summary>Their counterexamples, to be pasted</summary>",
            _fenced("\n".join(commands), "python"),
            "</details>",
        ]
    return parts


def _size(residual: float) -> str:
    return f", residual {residual:.2g}" if np.isfinite(residual) else ""


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def _seconds(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "None."
    return "\n".join(f"* {v.id or v.statement}: {v.seconds:.1f}" for v in verdicts)
