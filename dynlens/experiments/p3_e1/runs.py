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

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from dynlens.experiments.curves import Curves, descend, follow, rise_times
from dynlens.experiments.lab import Lab, Runs
from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree
from dynlens.observables.components import component_norms, local_component_norms
from dynlens.observables.matricizations import matricization
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries, Full, low_rank_matrix
from dynlens.problems.problem import Problem
from dynlens.support.sweep import Sweep
from dynlens.support.typing import Array

ETA, STOP = 1e-2, 5e-5
RTOL, FINER = 1e-4, 1e-5  # of the flow, and of the run that measures its error
KEPT = 10  # values that are kept along a run
METHODS = ("descent", "flow")
RANK, WIDTH = 5, 64
FULL = {"size": 16, "rank": RANK, "components": 256}
SMALL = {"size": 8, "rank": 2, "components": 64, "width": 16}  # of the quick version


class Sizes(NamedTuple):
    """Modes of the tensor, its rank, and what the models have: components, and widths of nodes."""

    size: int
    rank: int
    components: int
    width: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the tensor."""
        return (self.size,) * 3


class Panel(ABC):
    """One kind of factorization: what it is fitted to, from which starts, how far, what is seen."""

    name: ClassVar[str]
    quantities: ClassVar[tuple[str, ...]]  # of which values are kept along a run
    scales: ClassVar[tuple[float, ...]] = (1e-1, 1e-2, 1e-3)
    seeds: ClassVar[tuple[int, ...]] = (0, 1, 2)
    steps: ClassVar[int] = 50_000
    t_end: ClassVar[float] = 1e6
    compiled: ClassVar[bool] = True
    refined: ClassVar[bool] = True  # whether the flow is run once more, to measure its error

    @abstractmethod
    def model(self, sizes: Sizes) -> Model:
        """The factorization that is trained."""

    @abstractmethod
    def target(self, sizes: Sizes, seed: int) -> Array:
        """A tensor of the rank wanted, drawn from this kind of factorization."""

    @abstractmethod
    def levels(self, sizes: Sizes, seed: int, target: Array) -> list[Array | None]:
        """Each quantity's values at the target, in decreasing order; None where it has none."""

    @abstractmethod
    def values(self, problem: Problem, theta: Array, tensor: Array) -> list[Array]:
        """Each quantity's values at a state, of which the tensor is known; NaN where they end."""


class MatrixPanel(Panel):
    """A matrix by a product of three matrices."""

    name = "matrix"
    quantities = ("singular values",)
    compiled = False

    def model(self, sizes: Sizes) -> Model:
        return DeepLinear.of(shape=self._shape(sizes), depth=3)

    def target(self, sizes: Sizes, seed: int) -> Array:
        return low_rank_matrix(self._shape(sizes), rank=sizes.rank, seed=seed)

    def levels(self, sizes: Sizes, seed: int, target: Array) -> list[Array | None]:
        return [np.linalg.svdvals(target)]

    def values(self, problem: Problem, theta: Array, tensor: Array) -> list[Array]:
        return [np.linalg.svdvals(tensor)]

    def _shape(self, sizes: Sizes) -> tuple[int, int]:
        side = round(sizes.size**1.5)
        return side, side


class TensorPanel(Panel):
    """A tensor of order 3 by a CP factorization."""

    name = "tensor"
    quantities = ("component norms",)

    def model(self, sizes: Sizes) -> Model:
        return CPFactorization(sizes.shape, sizes.components)

    def target(self, sizes: Sizes, seed: int) -> Array:
        return _drawn(CPFactorization(sizes.shape, sizes.rank), seed)[1]

    def levels(self, sizes: Sizes, seed: int, target: Array) -> list[Array | None]:
        # They are the target's own: its terms are unique, as their factors are generic.
        small = CPFactorization(sizes.shape, sizes.rank)
        theta, tensor = _drawn(small, seed)
        problem = Problem(small, SquaredLoss(), Full(tensor))
        norms = np.sort(component_norms(problem, problem.factors(theta)))[::-1]
        return [norms * np.linalg.norm(target) / np.linalg.norm(tensor)]

    def values(self, problem: Problem, theta: Array, tensor: Array) -> list[Array]:
        return [component_norms(problem, problem.factors(theta))]


class HierarchicalPanel(Panel):
    """The same by a hierarchical factorization over {{1,2},{3}}."""

    name = "hierarchical"
    quantities = (
        "local component norms {1,2}",
        "local component norms {1,2,3}",
        "singular values {1}",
        "singular values {2}",
        "singular values {1,2}",
    )
    scales = (3e-1, 1e-1, 3e-2, 1e-2)
    seeds = (0,)
    steps = 30_000
    t_end = 4e6
    refined = False
    nodes = ((0,), (1,), (0, 1))  # of which singular values are seen

    def model(self, sizes: Sizes) -> Model:
        return self._of(sizes, sizes.width)

    def target(self, sizes: Sizes, seed: int) -> Array:
        return _drawn(self._of(sizes, sizes.rank), seed)[1]

    def levels(self, sizes: Sizes, seed: int, target: Array) -> list[Array | None]:
        return [None, None, *self._spectra(target)]

    def values(self, problem: Problem, theta: Array, tensor: Array) -> list[Array]:
        return [*local_component_norms(problem, problem.factors(theta)), *self._spectra(tensor)]

    def _spectra(self, tensor: Array) -> list[Array]:
        matrices = (matricization(tensor, tensor.shape, modes) for modes in self.nodes)
        return [np.linalg.svdvals(matrix) for matrix in matrices]

    def _of(self, sizes: Sizes, width: int) -> HierarchicalTensor:
        return HierarchicalTensor(sizes.shape, binary_tree(3), (width, width))


PANELS: Mapping[str, Panel] = MappingProxyType(
    {panel.name: panel for panel in (MatrixPanel(), TensorPanel(), HierarchicalPanel())}
)


def _drawn(model: Model, seed: int) -> tuple[Array, Array]:
    """Parameters drawn at random and their end-to-end tensor."""
    theta = model.init(1.0, kind="gaussian", seed=seed)
    return theta, model.end_to_end(model.unravel(theta))


class Instance(NamedTuple):
    """A problem, its target, each quantity's values there (None if not determined), and a seed."""

    problem: Problem
    target: Array
    levels: list[Array | None]
    seed: int


def instance(panel: str, seed: int, **sizes: int) -> Instance:
    """Draw the problem of a panel, all of it from `seed`; root mean square entries are one."""
    kind, wanted = PANELS[panel], Sizes(**sizes)
    entropy = [list(PANELS).index(panel), seed]
    state = [int(n) for n in np.random.SeedSequence(entropy).generate_state(3)]
    target = kind.target(wanted, state[0])
    target = np.sqrt(target.size) / np.linalg.norm(target) * target
    seen = Entries.sample(target, fraction=0.5, seed=state[1])
    problem = Problem(kind.model(wanted), SquaredLoss(reduction="mean", half=False), seen)
    levels = [
        None if level is None else level[:KEPT] for level in kind.levels(wanted, state[0], target)
    ]
    return Instance(problem, target, levels, state[2])


@dataclass(frozen=True, eq=False)
class Run(Curves):
    """One run: ``values`` of its panel's quantities, shape (looks, quantities, `KEPT`)."""

    panel: str
    method: str
    scale: float
    seed: int
    rtol: float
    size: int
    rank: int
    components: int
    width: int

    @cached_property
    def instance(self) -> Instance:
        """What was fitted."""
        sizes = {name: getattr(self, name) for name in Sizes._fields}
        return instance(self.panel, self.seed, **sizes)

    @cached_property
    def quantities(self) -> Runs[Quantity]:
        """What the run says of each quantity."""
        names = PANELS[self.panel].quantities
        return Runs(self._quantity(k, name) for k, name in enumerate(names))

    @property
    def fitted(self) -> bool:
        """Whether it ended because the loss was small enough, and not at its cap."""
        return bool(self.loss[self.end] <= STOP)

    def _quantity(self, k: int, name: str) -> Quantity:
        values, level = self.values[self.end, k], self.instance.levels[k]
        off = None if level is None else np.abs(values[: self.rank] - level[: self.rank])
        return Quantity(
            name=name,
            run=self,
            values=values,
            off_level=None if off is None or level is None else float(off.max() / level[0]),
            above_1_percent=int(np.sum(values > 0.01 * values[0])),
            next_over_first=float(values[self.rank] / values[0]),
            rises=rise_times(self.flow_time, self.values[:, k, : self.rank]),
        )


@dataclass(frozen=True, eq=False)
class Quantity:
    """What a run says of one quantity: its largest values at the end, and when they rose.

    ``rises`` are on the flow's clock, in order of time. ``off_level`` is the largest distance of
    the values up to the rank from the target's, over its first, None where it has none.
    """

    name: str
    run: Run
    values: Array
    off_level: float | None
    above_1_percent: int
    next_over_first: float
    rises: Array


def case(
    panel: str, method: str, scale: float, seed: int, rtol: float, **sizes: int
) -> dict[str, Array]:
    """One run: curves of the quantities, of the error and of the loss."""
    kind, (problem, target, _, key) = PANELS[panel], instance(panel, seed, **sizes)
    theta0 = problem.init(scale, kind="gaussian", seed=key)
    observe = partial(_observe, kind, target)
    if method == "descent":
        backend = "numba" if kind.compiled else "numpy"
        settings: dict[str, Any] = {"eta": ETA, "steps": kind.steps, "backend": backend}
        curves, _ = descend(problem, theta0, observe, stop_below=STOP, **settings)
    else:
        settings = {"t_end": kind.t_end, "rtol": rtol, "compiled": kind.compiled}
        curves, _ = follow(problem, theta0, observe, first=1.0, stop_below=STOP, **settings)
    return curves


def _observe(panel: Panel, target: Array, problem: Problem, theta: Array) -> dict[str, Array]:
    tensor = problem.end_to_end(theta)
    error = np.linalg.norm(tensor - target) / np.linalg.norm(target)
    rows = panel.values(problem, theta, tensor)
    top = np.zeros((len(rows), KEPT))
    for k, row in enumerate(rows):
        ordered = np.sort(row[~np.isnan(row)])[::-1][:KEPT]
        top[k, : len(ordered)] = ordered
    return {"values": top, "error": np.asarray(error)}


def sweeps(quick: bool, width: int = WIDTH) -> list[Sweep]:
    """What is run; the flow once more with another tolerance, to measure its error."""
    found = []
    sizes = SMALL if quick else FULL | {"width": width}
    for panel in PANELS.values():
        grid: dict[str, list[Any]] = {
            "panel": [panel.name],
            "method": list(METHODS),
            "scale": list(panel.scales[-3:-1] if quick else panel.scales),
            "seed": list(panel.seeds[:1] if quick else panel.seeds),
            "rtol": [RTOL],
            **{name: [size] for name, size in sizes.items()},
        }
        found.append(Sweep(case, grid))
        if panel.refined:
            finer = {"method": ["flow"], "scale": [grid["scale"][-1]], "seed": [0]}
            found.append(Sweep(case, grid | finer | {"rtol": [FINER]}))
    return found


def measure(lab: Lab, width: int = WIDTH) -> Runs[Run]:
    """Run everything; `width` is that of the hierarchical model's nodes."""
    return lab.sweep(Run, *sweeps(lab.quick, width))


def table(runs: Runs[Run]) -> list[dict[str, Any]]:
    """Rows of the table: one for each quantity of a run."""
    return [
        {
            "panel": run.panel,
            "method": run.method,
            "scale": run.scale,
            "seed": run.seed,
            "quantity": quantity.name,
            "error": float(run.error[run.end]),
            "mse": float(run.loss[run.end]),
            "fitted": run.fitted,
            "time": float(run.time[run.end]),
            "flow_time": float(run.flow_time[run.end]),
            "off_level": quantity.off_level,
            "above_1_percent": quantity.above_1_percent,
            "next_over_first": quantity.next_over_first,
            **{f"value_{j + 1}": float(quantity.values[j]) for j in range(run.rank + 1)},
            **{f"rise_{j + 1}": float(quantity.rises[j]) for j in range(run.rank)},
        }
        for run in runs.where(rtol=RTOL)
        for quantity in run.quantities
    ]
