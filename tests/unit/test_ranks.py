"""Estimated CP ranks: known ones, controls, and what is said without tensorly."""

import sys

import numpy as np
import pytest

import dynlens as dl
from dynlens.observables import ranks
from dynlens.observables.ranks import cp_rank_estimate, has_tensorly


@pytest.fixture
def no_tensorly(monkeypatch):
    for name in ("tensorly", "tensorly.cp_tensor", "tensorly.decomposition"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("shape", [(6, 6, 6), (4, 5, 3, 4)])
@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_known_ranks_are_found(shape, rank):
    tensor = dl.problems.low_rank_tensor(shape, rank=rank, seed=rank, norm=1.0)
    assert cp_rank_estimate(tensor, tolerance=1e-8) == rank


def test_a_rank_too_low_does_not_fit():
    tensor = dl.problems.low_rank_tensor((6, 6, 6), rank=3, seed=0, norm=1.0)
    assert cp_rank_estimate(tensor, tolerance=1e-8, max_rank=2) == np.inf
    errors = [ranks._error(tensor, r, 1e-12, [0, r]) for r in (1, 2, 3)]
    assert errors[0] > errors[1] > 1e3 * errors[2], errors


def test_a_matrix_has_its_own_rank():
    matrix = dl.problems.low_rank_matrix((6, 5), rank=3, seed=1, norm=1.0)
    singular_values = np.linalg.svd(matrix, compute_uv=False)
    assert singular_values[2] ** 2 / matrix.size > 1e-8, "else rank 2 would fit"
    assert cp_rank_estimate(matrix, tolerance=1e-8) == 3


def test_the_tolerance_is_the_mean_squared_error():
    tensor = np.zeros((4, 4, 4))
    tensor[0, 0, 0], tensor[1, 1, 1] = 1.0, 0.1
    missed = 0.1**2 / tensor.size  # by the best fit of rank one
    assert cp_rank_estimate(tensor, tolerance=1.01 * missed) == 1
    assert cp_rank_estimate(tensor, tolerance=0.99 * missed) == 2
    assert cp_rank_estimate(tensor, tolerance=1.01 * np.square(tensor).mean()) == 0


def test_the_same_seed_gives_the_same_estimate():
    tensor = np.random.default_rng(0).standard_normal((4, 4, 4))
    found = [cp_rank_estimate(tensor, seed=7, starts=1) for _ in range(2)]
    assert found[0] == found[1] <= 16


def test_it_is_an_observable_of_states():
    model = dl.CPFactorization((4, 4, 4), components=3)
    target = dl.problems.low_rank_tensor((4, 4, 4), rank=1, seed=0)
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(target))
    theta = np.stack([problem.init(1.0, seed=0), np.zeros(model.parameters)])
    states = dl.Trajectory(problem, np.array([0.0, 1.0]), theta)
    found = states.observe("cp_rank", tolerance=1e-8)
    assert found.dims == ("time",)
    assert found.values.tolist() == [3.0, 0.0]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"tensor": [1.0, 2.0]}, "`tensor`"),
        ({"tensor": np.eye(2), "tolerance": 0.0}, "`tolerance`"),
        ({"tensor": np.eye(2), "max_rank": 0}, "`max_rank`"),
        ({"tensor": np.eye(2), "starts": 0}, "`starts`"),
        ({"tensor": np.eye(2), "seed": -1}, "`seed`"),
    ],
)
def test_a_malformed_argument_is_named(arguments, names):
    with pytest.raises((TypeError, ValueError), match=names):
        cp_rank_estimate(**arguments)


def test_without_tensorly_the_extra_is_named(no_tensorly):
    assert not has_tensorly()
    with pytest.raises(ImportError, match=r'pip install "dynlens\[tensor\]"'):
        cp_rank_estimate(np.eye(3))
