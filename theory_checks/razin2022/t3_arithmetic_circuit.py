"""A hierarchical factorization is a convolutional arithmetic circuit.

Razin, Maman & Cohen (2022), Section 2, after Cohen, Sharir & Shashua (2016): representations
x_1, ..., x_N of the inputs pass, level by level, through a linear map of each location's channels
(1 x 1, weights not shared) and product pooling over siblings; a linear output follows. The output
is the inner product of the end-to-end tensor with x_1 (x) ... (x) x_N.
"""

from functools import reduce

import numpy as np

from dynlens import Check, Equal, HierarchicalTensor, RandomStates, Theorem, binary_tree
from theory_checks.razin2022.l1_conservation import FIXED_ROOT, TREES

INPUTS = 7


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


models = tuple(RandomStates(model, "gaussian", count=5) for model in (*TREES.values(), FIXED_ROOT))
# Pooling before the map needs siblings of equal sizes to be stated at all.
even = (RandomStates(HierarchicalTensor((3,) * 4, binary_tree(4), widths=(3, 3, 3)), "gaussian"),)

theorem = Theorem(
    id="P3.T3",
    title="a hierarchical factorization is a convolutional arithmetic circuit",
    source="razin2022implicit, Section 2",
    checks=(
        Check(Equal(left=circuit, right=contracted, tolerance=1e-13), models),
        Check(Equal(left=circuit_of_one_hot, right=entries, tolerance=1e-13), models),
    ),
    controls={
        "sum pooling": Check(Equal(left=sum_pooling, right=contracted), models),
        "pooling before the linear map": Check(
            Equal(left=pooling_before_the_map, right=contracted), even
        ),
    },
)
