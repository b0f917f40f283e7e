"""Trees of products, and the tables from which compiled loops evaluate them.

Entries of a CP factorization and of a hierarchical one are made alike: rows of the modes' matrices
are multiplied in pairs, up a binary tree, here and there through a weight matrix, until one inner
product is left. A row that several entries share is made once. A table of integers tells all this
to the loops of `dynlens.kernels.loops.product_tree`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.sources import source_of
from dynlens.kernels.vectors import padded

Indices = NDArray[np.int64]
LEAF, SENSED, MIX, SCALE, PRODUCT, SUM = range(6)
KINDS = {"LEAF": LEAF, "SENSED": SENSED, "MIX": MIX, "SCALE": SCALE, "PRODUCT": PRODUCT, "SUM": SUM}


@dataclass(frozen=True)
class Kernel:
    """Compiled counterpart of a model's map.

    Parameters
    ----------
    source : str
        Text of ``forward(theta, index, rows, work, values)`` and
        ``backward(theta, index, rows, work, weights, out)``, decorated with ``@compiled``; by
        `source_of` from a module of its own. The latter is called after the former, with the same
        work space.
    index : ndarray of int
        What both read; nothing unless given.
    work : int
        Size of the work space.
    rows : ndarray
        What the model reads besides, as the last numbers of ``rows``: nothing unless given.
    """

    source: str
    index: Indices = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    work: int = 0
    rows: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Step:
    """Rows of values, one for each index of some modes that is needed.

    Parameters
    ----------
    kind : {LEAF, SENSED, MIX, SCALE, PRODUCT, SUM}
        The matrix of a mode; vectors times that matrix; an earlier step times a weight matrix, or
        times a weight for each column; entrywise products of two earlier steps; such products
        added up, which ends the tree.
    width : int
        Length of a row.
    left, right : int
        Positions of the earlier steps; `left` alone for a mix or a scale; the mode of a leaf.
    start : int
        Where its weights start in ``theta``.
    inner : int
        Rows of its matrix.
    """

    kind: int
    width: int
    left: int
    right: int = 0
    start: int = 0
    inner: int = 0


@dataclass(frozen=True)
class ProductTree:
    """How an entry is made: all steps in order, the last of them the sum."""

    steps: tuple[Step, ...]

    def entries_kernel(self, indices: Indices) -> Kernel:
        """Kernel of the entries at `indices`, shape (n, order)."""
        own: list[Indices] = []  # of each step: which of its rows every entry needs
        counts: list[int] = []
        pairs: list[Indices] = []
        for step in self.steps:
            if step.kind == LEAF:
                own.append(indices[:, step.left])
                counts.append(step.inner)
            elif step.kind in (MIX, SCALE):
                own.append(own[step.left])
                counts.append(counts[step.left])
            else:
                code = own[step.left] * counts[step.right] + own[step.right]
                if step.kind == PRODUCT:
                    code, place = np.unique(code, return_inverse=True)
                    own.append(place)
                counts.append(len(code))
                pairs += [code // counts[step.right], code % counts[step.right]]
        return _kernel(self.steps, counts, pairs)

    def rank_one_kernel(self, n: int) -> Kernel:
        """Kernel of the inner products with n rank-one tensors, each with rows of its own."""
        # A sensed leaf has no right: it tells the length of its vectors there.
        steps = tuple(
            replace(step, kind=SENSED, right=step.inner) if step.kind == LEAF else step
            for step in self.steps
        )
        products = sum(step.kind in (PRODUCT, SUM) for step in steps)
        return _kernel(steps, [n] * len(steps), [np.arange(n)] * (2 * products))


class Grower:
    """Lists the steps of a tree of products, pairing as evenly as the order allows."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def leaf(self, mode: int, size: int, width: int, start: int) -> int:
        """Add the matrix of a mode."""
        return self._add(Step(LEAF, width, mode, start=start, inner=size))

    def mix(self, source: int, width: int, start: int) -> int:
        """Add the source's rows times a weight matrix."""
        return self._add(Step(MIX, width, source, start=start, inner=self.steps[source].width))

    def scale(self, source: int, start: int) -> int:
        """Add the source's columns times a weight each."""
        return self._add(Step(SCALE, self.steps[source].width, source, start=start))

    def product(self, sources: list[int], kind: int = PRODUCT) -> int:
        """Add the products of the rows of all sources."""
        if len(sources) == 1:
            return sources[0]
        middle = (len(sources) + 1) // 2
        left, right = self.product(sources[:middle]), self.product(sources[middle:])
        return self._add(Step(kind, self.steps[left].width, left, right))

    def tree(self, sources: list[int]) -> ProductTree:
        """Return the tree that adds up the products of `sources`."""
        self.product(sources, SUM)
        return ProductTree(tuple(self.steps))

    def _add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1


def _kernel(steps: tuple[Step, ...], counts: list[int], pairs: list[Indices]) -> Kernel:
    """Lay out one table: two numbers, ten for each step, then the pairs of rows."""
    table, place, pair, vector = [], 0, 2 + 10 * len(steps), 0
    for step, n in zip(steps, counts, strict=True):
        at = vector if step.kind == SENSED else pair
        weighted = {SENSED: step.inner, MIX: padded(step.inner), SCALE: 1}
        values = 0 if step.kind == SUM else n * padded(step.width)
        weights = place + values
        table += [step.kind, n, step.width, padded(step.width), place, weights]
        table += [step.left, step.right, step.start, at]
        if step.kind == SENSED:
            vector += n * step.inner
        if step.kind in (PRODUCT, SUM):
            pair += 2 * n
        place = weights + weighted.get(step.kind, 0) * padded(step.width)
    head = np.array([len(steps), place, *table])
    strides = {padded(step.width) for step in steps}
    stride = strides.pop() if len(strides) == 1 else 0
    text = source_of("dynlens.kernels.loops.product_tree", STRIDE=stride, **KINDS)
    return Kernel(text, np.concatenate([head, *pairs]).astype(np.int64), 2 * place)
