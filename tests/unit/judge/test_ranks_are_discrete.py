"""A rank is known, unknown between rounding and threshold, or exact; never wrong in silence."""

import numpy as np
import pytest

import dynlens as dl

MATRIX = dl.Problem(dl.DeepLinear((3, 3)), dl.SquaredLoss(), dl.Full(np.eye(3)))
TREE = dl.RandomStates(dl.HierarchicalTensor((2, 2, 2), ((0, 1), 2), (2, 2)), "gaussian").problem


def states(*rows):
    return dl.States(MATRIX, np.array([np.diag(row).ravel() for row in rows]))


def rank(right, **parameters):
    readings = {"r": dl.Reading("matricization_rank", parameters=parameters)}
    return dl.Equal("r", right, readings=readings)


@pytest.mark.parametrize("small", [1e-11, 1e-12, 1e-13])
def test_between_rounding_and_threshold_a_rank_is_undecided(small):
    for value in ("2", "3"):
        found = rank(value).check(states([1.0, 0.5, small]))
        assert found.status == "UNDECIDED", str(found)
        assert "r is nan" in found.note


@pytest.mark.parametrize(
    ("row", "true"), [([1, 1, 1], 3), ([1, 1, 0], 2), ([1, 1e-9, 0], 2), ([3, 0, 0], 1)]
)
def test_elsewhere_it_is_decided(row, true):
    assert rank(str(true)).check(states(row)).status == "SUPPORTED"
    assert rank(str(true + 1)).check(states(row)).status == "REFUTED"


@pytest.mark.parametrize("small", [1e-11, 1e-15, 1e-30, 1e-300, 5e-324])
def test_on_request_it_is_exact(small):
    assert rank("3", exact=True).check(states([1.0, 0.5, small])).status == "SUPPORTED"
    assert rank("2", exact=True).check(states([1.0, 0.5, small])).status == "REFUTED"
    assert rank("2", exact=True).check(states([1.0, 0.5, 0.0])).status == "SUPPORTED"


@pytest.mark.parametrize("tolerance", [1e-3, 1e-12])
def test_a_tolerance_that_is_given_defines_the_rank(tolerance):
    for share, true in ((10.0, "3"), (0.1, "2")):
        case = states([1.0, 0.5, share * tolerance])
        assert rank(true, tolerance=tolerance).check(case).status == "SUPPORTED"


@pytest.mark.parametrize(
    "model",
    [
        dl.DeepLinear((3, 2, 3)),
        dl.CPFactorization((3, 3, 2), 2),
        TREE.model,
    ],
    ids=repr,
)
def test_the_exact_rank_of_a_model_is_that_of_its_width(model):
    case = dl.RandomStates(model, "gaussian", count=3)
    assert rank("2", exact=True).check(case).status == "SUPPORTED"
    assert rank("2").check(case).status == "SUPPORTED"


def test_the_ranks_of_a_tree_are_labelled():
    case = dl.RandomStates(TREE.model, "gaussian", count=2)
    found = dl.Equal("hierarchical_rank", "1").check(case)
    assert (found.status, found.worst["branch"][0]) == ("REFUTED", "{")
