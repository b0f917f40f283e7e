r"""Q2.E1: the directions of an orthogonal tensor are fitted one after another, at predicted times.

Gradient descent from directions drawn at random and of length 1e-15, without penalty: dimension 10,
rank 5, 50 components, coefficients falling by 1.2; then dimension 100, rank 20, 500 components,
whose 10^8 entries are never written down. Measured are the correlations :math:`W(e_k^{\otimes 4})`
and when they come to half of their coefficient, beside the times predicted from the start alone.

References
----------
ge2021understanding
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.deflation import ORDER, half_times, staircase, unit_starts
from dynlens.problems.instances import falling_coefficients
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.closed_forms import fitting_times

SCALE, ETA, LOOKS = 1e-15, 0.05, 600
SIZES = ("dimension", "rank", "components", "ratio", "seed")
Grid = dict[str, list[Any]]
PAPER: Grid = {"dimension": [10], "rank": [5], "components": [50], "ratio": [1.2], "seed": [0]}
LARGE: Grid = {
    "dimension": [100],
    "rank": [20],
    "components": [500],
    "ratio": [1.1, 1.2],
    "seed": [0],
}
SMALL: Grid = {"dimension": [6], "rank": [3], "components": [20], "ratio": [1.2], "seed": [0]}
WIDER: Grid = {"dimension": [20], "rank": [6], "components": [60], "ratio": [1.3], "seed": [0]}


def predicted(
    dimension: int, rank: int, components: int, ratio: float, seed: int, eta: float | None = ETA
) -> Array:
    """Fitting times of descent, or of the flow (eta=None), shape (rank,)."""
    problem = staircase(dimension, rank, components, ratio)
    start = unit_starts(problem, seed)
    return fitting_times(start, falling_coefficients(rank, ratio), ORDER, scale=SCALE, eta=eta)


def case(dimension: int, rank: int, components: int, ratio: float, seed: int) -> dict[str, Any]:
    """Descend past the last predicted time; correlations and loss at evenly spaced steps."""
    sizes = dimension, rank, components, ratio
    problem = staircase(*sizes)
    descent, flow = predicted(*sizes, seed), predicted(*sizes, seed, eta=None)
    last = descent[np.isfinite(descent)].max()
    every = int(np.ceil(1.1 * last / ETA / LOOKS))
    run = gradient_descent(
        problem,
        problem.init(SCALE, kind="sphere", seed=seed),
        eta=ETA,
        steps=every * LOOKS,
        saves=every * np.arange(LOOKS + 1),
        observables=("fitted_coefficients", "loss"),
    )
    fitted = run.values("fitted_coefficients")
    return {
        "time": run.t,
        "fitted": fitted,
        "squared": 2 * run.values("loss"),
        "observed": half_times(run.t, fitted / falling_coefficients(rank, ratio)),
        "descent": descent,
        "flow": flow,
    }


def sweeps(quick: bool) -> list[Sweep]:
    """What is run: the paper's size, and the large one."""
    return [Sweep(case, grid) for grid in ((SMALL, WIDER) if quick else (PAPER, LARGE))]


def rows_of(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one for each direction."""
    a = falling_coefficients(int(found["rank"]), found["ratio"])
    return [
        {
            **{name: found[name] for name in SIZES},
            "direction": k + 1,
            "coefficient": float(a[k]),
            "observed": float(found["observed"][k]),
            "predicted": float(found["descent"][k]),
            "flow": float(found["flow"][k]),
            "fitted_share": float(found["fitted"][-1, k] / a[k]),
            "end": float(found["time"][-1]),
        }
        for k in range(len(a))
    ]


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    from dynlens.experiments import q2_e1_report as report

    with engine(each, 1 if quick else None) as map_:
        runs = [one for s in sweeps(quick) for one in results(s, folder / "q2_e1-cases", map_)]
    table = [row for one in runs for row in rows_of(one)]
    pictures = {
        "": lambda: report.paper_size(runs[0]),
        "_large": lambda: report.large(runs[1:]),
    }
    return leave(experiment, folder, table, report.parts(runs), pictures)


experiment = Experiment(
    id="Q2.E1",
    title="the deflation staircase, and its times",
    source="ge2021understanding, the figure of a trajectory; and beyond its size",
    run=run,
)
