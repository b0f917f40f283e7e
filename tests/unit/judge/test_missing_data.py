"""Data come with holes: what is unknown may be NaN or masked where entries are observed alone."""

import re
from datetime import datetime
from fractions import Fraction

import numpy as np
import pytest

import dynlens as dl

HOLES = np.array([[1.0, np.nan], [3.0, 4.0]])
MASKED = np.ma.array([[1, 999], [3, 4]], mask=[[0, 1], [0, 0]])
KNOWN = ((0, 0), (1, 0), (1, 1))


@pytest.mark.parametrize("target", [HOLES, MASKED, HOLES.tolist(), MASKED.astype(np.float32)])
def test_what_is_known_is_observed(target):
    seen = dl.Entries.of(target)
    assert (seen.indices, seen.values) == (KNOWN, (1.0, 3.0, 4.0))
    assert dl.Entries.of(target, np.argwhere(~np.isnan(HOLES))) == seen
    assert dl.Entries.sample(target, fraction=1.0, seed=0) == seen


def test_a_masked_array_that_hides_a_nan_is_read_by_its_mask():
    hidden = np.ma.array([[1.0, np.nan], [3.0, np.nan]], mask=[[0, 1], [0, 0]])
    assert dl.Entries.of(hidden).indices == ((0, 0), (1, 0))


def test_a_mask_that_hides_nothing_changes_nothing():
    assert dl.Full(np.ma.array([[1.0, 2.0]])) == dl.Full([[1.0, 2.0]])


def test_a_sample_is_of_the_known_entries():
    target = np.where(np.arange(100) % 3 == 0, np.nan, np.arange(100.0)).reshape(10, 10)
    seen = dl.Entries.sample(target, fraction=0.5, seed=1)
    assert seen.count == 33
    assert np.isfinite(seen.values).all()


def test_a_whole_target_is_sampled_as_before():
    target = np.arange(12.0).reshape(3, 4)
    chosen = np.sort(np.random.default_rng(5).permutation(12)[:6])
    assert np.array_equal(dl.Entries.sample(target, fraction=0.5, seed=5).values, chosen)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: dl.Entries.of(HOLES, [(0, 1)]), "(0, 1), where `target` is masked or NaN"),
        (lambda: dl.Entries.of(MASKED, [(0, 1)]), "(0, 1), where `target` is masked or NaN"),
        (lambda: dl.Full(HOLES), "NaN or masked at (0, 1); observe what is known by `Entries.of"),
        (lambda: dl.Full(MASKED), "NaN or masked at (0, 1)"),
        (lambda: dl.Entries.of(np.full((2, 2), np.nan)), "NaN or masked everywhere"),
        (lambda: dl.Entries.of([[1.0, np.inf]]), "NaN or infinity"),
        (lambda: dl.Entries((1, 2), [(0, 0)], np.ma.array([1.0], mask=[1])), "masked entries"),
        (lambda: dl.Sensing.of(MASKED, np.ones((1, 2, 2))), "`target` has masked entries"),
        (lambda: dl.Sensing(np.ones((1, 2, 2)), np.ma.array([1.0], mask=[1])), "masked entries"),
        (lambda: dl.RankOneSensing.gaussian(HOLES, count=2, seed=0), "`target` has a NaN"),
        (lambda: dl.completion_problem(2).check_theta(np.ma.masked_all(8)), "masked entries"),
    ],
)
def test_elsewhere_it_is_refused(call, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        call()


@pytest.mark.parametrize(
    "target",
    [
        [["1", "2"]],
        np.array([["1", "2"]], dtype=object),
        np.array([[b"1", b"2"]]),
        np.array([["2020-01-01"]], dtype="M8[D]"),
        np.array([[np.timedelta64(3, "D")]]),
        [[datetime(2020, 1, 1)]],
    ],
)
def test_text_and_dates_are_no_numbers(target):
    with pytest.raises(TypeError, match="`target` must be an array of numbers"):
        dl.Full(target)


@pytest.mark.parametrize("target", [[[True, False]], [[1, 0]], [[Fraction(1), Fraction(0)]]])
def test_numbers_of_any_kind_are(target):
    assert dl.Full(target).values == (1.0, 0.0)
