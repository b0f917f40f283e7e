"""Throughput of gradient descent on a torch device, and what the device could do at most."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.bench.measure import repeated
from dynlens.bench.problems import Bench
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.on_torch.loop import Loop, Place, prepared
from dynlens.dynamics.on_torch.problem import load_torch
from dynlens.dynamics.on_torch.work import Work, work_of
from dynlens.problems.problem import Problem

ETA = 1e-3  # stable everywhere; the time of a step does not depend on it


@dataclass(frozen=True)
class Clock:
    """Seconds on a device: of the processor on a CPU, of the wall on CUDA once it is done."""

    place: Place
    least: float

    def __call__(self, work: Callable[[int], Any]) -> float:
        """Seconds of one repetition, ``work(count)`` doing so many."""
        work(1)  # records graphs, fills caches
        count, seconds = 1, self._timed(work, 1)
        while seconds < self.least:
            count *= 2
            seconds = self._timed(work, count)
        return min(seconds, self._timed(work, count)) / count

    def _timed(self, work: Callable[[int], Any], count: int) -> float:
        cuda = self.place.device.type == "cuda"
        now = time.perf_counter if cuda else time.process_time
        wait = load_torch().cuda.synchronize if cuda else (lambda: None)
        wait()
        began = now()
        work(count)
        wait()
        return now() - began


@dataclass(frozen=True)
class Roof:
    """Bytes and operations per second: of a large copy, and of a large matrix product."""

    bytes: float
    flops: float


def roof(clock: Clock, size: int) -> Roof:
    """Measure both, on arrays of `size` by `size` numbers."""
    torch, place = load_torch(), clock.place
    a = torch.ones((size, size), dtype=place.dtype, device=place.device)
    b, c = a.clone(), a.clone()
    copied = clock(lambda count: [b.copy_(a) for _ in range(count)])
    multiplied = clock(lambda count: [torch.matmul(a, a, out=c) for _ in range(count)])
    return Roof(2 * a.numel() * a.element_size() / copied, 2.0 * size**3 / multiplied)


@dataclass(frozen=True)
class Throughput:
    """Gradient steps times runs per second, of one problem.

    Attributes
    ----------
    batch : int
        Runs at once, where more of them no longer pay.
    ours, autograd, alone : float
        Of our loop, of one with automatic differentiation over as many runs, and of our loop over
        one run.
    numba : float
        Of the compiled loop, on one core of the CPU.
    work : Work
        Of one step of one run.
    """

    name: str
    batch: int
    ours: float
    autograd: float
    alone: float
    numba: float
    work: Work


def throughput(bench: Bench, clock: Clock, largest: int) -> Throughput:
    """Measure, with batches of four times as many runs as long as that gains a tenth."""
    problem, _ = bench.make()
    there = prepared(problem, clock.place)
    batch, alone = 1, 1 / clock(_ours(problem, there, clock.place, 1).advance)
    best, count = alone, 4
    while count <= largest:
        rate = count / clock(_ours(problem, there, clock.place, count).advance)
        if rate < 1.1 * best:
            break
        best, batch, count = rate, count, 4 * count
    with load_torch().inference_mode(False):
        autograd = batch / clock(autograd_loop(problem, there, clock.place, batch))
    start = problem.probe * 0.1
    numba = repeated(
        lambda count: gradient_descent(problem, start, eta=ETA, steps=count, saves=2), 2
    )
    # Of a loop outside of the inference mode, as `work_of` demands.
    with load_torch().inference_mode(False):
        total = work_of(_ours(problem, there, clock.place, batch).step)
    work = Work(total.bytes / batch, total.flops / batch)
    return Throughput(bench.name, batch, best, autograd, alone, 1 / numba, work)


def _starts(problem: Problem, count: int) -> Any:
    return np.stack([problem.init(0.05, kind="gaussian", seed=seed) for seed in range(count)])


def _ours(problem: Problem, there: Problem, place: Place, count: int) -> Loop:
    starts = _starts(problem, count)
    return place.loop(there, starts, ETA, -np.inf, np.zeros((count, 0)), "plain")


def autograd_loop(
    problem: Problem, there: Problem, place: Place, count: int
) -> Callable[[int], Any]:
    """Return the loop that papers write, over many runs: SGD by automatic differentiation."""
    torch = load_torch()
    seen = problem.observations
    target, mask = (
        torch.tensor(seen.adjoint(values), dtype=place.dtype, device=place.device)
        for values in (seen.data, np.ones(seen.count))
    )
    starts = torch.tensor(_starts(problem, count), dtype=place.dtype, device=place.device)
    parts: Any = there.model.unravel(starts)
    factors = [part.clone().requires_grad_() for part in parts]
    optimizer = torch.optim.SGD(factors, lr=ETA)

    def loop(steps: int) -> Any:
        for _ in range(steps):
            optimizer.zero_grad()
            gap = mask * (there.model.end_to_end(tuple(factors)) - target)
            (0.5 * (gap * gap).sum()).backward()
            optimizer.step()
        return torch.cat([part.detach().reshape(count, -1) for part in factors], dim=-1)

    return loop
