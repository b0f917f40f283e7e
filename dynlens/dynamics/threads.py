"""Many independent runs in a few threads, for compiled code that lets go of the interpreter."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from dynlens.support import validation
from dynlens.support.progress import Progress

POLL = 0.1  # seconds between looks at the progress and at interrupts


def thread_count(threads: int | None) -> int:
    """Check the number of threads asked for; by default one per core that may be used."""
    if threads is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    return validation.count("threads", threads)


class Queue:
    """The numbers of the runs, each given to one of the threads that iterate."""

    def __init__(self, count: int) -> None:
        self._waiting, self._over, self._stopped = deque(range(count)), deque[int](), False

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        try:
            return self._waiting.popleft()  # a deque needs no lock
        except IndexError:
            raise StopIteration from None

    def __len__(self) -> int:
        return len(self._waiting)

    def finish(self, count: int = 1) -> None:
        """Tell that so many runs are over."""
        self._over.append(count)

    @property
    def finished(self) -> int:
        """How many runs are over."""
        return sum(self._over)

    def stop(self) -> None:
        """Give out no more numbers, and have the runs that are going on end soon."""
        self._stopped = True
        self._waiting.clear()

    def stopped(self) -> bool:
        """Whether the threads are to return as soon as they can."""
        return self._stopped


def share_out(work: Callable[[Queue], None], count: int, threads: int, title: str = "") -> None:
    """Call ``work(queue)`` in each thread until all return; what one raises is raised.

    Parameters
    ----------
    work : callable
        Takes numbers from the queue, and returns soon after the queue is `stopped`.
    count, threads : int
    title : str
        Of a progress bar; empty for none.
    """
    queue, sharers = Queue(count), min(threads, count)
    if sharers <= 1 and not title:
        return work(queue)
    progress = Progress(count, title, "run", shown=bool(title))
    with ThreadPoolExecutor(max(sharers, 1)) as pool:
        # From here on an interrupt ends the threads, at whatever moment it comes: one that came
        # before the queue could be stopped would leave the pool waiting for them for ever.
        try:
            pending = {pool.submit(work, queue) for _ in range(sharers)}
            while pending:
                over, pending = wait(pending, POLL, FIRST_EXCEPTION)
                for future in over:
                    future.result()
                progress.reach(queue.finished)
        finally:
            queue.stop()  # an interrupt, or an error in one of them, ends all of them
            progress.close()
