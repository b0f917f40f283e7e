"""Problems: gradients, Hessians and compiled kernels against independent routes; starts."""

from itertools import pairwise

import numpy as np
import pytest

from dynlens import (
    DeepLinear,
    Entries,
    Full,
    HuberLoss,
    Problem,
    Sensing,
    SquaredLoss,
    completion_problem,
)
from dynlens.problems import low_rank_matrix

WIDE = low_rank_matrix((2, 3), rank=2, seed=0)

SMOOTH = {
    "completion": completion_problem(2),
    "one layer": Problem(DeepLinear((3, 2)), SquaredLoss(half=False), Full(WIDE)),
    "sensing, mean": Problem(
        DeepLinear((3, 2, 4, 2)), SquaredLoss("mean"), Sensing.gaussian(WIDE, count=4, seed=1)
    ),
    "five scalars": Problem(DeepLinear((1,) * 6), SquaredLoss(), Full([[0.7]])),
}
KINKED = {
    "huber": Problem(DeepLinear((3, 2, 2)), HuberLoss(0.4), Entries.of(WIDE, [(0, 0), (1, 2)])),
    "huber, sensing": Problem(
        DeepLinear((3, 2, 2)), HuberLoss(0.4, "mean"), Sensing.gaussian(WIDE, count=3, seed=2)
    ),
}
PROBLEMS = SMOOTH | KINKED

every = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
smooth = pytest.mark.parametrize("problem", SMOOTH.values(), ids=SMOOTH)


def state(problem, seed=0, count=None):
    shape = problem.model.parameters if count is None else (count, problem.model.parameters)
    return 0.8 * np.random.default_rng(seed).standard_normal(shape)


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


# -- by hand --------------------------------------------------------------------------------------


def test_gradient_and_hessian_of_two_scalars_by_hand():
    a, b, y = 0.5, -1.5, 2.0
    z = a * b - y  # phi = z**2 / 2
    problem = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[y]]))
    theta = np.array([a, b])
    assert float(problem.objective(theta)) == z**2 / 2
    assert problem.gradient(theta).tolist() == [z * b, z * a]
    assert problem.hessian(theta).tolist() == [[b * b, a * b + z], [a * b + z, a * a]]


def test_factors_are_cut_from_input_to_output():
    problem = Problem(DeepLinear((3, 2, 2)), SquaredLoss(), Full(WIDE))
    first, second = problem.factors(np.arange(10.0))
    assert first.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert second.tolist() == [[6, 7], [8, 9]]
    np.testing.assert_array_equal(problem.end_to_end(np.arange(10.0)), second @ first)


def test_the_completion_problem_leaves_out_the_first_entry():
    problem = completion_problem(3, size=3, observed=(2.0, 3.0, 0.5))
    expected = np.array([[0, 2.0, 0], [3.0, 0.5, 0], [0, 0, 1.0]])
    assert problem.observations.count == 8
    np.testing.assert_array_equal(problem.observations.adjoint(problem.observations.data), expected)
    loss = float(problem.tensor_loss(expected + np.diag([1e9, 0, 0])))
    assert loss == 0, f"the first entry is observed: loss {loss}"


# -- derivatives by another route -----------------------------------------------------------------


def central(function, theta, h=1e-5):
    """Jacobian by central differences, shape (..., P)."""
    steps = h * np.eye(theta.size)
    return np.stack([(function(theta + s) - function(theta - s)) / (2 * h) for s in steps], -1)


def complex_step(function, theta):
    steps = 1e-100j * np.eye(theta.size)
    return np.stack([np.imag(function(theta + s)) / 1e-100 for s in steps], axis=-1)


@every
def test_gradient_equals_central_differences(problem):
    theta = state(problem)
    gap = relative(problem.gradient(theta), central(problem.objective, theta))
    assert gap < 1e-8, f"gradient off by {gap:.1e}"


@every
def test_the_loss_of_the_matrix_is_the_objective_and_its_gradient_is_exact(problem):
    theta, shape = state(problem), problem.model.tensor_shape
    matrix = problem.end_to_end(theta)
    gap = abs(float(problem.tensor_loss(matrix)) / float(problem.objective(theta)) - 1)
    assert gap < 1e-14, f"losses differ by {gap:.1e}"
    slopes = central(lambda w: problem.tensor_loss(w.reshape(shape)), matrix.ravel())
    off = relative(problem.tensor_gradient(matrix).ravel(), slopes)
    assert off < 1e-8, f"gradient in the matrix off by {off:.1e}"


@smooth
def test_gradient_equals_the_complex_step_to_rounding(problem):
    theta = state(problem)
    gap = relative(problem.gradient(theta), complex_step(problem.objective, theta))
    assert gap < 1e-13, f"gradient off by {gap:.1e}"


@smooth
def test_hessian_equals_the_complex_step_to_rounding(problem):
    theta = state(problem, seed=1)
    gap = relative(problem.hessian(theta), complex_step(problem.gradient, theta))
    assert gap < 1e-13, f"Hessian off by {gap:.1e}"


@every
def test_hessian_vector_product_equals_central_differences(problem):
    theta, v = state(problem, seed=2), state(problem, seed=3)
    h = 1e-6
    difference = (problem.gradient(theta + h * v) - problem.gradient(theta - h * v)) / (2 * h)
    gap = relative(problem.hessian_vector_product(theta, v), difference)
    assert gap < 1e-8, f"H v off by {gap:.1e}"


def test_the_difference_check_sees_an_error_of_one_in_a_million():
    problem, theta = SMOOTH["completion"], state(SMOOTH["completion"])
    wrong = problem.gradient(theta) * (1 + 1e-6)
    gap = relative(wrong, central(problem.objective, theta))
    assert gap > 1e-8, f"an error of 1e-6 measures only {gap:.1e}"


@every
def test_hessian_is_symmetric_before_it_is_symmetrized(problem):
    theta = state(problem, seed=4)
    units = np.eye(theta.size)
    rows = problem.hessian_vector_product(np.tile(theta, (theta.size, 1)), units)
    gap = np.abs(rows - rows.T).max() / np.abs(rows).max()
    assert gap < 1e-14, f"asymmetry {gap:.1e}"
    np.testing.assert_allclose(problem.hessian(theta), rows, atol=1e-14 * np.abs(rows).max())


@every
def test_pullback_is_the_adjoint_of_pushforward(problem):
    model, rng = problem.model, np.random.default_rng(5)
    factors, directions = problem.factors(state(problem, 6)), problem.factors(state(problem, 7))
    cotangent = rng.standard_normal(model.tensor_shape)
    one = (cotangent * model.pushforward(factors, directions)).sum()
    other = model.ravel(model.pullback(factors, cotangent)) @ model.ravel(directions)
    assert abs(one - other) < 1e-14 * max(1, abs(one)), f"{one} against {other}"


@every
def test_batched_calls_equal_calls_one_by_one(problem):
    theta, v = state(problem, 8, count=4), state(problem, 9, count=4)
    gaps = {
        "objective": relative(
            problem.objective(theta), np.array([problem.objective(x) for x in theta])
        ),
        "gradient": relative(
            problem.gradient(theta), np.array([problem.gradient(x) for x in theta])
        ),
        "hessian_vector_product": relative(
            problem.hessian_vector_product(theta, v),
            np.array([problem.hessian_vector_product(x, w) for x, w in zip(theta, v, strict=True)]),
        ),
    }
    assert max(gaps.values()) < 1e-14, f"relative gaps {gaps}"


def test_the_vector_field_is_minus_the_gradient_at_all_times():
    problem, theta = SMOOTH["completion"], state(SMOOTH["completion"])
    np.testing.assert_array_equal(problem.vector_field(0.0, theta), -problem.gradient(theta))
    np.testing.assert_array_equal(problem.vector_field(7.0, theta), -problem.gradient(theta))


def test_the_mean_divides_the_gradient_by_the_number_of_observations():
    sums = completion_problem(2)
    means = completion_problem(2, loss=SquaredLoss("mean"))
    theta = state(sums)
    gap = relative(3 * means.gradient(theta), sums.gradient(theta))
    assert gap < 1e-15, f"off by {gap:.1e}"


# -- compiled kernels -----------------------------------------------------------------------------


@every
def test_compiled_gradient_equals_the_reference(problem):
    theta = state(problem, 10)
    out, before = np.empty_like(theta), theta.copy()
    value = problem.machine.module.gradient(theta, *problem.machine.data, out)
    gaps = relative(out, problem.gradient(theta)), abs(value / problem.objective(theta) - 1)
    assert max(gaps) < 1e-13, f"gradient off by {gaps[0]:.1e}, objective by {gaps[1]:.1e}"
    np.testing.assert_array_equal(theta, before, err_msg="the kernel changed its input")


@every
def test_compiled_field_equals_the_vector_field_again_and_again(problem):
    # Twice, with another state between: work arrays must not leak from call to call.
    theta, other = state(problem, 11), state(problem, 12)
    first = problem.compiled_field(0.0, theta)
    problem.compiled_field(0.0, other)
    second = problem.compiled_field(0.0, theta)
    np.testing.assert_array_equal(first, second)
    gap = relative(first, problem.vector_field(0.0, theta))
    assert gap < 1e-13, f"off by {gap:.1e}"


# -- starts ---------------------------------------------------------------------------------------

KINDS = ("gaussian", "balanced", "identity")
SQUARE = {depth: completion_problem(depth, size=3) for depth in (1, 2, 3)}


def imbalance(problem, theta):
    gaps = [a.T @ a - b @ b.T for b, a in pairwise(problem.factors(theta))]
    return max((np.abs(gap).max() for gap in gaps), default=0.0)


@pytest.mark.parametrize("depth", SQUARE)
def test_identity_start_is_a_multiple_of_the_identity(depth):
    problem = SQUARE[depth]
    theta = problem.init(0.3, kind="identity")
    gap = np.abs(problem.end_to_end(theta) - 0.3 * np.eye(3)).max()
    assert gap < 1e-15, f"off by {gap:.1e}"
    assert imbalance(problem, theta) < 1e-15


@pytest.mark.parametrize("widths", [(3, 2, 2), (2, 2, 3), (3, 4, 5, 2)])
@pytest.mark.parametrize("kind", ["balanced", "identity"])
def test_balanced_starts_are_balanced_in_any_shape(widths, kind):
    target = np.ones((widths[-1], widths[0]))
    problem = Problem(DeepLinear(widths), SquaredLoss(), Full(target))
    found = imbalance(problem, problem.init(0.7, kind=kind, seed=0))
    assert found < 1e-14, f"imbalance {found:.1e}"


def test_a_gaussian_start_is_not_balanced():
    found = imbalance(SQUARE[2], SQUARE[2].init(0.7, kind="gaussian", seed=0))
    assert found > 1e-2, f"imbalance {found:.1e}: the check above sees nothing"


def test_a_balanced_start_has_the_matrix_it_was_drawn_from():
    scale, seed = 0.2, 4
    drawn = scale * np.random.default_rng(seed).standard_normal((3, 3))
    gap = np.abs(SQUARE[3].end_to_end(SQUARE[3].init(scale, kind="balanced", seed=seed)) - drawn)
    assert gap.max() < 1e-15, f"off by {gap.max():.1e}"


def test_a_gaussian_start_has_the_standard_deviation_asked_for():
    problem = Problem(DeepLinear((40, 40, 40)), SquaredLoss(), Full(np.eye(40)))
    theta = problem.init(0.25, seed=0)
    # 3200 draws: the standard error of a standard deviation s is s / sqrt(2 n).
    assert abs(theta.std() / 0.25 - 1) < 5 / np.sqrt(2 * theta.size), f"std {theta.std():.4f}"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("depth", SQUARE)
@pytest.mark.parametrize("kind", KINDS)
def test_the_determinant_has_the_sign_asked_for(kind, depth, sign):
    problem = SQUARE[depth]
    found = [
        np.linalg.det(problem.end_to_end(problem.init(0.5, kind=kind, seed=s, determinant=sign)))
        for s in range(8)
    ]
    assert min(sign * d for d in found) > 0, f"determinants {found}"


@pytest.mark.parametrize("kind", ["gaussian", "balanced"])
def test_without_a_sign_both_signs_occur(kind):
    signs = {
        float(np.sign(np.linalg.det(SQUARE[2].end_to_end(SQUARE[2].init(1.0, kind=kind, seed=s)))))
        for s in range(8)
    }
    assert signs == {-1.0, 1.0}


@pytest.mark.parametrize("kind", ["balanced", "identity"])
def test_a_change_of_sign_keeps_the_singular_values_and_the_balance(kind):
    problem = SQUARE[3]
    up, down = (problem.init(0.5, kind=kind, seed=1, determinant=sign) for sign in (1, -1))
    sigma = [np.linalg.svd(problem.end_to_end(t), compute_uv=False) for t in (up, down)]
    gap = np.abs(sigma[0] - sigma[1]).max()
    assert gap < 1e-15, f"singular values differ by {gap:.1e}"
    assert max(imbalance(problem, up), imbalance(problem, down)) < 1e-14


def test_a_scalar_product_can_have_either_sign():
    problem = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
    products = [
        float(problem.end_to_end(problem.init(0.5, kind="identity", determinant=sign))[0, 0])
        for sign in (1, -1)
    ]
    assert products == pytest.approx([0.5, -0.5], abs=1e-15)


@pytest.mark.parametrize("determinant", [None, 1])
@pytest.mark.parametrize("kind", ["gaussian", "balanced"])
def test_the_same_seed_gives_the_same_start_and_another_seed_another(kind, determinant):
    def draw(seed):
        return SQUARE[2].init(0.5, kind=kind, seed=seed, determinant=determinant)

    np.testing.assert_array_equal(draw(3), draw(3))
    assert np.abs(draw(3) - draw(4)).max() > 1e-3


def test_a_draw_that_has_the_right_sign_is_kept():
    problem = SQUARE[2]
    for seed in range(4):
        plain = problem.init(0.5, seed=seed)
        sign = int(np.sign(np.linalg.det(problem.end_to_end(plain))))
        np.testing.assert_array_equal(plain, problem.init(0.5, seed=seed, determinant=sign))


# -- data -----------------------------------------------------------------------------------------


@every
def test_repr_of_a_problem_recreates_it(problem):
    again = eval(repr(problem))
    assert again == problem
    assert hash(again) == hash(problem)


def test_check_theta_returns_a_copy():
    given = np.zeros(8)
    checked = SMOOTH["completion"].check_theta(given)
    given[0] = 5.0
    assert checked[0] == 0.0


def test_balanced_factors_multiply_to_the_matrix():
    matrix = low_rank_matrix((4, 3), rank=2, seed=3)
    model = DeepLinear((3, 2, 5, 4))
    gap = np.abs(model.end_to_end(model.balanced_factors(matrix)) - matrix).max()
    assert gap < 1e-14, f"off by {gap:.1e}"


def test_balanced_factors_of_the_zero_matrix_are_zero():
    model = DeepLinear((2, 2, 2))
    assert all(not factor.any() for factor in model.balanced_factors(np.zeros((2, 2))))
