"""Verdicts: every status from hand-made measurements, and what a verdict says of itself."""

import json

import numpy as np
import pytest

import dynlens as dl
from dynlens.verdict import ControlFinding, Finding, Measured, Status, Verdict, judge, weakest

TOLERANCE = 0.1
KEYS = [
    *("id", "title", "source", "status", "residual", "tolerance", "numerical_error"),
    *("slack", "horizon", "attacks", "controls", "seconds", "reproduce"),
]


def judged(residual, error, t=None, horizon=None, **others):
    """Judge residuals against a tolerance of 0.1; a single error holds for all of them."""
    residual = np.array(residual, dtype=float)
    error = np.broadcast_to(np.array(error, dtype=float), residual.shape).copy()
    t = None if t is None else np.array(t, dtype=float)
    return judge(Measured(residual, error, TOLERANCE, t, horizon, **others), "x = y")


NAN, INF = np.nan, np.inf

# (residuals, errors, status): the interval residual +- error against the tolerance of 0.1.
JUDGED = {
    "well below": ([0.0, 0.05], 0.01, "SUPPORTED"),
    "exact zero": ([0.0], 0.0, "SUPPORTED"),
    "exactly at the tolerance": ([0.1], 0.0, "SUPPORTED"),
    "a margin kept": ([-3.0], 1.0, "SUPPORTED"),
    "far above": ([0.0, 0.5], 0.01, "REFUTED"),
    "above, with an error that reaches below": ([0.0, 0.5], 0.45, "UNDECIDED"),
    "above by exactly three errors": ([0.7], 0.2, "UNDECIDED"),
    "above by a little more than three errors": ([0.7], 0.199, "REFUTED"),
    "below, with an error that reaches above": ([0.05], 0.06, "UNDECIDED"),
    "one refuted, one undecided": ([0.5, 0.05], [0.0, 9.0], "REFUTED"),
    "one supported, one undecided": ([0.0, 0.05], [0.0, 0.06], "UNDECIDED"),
    "nothing asserted": ([NAN, NAN], 0.0, "NOT_APPLICABLE"),
    "no samples": ([], 0.0, "NOT_APPLICABLE"),
    "some not asserted": ([NAN, 0.05], 0.01, "SUPPORTED"),
    "the false one is not asserted": ([0.0, NAN], [0.0, 5.0], "SUPPORTED"),
    "undefined, surely": ([0.0, INF], 0.0, "REFUTED"),
    "undefined, perhaps": ([0.0, INF], [0.0, INF], "UNDECIDED"),
    "undefined alone": ([INF], INF, "UNDECIDED"),
    "an unknown error": ([0.0], NAN, "UNDECIDED"),
    "an infinite error": ([0.0], INF, "UNDECIDED"),
    "an infinite margin": ([-INF], 0.0, "SUPPORTED"),
    "several entries a sample": ([[0.0, 0.5], [0.0, 0.0]], 0.01, "REFUTED"),
}


every_row = pytest.mark.parametrize(
    ("residual", "error", "status"),
    [pytest.param(*row, id=name) for name, row in JUDGED.items()],
)


@every_row
def test_a_measurement_is_judged(residual, error, status):
    found = judged(residual, error)
    assert found.status == status, str(found)


def test_every_status_but_proved_occurs_above():
    assert {row[2] for row in JUDGED.values()} == {str(s) for s in Status} - {"PROVED"}


@pytest.mark.parametrize("undefined", [0, 1, 2])
@pytest.mark.parametrize("error", [0.0, 1.0, INF])
def test_an_undefined_residual_is_never_supported(undefined, error):
    residual = np.zeros(3)
    residual[undefined] = INF
    errors = np.where(np.isinf(residual), error, 0.0)
    for t in (None, [0.0, 1.0, 2.0]):
        found = judged(residual, errors, t, None if t is None else 2.0)
        assert found.status in ("REFUTED", "UNDECIDED"), str(found)


@pytest.mark.parametrize("seed", range(5))
def test_refuted_means_three_errors_above_and_supported_means_all_below(seed):
    rng = np.random.default_rng(seed)
    for _ in range(200):
        residual, error = rng.uniform(-0.1, 0.3, 3), rng.uniform(0, 0.2, 3)
        refuted = bool(np.any(residual - 3 * error > TOLERANCE))
        supported = bool(np.all(residual + error <= TOLERANCE))
        expected = "REFUTED" if refuted else "SUPPORTED" if supported else "UNDECIDED"
        assert judged(residual, error).status == expected, f"{residual} +- {error}"


@pytest.mark.parametrize(
    ("away", "status"), [(0, "UNDECIDED"), (1, "UNDECIDED"), (3, "UNDECIDED"), (4, "REFUTED")]
)
def test_on_a_path_the_errors_of_neighbouring_times_count_against_a_refutation(away, status):
    residual, error, t = np.zeros(12), np.zeros(12), np.arange(12.0)
    residual[5], error[5 + away] = 0.5, 0.2
    residual[5 + away] = max(residual[5 + away], -0.2)
    assert judged(residual, error, t, 11.0).status == status
    assert judged(residual[::-1], error[::-1], t, 11.0).status == status


def test_without_times_there_are_no_neighbours():
    assert judged([0.5, -0.5], [0.0, 0.2]).status == "REFUTED"


def test_an_unknown_error_beside_a_violation_does_not_hide_it():
    assert judged([NAN, 0.5, 0.0], [NAN, 0.0, INF], [0.0, 1.0, 2.0], 2.0).status == "REFUTED"


# -- time -----------------------------------------------------------------------------------------

T = [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("horizon", "status"),
    [
        (3.0, "REFUTED"),
        (2.0, "REFUTED"),
        (1.999, "SUPPORTED"),
        (0.0, "UNDECIDED"),  # held at the start alone
        (-1.0, "UNDECIDED"),
    ],
)
def test_beyond_the_horizon_nothing_counts(horizon, status):
    found = judged([0.0, 0.0, 9.0, 9.0], 0.0, T, horizon)
    assert found.status == status, str(found)
    assert (found.horizon, found.t_end) == (horizon, 3.0)


def test_a_failing_sample_beyond_the_horizon_does_not_refute_nor_count_as_an_attack():
    found = judged([0.0, 0.0, 0.0, 9.0], [0.0, 0.0, 0.0, 1e-9], T, 2.5)
    assert (found.status, found.attacks, found.residual) == ("SUPPORTED", 3, 0.0)


@pytest.mark.parametrize(
    ("horizon", "t_end", "status"),
    [
        (2.0, None, "SUPPORTED"),
        (1.5, None, "SUPPORTED"),
        (1.499, None, "UNDECIDED"),
        (3.0, 6.0, "SUPPORTED"),
        (3.0, 6.1, "UNDECIDED"),  # the run did not come half as far as the claim
    ],
)
def test_what_was_judged_on_less_than_half_its_time_is_undecided(horizon, t_end, status):
    found = judged([0.0] * 4, 0.0, T, horizon, t_end=t_end)
    assert found.status == status, str(found)
    assert ("of the time it is asserted for" in found.note) is (status == "UNDECIDED")


def test_the_scope_tells_on_how_much_a_verdict_rests():
    assert judged([0.0] * 4, 0.0, T, 3.0).scope == "t = 0 to 3, 4 times"
    assert judged([0.0] * 4, 0.0, T, 2.0).scope == "t = 0 to 2 of 3, 3 times"
    assert judged([0.0], 0.0).scope == "1 sample"


def test_the_status_at_a_time_beyond_the_horizon_is_undecided():
    found = judged([0.0, 0.0, 9.0, 9.0], 0.0, T, 1.6)
    assert [found.status_at(t) for t in (0.0, 1.5, 1.7, 3.0)] == [
        *["SUPPORTED"] * 2,
        *["UNDECIDED"] * 2,
    ]
    assert judged([0.0], 0.0).status_at(1e9) == "SUPPORTED"  # a claim without time


def test_a_path_on_which_nothing_is_trusted_is_undecided_and_says_so():
    found = judged([0.0], 0.0, [0.0], -1.0)
    assert found.status == "UNDECIDED"
    assert found.note.startswith("no sample is trusted")


def test_where_nothing_is_asserted_the_verdict_says_so():
    found = judged([NAN, NAN], 0.0, [0.0, 1.0], 1.0)
    assert (found.status, found.note) == (
        "NOT_APPLICABLE",
        "nothing here is asserted by the claim",
    )


# -- assumptions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("residual", [0.0, 9.0, INF, NAN])
def test_an_assumption_that_fails_decides_whatever_the_residual(residual):
    missing = Finding("balanced", False, 0.3)
    found = judged([residual], 0.0, assumptions=(Finding("det W > 0", True, 1.0), missing))
    assert found.status == "NOT_APPLICABLE"
    assert "balanced: NOT satisfied (0.3)" in str(found)
    assert "det W > 0: satisfied (1)" in str(found)


def test_an_assumption_that_holds_changes_nothing():
    found = judged([9.0], 0.0, assumptions=(Finding("balanced", True, 0.0),))
    assert found.status == "REFUTED"


# -- what is told ---------------------------------------------------------------------------------


def test_the_worst_sample_is_named():
    found = judged([0.0, 0.02, 0.07], 0.001, [0.0, 0.5, 1.0], 1.0)
    assert (found.residual, found.numerical_error, found.worst) == (0.07, 0.001, {"t": 1.0})
    found = judged([[0.0, 0.0], [0.0, 0.5]], 0.0)
    assert (found.residual, found.worst) == (0.5, {"sample": 1, "index": (1,)})
    found = judged([[[0.0, 0.0], [0.9, 0.0]]], 0.0, [2.0], 2.0)
    assert found.worst == {"t": 2.0, "index": (1, 0)}


def test_the_worst_sample_of_a_refutation_is_the_surest_not_the_largest():
    found = judged([5.0, 1.0], [4.99, 0.1])
    assert (found.status, found.residual, found.worst) == ("REFUTED", 1.0, {"sample": 1})


def test_the_worst_sample_of_a_support_is_the_one_nearest_to_the_tolerance():
    found = judged([0.05, 0.01], [0.0, 0.08])
    assert (found.status, found.residual, found.numerical_error) == ("SUPPORTED", 0.01, 0.08)


def test_attacks_count_the_entries_that_were_judged():
    assert judged(np.zeros((4, 3)), 0.0, T, 1.0).attacks == 6
    assert judged([[0.0, NAN], [0.0, 0.0]], 0.0).attacks == 3


def test_residual_tolerance_error_and_horizon_always_come_together():
    text = str(judged([0.0, 0.0, 0.02, 9.0], 0.001, T, 2.0))
    assert "worst residual   0.02, tolerance 0.1, numerical error 0.001" in text
    assert "horizon          t = 2, UNDECIDED from there to 3" in text
    assert "attacks          survived 3" in text
    assert "proved" not in text.lower()


def test_a_horizon_at_the_end_is_the_whole_run():
    assert "horizon          t = 3, the whole run" in str(judged(np.zeros(4), 0.0, T, 3.0))


# -- several verdicts -----------------------------------------------------------------------------

ORDER = [
    Status.REFUTED,
    Status.UNDECIDED,
    Status.NOT_APPLICABLE,
    Status.SUPPORTED,
    Status.PROVED,
]


@pytest.mark.parametrize("weak", range(5))
@pytest.mark.parametrize("strong", range(5))
def test_a_conjunction_is_as_weak_as_its_weakest_part(weak, strong):
    expected = ORDER[min(weak, strong)]
    assert weakest([ORDER[weak], ORDER[strong]]) == expected
    assert weakest([ORDER[strong], ORDER[weak], ORDER[strong]]) == expected


def control(status):
    return ControlFinding("sign flipped", status)


@pytest.mark.parametrize(
    ("status", "controls", "passed"),
    [
        (Status.SUPPORTED, (), True),
        (Status.PROVED, (control(Status.REFUTED),), True),
        (Status.UNDECIDED, (control(Status.REFUTED),), True),
        (Status.REFUTED, (control(Status.REFUTED),), False),
        (Status.SUPPORTED, (control(Status.SUPPORTED),), False),
        (Status.SUPPORTED, (control(Status.REFUTED), control(Status.UNDECIDED)), False),
    ],
)
def test_a_verdict_passes_if_it_is_not_refuted_and_every_control_is(status, controls, passed):
    assert Verdict(status, "x = y", controls=controls).passed is passed


def test_a_control_that_survives_is_named():
    survives = Verdict(Status.SUPPORTED, "x = y", controls=(control(Status.SUPPORTED),))
    assert "SURVIVES: sign flipped (SUPPORTED)" in str(survives)
    assert "controls         refuted 0/1" in str(survives)
    refuted = Verdict(Status.SUPPORTED, "x = y", controls=(control(Status.REFUTED),))
    assert "SURVIVES" not in str(refuted)


def test_a_refuted_verdict_can_be_raised_with_itself_as_the_text():
    refuted, supported = judged([9.0], 0.0), judged([0.0], 0.0)
    with pytest.raises(dl.ClaimViolated) as caught:
        refuted.raise_if_refuted()
    assert str(caught.value) == str(refuted)
    assert issubclass(dl.ClaimViolated, AssertionError)
    assert supported.raise_if_refuted() is supported


# -- plain data -----------------------------------------------------------------------------------


def test_as_dict_has_exactly_the_stable_keys_in_order():
    found = Verdict(
        Status.SUPPORTED,
        "x = y",
        residual=0.5,
        tolerance=1.0,
        numerical_error=0.25,
        horizon=2.0,
        attacks=7,
        id="P1.T1",
        title="a title",
        source="a source",
        controls=(control(Status.REFUTED),),
        seconds=1.23456,
        reproduce="print()",
    ).as_dict()
    assert list(found) == KEYS
    assert found == {
        "id": "P1.T1",
        "title": "a title",
        "source": "a source",
        "status": "SUPPORTED",
        "residual": 0.5,
        "tolerance": 1.0,
        "numerical_error": 0.25,
        "slack": {"tolerance": None, "error": None},
        "horizon": 2.0,
        "attacks": 7,
        "controls": [{"name": "sign flipped", "status": "REFUTED", "expected": "REFUTED"}],
        "seconds": 1.235,
        "reproduce": "print()",
    }


@every_row
def test_as_dict_is_strict_json(residual, error, status):
    plain = judged(residual, error).as_dict()
    assert list(plain) == KEYS
    assert json.loads(json.dumps(plain, allow_nan=False))["status"] == status


def test_what_is_not_finite_is_null():
    plain = judged([INF], 0.0).as_dict()
    assert (plain["residual"], plain["horizon"]) == (None, None)


def test_seconds_do_not_make_two_verdicts_differ():
    assert Verdict(Status.PROVED, "x", seconds=1.0) == Verdict(Status.PROVED, "x", seconds=2.0)
    assert Verdict(Status.PROVED, "x") != Verdict(Status.REFUTED, "x")


def test_a_missing_number_is_like_another_one():
    def verdict(value, **others):
        finding = Finding("balanced", True, value)
        control = ControlFinding("dropped", Status.UNDECIDED, residual=value)
        worst = {"entries": [value, 1.0]}
        parts = (Verdict(Status.PROVED, "y", tolerance=value),)
        return Verdict(
            Status.SUPPORTED, "x", residual=value, worst=worst, parts=parts,
            assumptions=(finding,), controls=(control,), **others
        )  # fmt: skip

    one, other = float("nan"), float("inf") - float("inf")
    assert one is not other
    assert verdict(one) == verdict(one) == verdict(other)
    assert verdict(one) != verdict(0.0)
    assert verdict(one) != verdict(other, note="another")
    assert hash(Finding("balanced", True, one)) == hash(Finding("balanced", True, other))
