r"""P2.E1: components of a tensor factorization are learned one after another.

Completion of a tensor of order 4, dimension 10, CP rank 5 and norm 1 from 2000 of its 10000
entries, by a CP factorization of 1000 components, from Gaussian starts of several scales; by
GroupRMSprop as published and by gradient flow, so that one sees what the optimizer does to the
clock. What is measured are the norms of the components along the run and the reconstruction error.

References
----------
razin2021implicit
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from dynlens.experiments.curves import Curves, descend, follow, rise_times
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.cp import CPFactorization
from dynlens.observables.components import component_norms
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries
from dynlens.problems.problem import Problem
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

ORDER, RANK = 4, 5
ETA, STEPS = 1e-2, 40_000
STOP, T_END = 1e-8, 1e12
RTOL, FINER = 1e-4, 1e-5  # of the flow, and of the run that tells what is the integrator's
KEPT = 10  # norms that are kept along a run
FULL = {"dim": 10, "rank": RANK, "components": 1000, "observed": 2000}
SMALL = {"dim": 5, "rank": 2, "components": 50, "observed": 300}  # of the quick version
SCALES = {"descent": (5e-2, 2e-2, 1e-2, 5e-3), "flow": (5e-2, 2e-2, 1e-2)}
QUICK = {"descent": (5e-2, 2e-2), "flow": (5e-2,)}


class Instance(NamedTuple):
    """A problem, its target, the norms of the target's components, and the seed of the start."""

    problem: Problem
    target: Array
    levels: Array
    seed: int


@dataclass(frozen=True, eq=False)
class Run(Curves):
    """One run: ``values`` are the largest norms of components, shape (looks, `KEPT`)."""

    method: str
    scale: float
    seed: int
    rtol: float
    dim: int
    rank: int
    components: int
    observed: int

    @property
    def fitted(self) -> bool:
        """Whether it ended because the loss was small enough, and not at its cap."""
        return bool(self.loss[self.end] <= STOP)

    @property
    def norms(self) -> Array:
        """The largest norms at the end."""
        return np.asarray(self.values[self.end])

    @cached_property
    def rises(self) -> Array:
        """When the components of the target's rank rise, on the flow's clock, in order of time."""
        return rise_times(self.flow_time, self.values[:, : self.rank])

    @cached_property
    def levels(self) -> Array:
        """Norms of the components of the target, in decreasing order."""
        return instance(self.seed, **{name: getattr(self, name) for name in FULL}).levels

    @property
    def off_level(self) -> float:
        """Largest distance of the norms from those of the target, over the target's first."""
        return float(np.abs(self.norms[: self.rank] - self.levels).max() / self.levels[0])

    @property
    def next_over_first(self) -> float:
        """Largest norm beyond the target's rank, over the first."""
        return float(self.norms[self.rank] / self.norms[0])

    @property
    def ripple(self) -> float:
        """By how much the first norm moves from look to look in the second half of the run."""
        t, norms = self.time[: self.looks], self.values[: self.looks, 0]
        late = norms[t > t[-1] / 2]
        return float(np.abs(np.diff(late)).max() / late[-1])


def instance(seed: int, *, dim: int, rank: int, components: int, observed: int) -> Instance:
    """Draw the problem, all of it from `seed`."""
    state = [int(n) for n in np.random.SeedSequence([2, seed]).generate_state(3)]
    shape = (dim,) * ORDER
    small = CPFactorization(shape, rank)
    theta = small.init(1.0, kind="gaussian", seed=state[0])
    tensor = small.end_to_end(small.unravel(theta))
    norm = np.linalg.norm(tensor)
    target = tensor / norm
    seen = Entries.sample(target, fraction=observed / target.size, seed=state[1])
    loss = SquaredLoss(reduction="mean", half=False)
    sizes = component_norms(Problem(small, loss, seen), small.unravel(theta)) / norm
    problem = Problem(CPFactorization(shape, components), loss, seen)
    return Instance(problem, target, np.sort(sizes)[::-1], state[2])


def case(method: str, scale: float, seed: int, rtol: float, **sizes: int) -> dict[str, Array]:
    """One run: curves of the largest norms, of the error and of the loss."""
    problem, target, _, key = instance(seed, **sizes)
    theta0 = problem.init(scale, kind="gaussian", seed=key)
    observe = partial(_observe, target)
    if method == "descent":
        curves, _ = descend(problem, theta0, observe, eta=ETA, steps=STEPS, stop_below=STOP)
    else:
        curves, _ = follow(
            problem, theta0, observe, first=1.0, t_end=T_END, stop_below=STOP, rtol=rtol
        )
    return curves


def _observe(target: Array, problem: Problem, theta: Array) -> dict[str, Array]:
    factors = problem.factors(theta)
    norms = np.sort(component_norms(problem, factors))[::-1]
    error = np.linalg.norm(problem.model.end_to_end(factors) - target) / np.linalg.norm(target)
    return {"values": norms[:KEPT], "error": np.asarray(error)}


def sweeps(quick: bool) -> list[Sweep]:
    """What is run: descent, the flow, and the flow once more with another tolerance."""
    scales, sizes = (QUICK, SMALL) if quick else (SCALES, FULL)
    fixed: dict[str, list[Any]] = {"seed": [0], **{name: [size] for name, size in sizes.items()}}
    wanted = [(method, list(some), RTOL) for method, some in scales.items()]
    wanted += [("flow", [scales["flow"][0]], FINER)]
    return [
        Sweep(case, {"method": [method], "scale": some, "rtol": [rtol], **fixed})
        for method, some, rtol in wanted
    ]


def measure(lab: Lab) -> Runs[Run]:
    """Run everything."""
    return lab.sweep(Run, *sweeps(lab.quick))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: what a run ended at, and when its components rose."""
    return [
        {
            "method": run.method,
            "scale": run.scale,
            "seed": run.seed,
            "components": run.components,
            "error": float(run.error[run.end]),
            "mse": float(run.loss[run.end]),
            "fitted": run.fitted,
            "time": float(run.time[run.end]),
            "flow_time": float(run.flow_time[run.end]),
            "off_level": run.off_level,
            "next_over_first": run.next_over_first,
            **{f"norm_{k + 1}": float(run.norms[k]) for k in range(run.rank + 1)},
            **{f"rise_{k + 1}": float(run.rises[k]) for k in range(run.rank)},
        }
        for run in runs.where(rtol=RTOL)
    ]
