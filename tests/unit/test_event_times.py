"""Event times have an error, and runs that end at events are compared at the same times."""

import numpy as np
import pytest

import dynlens as dl


@dl.observable()
def cubed_for_events(problem, factors):
    """A flat root where the product is one half."""
    return (problem.model.end_to_end(factors)[..., 0, 0] - 0.5) ** 3


def scalar(c):
    """Two equal layers that end at c and began at c/10: the product is c/2 at ln(9) / 2c."""
    problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[c]]))
    return problem, np.full(2, np.sqrt(c / 10))


@pytest.mark.parametrize("c", [1e-9, 1.0, 1e6, 1e9, 1e15])
def test_the_time_is_right_at_every_scale(c):
    problem, start = scalar(c)
    event = dl.Event("end_to_end", c / 2, (0, 0))
    flow = dl.gradient_flow(problem, start, 10 / c, events=[event])
    exact = np.log(9) / (2 * c)
    (crossing,) = flow.crossings
    assert crossing.t == pytest.approx(exact, rel=1e-9)
    assert abs(crossing.t - exact) <= 2 * crossing.error
    assert crossing.error < 1e-8 * exact


@pytest.mark.parametrize("rtol", [1e-3, 1e-5, 1e-7])
def test_the_error_of_the_time_covers_what_is_wrong(rtol):
    problem, start = scalar(1.0)
    settings = {"rtol": rtol, "atol": rtol, "method": "Tsit5"}
    flow = dl.gradient_flow(
        problem, start, 9.0, events=[dl.Event("end_to_end", 0.5, (0, 0))], **settings
    )
    off = abs(flow.crossings[0].t - np.log(9) / 2)
    assert 0.1 * off <= flow.crossings[0].error <= 100 * off + 1e-9


def test_a_run_that_ended_at_an_event_is_compared_at_its_own_times():
    problem = dl.completion_problem(3)
    start = problem.init(0.3, kind="balanced", seed=0, determinant=1)
    settings = {"rtol": 1e-4, "atol": 1e-7}
    ended = dl.gradient_flow(problem, start, 1000.0, events=[dl.loss_below(1e-2)], **settings)
    through = dl.gradient_flow(problem, start, ended.t[-1], saves=2, **settings)
    error, there = ended.error("loss")[-1], through.error("loss")[-1]
    assert error == pytest.approx(there, rel=0.3)  # it was 5e-18: each at a crossing of its own
    assert 1e-4 < ended.crossings[0].error < 1e-2
    rate = abs(ended.rates("loss")[-1])
    assert ended.crossings[0].error * rate == pytest.approx(error, rel=0.2)


def test_a_crossing_without_a_twin_has_no_finite_error(tmp_path):
    problem, start = scalar(1.0)
    flow = dl.gradient_flow(problem, start, 9.0, events=[dl.loss_below(0.1)])
    read = dl.load(flow.save(tmp_path / "run"))
    assert read.crossings[0].t == flow.crossings[0].t
    assert read.crossings[0].error == np.inf
    assert flow.crossings[0].error < 1e-8


def test_a_twin_that_does_not_cross_leaves_no_finite_error():
    problem, start = scalar(1.0)
    event = dl.Event("loss", 1e-24, direction=-1)  # in the noise of the run
    flow = dl.gradient_flow(problem, start, 60.0, events=[event], rtol=1e-4, atol=1e-6)
    assert not flow.crossings or flow.crossings[0].error > 1e-3


def test_a_flat_root_is_found():
    problem, start = scalar(1.0)
    flow = dl.gradient_flow(problem, start, 9.0, events=[dl.Event("cubed_for_events", 0.0)])
    assert flow.crossings[0].t == pytest.approx(np.log(9) / 2, abs=1e-4)


def test_a_claim_along_a_run_that_ended_at_an_event_knows_its_error_there():
    problem, start = scalar(1.0)
    flow = dl.gradient_flow(problem, start, 60.0, events=[dl.loss_below(0.05)])
    verdict = dl.AtLeast("loss", "0.05", tolerance=1e-6).check(flow)
    assert verdict.status == "SUPPORTED", verdict
    assert 0 < verdict.numerical_error < 1e-6
