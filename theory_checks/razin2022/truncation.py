"""Tensors of which the small local components are taken away."""

import numpy as np

import dynlens as dl
from dynlens.observables.matricizations import matricization

from .cases import MIXED

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


def spectra(samples, tensor):
    """Singular values at every node but the root, a list of (S, n)."""
    model = samples.problem.model
    for node in model.nodes[:-1]:
        yield np.linalg.svd(matricization(tensor, model.shape, node.modes), compute_uv=False)


# -- ranks -----------------------------------------------------------------------------------------


def ranks(samples, keep, at=None):
    """Ranks at every node but the root after truncation, shape (S, nodes)."""
    model = samples.problem.model
    factors = truncated(model, samples.problem.factors(samples.theta), keep, at)
    values = spectra(samples, model.end_to_end(factors))
    found = [(value > ROUNDING * value[:, :1]).sum(axis=-1) for value in values]
    return np.stack(found, axis=-1).astype(float)


def ranks_after_keeping_two(samples):
    return ranks(samples, 2)


def ranks_after_keeping_two_at_the_root(samples):
    return ranks(samples, 2, at=(len(samples.problem.model.interior) - 1,))


def ranks_after_keeping_one(samples):
    return ranks(samples, 1)


def widths_of_parents(samples):
    """The width of the parent of every node but the root bounds its rank."""
    model = samples.problem.model
    return np.array([[float(model.nodes[node.parent].width) for node in model.nodes[:-1]]])


WIDE = tuple(
    dl.RandomStates(model, "gaussian", count=10)
    for model in (
        dl.HierarchicalTensor((4, 5, 4, 5), dl.models.binary_tree(4), widths=(4, 4, 4)),
        dl.HierarchicalTensor((3, 4, 3, 4, 3, 4), MIXED, widths=(4, 3, 4)),
    )
)

# -- distances -------------------------------------------------------------------------------------


def kept(model):
    """All instances keep two, but the narrow one below, which keeps one."""
    return 1 if max(model.widths) == 2 else 2


def moved(samples):
    """|W - W'| for the truncated W'."""
    model, factors = samples.problem.model, samples.problem.factors(samples.theta)
    gap = model.end_to_end(factors) - model.end_to_end(truncated(model, factors, kept(model)))
    return np.sqrt(np.square(gap).reshape(len(samples), -1).sum(axis=-1))


def least(samples):
    """The true distance is at least the tail of the singular values at any node."""
    start = kept(samples.problem.model)
    values = spectra(samples, samples.read("end_to_end"))
    return np.max([np.sqrt(np.square(v[:, start:]).sum(axis=-1)) for v in values], axis=0)


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
    """Sum over the nodes of B^(|T| - 1 - |C(nu)|) times the tail."""
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
    model = dl.HierarchicalTensor((3, 3, 3, 3), dl.models.binary_tree(4), widths=(1, 1, 2))
    leaves = [leaf * np.ones((3, 1)) / 3**0.5] * 4
    rows = [row * np.ones((1, 2)) / 2**0.5] * 2
    theta = model.ravel((*leaves, *rows, np.array(root)[:, None]))
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(np.zeros(model.shape)))
    return dl.States(problem, (tuple(theta.tolist()),))


def random(shape, tree, widths, scale):
    model = dl.HierarchicalTensor(shape, tree, widths=widths)
    return dl.RandomStates(model, "gaussian", scale)


RANDOM = (
    *(random((4,) * 4, dl.models.binary_tree(4), (4, 4, 4), scale) for scale in (0.3, 0.6, 1.0)),
    random((3, 4, 3), ((0, 1), 2), (4, 3), 0.8),
)
LARGE, SMALL = narrow(3.0, 1.0, (1.0, 0.7)), narrow(0.9, 0.8, (0.5, 0.35))  # B > 1 and B < 1
