"""Losses of predictions with labels: derivatives, compiled expressions, digits, loops."""

import math

import numpy as np
import pytest

import dynlens as dl
from dynlens.problems.labelled import Classes, Margins

LOSSES = [
    dl.LogisticLoss(),
    dl.LogisticLoss("mean"),
    dl.ExponentialLoss(),
    dl.SmoothHingeLoss(),
    dl.LinearLoss(),
]
Z = np.array([-800.0, -30.0, -2.0, -0.3, 0.2, 0.9, 1.5, 40.0, 600.0])


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_derivatives_and_expressions(loss):
    z = Z[1:] if isinstance(loss, dl.ExponentialLoss) else Z
    slope = np.imag(loss.value(z + 1e-20j)) / 1e-20
    if not isinstance(loss, dl.SmoothHingeLoss):  # whose complex value is not analytic at kinks
        np.testing.assert_allclose(loss.derivative(z), slope, rtol=1e-13)
        bend = np.imag(loss.derivative(z + 1e-20j)) / 1e-20
        np.testing.assert_allclose(loss.second_derivative(z), bend, rtol=1e-13)
    for text, function in zip(loss.kernel, (loss.value, loss.derivative), strict=True):
        compiled = [eval(text, {"math": math, "np": np}, {"z": float(x)}) for x in z]
        np.testing.assert_allclose(compiled, function(z), rtol=1e-14)


def test_hinge():
    loss = dl.SmoothHingeLoss()
    assert loss.value(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [1.5, 0.5, 0.125, 0, 0]
    assert loss.derivative(np.array([-1.0, 0.5, 2.0])).tolist() == [-1.0, -0.5, 0.0]


def test_tiny_losses_keep_their_digits():
    z = np.array([690.0])
    assert dl.LogisticLoss().value(z)[0] == pytest.approx(math.exp(-690), rel=1e-15)
    scores = np.array([690.0, 0.0, -1.0])
    wanted = math.exp(-690) + math.exp(-691)
    assert dl.CrossEntropy(3).value(scores)[0] == pytest.approx(wanted, rel=1e-15)
    assert dl.CrossEntropy(2).value(np.array([0.0, 900.0]))[0] == 900.0


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_cross_entropy(reduction):
    rng = np.random.default_rng(1)
    loss, z, v = dl.CrossEntropy(3, reduction), *rng.standard_normal((2, 12))
    rows = z.reshape(4, 3)
    np.testing.assert_allclose(
        loss.value(z), np.log(np.exp(rows).sum(axis=1)) - rows[:, 0], rtol=1e-14
    )
    steps = z + 1e-20j * np.eye(12)
    slopes = np.imag(loss.value(steps).sum(axis=-1)) / 1e-20
    np.testing.assert_allclose(loss.derivative(z), slopes, rtol=1e-13)
    along = np.imag(loss.derivative(z + 1e-20j * v)) / 1e-20
    np.testing.assert_allclose(loss.derivative_along(z, v), along, rtol=1e-12)
    diagonal = [loss.derivative_along(z, e)[k] for k, e in enumerate(np.eye(12))]
    np.testing.assert_allclose(loss.second_derivative(z), diagonal, rtol=1e-13)
    assert loss.weight(12) == (1.0 if reduction == "sum" else 0.25)


def inputs_and_labels():
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((6, 3))
    return inputs, np.sign(rng.standard_normal(6)), rng.integers(0, 4, 6)


def problems():
    X, y, c = inputs_and_labels()
    linear = {"parameters": {"W": (3, 4)}, "data": {"X": X}, "labels": c}
    return [
        dl.network("X @ w", parameters={"w": 3}, data={"X": X}, labels=y, loss=dl.LogisticLoss()),
        dl.network("X @ W", **linear, loss=dl.CrossEntropy(4, "mean")),
        dl.Problem(
            dl.DeepLinear((3, 2, 1)), dl.LogisticLoss(), dl.Sensing.margins(X[:, None, :], y)
        ),
        dl.Problem(dl.DeepLinear((4, 2, 3)), dl.CrossEntropy(4), Classes((1, 0, 3), 4)),
    ]


@pytest.mark.parametrize("problem", problems(), ids=lambda p: repr(p)[:40])
def test_compiled_equals_reference(problem):
    theta, out = problem.probe, np.empty(problem.model.parameters)
    steps = theta + 1e-20j * np.eye(theta.size)
    np.testing.assert_allclose(
        problem.gradient(theta), np.imag(problem.objective(steps)) / 1e-20, rtol=0, atol=1e-14
    )
    v = np.cos(np.arange(theta.size))
    along = np.imag(problem.gradient(theta + 1e-20j * v)) / 1e-20
    np.testing.assert_allclose(problem.hessian_vector_product(theta, v), along, atol=1e-14)
    value = problem.machine.module.gradient(theta, *problem.machine.data, out)
    np.testing.assert_allclose(out, problem.gradient(theta), rtol=0, atol=1e-14)
    assert value == pytest.approx(problem.objective(theta), rel=1e-14)


def test_where_two_tables_would_be_needed_the_reference_computes():
    model = dl.CPFactorization((3, 4), 2)
    problem = dl.Problem(model, dl.CrossEntropy(4), Classes((1, 0, 3), 4))
    assert problem.without_kernel
    assert dl.gradient_flow(problem, problem.probe, 0.1).complete


@pytest.mark.parametrize("seen", [Margins([[1, -1], [-1, 1]]), Classes((1, 0), 2)])
def test_adjoints(seen):
    rng = np.random.default_rng(2)
    tensor, weights = rng.standard_normal((3, 2, 2)), rng.standard_normal((3, 4))
    left = (seen.measure(tensor) * weights).sum(axis=-1)
    right = (tensor * seen.adjoint(weights)).sum(axis=(-2, -1))
    np.testing.assert_allclose(left, right, rtol=1e-14)


def test_a_frozen_gradient():
    G = np.array([[1.0, 2.0], [0.0, -1.0]])
    problem = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.LinearLoss(), dl.Sensing([G], [0.0]))
    theta = problem.probe
    assert np.array_equal(problem.tensor_gradient(problem.end_to_end(theta)), G)
