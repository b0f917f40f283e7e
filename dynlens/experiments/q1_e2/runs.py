"""Q1.E2: what fresh components are for.

A target of rank three in dimension 15, fitted by 2-homogeneous descent with a penalty, in epochs;
from the second on, the smallest component starts anew, or none does. Measured is the error after
each epoch, for several numbers of components and seeds.

References
----------
wang2020beyond
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dynlens.experiments.fresh_components import instance, trained_errors
from dynlens.experiments.lab import Lab, Runs
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

D, STEPS = 15, 600
FULL = {"components": (3, 4, 6, 12), "seed": (0, 1, 2, 3, 4, 5, 6, 7), "epochs": (40,)}
SMALL = {"components": (4,), "seed": (0, 5), "epochs": (3,)}


@dataclass(frozen=True, eq=False)
class Run:
    """Training from one start; ``error[k]`` is the relative error after epoch k + 1."""

    fresh: bool
    components: int
    seed: int
    epochs: int
    error: Array


def case(fresh: bool, components: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors after each epoch."""
    problem = instance(components, dimension=D, seed=seed)
    return {"error": trained_errors(problem, seed=seed, epochs=epochs, steps=STEPS, fresh=fresh)}


def measure(lab: Lab) -> Runs[Run]:
    """Train with fresh components and without, from every start."""
    grid = {name: list(values) for name, values in (SMALL if lab.quick else FULL).items()}
    return lab.sweep(Run, Sweep(case, {"fresh": [True, False], **grid}))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each run."""
    return [
        {
            "components": run.components,
            "seed": run.seed,
            "fresh": run.fresh,
            **{f"error_{k + 1}": float(error) for k, error in enumerate(run.error)},
        }
        for run in runs
    ]
