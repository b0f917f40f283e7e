"""How an experiment computes: its lab, the runs that come back, and sweeps of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from dynlens.support.sweep import Sweep

T = TypeVar("T")
R = TypeVar("R")
Each = Callable[[Sequence[T]], Iterable[T]]  # passes jobs through, and may show how far they are
Engine = Callable[..., Iterable[Any]]


class Runs(tuple[R, ...]):
    """Runs of an experiment, picked by the values of their fields.

    Examples
    --------
    >>> runs = Runs([complex(1, 2), complex(1, 3)])
    >>> runs.one(imag=3)
    (1+3j)
    >>> runs.values("imag")
    [2.0, 3.0]
    """

    def where(self, **wanted: Any) -> Runs[R]:
        """Return the runs of which every named field has the given value."""
        return Runs(
            run for run in self if all(getattr(run, name) == x for name, x in wanted.items())
        )

    def one(self, **wanted: Any) -> R:
        """Return the one run of which every named field has the given value."""
        found = self.where(**wanted)
        if len(found) != 1:
            raise LookupError(f"{len(found)} of {len(self)} runs have {wanted}, not one.")
        return found[0]

    def values(self, name: str) -> list[Any]:
        """Values that a field has, each once, in increasing order."""
        return sorted({getattr(run, name) for run in self})

    def by(self, name: str) -> list[tuple[Any, Runs[R]]]:
        """Pairs of a value that a field has and the runs with it, values in increasing order."""
        return [(value, self.where(**{name: value})) for value in self.values(name)]


@dataclass(frozen=True)
class Lab:
    """What an experiment is given to compute with.

    Parameters
    ----------
    cases : Path
        Folder in which finished cases of sweeps are kept, and found again.
    quick : bool
        Whether a small version is wanted: fewer runs, not as far, in this process.
    each : callable
        Wrapped around a list of jobs, to show how many are done.
    """

    cases: Path
    quick: bool
    each: Each[Any]

    def sweep(self, kind: Callable[..., R], *sweeps: Sweep) -> Runs[R]:
        """Run sweeps; return one `kind` for each case, made of its axes and its results."""
        with engine(self.each, 1 if self.quick else None) as map_:
            found = [case for sweep in sweeps for case in results(sweep, self.cases, map_)]
        return Runs(kind(**case) for case in found)


@contextmanager
def engine(each: Each[Any], processes: int | None) -> Iterator[Engine]:
    """A `map` for sweeps over local processes, one per core unless told; `each` shows progress."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    wanted = processes or cores or 1
    if wanted == 1:
        yield lambda work, jobs: (work(job) for job in each(jobs))
        return
    with ProcessPoolExecutor(wanted, mp_context=get_context("spawn")) as pool:

        def spread(work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[Any]:
            for future in each([pool.submit(work, job) for job in jobs]):
                yield future.result()

        yield spread


def results(sweep: Sweep, folder: Path, map_: Engine) -> list[dict[str, Any]]:
    """Run a sweep; return each case with its results, numbers or arrays, in order of the grid."""
    data = sweep.run(folder, map=map_)
    return [
        {**case, **{str(name): _plain(data[name].sel(case).to_numpy()) for name in data}}
        for case in sweep.cases()
    ]


def _plain(values: Any) -> Any:
    return values if values.ndim else values.item()
