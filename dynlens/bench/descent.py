"""One step of gradient descent: our compiled loop, and the loop that papers write in torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from math import nan
from typing import Any

from dynlens.bench.measure import repeated
from dynlens.bench.portable import cut, masked_target, matrix
from dynlens.bench.problems import Bench
from dynlens.dynamics.descent import gradient_descent
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

ETA = 1e-3  # stable everywhere; the time of a step does not depend on it


@dataclass(frozen=True)
class Steps:
    """Microseconds of one step; NaN where torch is not installed."""

    ours: float
    torch: float

    @property
    def ratio(self) -> float:
        """How many of our steps fit into one of torch's."""
        return self.torch / self.ours


def measure_steps(bench: Bench, rounds: int) -> Steps:
    """Time one step of both, in one process."""
    problem, theta0 = bench.make()
    ours = repeated(_ours(problem, theta0), rounds, least=0.1)
    if find_spec("torch") is None:
        return Steps(1e6 * ours, nan)
    return Steps(1e6 * ours, 1e6 * repeated(torch_loop(problem, theta0), rounds, least=0.1))


def _ours(problem: Problem, theta0: Array) -> Callable[[int], Any]:
    return lambda count: gradient_descent(problem, theta0, eta=ETA, steps=count, saves=2)


def torch_loop(problem: Problem, theta0: Array) -> Callable[[int], Any]:
    """Return SGD with automatic differentiation, in double precision, on one thread."""
    import torch

    torch.set_num_threads(1)
    target, mask = (torch.tensor(array) for array in masked_target(problem))
    shapes = problem.model.factor_shapes
    factors = [torch.tensor(part.copy()).requires_grad_() for part in cut(theta0, shapes)]
    optimizer = torch.optim.SGD(factors, lr=ETA)

    def loop(count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            # A mask is faster than picking entries, whose derivative scatters.
            loss = 0.5 * ((mask * (matrix(problem.model, factors) - target)) ** 2).sum()
            loss.backward()
            optimizer.step()

    return loop
