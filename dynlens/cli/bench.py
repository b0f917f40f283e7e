"""What ``dynlens bench`` prints: a table for each problem, and the goals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from dynlens.bench.curves import ratio
from dynlens.bench.descent import Steps, measure_steps
from dynlens.bench.goals import DESCENT, table
from dynlens.bench.measure import PATIENCE, RTOLS, Measured, machine, measure
from dynlens.bench.peers import PEERS, missing
from dynlens.bench.problems import PROBLEMS

if TYPE_CHECKING:
    from rich.console import Console

QUICK_RTOLS, QUICK_PATIENCE = (1e-6, 1e-8), 3.0
HEADS = ("integrator", "rtol", "CPU ms", "gradients", "error", "time / gradients", "ratio")

Rows = Sequence[Sequence[str]]
Print = Callable[[str], None]
Tabulate = Callable[[Sequence[str], Rows], None]


def run(
    names: Sequence[str],
    *,
    quick: bool,
    rounds: int,
    error: float,
    figure: Path | None,
    cores: set[int],
    echo: Print,
    tabulate: Tabulate,
    stderr: Console,
) -> None:
    """Measure the problems of these names, printing each as it comes, then the goals.

    It is expected to run on one of the `cores`; what is measured on two of them takes two.
    """
    echo(f"machine: {machine()}")
    for line in missing(PEERS):
        echo(line)
    chosen = names or list(PROBLEMS)
    measured: list[Measured] = []
    steps: dict[str, Steps] = {}
    rtols, patience = (QUICK_RTOLS, QUICK_PATIENCE) if quick else (RTOLS, PATIENCE)
    for k, name in enumerate(chosen):
        with _watching(stderr, f"{k + 1}/{len(chosen)}  {name}") as watch:
            each = measure(
                PROBLEMS[name],
                rtols=rtols,
                rounds=rounds,
                patience=patience,
                cores=cores,
                watch=watch,
            )
            if name in DESCENT:
                watch("descent")
                steps[name] = measure_steps(PROBLEMS[name], rounds)
        measured.append(each)
        echo(f"\n{heading(each, error)}")
        tabulate(HEADS, rows(each, error))
        if name in steps:
            echo(_step_line(steps[name]))
    echo("\nmeasured against aimed at (ratios of the others' work to ours at equal error):")
    cells = [
        (text, *("" if cell is None else str(cell) for cell in row))
        for text, row in table(measured, steps)
    ]
    tabulate(("goal", *chosen), cells)
    if figure is not None:
        from dynlens.bench.figure import plot_work_precision
        from dynlens.plot.style import save

        echo(f"\nfigure: {save(plot_work_precision(measured), figure)}")


def heading(measured: Measured, error: float) -> str:
    """Return what a table is about."""
    bench = measured.bench
    return (
        f"{bench.name}: {bench.text}; t = {bench.t_end:g}, one gradient "
        f"{1e3 * measured.bare:.3g} us; ratio: time over that of {measured.curves[0].name}, "
        f"both to error {error:g} or the least above it that both reach"
    )


def rows(measured: Measured, error: float) -> Rows:
    """Return the table of one problem, a row for each run."""
    lines, ours = [], measured.curves[0]
    for curve in measured.curves:
        found = ratio(curve, ours, error)
        for k, point in enumerate(curve.points):
            share = measured.overhead(point)
            lines.append(
                (
                    "" if k else curve.name,
                    f"{point.rtol:.0e}",
                    f"{point.milliseconds:.3g}",
                    str(point.evaluations or "-"),
                    "failed" if isnan(point.error) else f"{point.error:.1e}",
                    "-" if isnan(share) else f"{share:.3g}",
                    "" if k or isnan(found.value) else _ratio(found.value, found.error, error),
                )
            )
    return lines


def _ratio(value: float, at: float, wanted: float) -> str:
    return f"{value:.3g}" + (f" (at {at:.0e})" if at > wanted else "")


def _step_line(steps: Steps) -> str:
    text = f"one step of gradient descent: {steps.ours:.3g} us"
    if isnan(steps.torch):
        return f"{text}; torch is left out: pip install torch"
    return f"{text}, in torch {steps.torch:.3g} us, ratio {steps.ratio:.3g}"


@contextmanager
def _watching(stderr: Console, title: str) -> Iterator[Callable[[str], None]]:
    """Show what is going on: a line that changes on a terminal, elsewhere one for the problem."""
    if not stderr.is_terminal:
        stderr.print(title, markup=False)
        yield lambda doing: None
        return
    with stderr.status(title) as status:
        yield lambda doing: status.update(f"{title}  {doing}")
