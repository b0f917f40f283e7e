r"""Q1.E1: how many components lazy training needs, and how few training that moves.

Linearized around random unit vectors, training fits :math:`u^{\otimes l}` only within a subspace.
First the number of components with which it leaves a quarter of a random rank-one tensor, against
N / d, where :math:`N = \binom{d+l-1}{l}`, with the exact lower bound; then one target of rank three
fitted by the best linearized model and by 2-homogeneous descent with fresh components, at the same
widths.

References
----------
wang2020beyond
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dynlens.experiments.fresh_components import instance, trained_errors
from dynlens.experiments.lab import Lab, Runs
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array
from dynlens.theory.lazy_tensors import (
    lazy_dimension,
    lazy_error_bound,
    symmetric_coordinates,
    symmetric_dimension,
    tangent_columns,
)

LEFT = 0.25  # of the squared norm
DRAWS, PLACES = 400, 3  # targets, and sets of vectors to linearize around
DIMENSIONS = {2: (4, 6, 8, 10, 12), 3: (4, 6, 8, 10, 12), 4: (3, 4, 5, 6, 7, 8)}
FEW = {2: (4, 6), 3: (3, 4, 5)}  # of the quick version
D, WIDTHS, SEEDS = 15, (1, 2, 3, 4, 8, 12, 24, 36, 46), (0, 1, 2)
EPOCHS, SHORT = 20, 5


@dataclass(frozen=True)
class Width:
    """Components that lazy training needs in a dimension, interpolated, and what bounds them."""

    order: int
    dimension: int
    width: float
    bound: float
    scale: float


@dataclass(frozen=True)
class Fit:
    """Relative errors of the best linearized model and of descent, at the same width."""

    components: int
    seed: int
    epochs: int
    lazy: float
    descent: float


class Measured(NamedTuple):
    """What the experiment measures: the widths needed, and one target fitted both ways."""

    widths: Runs[Width]
    fits: Runs[Fit]


def width(order: int, dimension: int) -> dict[str, Any]:
    """Components, interpolated, with which lazy training leaves `LEFT` in the mean over targets."""
    l, d = order, dimension
    rng = np.random.default_rng([l, d])
    targets = symmetric_coordinates(_units(rng, DRAWS, d), l)
    places = [_units(rng, symmetric_dimension(d, l), d) for _ in range(PLACES)]

    def left(m: int) -> float:
        found = [_left(tangent_columns(u[:m], l), targets) for u in places]
        return float(np.mean(found))

    low, high, above, below = 0, 1, 1.0, left(1)
    while below > LEFT:
        low, high, above, below = high, 2 * high, below, left(2 * high)
    while high - low > 1:
        middle = (low + high) // 2
        value = left(middle)
        if value > LEFT:
            low, above = middle, value
        else:
            high, below = middle, value
    bound = next(m for m in range(1, high + 1) if _bound(d, l, m) <= LEFT)
    return {
        "width": low + (above - LEFT) / (above - below),
        "bound": bound,
        "scale": symmetric_dimension(d, l) / d,
    }


def _bound(d: int, l: int, m: int) -> float:
    return float(lazy_error_bound(d, l, lazy_dimension(d, l, m)))


def _units(rng: np.random.Generator, count: int, d: int) -> Array:
    drawn = rng.standard_normal((count, d))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1)[:, None])


def _left(columns: Array, targets: Array) -> float:
    """Mean squared distance of targets of norm one to the span of the columns."""
    directions, values, _ = np.linalg.svd(columns, full_matrices=False)
    basis = directions[:, values > 1e-10 * values[0]]
    return float(1 - np.square(targets @ basis).sum(axis=1).mean())


def pair(components: int, seed: int, epochs: int) -> dict[str, Any]:
    """Relative errors of the best linearized model and of descent, at the same width."""
    problem = instance(components, dimension=D, seed=seed)
    target: Any = problem.observations
    whole = target.c @ symmetric_coordinates(target.v, target.order)
    u = _units(np.random.default_rng([7, seed]), components, D)
    columns = tangent_columns(u, target.order)
    best = np.linalg.lstsq(columns, whole, rcond=1e-10)[0]
    return {
        "lazy": np.linalg.norm(columns @ best - whole),
        "descent": trained_errors(problem, seed=seed, epochs=epochs, steps=600)[-1],
    }


def measure(lab: Lab) -> Measured:
    """Find the widths, one sweep for each order, and fit the target at several of them."""
    dimensions = FEW if lab.quick else DIMENSIONS
    needed = [Sweep(width, {"order": [l], "dimension": list(d)}) for l, d in dimensions.items()]
    widths, seeds = ((2, 4, 12, 46), (0,)) if lab.quick else (WIDTHS, SEEDS)
    grid: dict[str, list[Any]] = {
        "components": list(widths),
        "seed": list(seeds),
        "epochs": [SHORT if lab.quick else EPOCHS],
    }
    return Measured(lab.sweep(Width, *needed), lab.sweep(Fit, Sweep(pair, grid)))


NUMBERS = ("order", "dimension", "width", "bound", "scale", "components", "seed", "lazy", "descent")


def table(measured: Measured) -> list[dict[str, Any]]:
    """Rows of the table: one for each width found, then one for each fit."""
    found = [("width", vars(one)) for one in measured.widths]
    found += [("fit", {"order": 3, "dimension": D, **vars(one)}) for one in measured.fits]
    return [
        {"kind": kind, **{name: float(numbers.get(name, np.nan)) for name in NUMBERS}}
        for kind, numbers in found
    ]
