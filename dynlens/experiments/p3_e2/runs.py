"""P3.E2: residual networks that tell whether two images, far apart, show the same class.

References
----------
razin2022implicit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dynlens.dynamics.on_torch.problem import load_torch
from dynlens.experiments.lab import Lab, Runs
from dynlens.experiments.p3_e2 import data, networks
from dynlens.support.sweep import Sweep

TRAIN, TEST, EPOCHS = 512, 1000, 70
DISTANCES, STRENGTHS = (0, 8, 16, 24), (0.0, 1.0)
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Trained:
    """One network.

    Parameters
    ----------
    distance : int
        Pixels between the images.
    strength : float
        Of the regularizer.
    seed : int
    epochs : float
    train, test : float
        Accuracies: of the last epoch, and at the end.
    surrogate : float
        R on test pairs, in evaluation mode.
    """

    distance: int
    strength: float
    seed: int
    epochs: float
    train: float
    test: float
    surrogate: float


def case(distance: int, strength: float, seed: int) -> dict[str, float]:
    """Train one network."""
    images, labels = data.digits()
    load_torch().set_num_threads(1)
    train, test = (
        data.pairs(images, labels, half, count=count, distance=distance, seed=seed + off)
        for half, count, off in zip(data.halves(len(images)), (TRAIN, TEST), (0, 1000), strict=True)
    )
    return networks.trained(
        train, test, distance=distance, strength=strength, seed=seed, epochs=EPOCHS
    )


def measure(lab: Lab) -> Runs[Trained]:
    """Train all networks."""
    distances, seeds = ((0, 24), (0,)) if lab.quick else (DISTANCES, SEEDS)
    grid: dict[str, Sequence[Any]] = {
        "distance": list(distances),
        "strength": list(STRENGTHS),
        "seed": list(seeds),
    }
    return lab.sweep(Trained, Sweep(case, grid))


def table(runs: Runs[Trained]) -> list[dict[str, Any]]:
    """Rows of the table: one for each network."""
    return [vars(run) for run in runs]
