"""A run is looked at as often as it changes: nothing happens between two looks."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.dynamics.looks import MOVED, looks_of

SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
SMALL = (1e-4, 1e-4)
TOP = 0.5443310539518174  # of the gradient's norm, sqrt(2) a (1 - a^2), near t = 9
BELOW, ABOVE = dl.AtLeast("0.5", "gradient_norm"), dl.AtLeast("0.545", "gradient_norm")


@pytest.mark.parametrize("saves", ["steps", 2, 11, 101, "log"])
@pytest.mark.parametrize("t_end", [1e4, 1e6, 1e9])
def test_a_transient_long_before_the_second_save_is_seen(saves, t_end):
    path = dl.Path(SCALAR, SMALL, t_end, saves=saves)
    assert BELOW.check(path).status == "REFUTED"
    assert ABOVE.check(path).status == "SUPPORTED"


@pytest.mark.parametrize("method", ["auto", "Radau9", "RKC2", "LSODA", "Radau"])
def test_it_is_seen_along_a_trajectory_by_any_method(method):
    flow = dl.gradient_flow(SCALAR, SMALL, 1e5, method=method, saves=3, rtol=1e-6)
    assert BELOW.check(flow).status == "REFUTED"


def test_it_is_seen_along_descent():
    assert BELOW.check(dl.Path(SCALAR, SMALL, 1e4, eta=0.1)).status == "REFUTED"
    descent = dl.gradient_descent(SCALAR, SMALL, eta=0.1, steps=100_000)
    assert BELOW.check(descent).status == "REFUTED"
    assert ABOVE.check(descent).status == "SUPPORTED"


def test_times_that_were_listed_are_the_only_ones_a_claim_is_about():
    path = dl.Path(SCALAR, SMALL, 1e6, saves=(0.0, 1e5, 1e6))
    assert BELOW.check(path).status == "SUPPORTED"
    assert BELOW.check(dl.Path(SCALAR, SMALL, 1e4, eta=0.1, saves=2)).status == "SUPPORTED"


@pytest.mark.parametrize("method", ["auto", "Radau9", "ROCK4", "DOP853", "LSODA"])
def test_saves_in_steps_let_nothing_move_by_more_than_they_say(method):
    flow = dl.gradient_flow(SCALAR, SMALL, 1e3, method=method, saves="steps", rtol=1e-6)
    size = np.abs(np.diff(np.log(np.abs(flow.theta[:, 0])))).max()
    assert flow.attrs["moved_between"] <= MOVED * 1.001
    assert size <= flow.attrs["moved_between"] * 1.05
    assert flow.values("gradient_norm").max() == pytest.approx(TOP, rel=1e-2)


def test_times_are_saved_besides_steps():
    flow = dl.gradient_flow(SCALAR, SMALL, [0.0, 1 / 3, 50.0], saves="steps")
    assert np.isin([0.0, 1 / 3, 50.0], flow.t).all()
    assert len(flow) > 50


def test_to_save_in_steps_changes_no_bit_of_the_run():
    times = [0.0, 5.0, 20.0]
    plain = dl.gradient_flow(SCALAR, SMALL, times)
    steps = dl.gradient_flow(SCALAR, SMALL, times, saves="steps")
    assert np.array_equal(steps.theta[np.isin(steps.t, times)], plain.theta)


def test_a_short_descent_is_looked_at_in_every_step():
    descent = dl.gradient_descent(SCALAR, SMALL, eta=0.1, steps=1500, saves="steps")
    assert len(descent) == 1501
    assert descent.attrs["steps_between"] == 1.0


@pytest.mark.parametrize("method", ["plain", "momentum", "grouprmsprop"])
@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_a_long_descent_is_looked_at_where_it_changes(method, backend):
    given = {"eta": 0.002, "steps": 9000, "method": method, "backend": backend}
    whole = dl.gradient_descent(SCALAR, SMALL, saves=9001, **given)
    seen = dl.gradient_descent(SCALAR, SMALL, saves="steps", **given)
    assert len(seen) < 1000
    assert np.array_equal(seen.theta, whole.theta[np.isin(whole.t, seen.t)])
    assert seen.values("gradient_norm").max() >= 0.98 * whole.values("gradient_norm").max()


def test_what_moves_too_much_to_be_seen_is_undecided():
    # A cycle of period two: each of a million steps moves the state by an e-fold.
    line = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    path = dl.Path(line, (0.4, 0.4), 1_000_000 * 1.2, eta=1.2)
    verdict = dl.AtLeast("2", "frobenius_norm").check(path)
    assert verdict.status == "UNDECIDED", verdict
    assert "e-folds" in verdict.note


def test_the_clock_advances_with_motion_and_with_steps():
    t = np.arange(10_001.0)
    theta = np.where(t[:, None] < 5000, 1.0, 3.0) * np.ones((1, 2))  # one jump
    theta[5000:5010] = np.geomspace(1.0, 3.0, 10)[:, None]
    looks = looks_of([(t[:1], theta[:1]), (t[1:4000], theta[1:4000]), (t[4000:], theta[4000:])])
    inside = np.sum((looks.t > 4999) & (looks.t < 5010))
    assert inside >= np.log(3.0) / MOVED - 1
    assert len(looks.t) < 400
    assert np.diff(looks.t).max() <= looks.steps * 1.001
