"""Integrators of many starts at once: ours, and those of heyoka and diffrax."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from functools import partial
from typing import Any

import numpy as np

from dynlens.bench.foreign import by_diffrax
from dynlens.bench.peers import Peer, Solve
from dynlens.bench.portable import portable_field
from dynlens.dynamics.batches import gradient_flow_batch
from dynlens.dynamics.flow import gradient_flow
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

JUDGED = 16  # starts whose last states are compared with the reference
TURNS = 21  # of one core and two
WIDTH = 8  # of heyoka's batches, as many numbers as a vector has


def reference(problem: Problem, starts: Array, t_end: float) -> Array:
    """Last states of the starts that are judged, by SciPy, much tighter."""
    options: dict[str, Any] = {"method": "DOP853", "rtol": 3e-14, "atol": 1e-16, "saves": 2}
    return np.array(
        [
            gradient_flow(problem, start, t_end, strict=True, **options).final
            for start in starts[:JUDGED]
        ]
    )


def _ours(method: str, problem: Problem, starts: Array) -> Solve:
    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, None]:
        batch = gradient_flow_batch(
            problem, starts, t_end, method=method, rtol=rtol, atol=atol, saves=2, threads=1
        )
        return np.array([run.final for run in batch.runs[:JUDGED]]), None

    return solve


def speedup(problem: Problem, starts: Array, t_end: float, cores: Collection[int]) -> float:
    """How many times faster two cores are than one, by the clock: the median of some turns."""
    if len(cores) < 2:
        return float("nan")
    before = os.sched_getaffinity(0)

    def seconds(threads: int) -> float:
        os.sched_setaffinity(0, sorted(cores)[-threads:])
        began = time.perf_counter()
        gradient_flow_batch(problem, starts, t_end, method="DOP8", saves=2, threads=threads)
        return time.perf_counter() - began

    try:
        turns = [[seconds(1), seconds(2), seconds(1)] for _ in range(TURNS)]
    finally:
        os.sched_setaffinity(0, before)
    return float(np.median([(a + b) / 2 / both for a, both, b in turns]))


def _heyoka(problem: Problem, starts: Array) -> Solve:
    import heyoka as hy

    names = np.empty(problem.model.parameters, dtype=object)
    names[:] = [hy.make_vars(f"x{i}") for i in range(problem.model.parameters)]
    field = portable_field(problem, lambda a: a, np.concatenate)(names)
    system = list(zip(names, field, strict=True))
    made: dict[float, Any] = {}

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, None]:
        if rtol not in made:
            first = np.ascontiguousarray(starts[:WIDTH].T)
            made[rtol] = hy.taylor_adaptive_batch(system, first, tol=rtol)
        loop, finals = made[rtol], np.empty_like(starts)
        for k in range(0, len(starts), WIDTH):
            loop.set_time(0.0)
            loop.state[:] = starts[k : k + WIDTH].T
            loop.propagate_until(t_end)
            finals[k : k + WIDTH] = loop.state.T
        return finals[:JUDGED], None

    return solve


def _diffrax(problem: Problem, starts: Array) -> Solve:
    jax, one = by_diffrax(problem)
    run = jax.jit(jax.vmap(one, in_axes=(0, None, None, None)))
    begins = jax.numpy.asarray(starts)

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, None]:
        return np.asarray(run(begins, t_end, rtol, atol)[0])[:JUDGED], None

    return solve


MANY_PEERS = (
    Peer("dynlens DOP8 batch", partial(_ours, "DOP8")),
    Peer("dynlens auto batch", partial(_ours, "auto")),
    Peer("heyoka batch", _heyoka, packages=("heyoka",)),
    Peer("diffrax Tsit5 vmap", _diffrax, packages=("diffrax", "jax")),
)
