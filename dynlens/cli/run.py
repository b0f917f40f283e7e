"""Theorems verified one after another, or side by side in processes of their own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

from dynlens import catalogue
from dynlens.claims.proof import Identities
from dynlens.claims.theorem import Theorem
from dynlens.cli.cpu import one_thread_each
from dynlens.verdict import ControlFinding, Status, Verdict

Watch = Callable[[str, str], None]  # called with a theorem's id and what is being done
ALGEBRA = 20  # a symbolic check takes about as long as this many numerical cases
LOOK = 0.1  # seconds between looks at what the processes tell


@dataclass(frozen=True)
class Job:
    """A theorem to be verified: its id, and the file it is stated in unless it is shipped."""

    id: str
    file: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job: its verdict, and a figure as a PNG file where there is one."""

    verdict: Verdict
    picture: bytes | None = None


def run(
    jobs: Sequence[Job], *, processes: int, figures: bool, watch: Watch
) -> contextlib.closing[Generator[Outcome, None, None]]:
    """Verify theorems, in any order.

    Parameters
    ----------
    jobs : sequence of Job
    processes : int
        How many work side by side; with one, or one job, everything happens in this process.
    figures : bool
        Whether to draw them as well, while the trajectories are at hand.
    watch : callable
        Told what is being done.

    Returns
    -------
    context manager
        Its iterator yields outcomes as they come. Leaving the context ends the processes,
        whatever they are at, so that an interrupted run stops at once.
    """
    side_by_side = min(processes, len(jobs))
    if side_by_side > 1:
        return contextlib.closing(_pooled(jobs, side_by_side, figures, watch))
    return contextlib.closing(perform(job, figures, watch) for job in jobs)


def perform(job: Job, figures: bool, watch: Watch) -> Outcome:
    """Verify one theorem, and draw it."""
    theorem = find(job)
    watch(job.id, theorem.title)
    verdict = attempt(theorem, partial(watch, job.id))
    drawn = figures and bool(verdict.parts)  # there are none if its code failed
    return Outcome(verdict, _picture(theorem, verdict) if drawn else None)


def find(job: Job) -> Theorem:
    """Fetch the theorem of a job."""
    if job.file is None:
        return catalogue.theorem(job.id)
    return {theorem.id: theorem for theorem in _from_file(job.file)}[job.id]


@lru_cache(maxsize=8)
def _from_file(path: str) -> tuple[Theorem, ...]:
    return catalogue.from_file(path)


def attempt(theorem: Theorem, tell: Callable[[str], None] = lambda text: None) -> Verdict:
    """Verify a theorem; if its own code fails, say so in a verdict that does not pass."""
    try:
        return theorem.verify(tell=tell)
    except Exception as error:  # whatever a theorem's functions raise, the others go on
        return broken(theorem, f"{type(error).__name__}: {error}")


def broken(theorem: Theorem, why: str) -> Verdict:
    """Return the verdict of a theorem that could not be checked: its controls are not refuted."""
    controls = tuple(ControlFinding(name, Status.UNDECIDED) for name in theorem.controls)
    statement = theorem.checks[0].claim.statement if theorem.checks else theorem.title
    found = Verdict(Status.UNDECIDED, statement, note=f"could not be checked: {why}")
    return replace(
        found, id=theorem.id, title=theorem.title, source=theorem.source, controls=controls
    )


def _picture(theorem: Theorem, verdict: Verdict) -> bytes | None:
    from dynlens.catalogue import report

    try:
        return report.picture(theorem, verdict)
    except Exception as error:  # a verdict is not lost for the want of its figure
        import warnings

        warnings.warn(f"no figure of {theorem.id}: {error}", RuntimeWarning, stacklevel=2)
        return None


# Side by side ------------------------------------------------------------------------------------


def _pooled(
    jobs: Sequence[Job], processes: int, figures: bool, watch: Watch
) -> Generator[Outcome, None, None]:
    context = multiprocessing.get_context("spawn")  # safe with threads, alike on all systems
    told = context.Queue()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, context, _begin, (told,))
    try:
        with _inherited_by_children():
            pending = {pool.submit(_work, job, figures): job for job in _longest_first(jobs)}
        while pending:
            done, _ = wait(pending, timeout=LOOK, return_when=FIRST_COMPLETED)
            _listen(told, watch)
            for future in done:
                yield _result(future, pending.pop(future))
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.terminate()
        raise
    finally:
        told.close()
        told.cancel_join_thread()
        pool.shutdown(cancel_futures=True)


def _result(future: Future[Outcome], job: Job) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # the process died, or its result could not be sent
        return Outcome(broken(find(job), f"{type(error).__name__}: {error}"))


def _longest_first(jobs: Sequence[Job]) -> list[Job]:
    """Begin with what takes longest, as far as can be told, so that no process is left waiting."""

    def work(job: Job) -> int:
        checks = (*find(job).checks, *find(job).controls.values())
        return sum(ALGEBRA if isinstance(c.claim, Identities) else len(c.cases) for c in checks)

    return sorted(jobs, key=work, reverse=True)


@contextlib.contextmanager
def _inherited_by_children() -> Iterator[None]:
    """Let processes started here ignore Ctrl-C, which is for their parent, and use one thread."""
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main else None
    try:
        with one_thread_each():
            yield
    finally:
        if in_main:
            signal.signal(signal.SIGINT, before)


_TOLD: Any = None  # in a worker, the queue to its parent


def _begin(told: Any) -> None:
    global _TOLD
    _TOLD = told
    told.cancel_join_thread()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    """Do not outlive a parent that was killed."""
    parent.join()
    os._exit(1)


def _work(job: Job, figures: bool) -> Outcome:
    return perform(job, figures, lambda name, text: _TOLD.put((name, text)))


def _listen(told: Any, watch: Watch) -> None:
    import queue

    with contextlib.suppress(queue.Empty):
        while True:
            watch(*told.get_nowait())
