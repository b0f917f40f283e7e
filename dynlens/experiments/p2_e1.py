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

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments.base import Each, Experiment, Result, as_csv, write
from dynlens.experiments.curves import descend, engine, follow, results, rise_times
from dynlens.models.cp import CPFactorization
from dynlens.observables.components import component_norms
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries
from dynlens.problems.problem import Problem
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

ORDER, RANK = 4, 5
ETA, STEPS = 1e-2, 40_000
STOP, RTOL, T_END = 1e-8, 1e-4, 1e12
KEPT = 10  # norms that are kept along a run
FULL = {"dim": 10, "rank": RANK, "components": 1000, "observed": 2000}
SMALL = {"dim": 5, "rank": 2, "components": 50, "observed": 300}  # of the quick version
SCALES = {"descent": (5e-2, 2e-2, 1e-2, 5e-3), "flow": (5e-2, 2e-2, 1e-2)}
QUICK = {"descent": (5e-2, 2e-2), "flow": (5e-2,)}


def instance(
    seed: int, *, dim: int, rank: int, components: int, observed: int
) -> tuple[Problem, Array, Array, int]:
    """Problem, target, norms of the target's components, and the seed of the start."""
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
    return problem, target, np.sort(sizes)[::-1], state[2]


def case(method: str, scale: float, seed: int, **sizes: int) -> dict[str, Any]:
    """One run: curves of the largest norms, of the error and of the loss."""
    problem, target, _, key = instance(seed, **sizes)
    theta0 = problem.init(scale, kind="gaussian", seed=key)
    observe = partial(_observe, target)
    if method == "descent":
        curves, _ = descend(problem, theta0, observe, eta=ETA, steps=STEPS, stop_below=STOP)
    else:
        curves, _ = follow(
            problem, theta0, observe, first=1.0, t_end=T_END, stop_below=STOP, rtol=RTOL
        )
    return curves


def _observe(target: Array, problem: Problem, theta: Array) -> dict[str, Array]:
    factors = problem.factors(theta)
    norms = np.sort(component_norms(problem, factors))[::-1]
    error = np.linalg.norm(problem.model.end_to_end(factors) - target) / np.linalg.norm(target)
    return {"values": norms[:KEPT], "error": np.asarray(error)}


def sweeps(quick: bool) -> list[Sweep]:
    """What is run: one sweep for each method, since the flow has other scales."""
    scales, sizes = (QUICK, SMALL) if quick else (SCALES, FULL)
    fixed = {name: [size] for name, size in sizes.items()}
    return [
        Sweep(case, {"method": [method], "scale": list(some), "seed": [0], **fixed})
        for method, some in scales.items()
    ]


def row_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Row of the table: what one run ended at, and when its components rose."""
    rank = int(found["rank"])
    _, _, levels, _ = instance(found["seed"], **{name: int(found[name]) for name in FULL})
    end = int(np.isfinite(found["time"]).sum()) - 1
    values = found["values"][end]
    rises = rise_times(found["flow_time"], found["values"][:, :rank])
    return {
        "method": found["method"],
        "scale": found["scale"],
        "seed": found["seed"],
        "components": int(found["components"]),
        "error": float(found["error"][end]),
        "mse": float(found["loss"][end]),
        "fitted": bool(found["loss"][end] <= STOP),
        "time": float(found["time"][end]),
        "flow_time": float(found["flow_time"][end]),
        "off_level": float(np.abs(values[:rank] - levels).max() / levels[0]),
        "next_over_first": float(values[rank] / values[0]),
        **{f"norm_{k + 1}": float(values[k]) for k in range(rank + 1)},
        **{f"rise_{k + 1}": float(rises[k]) for k in range(rank)},
    }


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    from dynlens.experiments import p2_e1_report

    with engine(each, 1 if quick else None) as map_:
        runs = [one for s in sweeps(quick) for one in results(s, folder / "p2_e1-cases", map_)]
    table = [row_of(one) for one in runs]
    text = p2_e1_report.text(table, runs)
    figures = p2_e1_report.draw(runs, folder)
    files = (
        write(folder / "p2_e1.csv", as_csv(table)),
        write(folder / "p2_e1.txt", text + "\n"),
    )
    return Result(experiment.id, experiment.title, tuple(table), text, figures, files)


experiment = Experiment(
    id="P2.E1",
    title="components of a tensor factorization are learned one after another",
    source="razin2021implicit, the experiment on the dynamics of learning",
    run=run,
)
