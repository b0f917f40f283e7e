"""Integer tensors of random trees: ranks of all their matricizations, counted without rounding."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

import dynlens as dl
from dynlens.observables.matricizations import matricization
from dynlens.theory import cuts

BINARY4, FLAT4, CATERPILLAR = ((0, 1), (2, 3)), (0, 1, 2, 3), (((0, 1), 2), 3)
MIXED6, FLAT6 = ((0, 1, 2), 3, (4, 5)), (0, 1, 2, 3, 4, 5)
BINARY8, FLAT8 = dl.models.binary_tree(8), tuple(range(8))


def up_to_half(order):
    """All sets of modes with 1 <= |I| <= order / 2."""
    return [set_ for size in range(1, order // 2 + 1) for set_ in combinations(range(order), size)]


def integers(rng, shape, largest):
    """Random integers, none of them zero, of Python's unbounded kind."""
    return (rng.choice([-1, 1], shape) * rng.integers(1, largest, shape)).astype(object)


def random_tensor(model, rng):
    """A tensor of the model's tree with integer weights, exact."""
    return model.end_to_end(tuple(integers(rng, shape, 100) for shape in model.factor_shapes))


def ranks_of(tensor, sets, numerics):
    """Ranks with each set as rows: by elimination, and as the twin modulo a prime."""
    rank = numerics.pick(cuts.exact_rank, cuts.rank_modulo)
    return [rank(matricization(tensor, tensor.shape, modes)) for modes in sets]


def node_sets(tree, order):
    """Modes of every node but the root, in the order of `HierarchicalTensor.nodes`."""
    nodes = dl.HierarchicalTensor((1,) * order, tree, widths=1).nodes
    return [node.modes for node in nodes[:-1]]


def columns(rows):
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}


@dataclass(frozen=True)
class RandomTrees(dl.Measurement):
    """Tensors of one tree with random sizes, and the two bounds, for all sets of modes."""

    tree: tuple
    draws: int = 6
    sizes: tuple[int, ...] = (2, 3)
    seed: int = 0

    def measure(self, numerics):
        rows = []
        for draw in range(self.draws):
            rng = np.random.default_rng([self.seed, draw])
            order = len(node_sets_of_leaves(self.tree))
            shape = tuple(rng.choice(self.sizes, order).tolist())
            interior = len(dl.HierarchicalTensor(shape, self.tree, widths=1).interior)
            widths = tuple(rng.integers(1, 6, interior).tolist())
            rows += measured(self.tree, shape, widths, up_to_half(order), rng, numerics)
        return columns(rows)


def node_sets_of_leaves(tree):
    """The modes below a node."""
    if not isinstance(tree, tuple):
        return (tree,)
    return sum((node_sets_of_leaves(branch) for branch in tree), ())


@dataclass(frozen=True)
class OneTree(dl.Measurement):
    """A tensor of given sizes, and some sets of modes."""

    tree: tuple
    shape: tuple[int, ...]
    widths: tuple[int, ...]
    sets: tuple[tuple[int, ...], ...]
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        return columns(measured(self.tree, self.shape, self.widths, self.sets, rng, numerics))


def measured(tree, shape, widths, sets, rng, numerics):
    """The rank with each set as rows, and what has been said to bound it."""
    model = dl.HierarchicalTensor(shape, tree, widths=widths)
    tensor, sizes = random_tensor(model, rng), (*shape, *widths)
    at_nodes = ranks_of(tensor, node_sets(tree, len(shape)), numerics)
    own = {node.modes: node.width for node in model.nodes}
    rows = []
    for modes, rank in zip(sets, ranks_of(tensor, sets, numerics), strict=True):
        vertex = cuts.smallest_vertex_cut(tree, sizes, modes)
        edge = cuts.smallest_edge_cut(tree, at_nodes, modes)
        rows.append(
            {
                "rank": rank,
                "vertex_cut": vertex.rank,
                "edge_cut": edge.rank,
                "largest_size": max(sizes[k] for k in vertex.nodes),
                "sum_of_sizes": sum(sizes[k] for k in vertex.nodes),
                "sum_of_ranks": sum(at_nodes[k] for k in edge.nodes),
                "rank_of_half": at_nodes[-1],
                "own_width": own.get(tuple(modes), np.nan),
                "order": len(shape),
            }
        )
    return rows


@dataclass(frozen=True)
class SparseSums(dl.Measurement):
    """Sums of sparse rank-one tensors, which come from no tree, beside the ranks at its nodes."""

    tree: tuple
    draws: int = 33
    order: int = 4
    size: int = 3
    seed: int = 0

    def measure(self, numerics):
        rows = []
        for draw in range(self.draws):
            rng = np.random.default_rng([self.seed, draw])
            tensor = self.tensor(rng)
            at_nodes = ranks_of(tensor, node_sets(self.tree, self.order), numerics)
            alone = ranks_of(tensor, [(mode,) for mode in range(self.order)], numerics)
            sets = up_to_half(self.order)
            for modes, rank in zip(sets, ranks_of(tensor, sets, numerics), strict=True):
                cut = cuts.smallest_edge_cut(self.tree, at_nodes, modes)
                product = int(np.prod([alone[mode] for mode in modes]))
                rows.append({"rank": rank, "edge_cut": cut.rank, "product_of_modes": product})
        return columns(rows)

    def tensor(self, rng):
        """Two to five terms, each vector zero in about half of its entries."""
        total = np.zeros((self.size,) * self.order, dtype=object)
        for _ in range(rng.integers(2, 6)):
            term = np.ones((), dtype=object)
            for _ in range(self.order):
                vector = integers(rng, self.size, 10) * rng.integers(0, 2, self.size)
                term = np.multiply.outer(term, vector)
            total = total + term
        return total


TREES = (
    RandomTrees(BINARY4),
    RandomTrees(FLAT4),
    RandomTrees(CATERPILLAR),
    RandomTrees(MIXED6),
    RandomTrees(BINARY8, draws=2, sizes=(2,)),
    RandomTrees(FLAT6),
)
TWO_CHILDREN = (TREES[0], TREES[2], TREES[4])
SPARSE = tuple(SparseSums(tree) for tree in (BINARY4, FLAT4, CATERPILLAR))


def binary8(*sets):
    return OneTree(BINARY8, (2,) * 8, (2,) * 7, sets)


ODD = binary8((0, 2, 4, 6))
NEIGHBOURS = binary8((0, 1, 2, 3), (0, 1))
STRANGERS = binary8((0, 2), (0, 4), (1, 2))
FLAT = OneTree(FLAT8, (2,) * 8, (5,), tuple(up_to_half(8)))
WIDE = OneTree(BINARY4, (3,) * 4, (6, 6, 3), ((0, 1),))
