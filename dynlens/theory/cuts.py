r"""Ranks of matricizations of a hierarchical tensor, for every partition of its modes.

A hierarchical factorization over a mode tree has an index variable at every node: :math:`D_n`
values at the leaf of mode n, :math:`R_\nu` at an interior node. A weight joins each variable to
that of its parent. A set of variables, or of edges, that separates the modes in I from the others
bounds the rank of the matricization with I as rows: with the variables fixed, the tensor
is a product of what lies on either side.

References
----------
cohen2017inductive, razin2022implicit
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.support import validation
from dynlens.support.typing import ArrayLike

PRIME = 2**31 - 1
"""The largest prime whose products of two residues fit into 64 bits."""

Tree = int | tuple[Any, ...]


class Cut(NamedTuple):
    """What separates some modes of a tree from the others.

    Parameters
    ----------
    rank : int
        Product of the sizes of what was cut: an upper bound on the rank.
    nodes : tuple of int
        Which nodes were cut, or whose edges to their parents: leaves count first, in the order of
        the modes, then interior nodes, children before parents, from left to right.
    """

    rank: int
    nodes: tuple[int, ...]


def smallest_vertex_cut(tree: Tree, sizes: Sequence[int], modes: Iterable[int]) -> Cut:
    r"""Cheapest set of index variables that separates the leaves of `modes` from the others.

    Its product of sizes bounds the rank of the end-to-end tensor with `modes` as rows, and for
    almost all weights equals it: :math:`\operatorname{rank} [[W; I]] \le \min_S \prod_{S}
    \text{size}`.

    Parameters
    ----------
    tree : nested tuples
        Modes counted from zero, as of `HierarchicalTensor`.
    sizes : sequence of int
        Numbers of values of the variables: ``(*model.shape, *model.widths)``.
    modes : iterable of int
        The modes I, some but not all.

    Returns
    -------
    Cut
        One of the cheapest; there may be others.

    Notes
    -----
    By dynamic programming: each node lies on the side of I, on the other, or in S; a node on one
    side has no neighbour on the other. The cost is linear in the number of nodes.

    Examples
    --------
    Pairs of neighbours are cheap to separate in a binary tree of neighbours, odd from even is not:

    >>> tree = (((0, 1), (2, 3)), ((4, 5), (6, 7)))
    >>> [smallest_vertex_cut(tree, [2] * 15, modes).rank for modes in ((0, 1), (0, 2, 4, 6))]
    [2, 16]
    """
    inside, numbers = _checked(tree, sizes, modes)

    def solved(branch: Tree) -> tuple[Cut, Cut, Cut]:
        """Cheapest cuts below a node that is inside, outside, or cut itself."""
        number = numbers[branch]
        below = [solved(child) for child in branch] if isinstance(branch, tuple) else []
        free = [
            _joined([min(child[side], child[2], key=_rank) for child in below]) for side in (0, 1)
        ]
        cut = _joined([Cut(sizes[number], (number,)), *(min(c, key=_rank) for c in below)])
        if not isinstance(branch, tuple):
            free[branch in inside] = NEVER
        return free[0], free[1], cut

    return min(solved(tree), key=_rank)


def smallest_edge_cut(tree: Tree, ranks: Sequence[int], modes: Iterable[int]) -> Cut:
    r"""Cheapest set of edges of a mode tree that separates the leaves of `modes` from the others.

    With the ranks :math:`k_\nu` of *any* tensor matricized at the nodes, the product of those
    above which the edges are cut bounds its rank with `modes` as rows: low ranks at the nodes mean
    low ranks for all partitions.

    Parameters
    ----------
    tree : nested tuples
    ranks : sequence of int
        Of the nodes but the root, as `hierarchical_rank` lists them.
    modes : iterable of int
        Some of the modes, not all.

    Examples
    --------
    >>> smallest_edge_cut(((0, 1), (2, 3)), [2, 2, 2, 2, 3, 3], (0, 1))
    Cut(rank=3, nodes=(5,))
    """
    inside, numbers = _checked(tree, [*ranks, 1], modes)

    def solved(branch: Tree) -> tuple[Cut, Cut]:
        """Cheapest cuts below a node that is inside, or outside."""
        if not isinstance(branch, tuple):
            here = Cut(1, ())
            return (here, NEVER) if branch in inside else (NEVER, here)
        below = [(solved(child), numbers[child]) for child in branch]
        apart = [
            _joined([_nearer(cuts, ranks[k], k, side) for cuts, k in below]) for side in (0, 1)
        ]
        return apart[0], apart[1]

    return min(solved(tree), key=_rank)


NEVER = Cut(inf, ())  # type: ignore[arg-type]


def _rank(cut: Cut) -> float:
    return cut.rank


def _joined(cuts: list[Cut]) -> Cut:
    return Cut(prod(cut.rank for cut in cuts), sum((cut.nodes for cut in cuts), ()))


def _nearer(cuts: tuple[Cut, Cut], rank: int, number: int, side: int) -> Cut:
    """Keep a child on its parent's side, or cut the edge between them."""
    return min(cuts[side], _joined([cuts[1 - side], Cut(rank, (number,))]), key=_rank)


def _checked(
    tree: Tree, sizes: Sequence[int], modes: Iterable[int]
) -> tuple[frozenset[int], dict[Tree, int]]:
    """The modes as a set, and the number of every node."""
    branches = _branches(tree)
    leaves = sorted(branch for branch in branches if not isinstance(branch, tuple))
    if leaves != list(range(len(leaves))):
        raise ValueError(f"`tree` must list each of its modes once, counted from 0, got {tree!r}.")
    inside = frozenset(modes)
    if not inside < set(leaves) or not inside:
        raise ValueError(f"`modes` must be some but not all of {leaves}, got {sorted(inside)}.")
    if len(sizes) != len(branches):
        raise ValueError(
            f"{len(branches)} nodes need a size each, but the root in an edge cut; got "
            f"{len(sizes)}."
        )
    for size in sizes:
        validation.count("sizes", size, least=0)
    interior = [branch for branch in branches if isinstance(branch, tuple)]
    nodes: list[Tree] = [*leaves, *interior]
    return inside, {branch: k for k, branch in enumerate(nodes)}


def _branches(tree: Tree) -> list[Tree]:
    """All nodes, children before parents."""
    below = tree if isinstance(tree, tuple) else ()
    return [found for branch in below for found in _branches(branch)] + [tree]


# Ranks of integers --------------------------------------------------------------------------------


def exact_rank(matrix: ArrayLike) -> int:
    """Rank of a matrix of integers, by elimination without fractions: no rounding, no tolerance.

    Parameters
    ----------
    matrix : array_like of int, shape (m, n)
        Python's integers may be of any size; pass them in an array of objects.

    Notes
    -----
    Bareiss' elimination: every division leaves no remainder, so entries remain minors of the
    matrix and grow no further than these.

    Examples
    --------
    >>> exact_rank([[10**18, 1], [10**36, 10**18]])
    1
    """
    rest = _integers(matrix)
    rank, before = 0, 1
    while rest.size and np.any(rest != 0):
        i, j = (int(k[0]) for k in np.nonzero(rest))
        pivot, row, column = rest[i, j], np.delete(rest[i], j), np.delete(rest[:, j], i)
        others = np.delete(np.delete(rest, i, axis=0), j, axis=1)
        rest = (others * pivot - np.multiply.outer(column, row)) // before
        rank, before = rank + 1, pivot
    return rank


def rank_modulo(matrix: ArrayLike, prime: int = PRIME) -> int:
    """Rank of a matrix of integers modulo a prime: at most the `exact_rank`, and seldom less.

    Parameters
    ----------
    matrix : array_like of int, shape (m, n)
    prime : int
        At most 2**31 - 1, the default.

    Examples
    --------
    >>> rank_modulo([[2, 1], [0, 5]]), rank_modulo([[2, 1], [0, 5]], 5)
    (2, 1)
    """
    rest = (_integers(matrix) % prime).astype(np.int64)
    rank = 0
    while rest.size and rest.any():
        i, j = (int(k[0]) for k in np.nonzero(rest))
        row = rest[i] * pow(int(rest[i, j]), -1, prime) % prime
        rest = (rest - rest[:, j, None] * row % prime) % prime
        rest = np.delete(np.delete(rest, i, axis=0), j, axis=1)
        rank += 1
    return rank


def _integers(matrix: ArrayLike) -> NDArray[Any]:
    """Return the matrix as Python's integers."""
    found = np.asarray(matrix)
    if found.ndim != 2:
        raise ValueError(f"`matrix` must have 2 dimensions, got shape {found.shape}.")
    if found.dtype.kind not in "iuO":
        raise TypeError(f"`matrix` must be of integers, got {found.dtype}; round it yourself.")
    return found.astype(object)
