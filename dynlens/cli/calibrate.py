"""What ``dynlens calibrate`` prints, and the page that it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dynlens.calibration import calibrate
from dynlens.calibration.report import HEADS, Section, matrix, page, rows, summary
from dynlens.calibration.running import finished
from dynlens.calibration.tally import STATUSES, Tally
from dynlens.support.files import write_atomically

Print = Callable[[str], None]
Tabulate = Callable[[Sequence[str], Sequence[Sequence[str]]], None]


def run(
    kinds: Sequence[str],
    *,
    seed: int,
    count: int,
    fresh: tuple[int, ...],
    processes: int,
    output: Path | None,
    progress: bool,
    echo: Print,
    tabulate: Tabulate,
) -> bool:
    """Calibrate, print what was found, and write it; return whether every aim was met."""
    sections = []
    for title, each, number in (
        ("Claims", seed, count),
        *(("A hundred fresh ones of each", other, 100) for other in fresh),
    ):
        found = calibrate(
            seed=each, count=number, kinds=kinds, processes=processes, progress=progress
        )
        sections.append(Section(title, found, each))
        tell(found, echo, tabulate)
    if output is not None:
        write_atomically(output, page(sections).encode())
        echo(f"\npage: {output}")
    return not any(section.tally.faults for section in sections)


def tell(tally: Tally, echo: Print, tabulate: Tabulate) -> None:
    """Print the tables, and in full what the judge was wrong about."""
    tabulate(("", *map(str, STATUSES)), matrix(tally))
    tabulate(HEADS, rows(tally))
    for judged in tally.wrong:
        truth = "true" if judged.true else f"false, planted {judged.planted:.2g}"
        echo(f"\nWRONG: {judged.kind} {judged.number}, which is {truth}\n{judged.text}")
    for judged in tally.judged:
        if judged.pasted is False:
            echo(f"\nPASTED, prints something else: {judged.kind} {judged.number}\n{judged.line}")
    echo(f"\n{summary(tally)}")
    for fault in tally.faults:
        echo(f"missed: {fault}")


def tell_finished(
    kinds: Sequence[str], seed: int, count: int, echo: Print, tabulate: Tabulate
) -> None:
    """After an interruption, print what there is; it is kept, and need not be judged again."""
    tell(finished(seed, count, kinds), echo, tabulate)
    echo("interrupted; the same command goes on from here")
