"""Smallest cuts of mode trees against all cuts there are, and ranks of integers."""

from itertools import combinations, product
from math import prod

import numpy as np
import pytest

import dynlens as dl
from dynlens.theory.cuts import exact_rank, rank_modulo, smallest_edge_cut, smallest_vertex_cut

TREES = [((0, 1), (2, 3)), (0, 1, 2, 3), (((0, 2), 1), 3), ((0, 1, 2), 3)]
CASES = [
    (tree, modes) for tree in TREES for size in (1, 2) for modes in combinations(range(4), size)
]


def nodes_of(tree):
    return dl.HierarchicalTensor((2,) * 4, tree, widths=1).nodes


def sizes_of(tree):
    rng = np.random.default_rng(7)
    return rng.integers(1, 7, len(nodes_of(tree))).tolist()


def cheapest_set(tree, sizes, modes):
    """The smallest product over all sets of nodes whose removal leaves no path."""
    nodes = nodes_of(tree)
    best = np.inf
    for sides in product("ABS", repeat=len(nodes)):
        leaves = all(sides[n] in ("S", "A" if n in modes else "B") for n in range(4))
        pairs = ((sides[k], sides[node.parent]) for k, node in enumerate(nodes[:-1]))
        if leaves and all({*pair} != {"A", "B"} for pair in pairs):
            best = min(best, prod(s for s, side in zip(sizes, sides, strict=True) if side == "S"))
    return best


def cheapest_edges(tree, ranks, modes):
    nodes = nodes_of(tree)
    best = np.inf
    for sides in product("AB", repeat=len(nodes)):
        if all(sides[n] == ("A" if n in modes else "B") for n in range(4)):
            cut = [k for k, node in enumerate(nodes[:-1]) if sides[k] != sides[node.parent]]
            best = min(best, prod(ranks[k] for k in cut))
    return best


@pytest.mark.parametrize(("tree", "modes"), CASES)
def test_cuts_are_the_cheapest_of_all(tree, modes):
    sizes = sizes_of(tree)
    vertex, edge = (
        smallest_vertex_cut(tree, sizes, modes),
        smallest_edge_cut(tree, sizes[:-1], modes),
    )
    assert vertex.rank == cheapest_set(tree, sizes, modes)
    assert edge.rank == cheapest_edges(tree, sizes[:-1], modes)
    assert prod(sizes[k] for k in vertex.nodes) == vertex.rank
    assert prod(sizes[k] for k in edge.nodes) == edge.rank


def test_ranks_of_integers_beyond_floating_point():
    rng = np.random.default_rng(0)
    left, right = (
        rng.integers(-(10**9), 10**9, shape).astype(object) for shape in ((9, 4), (4, 7))
    )
    matrix = left @ right
    assert exact_rank(matrix) == rank_modulo(matrix) == 4
    matrix[3, 3] += 1  # off in the nineteenth digit
    assert exact_rank(matrix) == rank_modulo(matrix) == 5
    assert exact_rank(np.zeros((3, 0), dtype=int)) == exact_rank(np.zeros((2, 2), dtype=int)) == 0


def test_a_rank_modulo_a_prime_may_be_less():
    assert [rank_modulo([[1, 2], [3, 13]], p) for p in (7, 11)] == [1, 2]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: smallest_vertex_cut((0, 1), [2, 2, 2], ()), "some but not all"),
        (lambda: smallest_vertex_cut((0, 1), [2, 2, 2], (0, 1)), "some but not all"),
        (lambda: smallest_vertex_cut((0, 2), [2, 2, 2], (0,)), "counted from 0"),
        (lambda: smallest_edge_cut((0, 1), [2, 2, 2], (0,)), "a size each"),
        (lambda: exact_rank([1, 2]), "2 dimensions"),
    ],
)
def test_what_is_no_partition_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_fractions_are_refused():
    with pytest.raises(TypeError, match="of integers"):
        exact_rank([[0.5]])
