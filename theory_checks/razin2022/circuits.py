"""Hierarchical factorizations as convolutional arithmetic circuits, and their separation ranks."""

from functools import reduce

import numpy as np

import dynlens as dl

from .cases import MODELS
from .truncation import ROUNDING

INPUTS = 7

# -- the circuit and the tensor --------------------------------------------------------------------


def inputs(model, one_hot=False):
    """Representations of a batch of inputs, one array (INPUTS, D_n) for each location."""
    rng = np.random.default_rng(0)
    if one_hot:
        return [np.eye(size)[rng.integers(size, size=INPUTS)] for size in model.shape]
    return [rng.standard_normal((INPUTS, size)) for size in model.shape]


def network(samples, pool, *, pool_first=False, one_hot=False):
    """Outputs of the circuit, shape (S, INPUTS); every location is mapped, then pooled."""
    model = samples.problem.model
    outputs = []
    for theta in samples.theta:
        weights = model.unravel(theta)
        signals = dict(enumerate(inputs(model, one_hot)))  # by node: (INPUTS, channels)
        for k, node in enumerate(model.interior, start=model.order):
            maps = [weights[model.nodes[child].factor] for child in node.children]
            arriving = [signals[child] for child in node.children]
            if pool_first:
                signals[k] = reduce(pool, arriving) @ maps[0]
            else:
                mapped = [x @ W for x, W in zip(arriving, maps, strict=True)]  # W^T x, in rows
                signals[k] = reduce(pool, mapped)
        top = weights[model.root.factor] if model.root.factor is not None else None
        last = signals[len(model.nodes) - 1]
        outputs.append(last.sum(axis=-1) if top is None else (last @ top)[:, 0])
    return np.array(outputs)


def circuit(samples):
    return network(samples, np.multiply)


def circuit_of_one_hot(samples):
    return network(samples, np.multiply, one_hot=True)


def sum_pooling(samples):
    return network(samples, np.add)


def pooling_before_the_map(samples):
    return network(samples, np.multiply, pool_first=True)


def contracted(samples, one_hot=False):
    """<W, x_1 (x) ... (x) x_N>, from the tensor itself."""
    first, *others = reversed(inputs(samples.problem.model, one_hot))  # the last mode first
    tensor = np.einsum("s...d,id->si...", samples.read("end_to_end"), first)
    for x in others:
        tensor = np.einsum("si...d,id->si...", tensor, x)
    return tensor


def entries(samples):
    return contracted(samples, one_hot=True)


ANY = tuple(dl.RandomStates(model, "gaussian", count=5) for model in MODELS)
# Pooling before the map needs siblings of equal sizes to be stated at all.
EVEN = dl.RandomStates(
    dl.HierarchicalTensor((3,) * 4, dl.models.binary_tree(4), widths=(3, 3, 3)), "gaussian"
)

# -- separation ranks ------------------------------------------------------------------------------

POINTS = 12
NODES = ((0,), (0, 1), (2, 3))
ACROSS = (0, 2)  # modes 1 and 3: no node
OTHERS = {modes: tuple(m for m in range(4) if m not in modes) for modes in (*NODES, ACROSS)}


def numerical_rank(matrix):
    values = np.linalg.svd(matrix, compute_uv=False)
    return (values > ROUNDING * values[:, :1]).sum(axis=-1).astype(float)


def separation_ranks(samples, sets):
    """Rank of the values of the circuit on a grid of POINTS x POINTS random inputs, (S, sets)."""
    problem, model = samples.problem, samples.problem.model
    found = []
    for modes in sets:
        rng = np.random.default_rng(1)
        inside, outside = rng.standard_normal((2, POINTS, 4, 3))
        i, j = (k.ravel() for k in np.indices((POINTS, POINTS)))
        vectors = tuple(inside[i, m] if m in modes else outside[j, m] for m in range(4))
        values = model.rank_one_products(problem.factors(samples.theta), vectors)
        found.append(numerical_rank(values.reshape(len(samples), POINTS, POINTS)))
    return np.stack(found, axis=-1)


def matricization_ranks(samples, sets):
    tensor = samples.read("end_to_end")
    arranged = (tensor.transpose(0, *(m + 1 for m in (*modes, *OTHERS[modes]))) for modes in sets)
    sized = zip(arranged, sets, strict=True)
    matrices = [tensor.reshape(len(samples), 3 ** len(modes), -1) for tensor, modes in sized]
    return np.stack([numerical_rank(matrix) for matrix in matrices], axis=-1)


def separation(samples):
    return separation_ranks(samples, (*NODES, ACROSS))


def matricized(samples):
    return matricization_ranks(samples, (*NODES, ACROSS))


def at_nodes(samples):
    return separation_ranks(samples, NODES)


def at_the_roots_children(samples):
    return separation_ranks(samples, NODES[1:])


def across(samples):
    return separation_ranks(samples, (ACROSS,))


def widths_of_parents(samples):
    """Of {1}, {1,2} and {3,4}, whose ranks they bound; and no rank exceeds a matrix's sides."""
    model = samples.problem.model
    parents = [model.widths[0], model.widths[2], model.widths[2]]
    return np.minimum(np.array([parents], dtype=float), [3, 9, 9])


def own_widths(samples):
    """Of {1,2} and {3,4} themselves, with those of {1}'s parent."""
    model = samples.problem.model
    own = [model.widths[0], model.widths[0], model.widths[1]]
    return np.minimum(np.array([own], dtype=float), [3, 9, 9])


def width_of_root(samples):
    return np.array([[float(samples.problem.model.widths[-1])]])


def expected(samples):
    """Of {1} min(D, R_12), of {1,2} and {3,4} the narrowest width, of {1,3} a product."""
    first, second, root = samples.problem.model.widths
    both = min(first, second, root)
    return np.array([[min(3, first), both, both, min(3, first) * min(3, second)]], dtype=float)


def of_widths(*widths):
    model = dl.HierarchicalTensor((3,) * 4, dl.models.binary_tree(4), widths=widths)
    return dl.RandomStates(model, "gaussian", count=5)


WIDTHS = tuple(of_widths(*widths) for widths in ((2, 4, 3), (6, 6, 3), (6, 6, 5), (2, 6, 5)))
