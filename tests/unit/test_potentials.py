"""Implicit bias: what the limit minimizes among all that fits, by multipliers."""

from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl

SEEN = dl.Sensing([[[1.0, 2.0, 0.0]], [[0.0, 1.0, 1.0]]], [1.0, 2.0])
REGRESSION = dl.Problem(dl.DeepLinear((3, 1)), dl.SquaredLoss(), SEEN)
FROM_ZERO = dl.Path(REGRESSION, (0.0, 0.0, 0.0), 100.0)
START = (0.3, -0.2, 0.5)
ELSEWHERE = dl.Path(REGRESSION, START, 100.0)
NORM = dl.LeastAmongFits("frobenius_norm**2")


def test_regression_from_zero_finds_the_least_norm():
    assert NORM.check(FROM_ZERO).status == "SUPPORTED"
    assert dl.LeastAmongFits("frobenius_norm").check(FROM_ZERO).status == "SUPPORTED"
    assert dl.LeastAmongFits("sum(singular_values)").check(FROM_ZERO).status == "SUPPORTED"
    limit = FROM_ZERO.trajectory.final
    least = np.linalg.pinv(np.array(SEEN.tensors).reshape(2, 3)) @ SEEN.data
    np.testing.assert_allclose(limit, least, atol=1e-9)


@pytest.mark.parametrize(
    "potential",
    ["frobenius_norm**2 + 1e-2 * end_to_end[0, 0]**2", "sum(end_to_end**4)", "end_to_end[0, 1]"],
)
def test_other_potentials_are_refuted(potential):
    found = dl.LeastAmongFits(potential).check(FROM_ZERO)
    assert found.status == "REFUTED", str(found)
    assert found.worst["part"] == "gradient"


def test_from_elsewhere_the_distance_to_the_start_is_least():
    distance = " + ".join(f"(end_to_end[0, {k}] - ({x}))**2" for k, x in enumerate(START))
    assert dl.LeastAmongFits(distance).check(ELSEWHERE).status == "SUPPORTED"
    assert NORM.check(ELSEWHERE).status == "REFUTED"


def test_what_has_not_come_to_fit_is_undecided():
    found = NORM.check(replace(FROM_ZERO, t_end=1.0))
    assert found.status == "UNDECIDED"
    assert "misfit has not settled" in found.note


def test_what_never_fits_is_refuted():
    twice = dl.Sensing([[[1.0, 2.0, 0.0]], [[1.0, 2.0, 0.0]]], [1.0, 2.0])
    path = dl.Path(replace(REGRESSION, observations=twice), (0.0, 0.0, 0.0), 100.0)
    found = NORM.check(path)
    assert found.status == "REFUTED"
    assert found.worst["part"] == "misfit"


def test_two_layers_find_the_least_norm_as_their_start_vanishes():
    problem = dl.Problem(dl.DeepLinear((3, 1, 1)), dl.SquaredLoss(), SEEN)
    path = dl.Path(problem, dl.Start(1e-2, "balanced", seed=0), 200.0)
    assert NORM.check(path).status == "REFUTED"
    scales = tuple(1e-2 * 0.25**k for k in range(8))
    runs = dl.Family(path, over="start.scale", values=scales)
    found = replace(NORM, along="scale", to=0.0).check(runs)
    assert found.status == "SUPPORTED", str(found)
    wrong = dl.LeastAmongFits("sum(end_to_end**4)", along="scale", to=0.0).check(runs)
    assert wrong.status == "REFUTED", str(wrong)


def test_a_kink_at_the_limit_is_undecided():
    # Fitted by (1, 0, 0), at which the sum of absolute values has no gradient.
    seen = dl.Sensing([[[1.0, 0.0, 0.0]]], [1.0])
    path = dl.Path(replace(REGRESSION, observations=seen), (0.0, 0.0, 0.0), 100.0)
    found = dl.LeastAmongFits("sum(Abs(end_to_end))").check(path)
    assert found.status == "UNDECIDED", str(found)
    assert "kink" in found.note


def test_potentials_of_factors_and_other_cases_are_refused():
    problem = dl.Problem(dl.DeepLinear((3, 1, 1)), dl.SquaredLoss(), SEEN)
    path = dl.Path(problem, dl.Start(0.1, "balanced", seed=0), 50.0)
    with pytest.raises(ValueError, match="depends on the factors"):
        dl.LeastAmongFits("sum(parameters**2)").check(path)
    with pytest.raises(TypeError, match="limit of a `Path`"):
        NORM.check(dl.RandomStates((3, 3)))


def test_its_statement_and_line():
    assert NORM.statement == "the limit has the least frobenius_norm**2 among all that fits"
    seen = []
    exec(NORM.check(FROM_ZERO).reproduce, {"print": seen.append})
    assert seen[0].status == "SUPPORTED"
