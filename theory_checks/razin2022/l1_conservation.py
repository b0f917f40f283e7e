"""Within a local component of a hierarchical factorization all squared norms grow alike.

Razin, Maman & Cohen (2022), in the proof of Theorem 1. The local component r of a node nu is
row r of its weight and column r of each child's; W is linear in each of these L_nu vectors, whose
squared norms therefore grow at the one rate 2 gamma sigma. Summed over r, the squared Frobenius
norms of a weight and of its children's differ by constants.
"""

import numpy as np

from dynlens import (
    Check,
    Conserved,
    Entries,
    Equal,
    HierarchicalTensor,
    HuberLoss,
    Path,
    Problem,
    RandomStates,
    RateLaw,
    SquaredLoss,
    Start,
    Theorem,
    binary_tree,
    low_hierarchical_rank_tensor,
    one_level_tree,
)
from theory_checks.razin2021.l1_conservation import keeps_its_start

MEAN = SquaredLoss("mean")
MIXED = ((0, 1, 2), 3, (4, 5))  # nodes of two and of three children
TREES = {
    "binary, N = 4": HierarchicalTensor((4, 3, 3, 4), binary_tree(4), widths=(3, 2, 4)),
    "one level, N = 3": HierarchicalTensor((4, 5, 3), one_level_tree(3), widths=5),
    "mixed arity, N = 6": HierarchicalTensor((2, 3, 2, 3, 2, 3), MIXED, widths=(3, 2, 4)),
    "binary, N = 8": HierarchicalTensor((2,) * 8, binary_tree(8), widths=(2, 3, 2, 2, 3, 4, 5)),
}
FIXED_ROOT = HierarchicalTensor((4, 5, 3), one_level_tree(3), widths=5, trainable_root=False)


def completion(model, seed=0):
    """70 % of the entries of a random tensor of the model's own ranks, of unit mean square."""
    size = float(np.prod(model.shape))
    target = low_hierarchical_rank_tensor(
        model.shape, model.tree, ranks=model.widths, seed=seed, norm=size**0.5
    )
    return Problem(model, MEAN, Entries.sample(target, fraction=0.7, seed=seed))


def along(model, scale, kind="gaussian", t_end=60.0, **changes):
    settings = {"saves": 21, "rtol": 1e-11} | changes
    return Path(completion(model), Start(scale, kind, seed=1), t_end, **settings)


def norms_of_columns(samples):
    """Squared norms of column r + 1 of a child less those of row r of its parent, at the root."""
    model = samples.problem.model
    factors = samples.problem.factors(samples.theta)
    root = np.square(factors[model.root.factor]).sum(axis=-1)
    child = np.square(factors[model.nodes[model.root.children[0]].factor]).sum(axis=-2)
    return child[:, 1:] - root[:, :-1]


def frobenius_differences(samples):
    """|W^(nu)|^2 - |W^(child)|^2 for every interior node and each of its children, shape (S, n)."""
    model = samples.problem.model
    factors = samples.problem.factors(samples.theta)
    squares = [np.square(factor).sum(axis=(-2, -1)) for factor in factors]
    return np.stack(
        [
            squares[node.factor] - squares[model.nodes[child].factor]
            for node in model.interior
            for child in node.children
        ],
        axis=-1,
    )


flows = tuple(along(model, scale) for model in TREES.values() for scale in (0.2, 0.6, 0.8))
anywhere = tuple(
    RandomStates(model, "gaussian", loss=loss, fraction=0.7, count=5)
    for model in (*TREES.values(), FIXED_ROOT)
    for loss in (MEAN, HuberLoss(0.5))
)
unbalanced = (along(TREES["binary, N = 4"], 0.6),)

theorem = Theorem(
    id="P3.L1",
    title="differences of squared norms within a local component are conserved",
    source="razin2022implicit, in the proof of Theorem 1",
    checks=(
        Check(Conserved(of="imbalances"), flows),
        Check(RateLaw(of="imbalances", rate=0, scale="parameter_norm * gradient_norm"), anywhere),
        Check(keeps_its_start(frobenius_differences), flows),
    ),
    controls={
        "row r against column r + 1": Check(keeps_its_start(norms_of_columns), unbalanced),
        "Frobenius norms are equal": Check(
            Equal(left=frobenius_differences, right=0, scale="parameter_norm**2"), unbalanced
        ),
        "conserved by gradient descent": Check(
            Conserved(of="imbalances"), (along(TREES["binary, N = 4"], 0.6, eta=0.1),)
        ),
    },
)
