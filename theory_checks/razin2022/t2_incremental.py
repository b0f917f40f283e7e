"""Local components of a node grow one after another, so that the hierarchical rank is learned so.

Razin, Maman & Cohen (2022), Section 4.1: a characterization of the dynamics, no theorem on limits.
All local components of a node obey the law of P3.T1; where their alignments are constant, the
closed forms hold with L = L_nu in place of N, and when the first escapes the others are still
O(alpha^L). That is exact in a tree of one level whose alignments do not move. In a deeper tree they
do move, since the direction tensors change, and from generic starts the others are larger than
alpha^L; yet the fitted tensor's superfluous singular values vanish with the scale of the start.
"""

from dataclasses import dataclass

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    ClosedForm,
    Entries,
    HierarchicalTensor,
    HuberLoss,
    Identities,
    Path,
    PowerLaw,
    Problem,
    Reading,
    Sensing,
    SmallStarts,
    SquaredLoss,
    Theorem,
    binary_tree,
    loss_below,
    low_hierarchical_rank_tensor,
    one_level_tree,
)
from theory_checks.closed_forms.algebra import N, s0, second
from theory_checks.razin2021.t1_component_norms import tied_closed_forms

# -- constant alignments: a tree of one level, a component along each diagonal entry ---------------

MODES = {
    "sigma_1": Reading("local_component_norms", where=(0, 0)),
    "sigma_2": Reading("local_component_norms", where=(0, 1)),
}


def diagonal(order, alpha):
    """Alignments 1 and 0.6, until the first local component, of order + 1 vectors, reaches one."""
    model = HierarchicalTensor((2,) * order, one_level_tree(order), widths=2)
    entries = np.zeros((2, *model.shape))
    entries[(0, *(0,) * order)], entries[(1, *(1,) * order)] = 1.0, 0.6
    problem = Problem(model, HuberLoss(1.0), Sensing(entries, [1e3, 1e3]))
    vectors = order + 1
    size = alpha ** (1 / vectors)
    theta = model.ravel((*[size * np.eye(2)] * order, size * np.ones((2, 1))))
    when_one = (alpha ** -((vectors - 2) / vectors) - 1) / (vectors - 2)
    return Path(problem, tuple(theta.tolist()), when_one, rtol=1e-12, atol=1e-16)


def separation(vectors):
    text = str(second.subs({N: vectors, s0: sp.Symbol("sigma_1_0")}))
    return ClosedForm("sigma_2", text, given={"gamma_1": 1.0, "gamma_2": 0.6}, readings=MODES)


# -- from small starts to a fitted tensor ----------------------------------------------------------


@dataclass(frozen=True)
class Fitted(SmallStarts):
    """Small starts, each followed until the loss is down to `level`."""

    level: float = 1e-5

    @property
    def leaving(self):
        return loss_below(self.level)


def fitted(alphas, size=4, width=8, seed=0):
    """60 % of a tensor of hierarchical ranks two, and a model of four times these widths."""
    shape, tree = (size,) * 4, binary_tree(4)
    target = low_hierarchical_rank_tensor(shape, tree, ranks=2, seed=seed, norm=float(size**2))
    model = HierarchicalTensor(shape, tree, widths=width)
    problem = Problem(model, SquaredLoss(), Entries.sample(target, fraction=0.6, seed=seed))
    start = tuple(model.init(1.0, kind="gaussian", seed=seed + 10).tolist())
    return Fitted(problem, start, alphas, 1.0, method="LSODA", rtol=1e-8, atol=1e-11)


def singular_value(k):
    return Reading("matricization_singular_values", where=(k,), parameters=(("modes", (0, 1)),))


VALUES = {f"s{k + 1}": singular_value(k) for k in range(3)}


def superfluous(bound, value="s3"):
    """Of the matricization at {1,2}, relative to the first."""
    return AtLeast(bound, f"{value} / s1", readings=VALUES)


# -- a deeper tree, until escape -------------------------------------------------------------------


def generic():
    """A constant gradient near zero, two levels, Gaussian starts."""
    model = HierarchicalTensor((3,) * 4, binary_tree(4), widths=4)
    side = np.linspace(1.0, 1.3, 3)
    pair = np.multiply.outer(side, side)
    target = np.multiply.outer(pair, pair)
    problem = Problem(model, HuberLoss(0.2, "mean"), Entries.sample(target, fraction=0.8, seed=0))
    start = tuple(model.init(0.5, kind="gaussian", seed=2).tolist())
    return SmallStarts(problem, start, (0.5, 0.35, 0.25), 0.4, rtol=1e-9, atol=1e-12)


def second_at_the_root(samples):
    """The second largest local component of the root."""
    return np.sort(samples.read("local_component_norms")[:, -1], axis=-1)[:, -2]


ALPHAS = (0.4, 0.1, 0.05)

theorem = Theorem(
    id="P3.T2",
    title="hierarchical rank is learned incrementally",
    source="razin2022implicit, Section 4.1; a characterization, with numerical evidence",
    checks=(
        Check(
            Identities(
                "CF1, CF3 and CF4 solve the law, for any number of vectors", tied_closed_forms
            )
        ),
        Check(separation(3), tuple(diagonal(2, alpha) for alpha in (1e-2, 1e-4))),
        Check(separation(4), tuple(diagonal(3, alpha) for alpha in (1e-2, 1e-4))),
        Check(superfluous("alpha**3"), (fitted(ALPHAS),)),
    ),
    controls={
        "N in place of L": Check(separation(4), (diagonal(2, 1e-4),)),
        "small starts do not matter": Check(superfluous("1e-6"), (fitted(ALPHAS),)),
        "the second is superfluous as well": Check(
            superfluous("alpha**3", value="s2"), (fitted(ALPHAS),)
        ),
        "deeper trees: others ~ alpha^L at escape": Check(
            PowerLaw(second_at_the_root, "alpha", 3, band=0.5), (generic(),)
        ),
    },
)
