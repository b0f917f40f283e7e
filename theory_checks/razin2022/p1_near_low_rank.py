"""Small local components put the tensor near one of low hierarchical rank.

Razin, Maman & Cohen (2022), Proposition 1. With B the largest Frobenius norm of a weight and the
local components of each node ordered by norm: if at every interior node nu

    sum over r > R'_nu of sigma^(nu, r)  <=  eps (|T| - N)^(-1) B^(|C(nu)| + 1 - |T|),

then the tensor is within eps of those whose matricizations at the children of nu have rank at most
R'_nu. Proved by taking the small components away, node by node: the tensor moves by at most

    sum over nu of B^(|T| - 1 - |C(nu)|) times the sum over r > R'_nu of sigma^(nu, r).
"""

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Full,
    HierarchicalTensor,
    Problem,
    RandomStates,
    SquaredLoss,
    States,
    Theorem,
    binary_tree,
)
from dynlens.observables.matricizations import matricization
from theory_checks.razin2022.d3_hierarchical_rank import truncated

KEEP = 2


def kept(model):
    """All instances keep two, but the narrow one below, which keeps one."""
    return 1 if max(model.widths) == 2 else KEEP


def moved(samples):
    """|W - W'| for the truncated W'."""
    model, factors = samples.problem.model, samples.problem.factors(samples.theta)
    gap = model.end_to_end(factors) - model.end_to_end(truncated(model, factors, kept(model)))
    return np.sqrt(np.square(gap).reshape(len(samples), -1).sum(axis=-1))


def least(samples):
    """The true distance is at least the tail of the singular values at any node."""
    model = samples.problem.model
    tensor = samples.read("end_to_end")
    tails = []
    for node in model.nodes[:-1]:
        values = np.linalg.svd(matricization(tensor, model.shape, node.modes), compute_uv=False)
        tails.append(np.sqrt(np.square(values[:, kept(model) :]).sum(axis=-1)))
    return np.max(tails, axis=0)


def tails(samples):
    """Sum of the norms of the local components left out, a list of (S,) with the nodes."""
    model, factors = samples.problem.model, samples.problem.factors(samples.theta)
    for node, group in zip(model.interior, model.component_products(factors, factors), strict=True):
        norms = -np.sort(-np.sqrt(group).prod(axis=-2), axis=-1)
        yield node, norms[:, kept(model) :].sum(axis=-1)


def largest(samples, norm="fro"):
    factors = samples.problem.factors(samples.theta)
    return np.max([np.linalg.norm(factor, norm, axis=(-2, -1)) for factor in factors], axis=0)


def telescoped(samples, *, more=0, norm="fro"):
    B, nodes = largest(samples, norm), len(samples.problem.model.nodes)
    return sum(B ** (nodes - 1 - len(node.children) + more) * tail for node, tail in tails(samples))


def epsilon(samples):
    """The least eps for which the proposition's condition holds."""
    model, B = samples.problem.model, largest(samples)
    nodes = len(model.nodes)
    needed = [B ** (nodes - 1 - len(node.children)) * tail for node, tail in tails(samples)]
    return len(model.interior) * np.max(needed, axis=0)


def with_spectral_norms(samples):
    return telescoped(samples, norm=2)


def exponent_lowered(samples):
    return telescoped(samples, more=-1)


def exponent_raised(samples):
    return telescoped(samples, more=1)


def without_B(samples):
    return sum(tail for _, tail in tails(samples))


def narrow(leaf, row, root):
    """Rank-one children, two components at the root, the second taken away: nothing is lost."""
    model = HierarchicalTensor((3, 3, 3, 3), binary_tree(4), widths=(1, 1, 2))
    leaves = [leaf * np.ones((3, 1)) / 3**0.5] * 4
    rows = [row * np.ones((1, 2)) / 2**0.5] * 2
    theta = model.ravel((*leaves, *rows, np.array(root)[:, None]))
    problem = Problem(model, SquaredLoss(), Full(np.zeros(model.shape)))
    return States(problem, (tuple(theta.tolist()),))


def random(shape, tree, widths, scale):
    return RandomStates(HierarchicalTensor(shape, tree, widths=widths), "gaussian", scale)


anywhere = (
    *(random((4,) * 4, binary_tree(4), (4, 4, 4), scale) for scale in (0.3, 0.6, 1.0)),
    random((3, 4, 3), ((0, 1), 2), (4, 3), 0.8),
)
wide, small = narrow(3.0, 1.0, (1.0, 0.7)), narrow(0.9, 0.8, (0.5, 0.35))

theorem = Theorem(
    id="P3.P1",
    title="small local components, near low hierarchical rank",
    source="razin2022implicit, Proposition 1; telescoped form derived",
    checks=(
        Check(AtLeast(epsilon, telescoped), (*anywhere, wide, small)),
        Check(AtLeast(telescoped, moved), (*anywhere, wide, small)),
        Check(AtLeast(with_spectral_norms, moved), (*anywhere, wide, small)),
        Check(AtLeast(moved, least), (*anywhere, wide, small)),
        # With equality: .35 times 3^4.
        Check(Equal(left=moved, right=28.35, tolerance=1e-12), (wide,)),
        Check(Equal(left=telescoped, right=28.35, tolerance=1e-12), (wide,)),
    ),
    controls={
        "exponent of B lowered by one": Check(AtLeast(exponent_lowered, moved), (wide,)),
        "exponent of B raised by one, B < 1": Check(AtLeast(exponent_raised, moved), (small,)),
        "without B": Check(AtLeast(without_B, moved), (wide,)),
        "the tails of the singular values suffice": Check(AtLeast(least, moved), (wide,)),
    },
)
