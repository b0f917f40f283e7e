"""Problems of six kinds and sizes, from twelve parameters to twelve thousand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Entries, Full, Observations
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Bench:
    """A problem, its start and the end of the flow, made when they are asked for.

    Parameters
    ----------
    name, text : str
    make : callable
        Returns the problem and the start.
    t_end : float
    stiff : bool
        Whether stability limits an explicit method nearly everywhere.
    many : bool
        Whether there are many starts, one in each row.
    """

    name: str
    text: str
    make: Callable[[], tuple[Problem, Array]]
    t_end: float
    stiff: bool = False
    many: bool = False


def _problem(model: Model, seen: Observations, scale: float) -> tuple[Problem, Array]:
    theta0 = scale * np.random.default_rng(100).standard_normal(model.parameters)
    return Problem(model, SquaredLoss(), seen), theta0


def tiny() -> tuple[Problem, Array]:
    """Depth three, two by two, one entry not observed, from a tenth of the identity."""
    seen = Entries((2, 2), ((0, 1), (1, 0), (1, 1)), (1.0, 1.0, 0.0))
    return _problem(DeepLinear((2,) * 4), seen, 1.0)[0], np.tile(0.1 * np.eye(2).ravel(), 3)


def starts() -> tuple[Problem, Array]:
    """The same from a thousand starts around that one."""
    problem, theta0 = tiny()
    noise = np.random.default_rng(7).standard_normal((1000, theta0.size))
    return problem, theta0 + 0.02 * noise


def matrix() -> tuple[Problem, Array]:
    """Depth three, ten by ten, of rank three, all entries observed."""
    rng = np.random.default_rng(2)
    left, right = (np.linalg.qr(rng.standard_normal((10, 3)))[0] for _ in range(2))
    return _problem(DeepLinear((10,) * 4), Full((left * [3.0, 2.0, 1.0]) @ right.T), 1e-2)


def large() -> tuple[Problem, Array]:
    """Depth three, 64 by 64, of rank five, half of the entries observed."""
    rng, n = np.random.default_rng(4), 64
    target = rng.standard_normal((n, 5)) @ rng.standard_normal((5, n))
    target *= 8.0 / np.linalg.norm(target)
    places = np.stack(np.unravel_index(rng.permutation(n * n)[: n * n // 2], (n, n)), axis=1)
    return _problem(DeepLinear((n,) * 4), Entries.of(target, places), 1e-2)


def _tensor_entries() -> Entries:
    """500 entries of a tensor of order four, size eight, rank three and norm eight."""
    rng = np.random.default_rng(3)
    target = np.einsum("ar,br,cr,dr->abcd", *rng.standard_normal((4, 8, 3)))
    target *= 8.0 / np.linalg.norm(target)
    places = np.stack(np.unravel_index(rng.permutation(8**4)[:500], (8,) * 4), axis=1)
    return Entries.of(target, places)


def tensor() -> tuple[Problem, Array]:
    """Twenty rank-one components."""
    return _problem(CPFactorization((8,) * 4, components=20), _tensor_entries(), 0.05)


def tree() -> tuple[Problem, Array]:
    """A binary tree of width twenty."""
    model = HierarchicalTensor((8,) * 4, binary_tree(4), widths=(20, 20, 20))
    return _problem(model, _tensor_entries(), 0.2)


PROBLEMS = {
    bench.name: bench
    for bench in (
        Bench("B1s", "2 x 2, depth 3, completion; early", tiny, 300.0),
        Bench("B1m", "2 x 2, depth 3, completion; late", tiny, 1e4, stiff=True),
        Bench("B1", "2 x 2, depth 3, completion; very late", tiny, 5e6, stiff=True),
        Bench("B2", "10 x 10, depth 3, rank 3", matrix, 45.93),
        Bench("B6", "2 x 2, depth 3, completion; 1000 starts", starts, 50.0, many=True),
        Bench("B3", "CP, 8^4, 20 components, 500 entries", tensor, 235.2),
        Bench("B5", "tree, 8^4, width 20, 500 entries", tree, 385.4),
        Bench("B4", "64 x 64, depth 3, half observed", large, 15.25),
    )
}
