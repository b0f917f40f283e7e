"""The separation rank of the circuit's function is the rank of a matricization.

Cohen & Shashua (2017), as used by Razin, Maman & Cohen (2022): the least number K of terms in
f(x) = sum_k g_k(x_I) h_k(x_J), J the complement of I, is rank [[W; I]] for linearly independent
representations. It is measured on the matrix of values f(x_I, x_J) at random points, from the
circuit and not from W. At a node of the tree it is at most the width of the parent; elsewhere not.
"""

import numpy as np

from dynlens import AtLeast, Check, Equal, HierarchicalTensor, RandomStates, Theorem, binary_tree
from theory_checks.razin2022.d3_hierarchical_rank import ROUNDING

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


def case(*widths):
    model = HierarchicalTensor((3,) * 4, binary_tree(4), widths=widths)
    return RandomStates(model, "gaussian", count=5)


cases = tuple(case(*widths) for widths in ((2, 4, 3), (6, 6, 3), (6, 6, 5), (2, 6, 5)))


def expected(samples):
    """Of {1} min(D, R_12), of {1,2} and {3,4} the narrowest width, of {1,3} a product."""
    first, second, root = samples.problem.model.widths
    both = min(first, second, root)
    return np.array([[min(3, first), both, both, min(3, first) * min(3, second)]], dtype=float)


theorem = Theorem(
    id="P3.T4",
    title="separation rank is matricization rank",
    source="cohen2017inductive; razin2022implicit, Section 6",
    checks=(
        Check(Equal(left=separation, right=matricized), cases),
        Check(Equal(left=separation, right=expected), cases),
        Check(AtLeast(widths_of_parents, at_nodes), cases),
        Check(AtLeast(own_widths, at_nodes), cases),
    ),
    controls={
        "rank at a node equals its width": Check(Equal(left=own_widths, right=at_nodes), cases),
        "the root's width bounds a set that is no node": Check(
            AtLeast(width_of_root, across), cases[1:2]
        ),
    },
)
