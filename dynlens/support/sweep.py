"""Sweeps: a pure function mapped over a labelled grid of plain-data cases.

Engines are borrowed: anything that behaves like the built-in `map` will do. Each finished case is
written to its own file, atomically and under a name made of its content, by whoever computed it; a
killed sweep therefore loses no finished case, and running it again computes only the rest.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.support import validation
from dynlens.support.files import write_atomically
from dynlens.support.progress import tracked

if TYPE_CHECKING:
    import xarray as xr

Case = dict[str, Any]
Outcome = Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """A grid of cases and the function that turns a case into numbers.

    Parameters
    ----------
    function : callable
        ``function(**case) -> mapping`` from names to numbers or nested lists of equal shape for
        every case. Pure, and defined at the top level of a module, so that processes can import it.
    grid : mapping from str to sequence
        The values along each axis: numbers, strings or booleans. Cases are all combinations.
    version : str
        Changed when the function's meaning changes; results of another version are not reused.

    Examples
    --------
    >>> sweep = Sweep(pow, {"base": [2, 3], "exp": [1, 2]})
    >>> list(sweep.cases())[-1]
    {'base': 3, 'exp': 2}
    """

    function: Callable[..., Any]
    grid: Mapping[str, Sequence[Any]]
    version: str = "1"

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise TypeError(f"`function` must be callable, got {self.function!r:.80}.")
        if not self.grid:
            raise ValueError("`grid` is empty; name at least one axis with its values.")
        for axis, values in self.grid.items():
            if isinstance(values, str) or not len(list(values)):
                raise ValueError(f"`grid[{axis!r}]` must be a non-empty sequence, got {values!r}.")
            if len(set(values)) < len(values):
                raise ValueError(f"`grid[{axis!r}]` repeats a value; list each one once.")

    def cases(self) -> Iterator[Case]:
        """All cases, the last axis fastest."""
        for values in itertools.product(*self.grid.values()):
            yield dict(zip(self.grid, values, strict=True))

    def key(self, case: Case) -> str:
        """Name of a case's file: a hash of the function's name, the version and the case."""
        name = f"{self.function.__module__}.{self.function.__qualname__}"
        text = json.dumps([name, self.version, case], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    def finished(self, folder: str | os.PathLike[str]) -> list[Case]:
        """Cases whose results lie in `folder`."""
        return [case for case in self.cases() if (Path(folder) / f"{self.key(case)}.json").exists()]

    def run(
        self,
        folder: str | os.PathLike[str],
        *,
        processes: int | None = None,
        map: Callable[..., Iterable[Any]] | None = None,
        progress: bool = False,
    ) -> xr.Dataset:
        """Compute what is not in `folder` yet, and return everything as labelled arrays.

        Parameters
        ----------
        folder : path
            Where results are kept, one file per case; created if missing.
        processes : int, optional
            Local processes; by default one per core that may be used.
        map : callable, optional
            Something that behaves like the built-in `map`, such as an executor's, to be used
            instead of local processes.
        progress : bool
            Show a progress bar over cases.

        Returns
        -------
        xarray.Dataset
            One variable per name the function returned, with the grid's axes as dims. The same bits
            whether or not the sweep was interrupted.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        done = {self.key(case) for case in self.finished(place)}
        todo = [case for case in self.cases() if self.key(case) not in done]
        work = partial(_finish, self.function, place)
        jobs = [(self.key(case), case) for case in todo]
        finished = self._engine(work, jobs, processes, map)
        for _ in tracked(finished, len(jobs), "cases", "case", shown=progress):
            pass
        return self.collect(place)

    def _engine(
        self,
        work: Callable[[tuple[str, Case]], str],
        jobs: list[tuple[str, Case]],
        processes: int | None,
        map_: Callable[..., Iterable[Any]] | None,
    ) -> Iterator[Any]:
        if map_ is not None:
            yield from map_(work, jobs)
            return
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        wanted = validation.count("processes", cores or 1 if processes is None else processes)
        if wanted == 1 or len(jobs) <= 1:
            yield from (work(job) for job in jobs)
            return
        with ProcessPoolExecutor(min(wanted, len(jobs)), mp_context=get_context("spawn")) as pool:
            for future in as_completed([pool.submit(work, job) for job in jobs]):
                yield future.result()

    def collect(self, folder: str | os.PathLike[str]) -> xr.Dataset:
        """Assemble the results in `folder`; cases not there yet are NaN."""
        import xarray as xr

        found = {}
        for index, case in zip(np.ndindex(*self._shape), self.cases(), strict=True):
            path = Path(folder) / f"{self.key(case)}.json"
            if path.exists():
                found[index] = json.loads(path.read_text(encoding="utf-8"))["result"]
        variables: dict[str, Any] = {}
        for name in sorted({name for result in found.values() for name in result}):
            inner = next(np.shape(r[name]) for r in found.values() if name in r)
            values = np.full((*self._shape, *inner), np.nan)
            for index, result in found.items():
                values[index] = result.get(name, np.nan)
            dims = (*self.grid, *(f"{name}_{k}" for k in range(len(inner))))
            variables[name] = (dims, values)
        return xr.Dataset(variables, {axis: list(values) for axis, values in self.grid.items()})

    @property
    def _shape(self) -> tuple[int, ...]:
        return tuple(len(values) for values in self.grid.values())


def _finish(function: Callable[..., Outcome], folder: Path, job: tuple[str, Case]) -> str:
    """Compute one case and write it; what a process does."""
    key, case = job
    result = {name: np.asarray(value).tolist() for name, value in function(**case).items()}
    clash = sorted(set(result) & set(case))
    if clash:
        raise ValueError(f"`function` returns {clash[0]!r}, which is an axis; call it otherwise.")
    text = json.dumps({"case": case, "result": result}, sort_keys=True)
    write_atomically(folder / f"{key}.json", text.encode())
    return key
