"""Lines that reproduce verdicts, pasted into a process in which nothing else has happened."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from dynlens.calibration.judging import Judged

BATCH = 60  # lines to a process


def paste(lines: Sequence[str]) -> list[str]:
    """Run each line with names of its own; return what it printed, or raised."""
    return [_printed(line) for line in lines]


def _printed(line: str) -> str:
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told):
            exec(line, {"__name__": "__main__"})
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return told.getvalue().removesuffix("\n")


def pasted(judged: Sequence[Judged], processes: int) -> Iterator[Judged]:
    """Paste the lines of the false claims that were refuted; pass all others on as they are."""
    chosen = [j for j in judged if not j.true and j.refuted and j.line]
    yield from (j for j in judged if j not in chosen)
    batches = [chosen[k : k + BATCH] for k in range(0, len(chosen), BATCH)]
    if not batches:
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, max_tasks_per_child=1) as pool:
        texts = pool.map(paste, [[j.line for j in batch] for batch in batches])
        for batch, printed in zip(batches, texts, strict=True):
            for j, text in zip(batch, printed, strict=True):
                yield replace(j, pasted=text == j.text)
