"""Families of small starts: states at escape, what they answer to, and what they refuse."""

from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases import families
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
    # The slope tends to -1; on these three it is -1.16.
    law = dl.PowerLaw("escape_time", "alpha", -1.0, band=0.2)
    assert law.check(FAMILY).status == "SUPPORTED"
    wrong = dl.PowerLaw("escape_time", "alpha", -2.0, band=0.2)
    verdict = dl.falsify(wrong, FAMILY)
    assert verdict.status == "REFUTED"
    assert "SmallStarts(" in verdict.reproduce


def test_the_text_of_a_family_recreates_it():
    assert eval(concise(FAMILY), vars(dl) | {n: getattr(dl, n) for n in dl.__all__}) == FAMILY


def test_a_subclass_measures_more_and_is_read_back_from_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNLENS_CACHE", str(tmp_path))
    monkeypatch.delenv("DYNLENS_FRESH", raising=False)
    families._gathered.cache_clear()
    first = FAMILY.samples()
    assert list(tmp_path.rglob("*.npz"))
    families._gathered.cache_clear()
    monkeypatch.setattr(dl.SmallStarts, "escape", None)  # nothing is computed again
    again = FAMILY.samples()
    np.testing.assert_array_equal(first.theta, again.theta)
    families._gathered.cache_clear()


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
