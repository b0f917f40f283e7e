"""What is going on, on standard error: a live board on a terminal, elsewhere a line per theorem."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dynlens.verdict import Verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

WIDEST = 60  # characters of what a theorem is at


class Board:
    """Counts what is finished; without a `Progress` it prints a line for each."""

    def __init__(self, console: Console, total: int, live: Progress | None) -> None:
        self.console, self.total, self.live = console, total, live
        self.done = 0
        self.rows: dict[str, TaskID] = {}
        if live is not None:
            self.whole = live.add_task("theorems", total=total, count=f"0/{total}", doing="")

    def watch(self, id: str, doing: str) -> None:
        """Tell what a theorem is at."""
        if self.live is None:
            return
        if id not in self.rows:
            self.rows[id] = self.live.add_task(id, total=None, count="", doing="")
        text = doing if len(doing) <= WIDEST else f"{doing[: WIDEST - 1]}…"
        self.live.update(self.rows[id], doing=text)

    def finish(self, verdict: Verdict) -> None:
        """Tell that a theorem is finished."""
        self.done += 1
        if self.live is not None:
            self.live.update(self.whole, advance=1, count=f"{self.done}/{self.total}")
            if verdict.id in self.rows:
                self.live.remove_task(self.rows.pop(verdict.id))
            return
        line = f"{self.done}/{self.total}  {verdict.id}  {verdict.status}  {verdict.seconds:.1f} s"
        self.console.print(line, markup=False)


@contextmanager
def progress(console: Console, total: int) -> Iterator[Board]:
    """Show progress while the block runs."""
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    if not console.is_terminal:
        yield Board(console, total, None)
        return
    columns = (
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[doing]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as live:
        yield Board(console, total, live)
