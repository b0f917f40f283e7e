"""Components, local components, matricizations: by hand, and by their definitions."""

from functools import reduce

import numpy as np
import pytest

from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree, one_level_tree
from dynlens.observables import components, matricizations
from dynlens.observables.registry import find
from dynlens.problems.instances import low_hierarchical_rank_tensor
from dynlens.problems.losses import HuberLoss, SquaredLoss
from dynlens.problems.observations import Entries, RankOneSensing, low_rank_tensor
from dynlens.problems.problem import Problem

CP = [
    CPFactorization((5, 4), components=6),
    CPFactorization((4, 5, 3), components=6),
    CPFactorization((3,) * 4, components=6),
]
TREES = [
    HierarchicalTensor((3,) * 4, binary_tree(4), widths=(2, 4, 3)),
    HierarchicalTensor((4, 3, 2), one_level_tree(3), widths=4),
    HierarchicalTensor((4, 3, 2), one_level_tree(3), widths=4, trainable_root=False),
    HierarchicalTensor((2, 3, 2, 2, 3, 2), ((0, 1, 2), 3, (4, 5)), widths=(3, 2, 5)),
    HierarchicalTensor((2, 3, 2, 3), ((3, 0), (2, 1)), widths=(3, 2, 4), trainable_root=False),
]
every_cp = pytest.mark.parametrize("model", CP, ids=repr)
every_tree = pytest.mark.parametrize("model", TREES, ids=repr)


def problem_of(model, loss=None, seen=Entries.sample):
    target = low_rank_tensor(model.shape, rank=2, seed=0, norm=3.0)
    return Problem(model, loss or SquaredLoss("mean"), seen(target, fraction=0.6, seed=1))


def state(model, kind="gaussian", seed=2, scale=0.8):
    theta = model.init(scale, kind=kind, seed=seed)
    return theta, model.unravel(theta)


def read(name, problem, theta, **parameters):
    return find(name)(problem, theta, **parameters)


def rate(name, problem, theta, **parameters):
    v = problem.vector_field(0.0, theta)
    return find(name).derivative(problem, theta, v, **parameters)


def relative(got, wanted):
    return float(np.nanmax(np.abs(got - wanted)) / np.nanmax(np.abs(wanted)))


def outer(vectors):
    return reduce(np.multiply.outer, vectors)


def only(model, factors, k, r):
    """Factors with all local components of interior node k but the r-th set to zero."""
    node, kept = model.interior[k], [factor.copy() for factor in factors]
    others = [s for s in range(node.width) if s != r]
    for child in node.children:
        kept[child][:, others] = 0.0
    if node.factor is not None:
        kept[node.factor][others] = 0.0
    return tuple(kept)


def group(model, factors, k, r):
    """The vectors of local component r of interior node k."""
    node = model.interior[k]
    own = [] if node.factor is None else [factors[node.factor][r]]
    return own + [factors[child][:, r] for child in node.children]


def places(model):
    return [(k, r) for k, node in enumerate(model.interior) for r in range(node.width)]


# -- by hand ---------------------------------------------------------------------------------------

BY_HAND = CPFactorization((2, 2), components=2)
HAND_FACTORS = (np.array([[3.0, 0.0], [4.0, 1.0]]), np.array([[1.0, 2.0], [0.0, 0.0]]))


def hand_problem():
    # W = (3, 4) (1, 0)^T + (0, 1) (2, 0)^T = [[3, 0], [6, 0]]; residuals 2 and 5.
    seen = Entries((2, 2), [(0, 0), (1, 0)], [1.0, 1.0])
    return Problem(BY_HAND, SquaredLoss(), seen), BY_HAND.ravel(HAND_FACTORS)


def test_two_components_by_hand():
    problem, theta = hand_problem()
    np.testing.assert_array_equal(problem.end_to_end(theta), [[3.0, 0.0], [6.0, 0.0]])
    np.testing.assert_allclose(read("component_norms", problem, theta), [5.0, 2.0], rtol=1e-15)
    # Minus the gradient is [[-2, 0], [-5, 0]]; the unit components are (.6, .8) and (0, 1).
    alignments = read("component_alignments", problem, theta)
    np.testing.assert_allclose(alignments, [-0.6 * 2 - 0.8 * 5, -5.0], rtol=1e-15)
    np.testing.assert_allclose(read("imbalances", problem, theta), [1 - 25, 4 - 1])
    assert read("unbalancedness", problem, theta) == 24.0


def test_the_rate_of_two_components_by_hand():
    problem, theta = hand_problem()
    # d sigma = gamma * (sum over modes of the product of the other squared norms).
    wanted = [-5.2 * (1 + 25), -5.0 * (4 + 1)]
    np.testing.assert_allclose(rate("component_norms", problem, theta), wanted, rtol=1e-14)


def test_local_components_by_hand():
    model = HierarchicalTensor((2, 2), (0, 1), widths=2)
    theta = model.ravel((*HAND_FACTORS, np.array([[2.0], [-0.5]])))
    problem = Problem(model, SquaredLoss(), Entries((2, 2), [(0, 0), (1, 0)], [1.0, 1.0]))
    np.testing.assert_allclose(read("local_component_norms", problem, theta), [[10.0, 1.0]])
    # W = 2 (3, 4) (1, 0)^T - (0, 1) (1, 0)^T: residuals 5 and 6. The directions are
    # (.6, .8) (1, 0)^T and -(0, 1) (1, 0)^T.
    wanted = [[-0.6 * 5 - 0.8 * 6, 6.0]]
    np.testing.assert_allclose(read("local_alignments", problem, theta), wanted, rtol=1e-14)
    assert read("unbalancedness", problem, theta) == 25 - 1
    np.testing.assert_allclose(read("imbalances", problem, theta), [1 - 25, 4 - 1, 4 - 1, 0.25 - 4])


# -- CP --------------------------------------------------------------------------------------------


@every_cp
def test_component_norms_and_alignments_are_those_of_the_rank_one_tensors(model):
    problem = problem_of(model)
    theta, factors = state(model)
    gradient = problem.tensor_gradient(problem.end_to_end(theta))
    terms = [outer([factor[:, r] for factor in factors]) for r in range(model.components)]
    norms = np.array([np.linalg.norm(term) for term in terms])
    pairs = zip(terms, norms, strict=True)
    wanted = [-np.sum(gradient * term) / norm for term, norm in pairs]
    assert relative(read("component_norms", problem, theta), norms) < 1e-14
    assert relative(read("component_alignments", problem, theta), np.array(wanted)) < 1e-13


@every_cp
@pytest.mark.parametrize("loss", [SquaredLoss("mean"), HuberLoss(0.2)], ids=repr)
def test_balanced_components_grow_by_the_law(model, loss):
    problem, n = problem_of(model, loss), model.order
    for seed in range(3):
        theta, _ = state(model, "balanced", seed)
        sigma, gamma = (read(f"component_{x}", problem, theta) for x in ("norms", "alignments"))
        off = relative(rate("component_norms", problem, theta), n * gamma * sigma ** (2 - 2 / n))
        assert off < 1e-13, f"law off by {off:.1e}"
        wrong = relative(rate("component_norms", problem, theta), n * gamma * sigma ** (2 - 1 / n))
        assert wrong > 0.01, "an exponent of 2 - 1/N must not pass"


@every_cp
def test_unbalanced_components_break_the_law(model):
    problem, n = problem_of(model), model.order
    theta, _ = state(model)
    sigma, gamma = (read(f"component_{x}", problem, theta) for x in ("norms", "alignments"))
    off = relative(rate("component_norms", problem, theta), n * gamma * sigma ** (2 - 2 / n))
    assert off > 0.01, f"law off by only {off:.1e}"


@every_cp
def test_half_the_rate_of_every_squared_norm_is_alignment_times_norm(model):
    problem = problem_of(model)
    theta, factors = state(model)
    field = model.unravel(problem.vector_field(0.0, theta))
    product = read("component_alignments", problem, theta) * read("component_norms", problem, theta)
    for factor, velocity in zip(factors, field, strict=True):
        assert relative((factor * velocity).sum(axis=0), product) < 1e-12


@every_cp
def test_component_imbalances_are_conserved(model):
    problem = problem_of(model)
    theta, factors = state(model)
    rates, scale = rate("imbalances", problem, theta), np.sum(theta**2)
    assert rates.shape == (model.components * (model.order - 1),)
    assert np.abs(rates).max() < 1e-13 * scale, f"rates up to {np.abs(rates).max():.1e}"
    squares = np.array([(factor**2).sum(axis=0) for factor in factors])
    gap = max(float(np.ptp(column)) for column in squares.T)
    assert abs(float(read("unbalancedness", problem, theta)) - gap) < 1e-14 * scale


def test_a_zero_component_has_no_rate_and_no_alignment():
    model = CP[1]
    problem = problem_of(model)
    theta, factors = state(model)
    factors[1][:, 2] = 0.0
    theta = model.ravel(factors)
    assert read("component_norms", problem, theta)[2] == 0.0
    for values in (
        read("component_alignments", problem, theta),
        rate("component_norms", problem, theta),
    ):
        assert np.flatnonzero(np.isnan(values)).tolist() == [2]


# -- local components ------------------------------------------------------------------------------


@every_tree
def test_local_component_norms_are_products_of_vector_norms(model):
    problem = problem_of(model)
    theta, factors = state(model)
    got = read("local_component_norms", problem, theta)
    wanted = np.full((len(model.interior), max(model.widths)), np.nan)
    for k, r in places(model):
        wanted[k, r] = np.prod([np.linalg.norm(w) for w in group(model, factors, k, r)])
    np.testing.assert_allclose(got, wanted, rtol=1e-14)


@every_tree
def test_at_every_node_the_tensor_is_the_sum_over_its_local_components(model):
    _, factors = state(model)
    tensor = model.end_to_end(factors)
    for k, node in enumerate(model.interior):
        terms = [model.end_to_end(only(model, factors, k, r)) for r in range(node.width)]
        off = relative(sum(terms), tensor)
        assert off < 1e-13, f"node {node.name}: off by {off:.1e}"


@every_tree
def test_local_alignments_are_inner_products_with_the_directions(model):
    problem = problem_of(model)
    theta, factors = state(model)
    norms = read("local_component_norms", problem, theta)
    gradient = problem.tensor_gradient(problem.end_to_end(theta))
    wanted = np.full(norms.shape, np.nan)
    for k, r in places(model):
        direction = model.end_to_end(only(model, factors, k, r)) / norms[k, r]
        wanted[k, r] = -np.sum(gradient * direction)
    off = relative(read("local_alignments", problem, theta), wanted)
    assert off < 1e-12, f"off by {off:.1e}"


@every_tree
def test_every_vector_of_a_local_component_grows_alike(model):
    problem = problem_of(model)
    theta, factors = state(model)
    field = model.unravel(problem.vector_field(0.0, theta))
    product = read("local_alignments", problem, theta) * read(
        "local_component_norms", problem, theta
    )
    size = np.nanmax(np.abs(product))
    for k, r in places(model):
        for w, v in zip(group(model, factors, k, r), group(model, field, k, r), strict=True):
            gap = abs(w @ v - product[k, r]) / size
            assert gap < 1e-12, f"{model.interior[k].name}, component {r}: off by {gap:.1e}"


@every_tree
def test_balanced_local_components_grow_by_the_law(model):
    problem = problem_of(model)
    for seed in range(3):
        theta, _ = state(model, "balanced", seed, scale=1.1)
        sigma = read("local_component_norms", problem, theta)
        gamma = read("local_alignments", problem, theta)
        vectors = [len(n.children) + (n.factor is not None) for n in model.interior]
        count = np.array(vectors)[:, None]
        got = rate("local_component_norms", problem, theta)
        off = relative(got, count * gamma * sigma ** (2 - 2 / count))
        assert off < 1e-13, f"law off by {off:.1e}"
        fewer = count - 1
        assert relative(got, fewer * gamma * sigma ** (2 - 2 / fewer)) > 0.05


@every_tree
def test_local_imbalances_are_conserved(model):
    problem = problem_of(model)
    theta, factors = state(model)
    rates, scale = rate("imbalances", problem, theta), np.sum(theta**2)
    assert np.abs(rates).max() < 1e-13 * scale, f"rates up to {np.abs(rates).max():.1e}"
    spread = [np.ptp([float(w @ w) for w in group(model, factors, k, r)]) for k, r in places(model)]
    got = float(read("unbalancedness", problem, theta))
    assert abs(got - max(spread)) < 1e-14 * scale


@pytest.mark.parametrize("model", [CP[1], TREES[0]], ids=repr)
@pytest.mark.parametrize("sensing", [False, True])
def test_rates_of_norms_are_central_differences(model, sensing):
    problem = problem_of(model)
    if sensing:
        target = low_rank_tensor(model.shape, rank=2, seed=0)
        problem = Problem(model, SquaredLoss(), RankOneSensing.gaussian(target, count=20, seed=1))
    name = "component_norms" if model in CP else "local_component_norms"
    theta, _ = state(model)
    v, h = problem.vector_field(0.0, theta), 1e-6
    slopes = (read(name, problem, theta + h * v) - read(name, problem, theta - h * v)) / (2 * h)
    assert relative(rate(name, problem, theta), slopes) < 1e-7


def test_a_one_level_tree_with_a_fixed_root_has_the_components_of_cp():
    model, cp = TREES[2], CPFactorization((4, 3, 2), components=4)
    theta, _ = state(cp)
    for one, other in [("norms", "norms"), ("alignments", "alignments")]:
        local = "local_component_norms" if one == "norms" else "local_alignments"
        got = read(local, problem_of(model), theta)
        np.testing.assert_allclose(
            got, [read(f"component_{other}", problem_of(cp), theta)], rtol=1e-12
        )


def test_nodes_have_names():
    assert components.node_names(problem_of(TREES[3])) == ("{1,2,3}", "{5,6}", "{1,2,3,4,5,6}")


# -- the tensor ------------------------------------------------------------------------------------


@pytest.mark.parametrize("modes", [0, 2, (0, 1), (3, 1), (0, 1, 2)])
def test_matricization_arranges_entries(modes):
    tensor = np.random.default_rng(0).standard_normal((5, 2, 3, 4, 2))
    rows = np.atleast_1d(modes).tolist()
    columns = [mode for mode in range(4) if mode not in rows]
    matrix = matricizations.matricization(tensor, (2, 3, 4, 2), modes)
    letters = "abcd"
    arranged = "".join(letters[mode] for mode in rows + columns)
    wanted = np.einsum(f"zabcd->z{arranged}", tensor)
    np.testing.assert_array_equal(matrix, wanted.reshape(matrix.shape))
    assert matrix.shape[1] == np.prod([(2, 3, 4, 2)[mode] for mode in rows])


def test_matricization_singular_values_and_their_rates():
    model = TREES[0]
    problem = problem_of(model)
    theta, _ = state(model)
    values = read("matricization_singular_values", problem, theta, modes=(0, 1))
    tensor = problem.end_to_end(theta).reshape(9, 9)
    np.testing.assert_allclose(values, np.linalg.svd(tensor, compute_uv=False), atol=1e-14)
    assert np.sum(values > 1e-13 * values[0]) == 2, "the width of node {1,2}"
    v, h = problem.vector_field(0.0, theta), 1e-6
    moved = [
        read("matricization_singular_values", problem, theta + s * v, modes=(0, 1)) for s in (h, -h)
    ]
    rates = rate("matricization_singular_values", problem, theta, modes=(0, 1))
    assert relative(rates[:2], ((moved[0] - moved[1]) / (2 * h))[:2]) < 1e-7


def test_effective_rank_of_a_matricization():
    model = CPFactorization((2, 2, 2), components=2)
    unit = np.eye(2)
    theta = model.ravel((unit, unit, unit))  # e1 x e1 x e1 + e2 x e2 x e2
    problem = problem_of(model)
    erank = read("matricization_effective_rank", problem, theta, modes=1)
    np.testing.assert_allclose(erank, 2.0, rtol=1e-14)


def test_reconstruction_error_is_relative():
    model = CP[1]
    problem = problem_of(model)
    theta, _ = state(model)
    tensor = problem.end_to_end(theta)
    assert read("reconstruction_error", problem, theta, target=tensor) == 0.0
    error = read("reconstruction_error", problem, np.stack([theta, 0 * theta]), target=2 * tensor)
    np.testing.assert_allclose(error, [0.5, 1.0], rtol=1e-14)


@pytest.mark.parametrize(
    "name", [n for n in vars(components) if n.startswith(("component_", "local_"))]
)
def test_a_batch_is_observed_one_by_one(name):
    model = TREES[3] if name.startswith("local") else CP[1]
    problem = problem_of(model)
    theta = np.stack([state(model, seed=seed)[0] for seed in range(4)]).reshape(2, 2, -1)
    whole = read(name, problem, theta)
    single = np.array([[read(name, problem, x) for x in row] for row in theta])
    np.testing.assert_allclose(whole, single, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("modes", [(), (0, 1, 2), (0, 0), 3, (1, 5)])
def test_modes_that_make_no_matrix_are_refused(modes):
    problem = problem_of(CP[1])
    theta, _ = state(CP[1])
    with pytest.raises(ValueError, match=r"`modes` is .*, but a matricization of shape"):
        read("matricization_singular_values", problem, theta, modes=modes)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (None, TypeError, "needs `target`"),
        (np.zeros((4, 5, 3)), ValueError, "`target` is zero"),
        (np.ones((4, 5)), ValueError, "`target` must have shape"),
    ],
)
def test_a_target_that_cannot_be_compared_is_refused(target, error, message):
    problem = problem_of(CP[1])
    with pytest.raises(error, match=message):
        read("reconstruction_error", problem, state(CP[1])[0], target=target)


def test_components_are_of_the_model_that_has_them():
    matrix = DeepLinear((2, 2, 2))
    problem = Problem(matrix, SquaredLoss(), Entries((2, 2), [(0, 0)], [1.0]))
    theta = problem.init(0.5, seed=0)
    with pytest.raises(TypeError, match="states no components; a CPFactorization"):
        read("component_norms", problem, theta)
    with pytest.raises(TypeError, match="'local_alignments' is of a HierarchicalTensor, not of"):
        read("local_alignments", problem, theta)


# -- ranks, orders, and tensors of given ranks -----------------------------------------------------


@pytest.mark.parametrize("model", TREES, ids=repr)
def test_local_component_orders_count_the_vectors(model):
    problem, theta = problem_of(model), model.init(0.5, kind="gaussian", seed=0)
    counts = read("local_component_orders", problem, theta)
    groups = model.component_products(model.unravel(theta), model.unravel(theta))
    np.testing.assert_array_equal(counts, [group.shape[-2] for group in groups])


def test_the_hierarchical_rank_is_that_of_the_tensor_drawn():
    tree = ((0, 1), (2, 3))
    model = HierarchicalTensor((3, 4, 3, 4), tree, widths=(4, 4, 4))
    narrow = HierarchicalTensor((3, 4, 3, 4), tree, widths=(3, 2, 2))
    factors = narrow.unravel(narrow.init(1.0, kind="gaussian", seed=0))
    assert read("hierarchical_rank", problem_of(narrow), narrow.ravel(factors)).tolist() == [
        *(3, 3, 2, 2),  # modes under nodes of widths 3 and 2
        *(2, 2),  # {1,2} and {3,4}, under the root
    ]
    wide = read("hierarchical_rank", problem_of(model), model.init(1.0, kind="gaussian", seed=0))
    assert wide.tolist() == [3, 4, 3, 4, 4, 4]
    loose = read("hierarchical_rank", problem_of(narrow), narrow.ravel(factors), tolerance=0.9)
    assert loose.max() < 3, "a tolerance of nine tenths leaves little"


def test_a_hierarchical_target_has_the_ranks_and_the_norm_asked_for():
    target = low_hierarchical_rank_tensor((4, 4, 4), ((0, 1), 2), ranks=(3, 2), seed=1, norm=5.0)
    assert abs(np.linalg.norm(target) - 5) < 1e-13
    ranks = [
        np.linalg.matrix_rank(matricizations.matricization(target, (4, 4, 4), modes))
        for modes in ((0,), (0, 1), (2,))
    ]
    assert ranks == [3, 2, 2]
    again = low_hierarchical_rank_tensor((4, 4, 4), ((0, 1), 2), ranks=(3, 2), seed=1, norm=5.0)
    np.testing.assert_array_equal(target, again)


def test_the_frobenius_norm_has_the_rate_of_a_difference_quotient():
    problem = problem_of(CP[1])
    theta = problem.init(0.7, seed=3)
    v = np.cos(np.arange(theta.size))
    norm, h = find("frobenius_norm"), 1e-6
    slope = (norm(problem, theta + h * v) - norm(problem, theta - h * v)) / (2 * h)
    np.testing.assert_allclose(norm.derivative(problem, theta, v), slope, rtol=1e-8)
