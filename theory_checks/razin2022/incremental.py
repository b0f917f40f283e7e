"""Hierarchical factorizations that learn one local component after another."""

from dataclasses import dataclass

import numpy as np
import sympy as sp

import dynlens as dl
from theory_checks.closed_forms.algebra import N, s0, second

# -- constant alignments: a tree of one level, a component along each diagonal entry ---------------

MODES = {
    "sigma_1": dl.Reading("local_component_norms", where=(0, 0)),
    "sigma_2": dl.Reading("local_component_norms", where=(0, 1)),
}
BEHIND = str(second.subs({N: sp.Symbol("L"), s0: sp.Symbol("sigma_1_0")}))
"""CF3: sigma_2 as a function of sigma_1."""


def diagonal(order):
    """Alignments 1 and 0.6 with two components of `order` + 1 vectors, and a start of unit size."""
    model = dl.HierarchicalTensor((2,) * order, dl.models.one_level_tree(order), widths=2)
    entries = np.zeros((2, *model.shape))
    entries[(0, *(0,) * order)], entries[(1, *(1,) * order)] = 1.0, 0.6
    problem = dl.Problem(model, dl.HuberLoss(1.0), dl.Sensing(entries, [1e3, 1e3]))
    return problem, model.ravel((*[np.eye(2)] * order, np.ones((2, 1))))


def until_one(vectors, norm):
    """From components of the given norm, until the first one's norm is one."""
    problem, direction = diagonal(vectors - 1)
    theta = norm ** (1 / vectors) * direction
    t_end = (norm ** -((vectors - 2) / vectors) - 1) / (vectors - 2)
    return dl.Path(problem, tuple(theta.tolist()), t_end, rtol=1e-12, atol=1e-16)


def second_at_the_root(samples):
    """The second largest local component of the root."""
    return np.sort(samples.read("local_component_norms")[:, -1], axis=-1)[:, -2]


THREE_VECTORS = (until_one(3, 1e-2), until_one(3, 1e-4))
FOUR_VECTORS = (until_one(4, 1e-2), until_one(4, 1e-4))
ONE_LEVEL = dl.SmallStarts(*diagonal(2), (0.0025, 0.00125, 0.000625), 0.5)


def deeper():
    """A constant gradient near zero, two levels, Gaussian starts."""
    model = dl.HierarchicalTensor((3,) * 4, dl.models.binary_tree(4), widths=4)
    side = np.linspace(1.0, 1.3, 3)
    pair = np.multiply.outer(side, side)
    seen = dl.Entries.sample(np.multiply.outer(pair, pair), fraction=0.8, seed=0)
    problem = dl.Problem(model, dl.HuberLoss(0.2, "mean"), seen)
    start = model.init(0.5, kind="gaussian", seed=2)
    return dl.SmallStarts(problem, start, (0.5, 0.35, 0.25), 0.4, rtol=1e-9, atol=1e-12)


TWO_LEVELS = deeper()

# -- from small starts to a fitted tensor ----------------------------------------------------------


@dataclass(frozen=True)
class Fitted(dl.SmallStarts):
    """Small starts, each followed until the loss is down to `level`."""

    level: float = 1e-5

    @property
    def leaving(self):
        return dl.loss_below(self.level)


def fitted(alphas, size=4, width=8, seed=0):
    """60 % of a tensor of hierarchical ranks two, and a model of four times these widths."""
    shape, tree = (size,) * 4, dl.models.binary_tree(4)
    target = dl.problems.low_hierarchical_rank_tensor(
        shape, tree, ranks=2, seed=seed, norm=float(size**2)
    )
    model = dl.HierarchicalTensor(shape, tree, widths=width)
    seen = dl.Entries.sample(target, fraction=0.6, seed=seed)
    problem = dl.Problem(model, dl.SquaredLoss(), seen)
    start = model.init(1.0, kind="gaussian", seed=seed + 10)
    return Fitted(problem, start, alphas, 1.0, method="LSODA", rtol=1e-8, atol=1e-11)


def singular_value(k):
    parameters = (("modes", (0, 1)),)
    return dl.Reading("matricization_singular_values", where=(k,), parameters=parameters)


VALUES = {f"s{k + 1}": singular_value(k) for k in range(3)}
FITTED = fitted((0.4, 0.1, 0.05))
