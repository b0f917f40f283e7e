"""Modified flows: their terms, where descent is met, and what is refused."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.dynamics.modified import second_correction, third_derivative
from dynlens.problems.curvature import DENSE, curvature_range, hessian_function

TWO = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))  # (a b - 1)^2 / 2
START = np.array([1.7, 0.3])


def test_the_third_derivative_is_that_of_the_formula():
    # l = (a b - 1)^2 / 2: l_aab = 2 b, l_abb = 2 a, l_aaa = l_bbb = 0.
    (a, b), v = START, np.array([0.4, -1.1])
    wanted = [2 * b * 2 * v[0] * v[1] + 2 * a * v[1] ** 2, 2 * b * v[0] ** 2 + 4 * a * v[0] * v[1]]
    np.testing.assert_allclose(third_derivative(TWO, START, v), wanted, rtol=1e-13)


@pytest.mark.parametrize(
    "model", [dl.DeepLinear((3, 2, 2, 3)), dl.CPFactorization((3, 2, 2), 2)], ids=repr
)
def test_the_third_derivative_is_a_central_difference_of_hessians(model):
    target = np.random.default_rng(0).standard_normal(model.tensor_shape)
    problem = dl.Problem(model, dl.SquaredLoss("mean"), dl.Full(target))
    theta, h = problem.init(0.8, seed=1), 1e-5
    v = np.cos(np.arange(theta.size))
    ahead, behind = (problem.hessian_vector_product(theta + s * v, v) for s in (h, -h))
    wanted = (ahead - behind) / (2 * h)
    off = np.abs(third_derivative(problem, theta, v) - wanted).max() / np.abs(wanted).max()
    assert off < 1e-8, f"off by {off:.1e}"


def test_a_modified_field_has_the_terms_asked_for():
    g = TWO.gradient(START)
    Hg = TWO.hessian_vector_product(START, g)
    found = [dl.dynamics.modified_field(TWO, 0.1, order=k)(0.0, START) for k in (0, 1, 2)]
    np.testing.assert_allclose(found[0], -g, rtol=1e-15)
    np.testing.assert_allclose(found[1], -g - 0.05 * Hg, rtol=1e-14)
    np.testing.assert_allclose(found[2] - found[1], 0.01 * second_correction(TWO, START))


def test_the_principal_flow_is_descent_on_a_quadratic():
    parabola = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
    field = dl.dynamics.principal_field(parabola, 0.5)
    flow = dl.gradient_flow(parabola, [2.0], [0.5, 1.0], rtol=1e-12, atol=1e-14, field=field)
    np.testing.assert_allclose(flow.theta[:, 0], [1.0, 0.5], rtol=1e-11)


@pytest.mark.parametrize(
    "model", [dl.DeepLinear((4, 4, 4, 4)), dl.CPFactorization((4, 3, 3), 5)], ids=repr
)
def test_the_principal_flow_by_lanczos_is_that_by_the_whole_spectrum(model):
    target = np.random.default_rng(0).standard_normal(model.tensor_shape)
    problem = dl.Problem(model, dl.SquaredLoss("mean"), dl.Full(target))
    theta = problem.init(0.6, seed=1)
    eta = 0.7 / curvature_range(problem, theta)[1]
    whole, krylov = (
        dl.dynamics.principal_field(problem, eta, lanczos=by)(0.0, theta) for by in (False, True)
    )
    off = np.abs(whole - krylov).max() / np.abs(whole).max()
    plain = np.abs(whole + problem.gradient(theta)).max() / np.abs(whole).max()
    assert off < 1e-9 < 0.01 < plain, (off, plain)


def test_the_principal_flow_of_many_parameters_follows_descent_closer_than_the_flow():
    target = np.random.default_rng(0).standard_normal((12, 12))
    problem = dl.Problem(dl.DeepLinear((12, 12, 12)), dl.SquaredLoss(), dl.Full(target))
    theta, eta = problem.init(0.2, seed=1), 0.02  # 288 parameters
    descent = dl.gradient_descent(problem, theta, eta=eta, steps=5)
    fields = (None, dl.dynamics.principal_field(problem, eta))
    flows = [dl.gradient_flow(problem, theta, 5 * eta, field=f, rtol=1e-10) for f in fields]
    plain, principal = (np.linalg.norm(flow.final - descent.final) for flow in flows)
    assert principal < 0.05 * plain, (principal, plain)


class TestCurvatureRange:
    def test_is_that_of_the_formula(self):
        # (a b - 1)^2 / 2 at (a, a): eigenvalues a^2 -+ (2 a^2 - 1).
        a = 1.3
        low, high = curvature_range(TWO, np.array([a, a]))
        np.testing.assert_allclose([low, high], [1 - a**2, 3 * a**2 - 1], rtol=1e-13)

    def test_by_lanczos_is_that_of_the_whole_spectrum(self):
        target = np.random.default_rng(0).standard_normal((9, 9))
        problem = dl.Problem(dl.DeepLinear((9, 9, 9)), dl.SquaredLoss(), dl.Full(target))
        theta = problem.init(0.4, seed=1)
        assert theta.size > DENSE
        values = np.linalg.eigvalsh(problem.hessian(theta))
        np.testing.assert_allclose(
            curvature_range(problem, theta), values[[0, -1]], atol=1e-8 * values[-1]
        )

    def test_keeps_the_axes_and_says_where_descent_overflowed(self):
        states = np.array([[[1.0, 1.0], [1e200, 1.0]], [[0.0, 0.0], [np.nan, 1.0]]])
        found = curvature_range(TWO, states)
        assert found.shape == (2, 2, 2)
        assert np.isnan(found[:, 1]).all()
        np.testing.assert_allclose(found[1, 0], [-1.0, 1.0])


def test_a_function_of_the_hessian_is_that_of_its_eigenvalues():
    theta = np.array([0.9, 1.4])
    found = hessian_function(TWO, theta, np.array([1.0, -2.0]), np.square)
    H = TWO.hessian(theta)
    np.testing.assert_allclose(found, H @ H @ [1.0, -2.0], rtol=1e-12)
    np.testing.assert_array_equal(hessian_function(TWO, theta, np.zeros(2), np.square), 0.0)


def test_a_flow_along_another_field_has_twins_of_its_own():
    field = dl.dynamics.modified_field(TWO, 0.05)
    flow = dl.gradient_flow(TWO, START, 2.0, field=field)
    other = dl.gradient_flow(TWO, START, 2.0)
    moved = np.abs(flow.final - other.final).max()
    assert moved > 1e-3, "the modified flow ends elsewhere"
    for twin in flow.twins:
        assert np.abs(twin.final - flow.final).max() < 1e-4 * moved


def test_implicit_solvers_take_a_field_without_the_gradient_s_jacobian():
    field = dl.dynamics.modified_field(TWO, 0.05)
    ends = [
        dl.gradient_flow(TWO, START, 2.0, field=field, method=method, rtol=1e-9).final
        for method in ("DOP853", "Radau")
    ]
    np.testing.assert_allclose(*ends, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: dl.dynamics.modified_field(TWO, -0.1), ValueError, "`eta` must be positive"),
        (lambda: dl.dynamics.modified_field(TWO, 0.1, order=3), ValueError, "`order` is 3"),
        (lambda: dl.dynamics.modified_field("p", 0.1), TypeError, "`problem` must be a Problem"),
        (lambda: dl.dynamics.principal_field("p", 0.1), TypeError, "`problem` must be a Problem"),
        (
            lambda: dl.dynamics.principal_field(TWO, 1.0)(0.0, START),
            ValueError,
            "not real where eta times the sharpness",
        ),
        (
            lambda: dl.dynamics.principal_field(TWO, 1.0, lanczos=True)(0.0, START),
            ValueError,
            "not real where eta times the sharpness",
        ),
        (
            lambda: dl.gradient_flow(
                TWO, START, 1.0, method="Tsit5", field=dl.dynamics.modified_field(TWO, 0.1)
            ),
            ValueError,
            "compiled loop of the gradient flow itself",
        ),
        (
            lambda: third_derivative(
                dl.Problem(dl.DeepLinear((1, 1)), dl.HuberLoss(1.0), dl.Full([[0.0]])),
                np.ones(1),
                np.ones(1),
            ),
            TypeError,
            "no third derivative",
        ),
        (
            lambda: dl.BackwardError(TWO, (1.7, 0.3), (0.01, 0.02)),
            ValueError,
            "`etas` must be positive and decreasing",
        ),
        (
            lambda: dl.BackwardError(TWO, (1.7, 0.3), (0.03, 0.02), 0.05),
            ValueError,
            "not a multiple of every step",
        ),
    ],
)
def test_what_is_malformed_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()
