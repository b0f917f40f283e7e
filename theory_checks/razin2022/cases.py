"""Where the theorems of Razin, Maman & Cohen (2022) are asserted: hierarchical factorizations."""

import numpy as np

import dynlens as dl

MEAN = dl.SquaredLoss("mean")
MIXED = ((0, 1, 2), 3, (4, 5))  # nodes of two and of three children
BINARY = dl.HierarchicalTensor((4, 3, 3, 4), dl.models.binary_tree(4), widths=(3, 2, 4))
ONE_LEVEL = dl.HierarchicalTensor((4, 5, 3), dl.models.one_level_tree(3), widths=5)
SEVERAL_LEVELS = (
    BINARY,
    dl.HierarchicalTensor((2, 3, 2, 3, 2, 3), MIXED, widths=(3, 2, 4)),
    dl.HierarchicalTensor((2,) * 8, dl.models.binary_tree(8), widths=(2, 3, 2, 2, 3, 4, 5)),
)
TREES = (BINARY, ONE_LEVEL, *SEVERAL_LEVELS[1:])
FIXED_ROOT = dl.HierarchicalTensor(
    (4, 5, 3), dl.models.one_level_tree(3), widths=5, trainable_root=False
)
MODELS = (*TREES, FIXED_ROOT)


def completion(model, seed=0):
    """70 % of the entries of a random tensor of the model's own ranks, of unit mean square."""
    size = float(np.prod(model.shape))
    target = dl.problems.low_hierarchical_rank_tensor(
        model.shape, model.tree, ranks=model.widths, seed=seed, norm=size**0.5
    )
    return dl.Problem(model, MEAN, dl.Entries.sample(target, fraction=0.7, seed=seed))


def along(model, scale, kind="gaussian", t_end=60.0, **changes):
    settings = {"saves": 21, "rtol": 1e-11} | changes
    return dl.Path(completion(model), dl.Start(scale, kind, seed=1), t_end, **settings)


def states(start, scale=1.0, models=MODELS, loss=MEAN):
    return tuple(
        dl.RandomStates(model, start, scale, loss=loss, fraction=0.7, count=5) for model in models
    )


# -- conservation ----------------------------------------------------------------------------------

FLOWS = tuple(along(model, scale) for model in TREES for scale in (0.2, 0.6, 0.8))
ANYWHERE = states("gaussian") + states("gaussian", loss=dl.HuberLoss(0.5))
UNBALANCED = along(BINARY, 0.6)
DESCENT = along(BINARY, 0.6, eta=0.1)


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


# -- growth ----------------------------------------------------------------------------------------

NAMES = {
    "L": dl.Reading("local_component_orders"),
    "s": dl.Reading("local_component_norms"),
    "gamma": dl.Reading("local_alignments"),
    "eps": dl.Reading("unbalancedness"),
}
# Large enough that the flow moves: from small starts it hardly does, and a wrong exponent hides.
BALANCED = (
    *(along(model, 1.1, "balanced") for model in TREES[:3]),
    along(TREES[3], 0.9, "balanced"),
    *states("balanced"),
)
EVEN = states("balanced", 1.1)
EVEN_WITH_ROOT = states("balanced", 1.1, models=TREES)
SCATTERED = states("gaussian") + states("gaussian", 0.6)
SPREAD = FLOWS + SCATTERED
TRAINABLE_ROOT = (along(ONE_LEVEL, 1.1, "balanced"), *states("balanced", models=(ONE_LEVEL,)))
FIXED = states("balanced", models=(FIXED_ROOT,))
DEEP = states("gaussian", 0.8, models=SEVERAL_LEVELS)


def sizes_of_directions(samples):
    """|C^(nu, r)|, shape (S, nodes, max R): the tensor of one component alone, over its norm."""
    model, theta = samples.problem.model, samples.theta
    norms = samples.read("local_component_norms")
    sizes = np.full_like(norms, np.nan)
    for k, node in enumerate(model.interior):
        for r in range(node.width):
            alone = [factor.copy() for factor in model.unravel(theta)]
            others = np.arange(node.width) != r
            for child in node.children:
                alone[model.nodes[child].factor][..., :, others] = 0.0
            tensor = model.end_to_end(tuple(alone)).reshape(len(theta), -1)
            sizes[:, k, r] = np.linalg.norm(tensor, axis=-1) / norms[:, k, r]
    return sizes


def with_unit_directions(samples):
    """The rate law, but for directions of unit norm."""
    number = samples.read("local_component_orders")[..., None]
    norms = samples.read("local_component_norms")
    alignment = samples.read("local_alignments") / sizes_of_directions(samples)
    return number * alignment * norms ** (2 - 2 / number)
