"""Trees of products, and the compiled loops that evaluate them.

Entries of a CP factorization and of a hierarchical one are made alike: rows of the modes' matrices
are multiplied in pairs, up a binary tree, here and there through a weight matrix, until one inner
product is left. A row that several entries share is made once. The loops read the tree from a table
of integers, so that one compiled module serves every shape, tree, width and set of entries.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

LEAF, SENSED, MIX, SCALE, PRODUCT, SUM = range(6)


@dataclass(frozen=True)
class Kernel:
    """Compiled counterpart of a model's map.

    Parameters
    ----------
    source : str
        Text of ``forward(theta, index, rows, work, values)`` and
        ``backward(theta, index, rows, work, weights, out)``, decorated with ``@compiled``. The
        latter is called after the former, with the same work space.
    index : ndarray of int
        What both read; may be empty.
    work : int
        Size of the work space.
    """

    source: str
    index: Indices
    work: int


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
    """Lay out one table: two numbers, eight for each step, then the pairs of rows."""
    table, place, pair, vector = [], 0, 2 + 8 * len(steps), 0
    for step, n in zip(steps, counts, strict=True):
        at = vector if step.kind == SENSED else pair
        table += [step.kind, n, step.width, place, step.left, step.right, step.start, at]
        if step.kind == SENSED:
            vector += n * step.inner
        if step.kind in (PRODUCT, SUM):
            pair += 2 * n
        if step.kind != SUM:
            place += n * step.width
    head = np.array([len(steps), place, *table])
    return Kernel(SOURCE, np.concatenate([head, *pairs]).astype(np.int64), 2 * place)


SOURCE = f"""# Sums may be taken in any order; infinities and NaNs stay what they are.
fast = njit(cache=True, fastmath={{"reassoc", "contract", "nsz"}})

LEAF, SENSED, MIX, SCALE, PRODUCT, SUM = {LEAF}, {SENSED}, {MIX}, {SCALE}, {PRODUCT}, {SUM}


@compiled
def matrix(array, start, rows, width):
    return array[start : start + rows * width].reshape(rows, width)


@compiled
def block(work, index, s, half):  # the values of step s, or from `half` on their cotangents
    n, width, place = index[8 * s + 3], index[8 * s + 4], index[8 * s + 5]
    return matrix(work, half + place, n, width)


@compiled
def sources(index, s):  # earlier steps, then where its weights and its pairs of rows start
    return index[8 * s + 6], index[8 * s + 7], index[8 * s + 8], index[8 * s + 9]


@compiled
def times(left, right, out):
    np.dot(left, right, out)


@fast
def copy(source, out):
    for k in range(len(out)):
        for r in range(out.shape[1]):
            out[k, r] = source[k, r]


@fast
def scale(left, weights, out):
    for k in range(len(out)):
        for r in range(out.shape[1]):
            out[k, r] = left[k, r] * weights[r]


@fast
def scale_back(left, weights, d, d_left, d_weights):
    d_weights[:] = 0.0
    for k in range(len(d)):
        for r in range(d.shape[1]):
            d_left[k, r] = d[k, r] * weights[r]
            d_weights[r] += d[k, r] * left[k, r]


@fast
def multiply(left, right, pairs, out):
    n = len(out)
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(out.shape[1]):
            out[k, r] = left[i, r] * right[j, r]


@fast
def multiply_back(left, right, pairs, d, d_left, d_right):
    n = len(d)
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(d.shape[1]):
            d_left[i, r] += d[k, r] * right[j, r]
            d_right[j, r] += d[k, r] * left[i, r]


@fast
def add_up(left, right, pairs, values):
    n = len(values)
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        total = 0.0
        for r in range(left.shape[1]):
            total += left[i, r] * right[j, r]
        values[k] = total


@fast
def add_up_back(left, right, pairs, weights, d_left, d_right):
    n = len(weights)
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(left.shape[1]):
            d_left[i, r] += weights[k] * right[j, r]
            d_right[j, r] += weights[k] * left[i, r]


@compiled
def forward(theta, index, rows, work, values):
    steps = index[0]
    for s in range(steps):
        kind = index[8 * s + 2]
        left, right, start, at = sources(index, s)
        if kind == SUM:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            add_up(a, b, index[at:], values)
            return
        v = block(work, index, s, 0)
        n, width = v.shape
        if kind == LEAF:
            copy(matrix(theta, start, n, width), v)
        elif kind == SENSED:
            times(matrix(rows, at, n, right), matrix(theta, start, right, width), v)
        elif kind == MIX:
            a = block(work, index, left, 0)
            times(a, matrix(theta, start, a.shape[1], width), v)
        elif kind == SCALE:
            scale(block(work, index, left, 0), theta[start : start + width], v)
        else:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            multiply(a, b, index[at:], v)


@compiled
def backward(theta, index, rows, work, weights, out):
    steps, half = index[0], index[1]
    work[half:] = 0.0
    for s in range(steps - 1, -1, -1):
        kind = index[8 * s + 2]
        left, right, start, at = sources(index, s)
        if kind == LEAF:
            d = block(work, index, s, half)
            copy(d, matrix(out, start, len(d), d.shape[1]))
            continue
        if kind == SENSED:
            d = block(work, index, s, half)
            times(matrix(rows, at, len(d), right).T, d, matrix(out, start, right, d.shape[1]))
            continue
        a, da = block(work, index, left, 0), block(work, index, left, half)
        if kind == SUM:
            b, db = block(work, index, right, 0), block(work, index, right, half)
            add_up_back(a, b, index[at:], weights, da, db)
            continue
        d = block(work, index, s, half)
        inner, width = a.shape[1], d.shape[1]
        if kind == MIX:
            times(a.T, d, matrix(out, start, inner, width))
            times(d, matrix(theta, start, inner, width).T, da)
        elif kind == SCALE:
            stop = start + width
            scale_back(a, theta[start:stop], d, da, out[start:stop])
        else:
            b, db = block(work, index, right, 0), block(work, index, right, half)
            multiply_back(a, b, index[at:], d, da, db)
"""
