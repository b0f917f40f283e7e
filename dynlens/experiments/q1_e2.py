"""Q1.E2: what fresh components are for.

A target of rank three in dimension 15, fitted by 2-homogeneous descent with a penalty, in epochs;
from the second on, the smallest component starts anew, or none does. Measured is the error after
each epoch, for several numbers of components and seeds.

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
from dynlens.experiments.fresh_components import ETA, PENALTY, SCALE, instance, trained_errors
from dynlens.experiments.prose import columns, paragraph
from dynlens.support.sweep import Sweep

D, RANK, STEPS = 15, 3, 600
FITTED = 0.05  # an error below this: no direction is missing
FULL = {"components": (3, 4, 6, 12), "seed": (0, 1, 2, 3, 4, 5, 6, 7), "epochs": (40,)}
SMALL = {"components": (4,), "seed": (0, 5), "epochs": (3,)}


def case(fresh: bool, components: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors after each epoch."""
    problem = instance(components, dimension=D, seed=seed)
    return {"error": trained_errors(problem, seed=seed, epochs=epochs, steps=STEPS, fresh=fresh)}


def run(folder: Path, quick: bool, each: Each[Any]) -> Result:
    """Run everything, draw it, and say what was found."""
    grid = {name: list(values) for name, values in (SMALL if quick else FULL).items()}
    with engine(each, 1 if quick else None) as map_:
        runs = results(Sweep(case, {"fresh": [True, False], **grid}), folder / "q1_e2-cases", map_)
    table = [
        {
            "components": one["components"],
            "seed": one["seed"],
            "fresh": one["fresh"],
            **{f"error_{k + 1}": float(one["error"][k]) for k in range(len(one["error"]))},
        }
        for one in runs
    ]
    return leave(experiment, folder, table, _parts(runs), {"": lambda: _fitted(runs)})


def _share(runs: Sequence[Any], components: int, fresh: bool) -> tuple[int, int]:
    """How many of the runs end with all directions fitted, and of how many."""
    mine = [one for one in runs if (one["components"], one["fresh"]) == (components, fresh)]
    return sum(float(one["error"][-1]) < FITTED for one in mine), len(mine)


def _parts(runs: Sequence[Any]) -> Iterable[str]:
    epochs = len(runs[0]["error"])
    yield paragraph(
        [
            f"Order 3, dimension {D}, rank 3, norm one, |W - W*|^2 + {PENALTY:g} sum |u_i|^2; "
            f"descent with step {ETA:g}, {epochs} epochs of {STEPS} steps, components of length "
            f"{SCALE:g} and random sign in the beginning. Errors |W - W*| after some epochs."
        ]
    )
    marks = [k for k in (1, 2, 3, 5, 10, 20, 40) if k <= epochs]
    head = ["m", "seed", "fresh", *(f"epoch {k}" for k in marks)]
    yield columns(
        head,
        (
            [
                str(one["components"]),
                str(one["seed"]),
                "yes" if one["fresh"] else "no",
                *(f"{float(one['error'][k - 1]):.4f}" for k in marks),
            ]
            for one in sorted(runs, key=lambda o: (o["components"], o["seed"], not o["fresh"]))
        ),
    )
    for m in sorted({one["components"] for one in runs}):
        (yes, count), (no, _) = _share(runs, m, True), _share(runs, m, False)
        yield paragraph(
            [
                f"m = {m}: with fresh components {yes} of {count} seeds come below {FITTED:g}, "
                f"without them {no}."
            ]
        )
    if min(one["components"] for one in runs) <= RANK < max(one["components"] for one in runs):
        yield paragraph(
            [
                f"With as many components as directions, m = {RANK}, none is to spare: the one "
                "that starts anew is one that a direction needs, so that epochs undo what others "
                "have found."
            ]
        )
    stuck = [float(o["error"][-1]) for o in runs if not o["fresh"] and o["error"][-1] > FITTED]
    if stuck:
        yield paragraph(
            [
                f"Where a direction is missing, the penalty alone does not lead out: those "
                f"{len(stuck)} runs without fresh components end between {min(stuck):.3f} and "
                f"{max(stuck):.3f}."
            ]
        )


def _fitted(runs: Sequence[Any]) -> Any:
    """Draw how many seeds have an error below `FITTED` after each epoch."""
    from dynlens import plot

    counts = sorted({one["components"] for one in runs})
    figure = plot.Picture(figsize=(max(1.7 * len(counts) + 1.4, 4.8), 2.7))
    axes = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    looks = {True: (plot.BLUE, "-", "with fresh"), False: (plot.VERMILLION, "--", "without fresh")}
    for ax, m in zip(axes, counts, strict=True):
        for fresh, (colour, dash, label) in looks.items():
            mine = [o["error"] for o in runs if (o["components"], o["fresh"]) == (m, fresh)]
            share = (np.array(mine) < FITTED).mean(axis=0)
            epochs = np.arange(1, len(share) + 1)
            ax.plot(epochs, share, dash, color=colour, label=f"{label} components")
        ax.set(xlabel="epoch", title=f"$m = {m}$", ylim=(-0.04, 1.04))
        ax.locator_params(axis="x", integer=True)
    axes[0].set_ylabel(f"share of seeds below {FITTED:g}")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


experiment = Experiment(
    id="Q1.E2",
    title="fresh components, and descent without them",
    source="wang2020beyond, the algorithm; derived",
    run=run,
)
