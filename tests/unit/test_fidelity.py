"""What was said is what is judged: the run itself, to its own end, by its own dynamics."""

import re

import numpy as np
import pytest

import dynlens as dl

P = dl.completion_problem(3)
S = P.init(0.3, kind="balanced", seed=0, determinant=1)
ONE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
FALLS = dl.AtLeast("loss_0", "loss")


def test_a_path_of_momentum_is_that_of_momentum():
    path = dl.Path(P, S, 4.0, eta=0.01, method="momentum", beta=0.9)
    run = dl.gradient_descent(P, S, eta=0.01, steps=40, method="momentum", beta=0.9)
    np.testing.assert_array_equal(path.trajectory.final, run.final)
    assert path.trajectory.t[-1] == pytest.approx(4.0)


def test_the_line_of_a_momentum_run_names_it_and_its_twins_agree():
    run = dl.gradient_descent(P, S, eta=0.01, steps=400, method="momentum", beta=0.8)
    verdict = FALLS.check(run)
    assert verdict.status == "SUPPORTED"
    assert "method='momentum'" in verdict.reproduce
    assert "beta=0.8" in verdict.reproduce


def test_a_rate_is_that_of_the_field_that_was_followed():
    still = dl.gradient_flow(P, S, 1.0, field=lambda t, x: 0 * x)
    assert dl.RateLaw("loss", "0", scale="1").check(still).status == "SUPPORTED"
    assert dl.AtLeast("0", "d_loss + 1e-9", scale="1").check(still).status == "REFUTED"
    half = dl.gradient_flow(P, S, 1.0, field=lambda t, x: P.vector_field(t, x) / 2)
    assert dl.RateLaw("loss", "-gradient_norm**2 / 2").check(half).status == "SUPPORTED"
    assert dl.RateLaw("loss", "-gradient_norm**2").check(half).status == "REFUTED"


@pytest.mark.parametrize(
    "made",
    [
        lambda: dl.gradient_flow(P, S, 1000.0, max_evaluations=300),
        lambda: dl.Path(P, S, 10_000.0, eta=10.0),
    ],
    ids=["budget", "diverged"],
)
def test_a_run_that_did_not_come_to_its_end_supports_nothing_and_says_so(made):
    verdict = dl.AtLeast("frobenius_norm", "0").check(made())
    assert verdict.status == "UNDECIDED"
    assert "the run ended early" in verdict.note


def test_a_run_that_ended_at_its_event_is_judged_to_there_and_says_so():
    run = dl.gradient_flow(P, S, 1000.0, events=[dl.loss_below(1e-2)])
    verdict = FALLS.check(run)
    assert (verdict.status, verdict.t_end) == ("SUPPORTED", run.t[-1])
    assert "the run ended early" in verdict.note


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"saves": (0.0, 1.0, 5.0)}, "beyond `t_end` = 3"),
        ({"saves": (0.0, 3.0, 2.0)}, "`saves`"),
        ({"saves": 1}, "`saves`"),
        ({"eta": 0.4}, "pass 2.8 or 3.2"),
        ({"eta": 0.1, "saves": (0.0, 0.25)}, "`saves` = 0.25 is not a whole number of steps"),
        ({"eta": 0.1, "method": "momentm"}, "momentum"),
        ({"eta": 0.1, "method": "DOP853"}, "`method`"),
        ({"method": "momentum"}, "`method`"),
        ({"eta": 0.1, "method": "momentum", "beta": 1.0}, "`beta`"),
    ],
    ids=str,
)
def test_what_no_run_could_be_is_refused_where_it_is_stated(changes, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        dl.Path(ONE, (1.0,), 3.0, **changes)


def test_between_listed_times_it_is_looked_whether_twins_part():
    path = dl.Path(P, tuple(S), 3.0, saves=(0.0, 3.0))
    assert len(path.samples()) > 100
    assert dl.AtLeast("loss", "0").check(path).attacks == 2


def test_listed_times_alone_are_what_is_asserted():
    early = dl.AtLeast("loss", "0").check(dl.Path(P, tuple(S), 30.0, saves=(0.0, 1.0)))
    assert (early.status, early.t_end, early.attacks) == ("SUPPORTED", 1.0, 2)


def test_a_slope_is_fitted_to_the_listed_times_alone():
    path = dl.Path(ONE, (1.0,), 3.0, saves=(1.0, 2.0, 3.0))
    of = "t + 1 - cos(2 * pi * t)"  # t itself at the listed times, and between them anything
    assert dl.PowerLaw(of, "t", 1.0, band=1e-6).check(path).status == "SUPPORTED"
    assert dl.PowerLaw(of, "t", 1.1, band=1e-6).check(path).status == "REFUTED"
