"""The contract of every model: degrees as stated, and all derivatives and routes agree."""

import inspect
import itertools
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pytest
import tensorly

from dynlens import testing
from dynlens.dynamics import flow
from dynlens.dynamics.trajectory import load
from dynlens.models import hierarchical
from dynlens.models.base import TensorModel, add_rows
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import (
    HierarchicalTensor,
    adjacent_pool_tree,
    binary_tree,
    one_level_tree,
)
from dynlens.models.quadratic import QuadraticNetwork
from dynlens.models.symmetric import SymmetricTensor
from dynlens.observables import matricizations
from dynlens.problems.losses import HuberLoss, SquaredLoss
from dynlens.problems.objectives import ByEntries, ByRankOneProducts, ByTensor
from dynlens.problems.observations import RankOneSensing
from dynlens.problems.problem import Problem
from dynlens.testing import factors_of, relative

MIXED = ((0, 1, 2), 3, (4, 5))
CROSSED = ((3, 0), (2, 1))  # lists the modes in an order of its own

DEEP = [DeepLinear((3, 2)), DeepLinear((2, 3, 4)), DeepLinear((3, 2, 4, 2)), DeepLinear((2,) * 5)]
CP = [
    CPFactorization((4, 3), components=5),
    CPFactorization((4, 3, 2), components=1),
    CPFactorization((4, 1, 3), components=5),
    CPFactorization((3, 2, 4, 2), components=3),
]
TREES = [
    HierarchicalTensor((4, 3), (1, 0), widths=3),
    HierarchicalTensor((4, 3, 2), one_level_tree(3), widths=4),
    HierarchicalTensor((4, 3, 2), one_level_tree(3), widths=4, trainable_root=False),
    HierarchicalTensor((4, 3, 2, 3), binary_tree(4), widths=(2, 3, 4)),
    HierarchicalTensor((4, 3, 2, 3), CROSSED, widths=(4, 1, 3), trainable_root=False),
    HierarchicalTensor((2, 3, 2, 2, 3, 2), MIXED, widths=(3, 2, 4)),
    HierarchicalTensor((2, 1, 3, 2, 2), adjacent_pool_tree(5, 2), widths=(2, 3, 4, 2)),
    # Wide enough for its weights to be multiplied by BLAS in blocks, with rows of 24 and 16.
    HierarchicalTensor((5, 4, 5), ((0, 1), 2), widths=(17, 13)),
]
TENSORS = CP + TREES
SYMMETRIC = [
    SymmetricTensor(2, 4, 3, degree=2, coefficients=(1.0, -1.0, 0.5)),
    SymmetricTensor(3, 3, 2, degree=(2, 3), coefficients=None),
]
NETWORKS = [
    QuadraticNetwork(3, 4),
    QuadraticNetwork(3, 2, signs=(1, -1)),
    QuadraticNetwork(2, 3, signs=(1, 1, -1)),
]
MODELS = DEEP + TENSORS + SYMMETRIC + NETWORKS

SQUARED = [SquaredLoss(), SquaredLoss("mean", half=False)]
LOSSES = [*SQUARED, HuberLoss(0.3), HuberLoss(0.3, "mean")]
SEEN = testing.SEEN | {
    "rank-one sensing": lambda target: RankOneSensing.gaussian(target, count=7, seed=3),
}


def name_of(value):
    return value if isinstance(value, str) else repr(value)


every_model = pytest.mark.parametrize("model", MODELS, ids=name_of)
every_tensor = pytest.mark.parametrize("model", TENSORS, ids=name_of)
every_tree = pytest.mark.parametrize("model", TREES, ids=name_of)
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=name_of)
every_observation = pytest.mark.parametrize("seen", SEEN)


def problem_of(model, loss=SQUARED[0], seen="entries"):
    target = np.random.default_rng(2).standard_normal(model.tensor_shape)
    return Problem(model, loss, SEEN[seen](target))


# -- parameters ------------------------------------------------------------------------------------


@every_model
def test_cutting_and_stacking_are_inverse(model):
    testing.parameters(model)


@every_model
def test_the_repr_recreates_the_model(model):
    again = eval(repr(model), vars(hierarchical) | globals())
    assert again == model
    assert hash(again) == hash(model)


@every_model
def test_a_start_is_drawn_again_by_its_seed_and_needs_one(model):
    for kind in model.kinds:
        if kind == "identity":
            continue
        theta = model.init(0.3, kind=kind, seed=4)
        assert theta.shape == (model.parameters,)
        np.testing.assert_array_equal(theta, model.init(0.3, kind=kind, seed=4))
        assert np.any(theta != model.init(0.3, kind=kind, seed=5))
        with pytest.raises(TypeError, match="`seed` is required"):
            model.init(0.3, kind=kind)


@every_model
def test_a_gaussian_start_has_the_scale_asked_for(model):
    draws = np.array([model.init(0.3, kind="gaussian", seed=seed) for seed in range(500)])
    spread = draws.std()
    assert abs(spread / 0.3 - 1) < 0.03, f"standard deviation {spread:.4f}, wanted 0.3"


@every_model
def test_balance_is_conserved_and_balanced_starts_have_it(model):
    testing.conserved(model)


@every_model
def test_the_whole_suite_passes(model):
    testing.check_model(model)


def test_the_measures_of_balance_see_a_gaussian_start():
    for model in (DEEP[1], CP[2], TREES[3]):
        assert model.unbalancedness(factors_of(model)) > 0.1, model


def test_balancing_a_cp_start_keeps_directions_and_component_norms():
    model = CP[2]
    drawn = factors_of(model, seed=3)
    balanced = model.unravel(model.init(0.8, kind="balanced", seed=3))
    norms = [np.linalg.norm(factor, axis=0) for factor in drawn]
    kept = [np.linalg.norm(factor, axis=0) for factor in balanced]
    np.testing.assert_allclose(np.prod(kept, axis=0), np.prod(norms, axis=0), rtol=1e-13)
    for before, after, n, k in zip(drawn, balanced, norms, kept, strict=True):
        np.testing.assert_allclose(after / k, before / n, rtol=1e-13)


@every_tree
def test_a_balanced_tree_start_has_the_scale_at_its_root(model):
    factors = model.unravel(model.init(0.7, kind="balanced", seed=0))
    for child in model.root.children:
        np.testing.assert_allclose(np.linalg.norm(factors[child], axis=0), 0.7, rtol=1e-14)
    if model.trainable_root:
        np.testing.assert_allclose(abs(factors[-1]), 0.7, rtol=1e-14)


# -- the map and its derivatives -------------------------------------------------------------------


@every_model
def test_the_tensor_has_the_degrees_that_the_model_states(model):
    testing.polynomial(model)


@every_model
def test_the_pullback_is_adjoint_to_the_pushforward(model):
    testing.adjoint(model)


def test_a_wrong_pullback_is_caught():
    @dataclass(frozen=True)
    class Wrong(CPFactorization):
        def pullback(self, factors, cotangent):
            parts = super().pullback(factors, cotangent)
            return (*parts[:-1], 2 * parts[-1])

    testing.adjoint(CPFactorization((3, 2, 2), 2))
    with pytest.raises(AssertionError, match="not the adjoint"):
        testing.adjoint(Wrong((3, 2, 2), 2))


@every_model
def test_a_batch_is_treated_one_by_one(model):
    testing.batched(model)


# -- without the tensor ----------------------------------------------------------------------------


@every_tensor
def test_entries_are_those_of_the_tensor(model):
    factors = factors_of(model)
    table = problem_of(model).observations.table[::-1]
    entries = model.entries(factors, table)
    off = relative(entries, model.end_to_end(factors)[tuple(table.T)])
    assert off < 1e-13, f"off by {off:.1e}"


@every_tensor
def test_entries_may_be_asked_for_twice(model):
    factors, table = factors_of(model), np.zeros((3, model.order), dtype=int)
    weights = np.array([1.0, 10.0, 100.0])
    once = model.entries_pullback(factors, table[:1], np.array([111.0]))
    thrice = model.entries_pullback(factors, table, weights)
    for a, b in zip(once, thrice, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


@every_tensor
def test_weights_on_entries_pull_back_as_through_the_tensor(model):
    factors, seen = factors_of(model), problem_of(model).observations
    weights = np.random.default_rng(8).standard_normal(seen.count)
    past = model.ravel(model.entries_pullback(factors, seen.table, weights))
    through = model.ravel(model.pullback(factors, seen.adjoint(weights)))
    off = relative(past, through)
    assert off < 1e-13, f"off by {off:.1e}"


@every_tensor
def test_rank_one_products_are_those_of_the_tensor(model):
    factors = factors_of(model)
    seen = problem_of(model, seen="rank-one sensing").observations
    off = relative(
        model.rank_one_products(factors, seen.arrays), seen.measure(model.end_to_end(factors))
    )
    assert off < 1e-12, f"off by {off:.1e}"
    weights = np.random.default_rng(8).standard_normal(seen.count)
    past = model.ravel(model.rank_one_products_pullback(factors, seen.arrays, weights))
    through = model.ravel(model.pullback(factors, seen.adjoint(weights)))
    assert relative(past, through) < 1e-12, f"pullback off by {relative(past, through):.1e}"


@every_tensor
@pytest.mark.parametrize("seen", ["entries", "rank-one sensing"])
def test_the_gradient_never_forms_the_tensor(model, seen, monkeypatch):
    def formed(*_):
        raise AssertionError("the end-to-end tensor was formed")

    problem = problem_of(model, seen=seen)
    theta = model.init(0.5, kind="gaussian", seed=0)
    for kind in (type(model), TensorModel):
        monkeypatch.setattr(kind, "end_to_end", formed)
        monkeypatch.setattr(kind, "pullback", formed)
    problem.objective(theta)
    problem.gradient(theta)
    problem.hessian_vector_product(theta, theta)
    problem.compiled_field(0.0, theta)


def test_each_kind_of_observation_takes_its_route():
    tensor, matrix = CP[2], DEEP[1]
    for seen, kind in [
        ("entries", ByEntries),
        ("rank-one sensing", ByRankOneProducts),
        ("full", ByTensor),
        ("sensing", ByTensor),
    ]:
        assert isinstance(problem_of(tensor, seen=seen).of_factors, kind), seen
        assert isinstance(problem_of(matrix, seen=seen).of_factors, ByTensor), seen


def test_rows_are_added_where_they_belong():
    rows = np.arange(8.0).reshape(4, 2) + 1j * np.ones((4, 2))
    got = add_rows(rows, np.array([2, 0, 2, 2]), 4)
    wanted = np.zeros((4, 2), dtype=complex)
    np.add.at(wanted, [2, 0, 2, 2], rows)
    np.testing.assert_array_equal(got, wanted)


# -- the objective and its derivatives -------------------------------------------------------------


@every_model
@every_observation
@pytest.mark.parametrize("loss", SQUARED, ids=name_of)
def test_the_gradient_and_the_hessian_are_complex_steps(model, loss, seen):
    testing.derivatives(problem_of(model, loss, seen))


@every_model
@every_observation
def test_the_gradient_of_huber_is_a_central_difference(model, seen):
    problem = problem_of(model, LOSSES[2], seen)
    theta, h = model.init(0.8, kind="gaussian", seed=1), 1e-6 * np.eye(model.parameters)
    slopes = (problem.objective(theta + h) - problem.objective(theta - h)) / 2e-6
    off = relative(problem.gradient(theta), slopes)
    assert off < 1e-7, f"gradient off by {off:.1e}"


@every_model
def test_the_hessian_of_huber_is_a_central_difference(model):
    problem = problem_of(model, LOSSES[2])
    theta = model.init(0.8, kind="gaussian", seed=1)
    v = np.random.default_rng(9).standard_normal(theta.size)
    wanted = (problem.gradient(theta + 1e-6 * v) - problem.gradient(theta - 1e-6 * v)) / 2e-6
    off = relative(problem.hessian_vector_product(theta, v), wanted)
    assert off < 1e-7, f"Hessian off by {off:.1e}"


@every_model
@every_loss
@pytest.mark.parametrize("seen", ["entries", "full"])
def test_the_compiled_gradient_equals_the_reference(model, loss, seen):
    testing.compiled(problem_of(model, loss, seen))


@every_model
@pytest.mark.parametrize("seen", ["sensing", "rank-one sensing"])
def test_the_compiled_gradient_of_sensing_equals_the_reference(model, seen):
    testing.compiled(problem_of(model, SQUARED[0], seen))


def test_one_module_serves_all_tensor_models_of_some_widths():
    def sources(models, kinds):
        return {problem_of(model, seen=seen).machine.source for model in models for seen in kinds}

    narrow, by_rows = TENSORS[:-1], set(SEEN) - {"sensing"}
    assert len(sources(narrow, by_rows)) == 1, "rows of up to eight numbers"
    assert len(sources(narrow, SEEN)) == 2, "dense sensing goes through the tensor"
    wide = [CPFactorization((2,) * order, width) for order in (2, 5) for width in (17, 20, 24)]
    assert len(sources(wide, by_rows)) == 1, "rows of up to 24 numbers"
    assert len(sources([*narrow, *wide, TREES[-1]], by_rows)) == 3, "and one for mixed rows"


def test_a_trajectory_of_a_tensor_model_comes_back_from_disk(tmp_path):
    for model in (CP[2], TREES[4]):
        for seen in ("entries", "rank-one sensing"):
            problem = problem_of(model, seen=seen)
            run = flow.gradient_flow(problem, problem.init(0.5, seed=0), 0.1, saves=3)
            again = load(run.save(tmp_path / "run"))
            assert again.problem == problem
            np.testing.assert_array_equal(again.theta, run.theta)


# -- against other definitions ---------------------------------------------------------------------


@pytest.mark.parametrize("model", CP, ids=name_of)
def test_cp_tensors_agree_with_tensorly(model):
    factors = factors_of(model)
    wanted = tensorly.cp_to_tensor((np.ones(model.components), list(factors)))
    off = relative(model.end_to_end(factors), wanted)
    assert off < 1e-13, f"off by {off:.1e}"


@every_tensor
def test_matricizations_agree_with_tensorly(model):
    tensor = model.end_to_end(factors_of(model))
    for mode in range(model.order):
        got = matricizations.matricization(tensor, model.shape, mode)
        np.testing.assert_array_equal(got, tensorly.unfold(tensor, mode))


def defined(model, factors, node, r):
    """Entry by entry, the tensor W^(node, r) of the definition, axes in the tree's own order."""
    if not node.children:
        return factors[node.factor][:, r]
    weight = np.ones((node.width, 1)) if node.factor is None else factors[node.factor]
    total = 0
    for s in range(node.width):
        parts = [defined(model, factors, model.nodes[child], s) for child in node.children]
        total = total + weight[s, r] * reduce(np.multiply.outer, parts)
    return total


@every_tree
def test_hierarchical_tensors_are_what_the_recursion_defines(model):
    factors = factors_of(model)
    tensor = defined(model, factors, model.root, 0).transpose(np.argsort(model.root.modes))
    off = relative(model.end_to_end(factors), tensor)
    assert off < 1e-13, f"off by {off:.1e}"


@pytest.mark.parametrize("model", CP, ids=name_of)
def test_cp_is_the_one_level_tree_with_a_fixed_root(model):
    tree = HierarchicalTensor(
        model.shape, one_level_tree(model.order), model.components, trainable_root=False
    )
    assert tree.factor_shapes == model.factor_shapes
    theta = model.init(0.8, kind="gaussian", seed=1)
    for seen in SEEN:
        one, other = problem_of(model, seen=seen), problem_of(tree, seen=seen)
        np.testing.assert_allclose(one.end_to_end(theta), other.end_to_end(theta), rtol=1e-13)
        off = relative(one.gradient(theta), other.gradient(theta))
        assert off < 1e-13, f"{seen}: gradients differ by {off:.1e}"


def test_a_node_limits_the_rank_of_its_matricization():
    model = HierarchicalTensor((3,) * 4, binary_tree(4), widths=(2, 4, 3))
    tensor = model.end_to_end(factors_of(model))
    ranks = {
        modes: np.linalg.matrix_rank(matricizations.matricization(tensor, model.shape, modes))
        for modes in [(0, 1), (2, 3), (0,), (0, 2)]
    }
    assert ranks == {(0, 1): 2, (2, 3): 2, (0,): 2, (0, 2): 6}


def test_the_circuit_on_one_hot_inputs_reads_entries():
    model, table = TREES[5], problem_of(TREES[5]).observations.table
    vectors = tuple(np.eye(size)[column] for size, column in zip(model.shape, table.T, strict=True))
    factors = factors_of(model)
    off = relative(model.rank_one_products(factors, vectors), model.entries(factors, table))
    assert off < 1e-14, f"off by {off:.1e}"


# -- trees and bad input ---------------------------------------------------------------------------


def test_nodes_know_their_place():
    model = HierarchicalTensor((2, 3, 2, 2, 3, 2), MIXED, widths=(3, 2, 4), trainable_root=False)
    assert [node.name for node in model.interior] == ["{1,2,3}", "{5,6}", "{1,2,3,4,5,6}"]
    assert [node.modes for node in model.interior] == [(0, 1, 2), (4, 5), (0, 1, 2, 3, 4, 5)]
    assert [node.children for node in model.interior] == [(0, 1, 2), (4, 5), (6, 3, 7)]
    assert [node.parent for node in model.nodes] == [6, 6, 6, 8, 7, 7, 8, 8, None]
    assert [node.factor for node in model.nodes] == [0, 1, 2, 3, 4, 5, 6, 7, None]
    assert [node.width for node in model.nodes] == [2, 3, 2, 2, 3, 2, 3, 2, 4]
    for k, node in enumerate(model.nodes):
        assert all(model.nodes[child].parent == k for child in node.children)


def test_widths_may_be_one_number_or_named():
    shape, tree = (2,) * 4, binary_tree(4)
    assert HierarchicalTensor(shape, tree, 3).widths == (3, 3, 3)
    named = {"{1,2,3,4}": 4, "{3,4}": 3, "{1,2}": 2}
    assert HierarchicalTensor(shape, tree, named).widths == (2, 3, 4)
    assert HierarchicalTensor(shape, tree, np.array([2, 3, 4])).widths == (2, 3, 4)


def test_lists_make_a_tree_too():
    assert HierarchicalTensor([2, 2, 2], [[0, 1], 2], 3) == HierarchicalTensor(
        (2, 2, 2), ((0, 1), 2), (3, 3)
    )


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        (binary_tree(8), (((0, 1), (2, 3)), ((4, 5), (6, 7)))),
        (binary_tree(5), (((0, 1), 2), (3, 4))),
        (binary_tree(2), (0, 1)),
        (adjacent_pool_tree(4, 2), ((0, 1), (2, 3))),
        (adjacent_pool_tree(5, 2), (((0, 1), (2, 3)), 4)),
        (adjacent_pool_tree(9, 3), ((0, 1, 2), (3, 4, 5), (6, 7, 8))),
        (adjacent_pool_tree(3, 4), (0, 1, 2)),
    ],
)
def test_tree_helpers_group_as_they_say(tree, wanted):
    assert tree == wanted
    HierarchicalTensor((2,) * len(str(tree).translate({ord(c): "" for c in "(), "})), tree, 2)


BAD_TREES = {
    "a mode that is missing": (((0, 1), 2), ValueError, "`tree` lacks mode 3"),
    "a mode listed twice": (((0, 1), (2, 3, 1)), ValueError, "`tree` has mode 1 more than once"),
    "a mode too large": (((0, 1), (2, 4)), ValueError, "`tree` has mode 4, but the modes are 0 to"),
    "a negative mode": (((0, 1), (2, -1)), ValueError, "`tree` has mode -1"),
    "an only child": (((0, 1), (2,), 3), ValueError, "`tree` has a node with 1 children"),
    "an empty node": (((0, 1), (), 2, 3), ValueError, "`tree` has a node with 0 children"),
    "a mode alone": (0, ValueError, "`tree` lacks mode 1"),
    "a name for a mode": ((("a", 1), (2, 3)), TypeError, "`tree` must be nested tuples of modes"),
    "a fraction": ((0.5, 1, 2, 3), TypeError, "`tree` must be nested tuples of modes"),
    "a truth value": ((True, 0, 2, 3), TypeError, "`tree` must be nested tuples of modes"),
    "nothing": (None, TypeError, "`tree` must be nested tuples of modes"),
}


@pytest.mark.parametrize("case", BAD_TREES)
def test_a_malformed_tree_is_told_apart(case):
    tree, error, message = BAD_TREES[case]
    with pytest.raises(error, match=message):
        HierarchicalTensor((2,) * 4, tree, 3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CPFactorization((3,), 2), ValueError, "`shape` must have at least two modes"),
        (lambda: CPFactorization(3, 2), TypeError, "`shape` must be a tuple of sizes"),
        (lambda: CPFactorization((3, 0), 2), ValueError, "`shape` must be at least 1"),
        (lambda: CPFactorization((3, 2), 0), ValueError, "`components` must be at least 1"),
        (lambda: CPFactorization((3, 2), 2.5), TypeError, "`components` must be an integer"),
        (lambda: HierarchicalTensor((2, 2), (0, 1), (3, 3)), ValueError, "`widths` has 2 sizes"),
        (lambda: HierarchicalTensor((2, 2), (0, 1), 0), ValueError, "`widths` must be at least 1"),
        (lambda: HierarchicalTensor((2, 2), (0, 1), "3"), TypeError, "`widths` must be an integer"),
        (
            lambda: HierarchicalTensor((2, 2), (0, 1), {"{1}": 3}),
            ValueError,
            r"`widths` has the names \['\{1\}'\], but the interior nodes are \['\{1,2\}'\]",
        ),
        (
            lambda: HierarchicalTensor((2, 2), (0, 1), 3, trainable_root=1),
            TypeError,
            "`trainable_root` must be a bool",
        ),
        (lambda: binary_tree(1), ValueError, "`order` must be at least 2"),
        (lambda: adjacent_pool_tree(4, 1), ValueError, "`pool` must be at least 2"),
        (
            lambda: CP[2].init(0.1, kind="identity"),
            ValueError,
            "`kind`: no 'identity'; known: balanced, gaussian",
        ),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_every_public_model_is_under_contract():
    kinds = {type(model) for model in MODELS}
    known = [c for c in TensorModel.__subclasses__() if c.__module__.startswith("dynlens.")]
    assert not [kind for kind in known if not inspect.isabstract(kind) and kind not in kinds]


# -- controls: the suite sees what is broken -------------------------------------------------------


@dataclass(frozen=True)
class Quadratic(CPFactorization):
    """Not linear in its first factor."""

    def end_to_end(self, factors):
        return super().end_to_end((factors[0] ** 2, *factors[1:]))


@dataclass(frozen=True)
class Unbatched(CPFactorization):
    """Reads the first of a batch only."""

    def contract(self, rows, inner):
        whole = super().contract(rows, inner)
        return whole if whole.ndim == 1 else np.broadcast_to(whole[:1], whole.shape)


@dataclass(frozen=True)
class Miscompiled(CPFactorization):
    """Its kernel computes one component less."""

    @property
    def product_tree(self):
        return CPFactorization(self.shape, self.components - 1).product_tree


@dataclass(frozen=True)
class Unconserved(CPFactorization):
    """Claims that norms, not their squares, differ by constants."""

    def imbalances(self, factors):
        norms = [np.sqrt((factor**2).sum(axis=-2)) for factor in factors]
        return np.concatenate([b - a for a, b in itertools.pairwise(norms)], axis=-1)


@dataclass(frozen=True)
class Careless(CPFactorization):
    """Draws a start of its own whatever the seed."""

    def draw(self, scale, kind, rng):
        return super().draw(scale, kind, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("model", "part", "words"),
    [
        (Quadratic((3, 2, 2), 2), testing.polynomial, "not linear in factor 0"),
        (Unbatched((3, 2, 2), 2), testing.batched, "of a batch off by"),
        (Miscompiled((3, 2, 2), 2), lambda m: testing.compiled(problem_of(m)), "compiled|kernel"),
        (Unconserved((3, 2, 2), 2), testing.conserved, "imbalances have the rate"),
        (Careless((3, 2, 2), 2), testing.starts, "seeds 4 and 5 drew the same start"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, CPFactorization) else "",
)
def test_the_suite_catches_a_broken_model(model, part, words):
    with pytest.raises(Exception, match=words):
        part(model)
