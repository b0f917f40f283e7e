"""Tangent kernels and dimensions, and the loss's logarithm, against what they are by definition."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.observables.registry import find


def value(name, problem, theta):
    return find(name)(problem, np.asarray(theta))


def network():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 2)), np.sign(rng.standard_normal(5))
    return dl.network(
        "tanh(X @ W) @ a",
        parameters={"W": (2, 3), "a": 3},
        data={"X": X},
        labels=y,
        loss=dl.LogisticLoss(),
    )


def test_the_kernel_is_that_of_differences():
    problem = network()
    theta = np.stack([problem.probe, 2 * problem.probe])
    kernel = value("tangent_kernel", problem, theta)
    steps = theta[0] + 1e-30j * np.eye(9)
    margins = problem.observations.measure(problem.end_to_end(steps))
    slopes = np.imag(margins).T / 1e-30
    np.testing.assert_allclose(kernel[0], slopes @ slopes.T, rtol=1e-12)
    eigenvalues = value("tangent_eigenvalues", problem, theta)
    np.testing.assert_allclose(eigenvalues.sum(-1), np.trace(kernel, axis1=1, axis2=2))
    assert (np.diff(eigenvalues) <= 0).all()


def test_dimension_of_matrices_of_low_rank():
    model = dl.DeepLinear((4, 2, 3))
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(np.ones((3, 4))))
    assert value("tangent_dimension", problem, model.init(1.0, kind="gaussian", seed=0)) == 10.0
    assert value("tangent_dimension", problem, np.zeros(14)) == 0.0


def test_log_loss_of_a_tiny_loss():
    problem = dl.objective("sum(softplus(-w))", parameters={"w": 1})
    assert value("log_loss", problem, [690.0]) == pytest.approx(-690.0, rel=1e-15)
    path = dl.Path(problem, (0.0,), 1e3)
    assert dl.Equal("d_log_loss", "d_loss / loss").check(path).status == "SUPPORTED"


def test_homogeneous_radial_part():
    problem = dl.objective("sum(w^4)", parameters={"w": 2})
    assert value("radial_cosine", problem, [0.5, 0.5]) == pytest.approx(-1.0)
