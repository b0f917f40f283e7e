"""Products of the Hessian with vectors, by compiled gradients, against the reference."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.bench.problems import PROBLEMS
from dynlens.problems import curvature
from dynlens.problems.curvature import DENSE, curvature_range, hessian_product
from dynlens.problems.problem import Problem

SEEN = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1.0, 1.0, 0.0])


class Understated(dl.DeepLinear):
    """A network of depth three that claims to be bilinear."""

    @property
    def degrees(self):
        return (1, 1)


@pytest.fixture
def calls(monkeypatch):
    """What the reference was asked for."""
    asked = []
    exact = Problem.hessian_vector_product

    def counted(self, theta, v):
        asked.append(v)
        return exact(self, theta, v)

    monkeypatch.setattr(Problem, "hessian_vector_product", counted)
    return asked


def off(problem, theta, v):
    """Distance from the reference, relative to its length."""
    wanted = problem.hessian_vector_product(theta, v)
    return float(np.linalg.norm(hessian_product(problem, theta)(v) - wanted)) / float(
        np.linalg.norm(wanted)
    )


@pytest.mark.parametrize("name", ["B1", "B2", "B3", "B5"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_is_exact_for_polynomials(name, scale):
    problem, theta = PROBLEMS[name].make()
    state = scale * theta
    rng = np.random.default_rng(1)
    for v in (rng.standard_normal(theta.size), np.eye(theta.size)[1], problem.gradient(state)):
        assert off(problem, state, v) < 1e-11


@pytest.mark.parametrize("name", ["B1", "B3"])
def test_asks_the_reference_once(name, calls):
    problem, theta = PROBLEMS[name].make()
    product = hessian_product(problem, theta)
    for k in range(5):
        product(np.eye(theta.size)[k])
    assert len(calls) == 1


@pytest.mark.parametrize(
    "problem",
    [
        dl.Problem(Understated((2, 2, 2, 2)), dl.SquaredLoss(), SEEN),
        dl.Problem(dl.DeepLinear((2, 2, 2)), dl.HuberLoss(0.1), SEEN),
    ],
    ids=["wrong degree", "Huber"],
)
def test_goes_back_to_the_reference_where_it_is_not_exact(problem, calls):
    theta = problem.init(0.5, seed=0)
    product = hessian_product(problem, theta)
    calls.clear()
    v = np.ones(theta.size)
    np.testing.assert_array_equal(product(v), problem.hessian_vector_product(theta, v))
    assert len(calls) == 2


def test_vanishes_for_the_zero_vector_and_at_zero():
    problem, theta = PROBLEMS["B3"].make()
    assert not np.any(hessian_product(problem, theta)(np.zeros(theta.size)))
    # Four factors: at zero the gradient vanishes to third order.
    assert np.abs(hessian_product(problem, np.zeros(theta.size))(theta)).max() < 1e-100


def test_goes_with_a_penalty():
    problem = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), SEEN, dl.Ridge(0.3))
    theta = problem.init(0.5, seed=2)
    assert off(problem, theta, np.arange(8.0)) < 1e-12


def test_lanczos_finds_what_the_whole_hessian_says(calls):
    problem, theta = PROBLEMS["B2"].make()
    assert problem.model.parameters > DENSE
    found = curvature_range(problem, 20 * theta)
    assert len(calls) == 1
    values = np.linalg.eigvalsh(problem.hessian(20 * theta))
    np.testing.assert_allclose(found, values[[0, -1]], atol=1e-9 * values[-1])


def test_a_rule_with_too_few_points_is_not_exact():
    """The control of the first test: one pair less than the degree asks for."""
    problem, theta = PROBLEMS["B1"].make()
    v, gradient = np.ones(theta.size), problem.gradient
    wanted = problem.hessian_vector_product(theta, v)
    for pairs, exact in ((3, True), (2, False)):
        distances, weights = curvature._slope_rule(pairs)
        made = sum(
            w * (gradient(theta + d * v) - gradient(theta - d * v))
            for d, w in zip(distances, weights, strict=True)
        )
        assert (np.abs(made - wanted).max() < 1e-12) == exact
