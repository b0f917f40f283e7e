"""At most R'_nu nonzero local components at every node bound the hierarchical rank.

Razin, Maman & Cohen (2022), after the definition of the hierarchical tensor rank: if at each
interior node nu at most R'_nu local components differ from zero, then the end-to-end tensor,
matricized at any child of nu, has rank at most R'_nu.
"""

import numpy as np

from dynlens import AtLeast, Check, Equal, HierarchicalTensor, RandomStates, Theorem, binary_tree
from dynlens.observables.matricizations import matricization
from theory_checks.razin2022.l1_conservation import MIXED

ROUNDING = 1e-10  # of the largest singular value


def truncated(model, factors, keep, at=None):
    """Factors with the `keep` largest local components alone, at all nodes or those in `at`."""
    factors = [factor.copy() for factor in factors]
    original = tuple(factor.copy() for factor in factors)
    groups = model.component_products(original, original)
    for k, node in enumerate(model.interior):
        if at is not None and k not in at:
            continue
        norms = np.sqrt(groups[k]).prod(axis=-2)
        rank = np.argsort(np.argsort(-norms, axis=-1), axis=-1)
        kept = (rank < keep).astype(float)
        if node.factor is not None:
            factors[node.factor] *= kept[..., :, None]
        for child in node.children:
            factors[model.nodes[child].factor] *= kept[..., None, :]
    return tuple(factors)


def matrices(samples, keep, at=None):
    """Singular values at every node but the root, relative to the largest, a list of (S, n)."""
    model = samples.problem.model
    factors = truncated(model, samples.problem.factors(samples.theta), keep, at)
    tensor = model.end_to_end(factors)
    for node in model.nodes[:-1]:
        matrix = matricization(tensor, model.shape, node.modes)
        values = np.linalg.svd(matrix, compute_uv=False)
        yield values / values[:, :1]


def ranks(samples, keep, at=None):
    values = matrices(samples, keep, at)
    return np.stack([(value > ROUNDING).sum(axis=-1) for value in values], axis=-1).astype(float)


def ranks_after_keeping_two(samples):
    return ranks(samples, 2)


def ranks_after_keeping_two_at_the_root(samples):
    return ranks(samples, 2, at=(len(samples.problem.model.interior) - 1,))


def ranks_after_keeping_one(samples):
    return ranks(samples, 1)


def of_the_tensor(samples):
    return samples.read("hierarchical_rank")


def smallest_width(samples):
    """The width of the parent of every node but the root bounds its rank."""
    model = samples.problem.model
    return np.array([[float(model.nodes[node.parent].width) for node in model.nodes[:-1]]])


anywhere = tuple(
    RandomStates(model, "gaussian", count=10)
    for model in (
        HierarchicalTensor((4, 5, 4, 5), binary_tree(4), widths=(4, 4, 4)),
        HierarchicalTensor((3, 4, 3, 4, 3, 4), MIXED, widths=(4, 3, 4)),
    )
)

theorem = Theorem(
    id="P3.D3",
    title="few local components, low hierarchical rank",
    source="razin2022implicit, on the hierarchical tensor rank",
    checks=(
        Check(AtLeast("2", ranks_after_keeping_two), anywhere),
        Check(Equal(left=ranks_after_keeping_two, right=2), anywhere),
        Check(AtLeast("1", ranks_after_keeping_one), anywhere),
        Check(AtLeast(smallest_width, of_the_tensor), anywhere),
    ),
    controls={
        "kept two, rank one": Check(AtLeast("1", ranks_after_keeping_two), anywhere),
        "truncating the root alone": Check(
            AtLeast("2", ranks_after_keeping_two_at_the_root), anywhere
        ),
        "rank two without truncation": Check(AtLeast("2", of_the_tensor), anywhere),
    },
)
