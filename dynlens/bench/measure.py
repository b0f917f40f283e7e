"""Time and error of every integrator on one problem."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.bench.peers import PEERS, Peer
from dynlens.bench.problems import Bench
from dynlens.flow import gradient_flow
from dynlens.problem import Problem
from dynlens.stepping.fields import SHARED, Field, field_data, pasted
from dynlens.typing import Array


@dataclass(frozen=True)
class Row:
    """What one integrator did.

    Parameters
    ----------
    name : str
    milliseconds : float
        Time of the processor, the smallest of all rounds.
    evaluations : int or None
    error : float
        Largest distance of the last state to the reference.
    bare : float
        Milliseconds of one gradient, called from compiled code.
    """

    name: str
    milliseconds: float
    evaluations: int | None
    error: float
    bare: float

    @property
    def overhead(self) -> float:
        """Time divided by that of the gradients alone; NaN where their number is not known."""
        return self.milliseconds / (self.evaluations * self.bare) if self.evaluations else np.nan


def benchmark(
    bench: Bench,
    *,
    rtol: float = 1e-8,
    atol: float = 1e-12,
    rounds: int = 5,
    peers: Sequence[Peer] = PEERS,
) -> list[Row]:
    """Measure every integrator that is installed and not hopeless, in turns."""
    problem, theta0 = bench.make()
    chosen = [p for p in peers if p.installed and not (p.explicit and bench.stiff)]
    answers, times = {}, {p.name: np.inf for p in chosen}
    for peer in chosen:  # the first turn compiles
        answers[peer.name] = peer.solve(problem, theta0, bench.t_end, rtol, atol)
    for _ in range(rounds):
        for peer in chosen:
            work = partial(peer.solve, problem, theta0, bench.t_end, rtol, atol)
            spent = _spent(work)
            times[peer.name] = min(times[peer.name], spent)
    exact, bare = _reference(bench, problem, theta0), _bare(problem, theta0, rounds)
    return [
        Row(name, 1e3 * times[name], count, float(np.abs(final - exact).max()), 1e3 * bare)
        for name, (final, count) in answers.items()
    ]


def _spent(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _reference(bench: Bench, problem: Problem, theta0: Array) -> Array:
    """The last state by SciPy, much tighter, and implicitly where the flow is stiff."""
    method, rtol = ("Radau", 1e-12) if bench.stiff else ("DOP853", 3e-14)
    flow = gradient_flow(
        problem, theta0, bench.t_end, method=method, rtol=rtol, atol=1e-16, saves=2, strict=True
    )
    return flow.final


def _bare(problem: Problem, theta0: Array, rounds: int) -> float:
    """Seconds of one gradient, called from a compiled loop."""
    field = SHARED if problem.kernel_lines is None else pasted(problem)
    module, n = problem.loop("bare", lambda: _bare_source(field)), problem.model.size
    w, data = np.zeros(2 * n), field_data(problem, field)
    w[:n] = theta0
    module.repeat(w, 1, *data)  # compiles
    count = 1
    while _spent(partial(module.repeat, w, count, *data)) < 0.01:
        count *= 2
    work = partial(module.repeat, w, count, *data)
    return min(_spent(work) for _ in range(rounds)) / count


def _bare_source(field: Field) -> str:
    return f"""{field.head}
@fast
def repeat(w, count, {field.arguments}):
    total = 0.0
    for k in range(count):
        total += {field.call(0, 1)}
        w[0] += 1e-300 * w[{field.n}]  # lest the compiler sees that nothing changes
    return total
"""


def machine() -> str:
    """Return the processor and the versions, in one line."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba"))
    return f"{model}; Python {platform.python_version()}, {packages}"
