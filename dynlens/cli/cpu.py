"""One core and one thread for what is timed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let libraries that are loaded from here on use one thread, unless told otherwise."""
    unset = [name for name in THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(unset, "1"))
    try:
        yield
    finally:
        for name in unset:
            del os.environ[name]


@contextmanager
def one_core() -> Iterator[set[int]]:
    """Stay on one core, where the system allows to ask for that; yield all that there were."""
    if not hasattr(os, "sched_setaffinity"):
        yield set()
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield cores
    finally:
        os.sched_setaffinity(0, cores)
