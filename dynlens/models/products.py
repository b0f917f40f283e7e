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

LEAF, SENSED, MIX, PRODUCT, SUM = range(5)


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
    kind : {LEAF, SENSED, MIX, PRODUCT, SUM}
        The matrix of a mode; vectors times that matrix; an earlier step times a weight matrix;
        entrywise products of two earlier steps; such products added up, which ends the tree.
    width : int
        Length of a row.
    left, right : int
        Positions of the earlier steps. Of a leaf, `left` is its mode; of a mix, its source.
    start : int
        Where its matrix or, for a sum, its weights start in ``theta``; -1 if they are ones.
    inner : int
        Rows of its matrix.
    """

    kind: int
    width: int
    left: int
    right: int = -1
    start: int = -1
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
            elif step.kind == MIX:
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
        sensed = [replace(s, kind=SENSED) if s.kind == LEAF else s for s in self.steps]
        products = sum(step.kind in (PRODUCT, SUM) for step in sensed)
        return _kernel(tuple(sensed), [n] * len(sensed), [np.arange(n)] * (2 * products))


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

    def product(self, sources: list[int], kind: int = PRODUCT, start: int = -1) -> int:
        """Add the products of the rows of all sources."""
        if len(sources) == 1:
            return sources[0]
        middle = (len(sources) + 1) // 2
        left, right = self.product(sources[:middle]), self.product(sources[middle:])
        return self._add(Step(kind, self.steps[left].width, left, right, start))

    def tree(self, sources: list[int], start: int = -1) -> ProductTree:
        """Return the tree that adds up the products of `sources`, with weights at `start`."""
        self.product(sources, SUM, start)
        return ProductTree(tuple(self.steps))

    def _add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1


def _kernel(steps: tuple[Step, ...], counts: list[int], pairs: list[Indices]) -> Kernel:
    """Lay the tree out in one table: a head, eight numbers per step, then the pairs of rows."""
    table, place, pair, seen = [], 0, 2 + 8 * len(steps), 0
    for step, n in zip(steps, counts, strict=True):
        right, extra = step.right, pair
        if step.kind == SENSED:
            right, extra, seen = step.inner, seen, seen + n * step.inner
        table += [step.kind, n, step.width, place, step.left, right, step.start, extra]
        pair += 2 * n if step.kind in (PRODUCT, SUM) else 0
        place += n * step.width if step.kind != SUM else 0
    head = np.array([len(steps), place, *table])
    return Kernel(SOURCE, np.concatenate([head, *pairs]).astype(np.int64), 2 * place)


SOURCE = f"""# Sums may be taken in any order; infinities and NaNs stay what they are.
fast = njit(cache=True, fastmath={{"reassoc", "contract", "nsz"}})

LEAF, SENSED, MIX, PRODUCT, SUM = {LEAF}, {SENSED}, {MIX}, {PRODUCT}, {SUM}


@compiled
def step(index, s):
    at = 2 + 8 * s  # kind, rows, width, place, left, right, start, and where its pairs start
    return index[at], index[at + 4], index[at + 5], index[at + 6], index[at + 7]


@compiled
def block(work, index, s, half):
    n, width, at = index[3 + 8 * s], index[4 + 8 * s], index[5 + 8 * s] + half
    return work[at : at + n * width].reshape(n, width)


@compiled
def matrix(array, start, rows, width):
    return array[start : start + rows * width].reshape(rows, width)


@fast
def multiply(left, right, pairs, out):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(out.shape[1]):
            out[k, r] = left[i, r] * right[j, r]


@fast
def multiply_back(left, right, pairs, weights, d_left, d_right):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(left.shape[1]):
            d_left[i, r] += weights[k, r] * right[j, r]
            d_right[j, r] += weights[k, r] * left[i, r]


@fast
def add_up(left, right, pairs, values):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        total = 0.0
        for r in range(left.shape[1]):
            total += left[i, r] * right[j, r]
        values[k] = total

@fast
def add_up_weighted(left, right, root, pairs, values):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        total = 0.0
        for r in range(left.shape[1]):
            total += left[i, r] * right[j, r] * root[r]
        values[k] = total


@fast
def add_up_back(left, right, pairs, weights, d_left, d_right):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(left.shape[1]):
            d_left[i, r] += weights[k] * right[j, r]
            d_right[j, r] += weights[k] * left[i, r]

@fast
def add_up_weighted_back(left, right, root, pairs, weights, d_left, d_right, d_root):
    n = len(pairs) // 2
    for k in range(n):
        i, j = pairs[k], pairs[n + k]
        for r in range(left.shape[1]):
            d_left[i, r] += weights[k] * root[r] * right[j, r]
            d_right[j, r] += weights[k] * root[r] * left[i, r]
            d_root[r] += weights[k] * left[i, r] * right[j, r]


@compiled
def forward(theta, index, rows, work, values):
    for s in range(index[0]):
        kind, left, right, start, pairs = step(index, s)
        if kind == SUM:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            p = index[pairs : pairs + 2 * len(values)]
            if start < 0: add_up(a, b, p, values)
            else: add_up_weighted(a, b, theta[start:start+a.shape[1]], p, values)
            break
        v = block(work, index, s, 0)
        if kind == LEAF:
            v[:] = matrix(theta, start, len(v), v.shape[1])
        elif kind == SENSED:
            # here
            n = len(v)
            d = right
            np.dot(matrix(rows, pairs, n, d), matrix(theta, start, d, v.shape[1]), v)
        elif kind == MIX:
            a = block(work, index, left, 0)
            np.dot(a, matrix(theta, start, a.shape[1], v.shape[1]), v)
        else:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            multiply(a, b, index[pairs : pairs + 2 * len(v)], v)

@compiled
def backward(theta, index, rows, work, weights, out):
    half = index[1]
    work[half:] = 0.0
    for t in range(index[0]):
        s = index[0] - 1 - t
        kind, left, right, start, pairs = step(index, s)
        if kind == SUM:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            da, db = block(work, index, left, half), block(work, index, right, half)
            p = index[pairs : pairs + 2 * len(weights)]
            if start < 0: add_up_back(a, b, p, weights, da, db)
            else:
                d_root = out[start:start+a.shape[1]]
                d_root[:] = 0.0
                add_up_weighted_back(a, b, theta[start:start+a.shape[1]], p, weights, da, db, d_root)
            continue
        v = block(work, index, s, half)
        if kind == LEAF:
            matrix(out, start, len(v), v.shape[1])[:] = v
        elif kind == SENSED:
            n = len(v)
            d = right
            np.dot(matrix(rows, pairs, n, d).T, v, matrix(out, start, d, v.shape[1]))
        elif kind == MIX:
            a = block(work, index, left, 0)
            w = matrix(theta, start, a.shape[1], v.shape[1])
            np.dot(a.T, v, matrix(out, start, a.shape[1], v.shape[1]))
            np.dot(v, w.T, block(work, index, left, half))
        else:
            a, b = block(work, index, left, 0), block(work, index, right, 0)
            da, db = block(work, index, left, half), block(work, index, right, half)
            multiply_back(a, b, index[pairs : pairs + 2 * len(v)], v, da, db)
"""
