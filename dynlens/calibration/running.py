"""Many claims judged side by side, each finished block kept."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

from dynlens.calibration.drawing import KINDS
from dynlens.calibration.judging import FAILED, Judged, judge
from dynlens.calibration.kinds import algebra as _algebra  # the package registers all kinds
from dynlens.calibration.pasting import pasted
from dynlens.calibration.tally import Tally
from dynlens.support import validation
from dynlens.support.cache_folder import cache_directory
from dynlens.support.files import write_atomically
from dynlens.support.progress import tracked
from dynlens.support.run_cache import fingerprint

BLOCK = 10  # claims judged and kept at a time
assert _algebra


@dataclass(frozen=True)
class Block:
    """Some claims of one kind and truth, by number."""

    seed: int
    kind: str
    true: bool
    numbers: tuple[int, ...]

    @property
    def path(self) -> Path:
        """Where its results are kept, under a name that changes with the package's source."""
        span = f"{self.numbers[0]}-{self.numbers[-1]}"
        name = f"{self.kind.replace(' ', '-')}-{self.true}-{self.seed}-{span}.json"
        return cache_directory() / "calibration" / fingerprint()[:16] / name


def blocks(seed: int, count: int, names: Sequence[str]) -> list[Block]:
    """Return the blocks of about `count` true and as many false claims, evenly over the kinds."""
    each = -(-count // len(names))
    spans = [tuple(range(k, min(k + BLOCK, each))) for k in range(0, each, BLOCK)]
    return [
        Block(seed, name, true, span) for span in spans for name in names for true in (True, False)
    ]


def calibrate(
    *,
    seed: int = 0,
    count: int = 1000,
    kinds: Sequence[str] = (),
    processes: int = 1,
    paste: bool = True,
    keep: bool = True,
    progress: bool = False,
) -> Tally:
    """Judge claims of known truth.

    Parameters
    ----------
    seed : int
    count : int
        Number of true claims, and of false ones; rounded up to a multiple of that of kinds.
    kinds : sequence of str
        Names of kinds; all if empty.
    processes : int
        How many judge side by side; with one, everything happens in this process.
    paste : bool
        Whether to paste the lines of refuted claims into processes of their own.
    keep : bool
        Whether to keep finished blocks in the cache folder, and to read those that are there.
    progress : bool
        Whether to show a bar.
    """
    names = [validation.one_of("kinds", name, tuple(KINDS)) for name in kinds or KINDS]
    todo = blocks(validation.seed_of(seed), validation.count("count", count), names)
    engine = _side_by_side(todo, processes, keep) if processes > 1 else _in_turn(todo, keep)
    found: list[Judged] = []
    for block in tracked(engine, len(todo), "claims", "block", shown=progress):
        found += block
    if paste:
        found = list(pasted(found, processes))
    return Tally.of(found)


def finished(seed: int, count: int, kinds: Sequence[str] = ()) -> Tally:
    """Return what an interrupted calibration has kept."""
    there = [b for b in blocks(seed, count, list(kinds or KINDS)) if b.path.exists()]
    return Tally.of(j for block in there for j in _read(block.path))


def judged(block: Block, keep: bool) -> list[Judged]:
    """Judge the claims of a block, or read what was found."""
    if keep and block.path.exists():
        return _read(block.path)
    rule = KINDS[block.kind]
    found = [judge(rule, block.seed, block.true, number) for number in block.numbers]
    if keep and all(one.status != FAILED for one in found):
        block.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(block.path, json.dumps([j.as_dict() for j in found]).encode())
    return found


def _read(path: Path) -> list[Judged]:
    return [Judged.of(plain) for plain in json.loads(path.read_text(encoding="utf-8"))]


def _in_turn(todo: list[Block], keep: bool) -> Iterator[list[Judged]]:
    with _listening() as heard:
        for block in todo:
            found = judged(block, keep)
            if heard:
                raise KeyboardInterrupt
            yield found


@contextmanager
def _listening() -> Iterator[list[int]]:
    """Note every Ctrl-C: a compiler that it interrupts may end in an error of its own."""
    heard: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        signal.default_int_handler(number, frame)

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, note) if in_main else None
    try:
        yield heard
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)


def _side_by_side(todo: list[Block], processes: int, keep: bool) -> Iterator[list[Judged]]:
    count = validation.count("processes", processes)
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_begin) as pool:
        try:
            for future in as_completed([pool.submit(judged, block, keep) for block in todo]):
                yield future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _begin() -> None:
    """Integrate every path here: a run that was kept tells nothing of the time it took."""
    os.environ["DYNLENS_FRESH"] = "1"
