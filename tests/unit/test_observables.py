"""Observables: values on hand-made matrices, exact derivatives, signs followed along paths."""

from fractions import Fraction

import numpy as np
import pytest

from dynlens import DeepLinear, Entries, Full, Problem, SquaredLoss
from dynlens.observables import balance, known_observables, norms, registry, spectra

CORE = {
    name: entry
    for name, entry in registry.REGISTRY.items()
    if entry.function.__module__ in (balance.__name__, norms.__name__, spectra.__name__)
}


def evaluate(name, factors, target=None, **parameters):
    """Evaluate an observable at given factors, under half the squares against `target`."""
    factors = [np.asarray(factor, dtype=float) for factor in factors]
    model = DeepLinear((factors[0].shape[1], *(factor.shape[0] for factor in factors)))
    target = np.zeros(model.tensor_shape) if target is None else target
    problem = Problem(model, SquaredLoss(), Full(target))
    return registry.find(name)(problem, model.ravel(factors), **parameters)


# -- by hand --------------------------------------------------------------------------------------

# A rotation, a diagonal and a reflection: singular values 4 and 1, determinant -4.
TURN = np.array([[0.6, -0.8], [0.8, 0.6]])
FLIP = np.array([[0.0, 1.0], [1.0, 0.0]])
W = [TURN @ np.diag([4.0, 1.0]) @ FLIP]
PAIR = [[[2.0, 0.0], [0.0, 1.0]], [[1.0, 3.0], [0.0, -1.0]]]  # product [[2, 3], [0, -1]]
ROW = [[[1.0], [2.0]], [[2.0, -1.0]]]  # product [[0]], with factors of norm sqrt(5)
ENTROPY = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))

BY_HAND = [
    ("loss", PAIR, {}, (4 + 9 + 0 + 1) / 2),
    ("end_to_end", PAIR, {}, [[2.0, 3.0], [0.0, -1.0]]),
    ("factor_norms", PAIR, {}, [5**0.5, 11**0.5]),
    ("parameter_norm", PAIR, {}, 4.0),
    # dl/dW = W, so the factors receive A^T W = [[2, 3], [6, 10]] and W B^T = [[4, 3], [0, -1]].
    ("gradient_norm", PAIR, {}, (4 + 9 + 36 + 100 + 16 + 9 + 0 + 1) ** 0.5),
    ("frobenius_norm", W, {}, 17**0.5),
    ("schatten_norm", W, {}, 5.0),
    ("schatten_norm", W, {"p": 1}, 5.0),
    ("schatten_norm", W, {"p": 2}, 17**0.5),
    ("schatten_norm", W, {"p": 0.5}, 9.0),  # (2 + 1)**2
    ("schatten_norm", W, {"p": 3}, 65 ** (1 / 3)),
    ("schatten_norm", W, {"p": np.inf}, 4.0),
    ("schatten_norm", [np.eye(2)], {"p": 0.01}, 2.0**100),
    ("schatten_norm", [np.zeros((2, 3))], {"p": 0.5}, 0.0),
    ("nuclear_norm", W, {}, 5.0),
    ("nuclear_norm", [np.ones((2, 3))], {}, 6**0.5),
    ("spectral_norm", W, {}, 4.0),
    ("singular_values", W, {}, [4.0, 1.0]),
    ("singular_values", [[[3.0, 4.0]]], {}, [5.0]),
    ("alignment", W, {}, [-4.0, -1.0]),  # against zero, -dl/dW = -W
    ("effective_rank", W, {}, np.exp(ENTROPY)),
    ("effective_rank", [np.eye(3)], {}, 3.0),
    ("effective_rank", [np.diag([7.0, 0.0, 0.0])], {}, 1.0),
    ("effective_rank", [np.zeros((2, 2))], {}, np.nan),
    ("rank_distance", W, {}, 1.0),
    ("rank_distance", W, {"rank": 0}, 17**0.5),
    ("rank_distance", W, {"rank": 2}, 0.0),
    ("rank_distance", [np.diag([4.0, 2.0, 1.0])], {}, 5**0.5),
    ("determinant", W, {}, -4.0),
    ("determinant", PAIR, {}, -2.0),
    ("determinant", ROW, {}, 0.0),
    ("imbalances", PAIR, {}, [1.0 - 4.0, 3.0, 3.0, 10.0 - 1.0]),  # A^T A - B B^T
    ("imbalances", ROW, {}, [4.0 - 1.0, -2.0 - 2.0, -2.0 - 2.0, 1.0 - 4.0]),
    ("imbalances", [np.eye(2)], {}, []),  # one layer has no neighbour
    ("unbalancedness", PAIR, {}, 9.0),
    ("unbalancedness", ROW, {}, 4.0),
    ("unbalancedness", [np.eye(2)], {}, 0.0),
]


@pytest.mark.parametrize(
    ("name", "factors", "parameters", "expected"),
    BY_HAND,
    ids=[f"{k}-{row[0]}{row[2] or ''}" for k, row in enumerate(BY_HAND)],
)
def test_an_observable_takes_its_value_by_hand(name, factors, parameters, expected):
    found = evaluate(name, factors, **parameters)
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


def test_every_core_observable_has_a_value_by_hand():
    missing = set(CORE) - {row[0] for row in BY_HAND} - {"signed_singular_values"}
    assert not missing, f"add a row to BY_HAND for {sorted(missing)}"


def test_alignment_projects_the_negative_gradient_on_each_component():
    target = TURN @ np.diag([5.0, -2.0]) @ FLIP  # same singular vectors as W
    found = evaluate("alignment", W, target=target)
    np.testing.assert_allclose(found, [5.0 - 4.0, -2.0 - 1.0], rtol=1e-14)


def test_the_loss_counts_observed_entries_only():
    problem = Problem(DeepLinear((2, 2)), SquaredLoss(), Entries((2, 2), [(0, 1)], [1.0]))
    value = registry.find("loss")(problem, np.array([100.0, 3.0, 100.0, 100.0]))
    assert float(value) == 2.0


@pytest.mark.parametrize("p", [0.25, 0.5, 1.0, 2.0, np.inf])
def test_schatten_norm_is_homogeneous(p):
    matrix = np.random.default_rng(0).standard_normal((3, 4))
    one, three = (float(evaluate("schatten_norm", [s * matrix], p=p)) for s in (1.0, -3.0))
    assert abs(three / one - 3) < 1e-14, f"the ratio is {three / one!r}"


@pytest.mark.parametrize("p", [0.3, 0.5, 0.9])
def test_a_small_p_gives_a_quasi_norm_with_its_constant(p):
    rng = np.random.default_rng(1)
    ratios = []
    for _ in range(50):
        a, b = rng.standard_normal((2, 3, 3))
        norm = [float(evaluate("schatten_norm", [m], p=p)) for m in (a + b, a, b)]
        ratios.append(norm[0] / (norm[1] + norm[2]))
    assert max(ratios) <= 2 ** (1 / p - 1), f"largest ratio {max(ratios)}"
    # It is no norm: disjoint rank-one matrices attain the constant.
    parts = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
    whole = float(evaluate("schatten_norm", [sum(parts)], p=p))
    assert abs(whole / 2 - 2 ** (1 / p - 1)) < 1e-12, f"the diagonal pair gives {whole / 2}"


def test_schatten_norms_of_tiny_and_huge_matrices_do_not_leave_the_floats():
    for size in (1e-200, 1e200):
        found = float(evaluate("schatten_norm", [size * np.eye(2)], p=0.5))
        assert abs(found / (4 * size) - 1) < 1e-14, f"{found} for {size} times the identity"


def test_effective_rank_lies_between_one_and_the_rank():
    rng = np.random.default_rng(2)
    found = [float(evaluate("effective_rank", [rng.standard_normal((3, 4))])) for _ in range(50)]
    assert min(found) >= 1, f"smallest {min(found)}"
    assert max(found) <= 3, f"largest {max(found)}"


# -- the determinant of a nearly singular product -------------------------------------------------

# [[1 + 2^-30, 1], [1, 1]] has determinant 2^-30 exactly; three of them multiply to 2^-90.
TIGHT = np.array([[1 + 2.0**-30, 1.0], [1.0, 1.0]])


def exact_determinant(matrix):
    (a, b), (c, d) = [[Fraction(float(x)) for x in row] for row in matrix]
    return a * d - b * c


def test_the_determinant_keeps_its_digits_where_the_product_loses_them():
    assert exact_determinant(TIGHT) == Fraction(1, 2**30)
    found = float(evaluate("determinant", [TIGHT] * 3))
    error = abs(found * 2.0**90 - 1)
    assert error < 1e-5, f"relative error {error:.1e}"


def test_the_product_matrix_alone_would_give_a_wrong_determinant():
    naive = np.linalg.det(TIGHT @ TIGHT @ TIGHT)
    error = abs(naive * 2.0**90 - 1)
    assert error > 0.5, f"relative error {error:.1e}: the case is too easy"


def test_the_determinant_of_a_wide_network_is_that_of_the_product():
    rng = np.random.default_rng(3)
    factors = [rng.standard_normal((3, 2)), rng.standard_normal((2, 3))]
    found, product = float(evaluate("determinant", factors)), factors[1] @ factors[0]
    exact = float(exact_determinant(product))
    assert abs(found / exact - 1) < 1e-13, f"{found} against {exact}"


# -- derivatives ----------------------------------------------------------------------------------

MOVING = Problem(
    DeepLinear((3, 2, 2)), SquaredLoss("mean"), Full([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
)
SQUARE = Problem(DeepLinear((2, 2, 2)), SquaredLoss(), Full([[0.0, 1.0], [1.0, 0.5]]))
DIFFERENTIABLE = sorted(n for n, e in CORE.items() if e.tangent is not None or e.analytic)
OTHERS = sorted(set(CORE) - set(DIFFERENTIABLE))


def states(problem, count, seed):
    return np.random.default_rng(seed).standard_normal((count, problem.model.parameters))


def assert_derivative(name, problem, function=None):
    """Compare with fourth-order central differences, at several states along random directions."""
    entry = registry.find(name)
    theta, v, h = states(problem, 5, seed=0), states(problem, 5, seed=1), 3e-4
    near, far = (
        (entry(problem, theta + k * h * v) - entry(problem, theta - k * h * v)) / (2 * k * h)
        for k in (1, 2)
    )
    expected = (4 * near - far) / 3
    found = (function or entry.derivative)(problem, theta, v)
    gap = np.abs(found - expected).max() / np.abs(expected).max()
    assert gap < 1e-8, f"derivative of {name} off by {gap:.1e}"


def test_five_observables_at_least_have_an_exact_derivative():
    wanted = {"loss", "end_to_end", "imbalances", "singular_values", "determinant"}
    assert wanted <= set(DIFFERENTIABLE)


@pytest.mark.parametrize("problem", [MOVING, SQUARE], ids=["rectangular", "square"])
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_an_exact_derivative_equals_central_differences(name, problem):
    if name == "determinant" and problem is MOVING:
        with pytest.raises(ValueError, match="square"):
            assert_derivative(name, problem)
        return
    assert_derivative(name, problem)


def test_a_derivative_that_is_wrong_by_one_in_a_million_is_caught():
    def wrong(problem, theta, v):
        return registry.find("loss").derivative(problem, theta, v) * (1 + 1e-6)

    with pytest.raises(AssertionError, match="derivative of loss off by"):
        assert_derivative("loss", SQUARE, wrong)


@pytest.mark.parametrize("name", OTHERS)
def test_an_observable_without_a_derivative_says_so(name):
    theta = states(SQUARE, 2, seed=2)
    with pytest.raises(TypeError, match=f"{name}.* has no exact derivative; give it one"):
        registry.find(name).derivative(SQUARE, theta, theta)


def test_the_derivative_of_the_determinant_is_that_of_jacobi():
    matrix, direction = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, -1.0], [2.0, 1.0]])
    one_layer = Problem(DeepLinear((2, 2)), SquaredLoss(), Full(np.zeros((2, 2))))
    found = registry.find("determinant").derivative(one_layer, matrix.ravel(), direction.ravel())
    adjugate = np.array([[4.0, -2.0], [-3.0, 1.0]])
    assert abs(float(found) - np.trace(adjugate @ direction)) < 1e-14


# -- batches --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(n for n, e in CORE.items() if not e.along_path))
def test_a_batch_equals_one_by_one(name):
    theta = states(SQUARE, 6, seed=3).reshape(2, 3, -1)
    entry = registry.find(name)
    together = entry(SQUARE, theta)
    one_by_one = np.array([[entry(SQUARE, x) for x in row] for row in theta])
    assert together.shape == one_by_one.shape
    np.testing.assert_allclose(together, one_by_one, rtol=1e-13, atol=1e-14)


# -- signs along a path ---------------------------------------------------------------------------

S = np.linspace(0.0, 1.0, 81)  # no time falls on a zero or a crossing below


def along(first, second, turn=0.0):
    """Analytic SVD with slowly turning vectors: the signed values that must be found."""
    angle = turn * S
    u = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    u = np.moveaxis(u, -1, 0)
    values = np.stack([first, second], axis=-1)
    return u @ (values[:, :, None] * np.array([[0.8, 0.6], [-0.6, 0.8]])), values


def signed(matrices):
    one_layer = Problem(DeepLinear((2, 2)), SquaredLoss(), Full(np.zeros((2, 2))))
    found = registry.find("signed_singular_values")
    return found(one_layer, matrices.reshape(len(matrices), -1))


PATHS = {
    "a sign change": (2 + 0 * S, 1 - 1.91 * S),
    "a crossing": (2 - 1.13 * S, 1 + 0.57 * S),
    "a crossing and a sign change": (2 - 2.91 * S, 1 + 0.1 * S),
    "both signs change": (1.5 - 2.13 * S, 1 - 2.07 * S),
}


@pytest.mark.parametrize("turn", [0.0, 2.0], ids=["fixed vectors", "turning vectors"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_signed_singular_values_follow_their_vectors(path, turn):
    matrices, expected = along(*path, turn=turn)
    gap = np.abs(signed(matrices) - expected).max()
    assert gap < 1e-13, f"off by {gap:.1e}"


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_sorted_singular_values_would_not_follow(path):
    matrices, expected = along(*path, turn=2.0)
    gap = np.abs(np.linalg.svd(matrices, compute_uv=False) - expected).max()
    assert gap > 0.1, f"sorting is off by {gap:.1e} only: the case is too easy"


def test_signed_singular_values_begin_sorted_and_non_negative():
    matrices, _ = along(1 + 0 * S, 2 + 0 * S)
    start = signed(matrices)[0].tolist()
    assert start == sorted(map(abs, start), reverse=True), f"they begin as {start}"


# -- the register ---------------------------------------------------------------------------------


def test_the_names_of_the_core_observables_are_known():
    assert set(CORE) <= set(known_observables())
    assert list(known_observables()) == sorted(known_observables())


def test_an_observable_of_ones_own_is_found_by_name_with_its_derivative():
    @registry.observable(dims=("row",))
    def row_sums_of_my_own(problem, factors, weight=1.0):
        """Weighted row sums of the product."""
        return weight * problem.model.end_to_end(factors).sum(axis=-1)

    try:

        @row_sums_of_my_own.derivative
        def _derivative(problem, factors, directions, weight=1.0):
            return weight * problem.model.pushforward(factors, directions).sum(axis=-1)

        entry = registry.find("row_sums_of_my_own")
        assert entry.parameters == ("weight",)
        assert entry.dimensions(SQUARE) == ("row",)
        assert_derivative("row_sums_of_my_own", SQUARE)
        theta = states(SQUARE, 1, seed=4)
        doubled = entry(SQUARE, theta, weight=2.0) / entry(SQUARE, theta)
        np.testing.assert_allclose(doubled, 2.0)
        assert row_sums_of_my_own.__doc__ == "Weighted row sums of the product."
    finally:
        del registry.REGISTRY["row_sums_of_my_own"]
