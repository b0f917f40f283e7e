r"""P3.E1: matrix, tensor and hierarchical tensor factorization, side by side.

Completion of 4096 entries of which 2048 are observed: a matrix by a product of three matrices, a
tensor of order 3 by a CP factorization, the same by a hierarchical one over the tree {{1,2},{3}};
by GroupRMSprop as published, and by gradient flow. Singular values, norms of components and norms
of local components rise one after another.

References
----------
razin2022implicit
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments.base import Each, Experiment, Result, as_csv, write
from dynlens.experiments.curves import descend, engine, follow, results, rise_times
from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree
from dynlens.observables import registry
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries, low_rank_matrix
from dynlens.problems.problem import Problem
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

ETA, STOP, RTOL = 1e-2, 5e-5, 1e-4
KEPT = 10  # values that are kept along a run
METHODS = ("descent", "flow")


@dataclass(frozen=True)
class Panel:
    """One kind of factorization: what it is fitted to, from which starts, and how far.

    ``quantities`` are what is kept of it, each with the sizes it should end at or None.
    """

    name: str
    quantities: tuple[str, ...]
    scales: tuple[float, ...]
    seeds: tuple[int, ...]
    steps: int
    t_end: float
    compiled: bool = True


MATRIX = Panel(
    "matrix", ("singular values",), (1e-1, 1e-2, 1e-3), (0, 1, 2), 50_000, 1e6, compiled=False
)
TENSOR = Panel("tensor", ("component norms",), (1e-1, 1e-2, 1e-3), (0, 1, 2), 50_000, 1e6)
HIERARCHICAL = Panel(
    "hierarchical",
    (
        "local component norms {1,2}",
        "local component norms {1,2,3}",
        "singular values {1}",
        "singular values {2}",
        "singular values {1,2}",
    ),
    (3e-1, 1e-1, 3e-2, 1e-2),
    (0,),
    30_000,
    4e6,
)
PANELS = (MATRIX, TENSOR, HIERARCHICAL)
RANK, WIDTH = 5, 64
FULL = {"size": 16, "rank": RANK, "components": 256}
SMALL = {"size": 8, "rank": 2, "components": 64, "width": 16}  # of the quick version


def instance(
    panel: str, seed: int, *, size: int, rank: int, components: int, width: int
) -> tuple[Problem, Array, Problem, int]:
    """Problem, target, a problem whose model is as small as the target allows, and a seed.

    The target is drawn from the panel's own kind of model, as small as its rank; root mean square
    entries are one, that is a norm of 64 at full size. All comes from `seed` alone.
    """
    index = [p.name for p in PANELS].index(panel)
    state = [int(n) for n in np.random.SeedSequence([index, seed]).generate_state(3)]
    shape = (size,) * 3
    small: Model
    model: Model
    if panel == "matrix":
        side = round(size**1.5)
        target = low_rank_matrix((side, side), rank=rank, seed=state[0])
        model = DeepLinear.of(shape=(side, side), depth=3)
        small = model
    else:
        if panel == "tensor":
            model, small = CPFactorization(shape, components), CPFactorization(shape, rank)
        else:
            tree = binary_tree(3)
            model = HierarchicalTensor(shape, tree, (width, width))
            small = HierarchicalTensor(shape, tree, (rank, rank))
        theta = small.init(1.0, kind="gaussian", seed=state[0])
        target = small.end_to_end(small.unravel(theta))
    factor = np.sqrt(target.size) / np.linalg.norm(target)
    seen = Entries.sample(factor * target, fraction=0.5, seed=state[1])
    loss = SquaredLoss(reduction="mean", half=False)
    return Problem(model, loss, seen), factor * target, Problem(small, loss, seen), state[2]


def levels(panel: str, seed: int, **sizes: int) -> list[Array | None]:
    """For each quantity of a panel: its values at the target, where they are determined by it."""
    _, target, small, _ = instance(panel, seed, **sizes)
    if panel == "matrix":
        return [_spectrum(target)]
    if panel == "tensor":  # unique, as the factors are generic
        state = np.random.SeedSequence([1, seed]).generate_state(1)
        theta = small.model.init(1.0, kind="gaussian", seed=int(state[0]))
        tensor = small.end_to_end(theta)
        norms = registry.find("component_norms")(small, theta)
        return [np.sort(norms)[::-1] * np.linalg.norm(target) / np.linalg.norm(tensor)]
    matrices = [_unfolded(target, modes) for modes in ((0,), (1,), (0, 1))]
    return [None, None, *map(_spectrum, matrices)]


def _spectrum(matrix: Array) -> Array:
    return np.asarray(np.linalg.svd(matrix, compute_uv=False)[:KEPT], dtype=np.float64)


def _unfolded(tensor: Array, modes: tuple[int, ...]) -> Array:
    rows = int(np.prod([tensor.shape[m] for m in modes]))
    return np.moveaxis(tensor, modes, range(len(modes))).reshape(rows, -1)


def case(
    panel: str, method: str, scale: float, seed: int, rtol: float, **sizes: int
) -> dict[str, Any]:
    """One run: curves of the quantities, and what they end at."""
    settings = next(p for p in PANELS if p.name == panel)
    problem, target, _, key = instance(panel, seed, **sizes)
    theta0 = problem.init(scale, kind="gaussian", seed=key)
    observe = partial(_observe, panel, target)
    if method == "descent":
        backend = "numba" if settings.compiled else "numpy"
        curves, _ = descend(
            problem,
            theta0,
            observe,
            eta=ETA,
            steps=settings.steps,
            stop_below=STOP,
            backend=backend,
        )
    else:
        curves, _ = follow(
            problem,
            theta0,
            observe,
            first=1.0,
            t_end=settings.t_end,
            stop_below=STOP,
            rtol=rtol,
            compiled=settings.compiled,
        )
    return curves


def _observe(panel: str, target: Array, problem: Problem, theta: Array) -> dict[str, Array]:
    tensor = problem.end_to_end(theta)
    error = np.linalg.norm(tensor - target) / np.linalg.norm(target)
    if panel == "matrix":
        rows = [np.linalg.svd(tensor, compute_uv=False)]
    elif panel == "tensor":
        rows = [registry.find("component_norms")(problem, theta)]
    else:
        rows = list(registry.find("local_component_norms")(problem, theta))
        rows += [
            np.linalg.svd(_unfolded(tensor, modes), compute_uv=False)
            for modes in ((0,), (1,), (0, 1))
        ]
    top = np.zeros((len(rows), KEPT))
    for k, row in enumerate(rows):
        ordered = np.sort(row[~np.isnan(row)])[::-1][:KEPT]
        top[k, : len(ordered)] = ordered
    return {"values": top, "error": np.asarray(error)}


def sweeps(quick: bool, width: int = WIDTH) -> dict[str, Sweep]:
    """What is run, by panel; the flow once more with another tolerance, to measure its error."""
    found = {}
    for panel in PANELS:
        sizes = SMALL if quick else FULL | {"width": width}
        grid: dict[str, list[Any]] = {
            "panel": [panel.name],
            "method": list(METHODS),
            "scale": list(panel.scales[-3:-1] if quick else panel.scales),
            "seed": list(panel.seeds[:1] if quick else panel.seeds),
            "rtol": [RTOL],
            **{name: [size] for name, size in sizes.items()},
        }
        found[panel.name] = Sweep(case, grid)
        if panel.name != "hierarchical":
            twin = {"method": ["flow"], "scale": [grid["scale"][-1]], "seed": [0]}
            found[f"{panel.name} twin"] = Sweep(case, grid | twin | {"rtol": [RTOL / 10]})
    return found


def rows_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one for each quantity of a run."""
    panel = next(p for p in PANELS if p.name == found["panel"])
    sizes = {name: int(found[name]) for name in SMALL}
    rank = sizes["rank"]
    wanted = levels(panel.name, found["seed"], **sizes)
    end = int(np.isfinite(found["time"]).sum()) - 1
    rows = []
    for k, quantity in enumerate(panel.quantities):
        values, target = found["values"][end, k], wanted[k]
        off = None if target is None else np.abs(values[:rank] - target[:rank]).max() / target[0]
        rises = rise_times(found["flow_time"], found["values"][:, k, :rank])
        rows.append(
            {
                "panel": panel.name,
                "method": found["method"],
                "scale": found["scale"],
                "seed": found["seed"],
                "quantity": quantity,
                "error": float(found["error"][end]),
                "mse": float(found["loss"][end]),
                "fitted": bool(found["loss"][end] <= STOP),
                "time": float(found["time"][end]),
                "flow_time": float(found["flow_time"][end]),
                "off_level": None if off is None else float(off),
                "above_1_percent": int(np.sum(values > 0.01 * values[0])),
                "next_over_first": float(values[rank] / values[0]),
                **{f"value_{j + 1}": float(values[j]) for j in range(rank + 1)},
                **{f"rise_{j + 1}": float(rises[j]) for j in range(rank)},
            }
        )
    return rows


def run(folder: Path, quick: bool, each: Each[Any], width: int = WIDTH) -> Result:
    """Run everything, draw it, and say what was found."""
    from dynlens.experiments import p3_e1_report

    place = folder / "p3_e1-cases"
    with engine(each, 1 if quick else None) as map_:
        runs = {name: results(s, place, map_) for name, s in sweeps(quick, width).items()}
    drawn = {name: found for name, found in runs.items() if "twin" not in name}
    table = [row for found in drawn.values() for one in found for row in rows_of(one)]
    text = p3_e1_report.text(table, runs)
    figures = p3_e1_report.draw(runs, folder)
    files = (
        write(folder / "p3_e1.csv", as_csv(table)),
        write(folder / "p3_e1.txt", text + "\n"),
    )
    return Result(experiment.id, experiment.title, tuple(table), text, figures, files)


experiment = Experiment(
    id="P3.E1",
    title="matrix, tensor and hierarchical factorization learn rank after rank",
    source="razin2022implicit, the experiments on the dynamics of learning",
    run=run,
)
