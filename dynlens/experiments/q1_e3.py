"""Q1.E3: the number of components that training needs does not grow with the dimension.

Rank three, eight components, dimensions from 8 to 64: errors of 2-homogeneous descent with fresh
components after each epoch, beside that of the best linearized model of the same width, which can
only be as good as its share of the N dimensions.

References
----------
wang2020beyond
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynlens.experiments.base import Each, Experiment, Result, leave
from dynlens.experiments.curves import engine, results
from dynlens.experiments.fresh_components import instance, trained_errors
from dynlens.experiments.prose import columns, paragraph
from dynlens.support.sweep import Sweep
from dynlens.theory.lazy_tensors import lazy_dimension, lazy_error_bound

M, STEPS = 8, 1200
FULL = {"dimension": (8, 16, 32, 64), "seed": (0, 1, 2), "epochs": (10,)}
SMALL = {"dimension": (8, 16), "seed": (1,), "epochs": (2,)}


def case(dimension: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors after each epoch, and the least a linearized model leaves in the mean."""
    problem = instance(M, dimension=dimension, seed=seed)
    bound = lazy_error_bound(dimension, 3, lazy_dimension(dimension, 3, M))
    return {
        "error": trained_errors(problem, seed=seed, epochs=epochs, steps=STEPS),
        "lazy": np.sqrt(float(bound)),
    }


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    with engine(each, 1 if quick else None) as map_:
        runs = results(Sweep(case, grid), folder / "q1_e3-cases", map_)
    table = [
        {
            "dimension": one["dimension"],
            "seed": one["seed"],
            "components": M,
            "lazy": float(one["lazy"]),
            **{f"error_{k + 1}": float(one["error"][k]) for k in range(len(one["error"]))},
        }
        for one in runs
    ]
    return leave(experiment, folder, table, _parts(runs), {"": lambda: _errors(runs)})


def _parts(runs: Sequence[Any]) -> Iterable[str]:
    yield paragraph(
        [
            f"The target of Q1.E2 in dimension d, {M} components, epochs of {STEPS} steps. 'lazy' "
            "is the least root mean square error of a linearized model of this width, for one "
            "random direction."
        ]
    )
    epochs = len(runs[0]["error"])
    marks = [k for k in (1, 2, 3, 5, 10) if k <= epochs]
    yield columns(
        ["d", "seed", "lazy", *(f"epoch {k}" for k in marks)],
        (
            [
                str(one["dimension"]),
                str(one["seed"]),
                f"{float(one['lazy']):.3f}",
                *(f"{float(one['error'][k - 1]):.4f}" for k in marks),
            ]
            for one in runs
        ),
    )
    ends = [float(one["error"][-1]) for one in runs]
    d = sorted({one["dimension"] for one in runs})
    lazy = {one["dimension"]: float(one["lazy"]) for one in runs}
    yield paragraph(
        [
            f"After {epochs} epochs all {len(runs)} runs have errors from {min(ends):.4f} to "
            f"{max(ends):.4f}; the lazy error rises from {lazy[d[0]]:.3f} at d = {d[0]} to "
            f"{lazy[d[-1]]:.3f} at d = {d[-1]}."
        ]
    )


def _errors(runs: Sequence[Any]) -> Any:
    from dynlens import plot

    figure = plot.Picture(figsize=(5.4, 3.0))
    ax = figure.subplots()
    epochs = len(runs[0]["error"])
    looks = (("^", plot.ORANGE, 1), ("s", plot.GREEN, 2), ("o", plot.BLUE, epochs))
    for mark, colour, k in dict((look[2], look) for look in looks).values():
        ax.plot(
            [one["dimension"] for one in runs],
            [one["error"][k - 1] for one in runs],
            mark,
            color=colour,
            markersize=4.5,
            fillstyle="none" if k < epochs else "full",
            label=f"descent, after epoch {k}",
        )
    d = sorted({one["dimension"] for one in runs})
    lazy = {one["dimension"]: one["lazy"] for one in runs}
    label = "linearized, at the least"
    ax.plot(d, [lazy[k] for k in d], "D--", color=plot.VERMILLION, markersize=4, label=label)
    ax.set(xscale="log", yscale="log", xlabel="dimension $d$", ylabel=r"error $\|W - W^*\|$")
    ax.set_xticks(d, [str(k) for k in d])
    ax.set_xticks([], minor=True)
    figure.legend(loc="outside lower center", ncols=2)
    return figure


experiment = Experiment(
    id="Q1.E3",
    title="eight components, in any dimension",
    source="wang2020beyond, the main theorem; derived",
    run=run,
)
