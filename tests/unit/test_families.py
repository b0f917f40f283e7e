"""Families of runs: the ends of their members, what they answer to, and what they refuse."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases import small_starts
from dynlens.cases.reproduce import concise
from dynlens.support.errors import IntegrationError

# One scalar component of three factors under a constant gradient: h' = g h^2, h = a / (1 - g a t).
GRADIENT = 0.5
PROBLEM = dl.Problem(dl.DeepLinear((1, 1, 1, 1)), dl.HuberLoss(GRADIENT), dl.Full([[100.0]]))
FAMILY = dl.SmallStarts(PROBLEM, (1.0, 1.0, 1.0), (0.2, 0.1, 0.05), norm=0.5, t_max=100.0)


def test_escape_times_are_those_of_the_closed_form():
    alphas = np.array(FAMILY.alphas)
    wanted = (1 / alphas - 0.5 ** (-1 / 3)) / GRADIENT
    got = FAMILY.samples().read("escape_time")
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_the_samples_are_states_at_escape():
    samples = FAMILY.samples()
    np.testing.assert_array_equal(samples.read("alpha"), FAMILY.alphas)
    np.testing.assert_allclose(samples.read("frobenius_norm"), 0.5, rtol=1e-9)
    assert len(samples) == len(samples.twins[0]) == 3
    assert "escape_time" in samples.names()


def test_a_law_in_alpha_is_supported_and_another_refuted():
    # The slope tends to -1: on the first three it is -1.22, then -1.10, and may be anywhere.
    law = dl.PowerLaw("escape_time", "alpha", -1.0, band=0.2)
    assert law.check(FAMILY).status == "UNDECIDED"
    longer = replace(FAMILY, alphas=(0.2, 0.1, 0.05, 0.025, 0.0125), t_max=1e3)
    assert law.check(longer).status == "SUPPORTED"
    wrong = dl.PowerLaw("escape_time", "alpha", -2.0, band=0.2)
    verdict = dl.falsify(wrong, FAMILY)
    assert verdict.status == "REFUTED"
    assert "SmallStarts(" in verdict.reproduce


def test_the_text_of_a_family_recreates_it():
    assert eval(concise(FAMILY), vars(dl) | {n: getattr(dl, n) for n in dl.__all__}) == FAMILY


def test_a_subclass_measures_more_and_is_read_back_from_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    monkeypatch.delenv("DYNLENS_FRESH", raising=False)
    small_starts._gathered.cache_clear()
    first = FAMILY.samples()
    assert list(tmp_path.rglob("*.npz"))
    small_starts._gathered.cache_clear()
    monkeypatch.setattr(dl.SmallStarts, "escape", None)  # nothing is computed again
    again = FAMILY.samples()
    np.testing.assert_array_equal(first.theta, again.theta)
    small_starts._gathered.cache_clear()


@dataclass(frozen=True)
class Doubled(dl.SmallStarts):
    def measure(self):
        found = super().measure()
        return found | {"twice": 2 * found["escape_time"]}


def test_what_a_subclass_measures_answers_to_its_name():
    family = Doubled(PROBLEM, (1.0, 1.0, 1.0), (0.2,), norm=0.5)
    verdict = dl.Equal("twice", "2 * escape_time").check(family)
    assert verdict.status == "SUPPORTED"


def test_a_run_that_does_not_escape_is_an_error_that_says_so():
    slow = dl.SmallStarts(PROBLEM, (1.0, 1.0, 1.0), (0.01,), norm=0.5, t_max=10.0)
    with pytest.raises(IntegrationError, match=r"alpha = 0.01 .*frobenius_norm = 0.5 .*`t_max`"):
        slow.samples()


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"direction": (1.0,)}, ValueError, "`direction` has shape"),
        ({"alphas": (0.1, 0.2)}, ValueError, "`alphas` must be positive and decreasing"),
        ({"alphas": (0.1, 0.0)}, ValueError, "`alphas` must be positive and decreasing"),
        ({"alphas": ()}, ValueError, "`alphas`"),
        ({"norm": -1.0}, ValueError, "`norm` must be positive"),
        ({"t_max": 0.0}, ValueError, "`t_max` must be positive"),
        ({"problem": "p"}, TypeError, "`problem` must be a Problem"),
    ],
)
def test_malformed_families_are_named(changes, error, words):
    given = {"problem": PROBLEM, "direction": (1.0,) * 3, "alphas": (0.2, 0.1), "norm": 0.5}
    with pytest.raises(error, match=words):
        dl.SmallStarts(**(given | changes))


# -- any parameter ---------------------------------------------------------------------------------

SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
HALVES = tuple(0.1 * 0.5**k for k in range(8))
STEPS = dl.Family(dl.Path(SCALAR, (0.5, 1.5), 2.0, eta=0.1), over="eta", values=HALVES[:4])
# From (alpha, alpha) the product solves w' = 2 w (1 - w): 1/2 at t = log(1/alpha^2 - 1) / 2.
ESCAPES = dl.Family(
    dl.Path(SCALAR, (1.0, 1.0), 100.0),
    over="start.scale",
    name="alpha",
    values=HALVES,
    until=dl.Event("frobenius_norm", 0.5),
)


def penalized(strength, t_end=200.0):
    problem = dl.Problem(
        dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]), dl.Ridge(strength)
    )
    return dl.Path(problem, (0.5, 0.7), t_end)


PENALTIES = dl.Family(
    penalized(0.1), over="problem.penalty.strength", values=HALVES[:5], until="rest"
)


def test_a_law_in_the_step_follows():
    drift = "Abs(imbalances[0] - imbalances_0[0])"
    assert dl.PowerLaw(drift, "eta", 1, band=0.15).check(STEPS).status == "SUPPORTED"
    assert dl.PowerLaw(drift, "eta", 2, band=0.15).check(STEPS).status == "REFUTED"
    assert dl.Limit("imbalances[0]", "imbalances_0[0]", along="eta", to=0).check(
        replace(STEPS, values=HALVES)
    ).status in ("SUPPORTED", "UNDECIDED")


def test_a_run_until_an_event_is_looked_at_there():
    exact = "log(1 / alpha**2 - 1) / 2"
    assert dl.Equal("t", exact).check(ESCAPES).status == "SUPPORTED"
    assert dl.Equal("frobenius_norm", "1 / 2").check(ESCAPES).status == "SUPPORTED"
    assert dl.Limit("t + log(alpha)", 0, along="alpha", to=0, scale="1").check(ESCAPES).held
    false = dl.Limit("t + log(alpha)", 1e-3, along="alpha", to=0, scale="1").check(ESCAPES)
    assert false.status == "REFUTED"
    assert "name='alpha'" in false.reproduce


def test_a_run_until_rest_is_made_as_long_as_it_takes():
    assert dl.Equal("frobenius_norm", "1 - strength").check(PENALTIES).status == "SUPPORTED"
    assert dl.Equal("frobenius_norm", "1 - strength**2").check(PENALTIES).status == "REFUTED"
    assert PENALTIES.samples().read("t").max() > 200.0


def test_limits_are_iterated():
    runs = replace(PENALTIES, values=HALVES[:6], until=None, tied={"t_end": "60 / strength"})
    claim = dl.Limit("frobenius_norm", 1, along="strength", to=0, inner="t")
    assert claim.statement == "frobenius_norm -> 1.0 as t -> oo, then strength -> 0"
    assert claim.check(runs).status == "SUPPORTED"
    assert replace(claim, value=1.001).check(runs).status == "REFUTED"
    with pytest.raises(TypeError, match="`Family`"):
        claim.check(penalized(0.1))


def test_fields_are_tied_to_the_parameter():
    runs = replace(STEPS, tied={"t_end": "20 * eta"})
    np.testing.assert_allclose(runs.samples().read("t"), 20 * np.array(STEPS.values))
    assert runs.tied == (("t_end", "20 * eta"),)


def test_given_numbers_of_a_system_are_parameters_too():
    path = dl.SystemPath({"x": "a - x"}, {"x": 0.0}, 50.0, given={"a": 1.0})
    runs = dl.Family(path, over="given.a", values=(1.0, 2.0, 3.0))
    assert dl.Equal("x", "a", tolerance=1e-7).check(runs).status == "SUPPORTED"
    assert dl.Equal("x", "a**2", tolerance=1e-7).check(runs).status == "REFUTED"


def test_a_function_makes_members_by_keyword():
    runs = dl.Family(penalized, over="strength", values=(0.1, 0.05))
    assert dl.Equal("frobenius_norm", "1 - strength", tolerance=1e-6).check(runs).held


def test_every_member_has_its_own_beginning():
    claim = dl.Equal("loss_0", "(1 - alpha**2)**2 / 2")
    assert claim.check(ESCAPES).status == "SUPPORTED"
    with pytest.raises(ValueError, match="each member's own"):
        dl.Equal("initial(loss**2)", "loss").check(ESCAPES)


def test_a_member_whose_twins_parted_decides_nothing():
    path = dl.Path(dl.completion_problem(2), dl.Start(0.3, "identity"), 10.0, saves="log")
    runs = dl.Family(path, over="t_end", values=(10.0, 1e4))
    samples = runs.samples()
    assert samples.doubted.tolist() == [False, True]
    found = dl.AtLeast("loss", "1e-6").check(runs)
    assert found.status == "UNDECIDED"
    assert "not trusted at t_end = 10000" in found.note


@pytest.mark.parametrize("runs", [STEPS, ESCAPES, PENALTIES])
def test_the_text_of_any_family_recreates_it(runs):
    assert eval(concise(runs), vars(dl) | {n: getattr(dl, n) for n in dl.__all__}) == runs


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"over": "etta"}, KeyError, "did you mean eta"),
        ({"over": "problem.loss.threshold"}, KeyError, "threshold"),
        ({"over": "start.scale.x"}, KeyError, "no 'scale'"),
        ({"over": "t_end.x"}, ValueError, "no fields"),
        ({"values": (0.1,)}, ValueError, "`values` must be two or more"),
        ({"values": (0.1, 0.1)}, ValueError, "distinct"),
        ({"name": "loss"}, ValueError, "pass `name`"),
        ({"tied": {"t_end": "10 / h"}}, KeyError, "eta"),
        ({"until": "never"}, KeyError, "rest"),
        ({"until": "rest"}, TypeError, "`Path` of the flow"),
        ({"case": 3}, TypeError, "`case` must be a case"),
    ],
)
def test_malformed_families_of_any_parameter_are_named(changes, error, words):
    with pytest.raises(error, match=words):
        replace(STEPS, **changes)
