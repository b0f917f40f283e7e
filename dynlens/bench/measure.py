"""Time and error of every integrator on one problem, at several tolerances."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.bench.curves import Curve, Point
from dynlens.bench.many import MANY_PEERS, reference, speedup
from dynlens.bench.peers import PEERS, Peer, Solve
from dynlens.bench.problems import Bench
from dynlens.dynamics.flow import gradient_flow
from dynlens.kernels.sources import linked, source_of
from dynlens.problems.problem import Problem
from dynlens.stepping.fields import field_data, pasted
from dynlens.support.typing import Array

RTOLS = (1e-4, 1e-6, 1e-8, 1e-10)
PATIENCE = 20.0  # seconds for one solver on one problem, after which it takes no further turn
ATOL = 1e-2  # times the relative tolerance
ENOUGH = 0.02  # seconds, up to which work is repeated: alone it would be timed with cold caches

PACKAGES = ("numpy", "scipy", "numba", "CyRK", "heyoka", "diffrax", "jax", "torch", "torchdiffeq")
Watch = Callable[[str], Any]


@dataclass(frozen=True)
class Measured:
    """What was measured on one problem.

    Parameters
    ----------
    bench : Bench
    curves : tuple of Curve
        One for each solver.
    bare : float
        Milliseconds of one gradient, called from a compiled loop.
    speedup : float
        Of a batch on two cores; NaN where it was not measured.
    """

    bench: Bench
    curves: tuple[Curve, ...]
    bare: float
    speedup: float = np.nan

    def curve(self, name: str) -> Curve | None:
        """Return the curve of a solver, if it took part."""
        return next((curve for curve in self.curves if curve.name == name), None)

    def overhead(self, point: Point) -> float:
        """Time divided by that of the gradients alone; NaN where their number is not known."""
        return point.milliseconds / (point.evaluations * self.bare) if point.evaluations else np.nan


def measure(
    bench: Bench,
    *,
    rtols: Sequence[float] = RTOLS,
    rounds: int = 3,
    patience: float = PATIENCE,
    peers: Sequence[Peer] | None = None,
    cores: Collection[int] = (),
    watch: Watch = lambda doing: None,
) -> Measured:
    """Measure every integrator that is installed and not hopeless, in turns.

    The time of a run is the smallest of `rounds` turns, between which all others have theirs, so
    that a machine that is slow for a while is slow for everyone. `cores` are all that may be used,
    for what is measured on two of them. `watch` is told what is going on.
    """
    problem, theta0 = bench.make()
    chosen = [
        peer
        for peer in (peers or (MANY_PEERS if bench.many else PEERS))
        if not peer.absent
        and not (peer.explicit and bench.stiff)
        and problem.model.parameters <= peer.largest
    ]
    watch("reference")
    exact = _reference(bench, problem, theta0)
    solvers: dict[str, Solve] = {}
    for peer in chosen:
        watch(f"{peer.name}: preparing")
        solvers[peer.name] = peer.prepare(problem, theta0)
    spent = {peer.name: 0.0 for peer in chosen}
    times: dict[tuple[str, float], float] = {}
    answers: dict[tuple[str, float], tuple[float, int | None]] = {}
    for turn in range(rounds + 1):
        for peer in chosen:
            for rtol in rtols:
                if turn == 0 and not peer.compiles:
                    continue  # nothing to warm up
                key = (peer.name, rtol)
                if spent[peer.name] > patience:
                    continue
                watch(f"{peer.name} at {rtol:g}" + (f", turn {turn}" if turn else ""))
                work = partial(solvers[peer.name], bench.t_end, rtol, ATOL * rtol)
                seconds, (final, count) = _timed(work)
                if key not in answers:
                    answers[key] = (_distance(final, exact), count)
                if turn:
                    spent[peer.name] += seconds
                    times[key] = min(times.get(key, np.inf), seconds)
    watch("bare gradient")
    curves = [
        Curve(
            peer.name,
            tuple(
                Point(rtol, answers[key][0], 1e3 * times[key], answers[key][1])
                for rtol in rtols
                if (key := (peer.name, rtol)) in times
            ),
        )
        for peer in chosen
    ]
    start = theta0[0] if bench.many else theta0
    bare = 1e3 * bare_gradient(problem, start, rounds)
    if not bench.many:
        return Measured(bench, tuple(curves), bare)
    watch("two cores")
    return Measured(bench, tuple(curves), bare, speedup(problem, theta0, bench.t_end, cores))


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of the processor and the answer; short work is repeated, and the mean is taken."""
    began, count = time.process_time(), 0
    while True:
        answer, count = work(), count + 1
        seconds = time.process_time() - began
        if seconds > ENOUGH:
            return seconds / count, answer


def _distance(final: Array, exact: Array) -> float:
    return float(np.abs(final - exact).max() / np.abs(exact).max())


def _reference(bench: Bench, problem: Problem, theta0: Array) -> Array:
    """The last state by SciPy, much tighter, and implicitly where the flow is stiff."""
    if bench.many:
        return reference(problem, theta0, bench.t_end)
    method, rtol = ("Radau", 1e-12) if bench.stiff else ("DOP853", 3e-14)
    flow = gradient_flow(
        problem, theta0, bench.t_end, method=method, rtol=rtol, atol=1e-16, saves=2, strict=True
    )
    return flow.final


def repeated(work: Callable[[int], Any], rounds: int, *, least: float = ENOUGH) -> float:
    """Seconds of one repetition, ``work(count)`` doing so many: the smallest of some rounds."""
    work(1)  # compiles
    count = 1
    while _timed(partial(work, count))[0] < least:
        count *= 2
    return min(_timed(partial(work, count))[0] for _ in range(rounds)) / count


def bare_gradient(problem: Problem, theta0: Array, rounds: int) -> float:
    """Seconds of one gradient, called from a compiled loop."""
    own = problem.machine.lines is not None
    part = pasted(problem) if own else ""
    module, n = (
        problem.machine.loop("bare", lambda: linked(part, source_of("dynlens.bench.loops.bare"))),
        problem.model.parameters,
    )
    w, data = np.zeros(2 * n), field_data(problem, problem.machine.data, own=own)
    w[:n] = theta0
    return repeated(lambda count: module.repeat(w, count, data), max(rounds, 5))


def machine() -> str:
    """Return the processor and the versions, in one line."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    found = [f"{name} {text}" for name in PACKAGES if (text := _version(name))]
    cores = f"{os.cpu_count()} cores, one used"
    return f"{model} ({cores}); Python {platform.python_version()}, {', '.join(found)}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
