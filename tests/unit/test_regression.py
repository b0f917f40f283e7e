"""Preconditioned descent in linear regression: limits, convention, refusals."""

import numpy as np
import pytest

from dynlens.support.errors import IntegrationError
from dynlens.theory.regression import (
    adagrad,
    constant,
    diagonal_adagrad,
    interpolator,
    plain,
    preconditioned_descent,
)

RNG = np.random.default_rng(3)
X, Y, W0 = RNG.standard_normal((3, 7)), RNG.standard_normal(3), RNG.standard_normal(7)
ROOT = RNG.standard_normal((7, 7))
D = ROOT @ ROOT.T + np.eye(7)


def test_one_step_of_each_method_is_its_formula():
    g = X.T @ (X @ W0 - Y)
    values, vectors = np.linalg.eigh(0.1 * np.eye(7) + np.outer(g, g))
    directions = {
        "plain": (plain, g),
        "constant": (constant(D), D @ g),
        "adagrad": (adagrad(0.1), vectors @ ((vectors.T @ g) / np.sqrt(values))),
        "diagonal": (diagonal_adagrad(0.1), g / np.sqrt(0.1 + g**2)),
    }
    for name, (method, direction) in directions.items():
        run = preconditioned_descent(X, Y, method, eta=0.01, steps=1, w0=W0)
        np.testing.assert_array_equal(run[0], W0)
        np.testing.assert_allclose(run[1], W0 - 0.01 * direction, rtol=1e-12, err_msg=name)


def test_a_preconditioner_of_ones_own_is_told_the_step():
    seen = []

    def watching(t, g, S):
        seen.append((t, float(np.trace(S))))
        return g

    run = preconditioned_descent(X, Y, watching, eta=0.01, steps=3, w0=W0)
    assert run.shape == (4, 7)
    gradients = (run[:-1] @ X.T - Y) @ X
    assert [t for t, _ in seen] == [0, 1, 2]
    wanted = np.cumsum(np.sum(gradients**2, axis=1))
    np.testing.assert_allclose([trace for _, trace in seen], wanted, rtol=1e-12)


def test_the_interpolator_solves_the_constrained_problem():
    w = interpolator(X, Y, w0=W0, D=D)
    np.testing.assert_allclose(X @ w, Y, atol=1e-12)
    # Its multiplier: D^-1 (w - w0) lies in the row space.
    slope = np.linalg.solve(D, w - W0)
    weights = np.linalg.lstsq(X.T, slope, rcond=None)[0]
    np.testing.assert_allclose(X.T @ weights, slope, atol=1e-12)


def test_the_same_call_gives_the_same_bits():
    runs = [preconditioned_descent(X, Y, adagrad(0.1), eta=0.3, steps=50) for _ in range(2)]
    np.testing.assert_array_equal(*runs)


def descend(**changes):
    arguments = {"X": X, "y": Y, "eta": 0.01, "steps": 5} | changes
    return preconditioned_descent(**arguments)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: descend(eta=100.0, steps=500), IntegrationError, "try a smaller `eta`"),
        (lambda: descend(eta=0.0), ValueError, "`eta` must be positive"),
        (lambda: descend(steps=0), ValueError, "`steps` must be at least 1"),
        (lambda: descend(y=Y[:2]), ValueError, "`y` must have shape (3,)"),
        (lambda: descend(w0=Y), ValueError, "`w0` must have shape (7,)"),
        (lambda: descend(X=X * np.nan), ValueError, "`X` has a NaN"),
        (lambda: descend(X=np.ones((3, 7))), ValueError, "`X` of shape (3, 7) must have indep"),
        (lambda: descend(X=X.T, y=np.ones(7)), ValueError, "must have independent rows"),
        (lambda: constant(-D), ValueError, "`D` must be positive definite"),
        (lambda: constant(ROOT), ValueError, "`D` must be a symmetric matrix"),
        (lambda: adagrad(0.0), ValueError, "`epsilon` must be positive"),
        (lambda: diagonal_adagrad(-1.0), ValueError, "`epsilon` must be positive"),
        (lambda: interpolator(X, Y, D=np.eye(3)), ValueError, "`D` must have shape (7, 7)"),
    ],
)
def test_bad_arguments_are_named(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert said in str(caught.value)
    assert caught.type is kind
