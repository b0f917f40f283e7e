"""P3.E2: its pairs of images, and what it needs."""

import sys

import numpy as np
import pytest

from dynlens.experiments.p3_e2 import data, runs

IMAGES = np.random.default_rng(0).standard_normal((400, 8, 8))
LABELS = np.random.default_rng(1).integers(4, size=400)


def drawn(distance=16, count=4000):
    train, test = data.halves(400)
    return [
        data.pairs(IMAGES, LABELS, half, count=count, distance=distance, seed=k)
        for k, half in enumerate((train, test))
    ]


def test_labels_are_balanced_and_true():
    for pairs in drawn():
        assert abs(pairs.same.mean() - 0.5) < 0.04  # five standard errors
        np.testing.assert_array_equal(LABELS[pairs.first] == LABELS[pairs.second], pairs.same == 1)
        counts = np.bincount(LABELS[pairs.first], minlength=4) / len(pairs.same)
        assert np.abs(counts - 0.25).max() < 0.035


def test_images_for_training_and_for_testing_are_disjoint():
    train, test = ({*pairs.first, *pairs.second} for pairs in drawn())
    assert len(train) > 200
    assert not train & test


@pytest.mark.parametrize("distance", [0, 8, 16, 24, 40])
def test_the_images_lie_where_they_should(distance):
    pairs, _ = drawn(distance, count=5)
    left, right = data.left_edges(distance)
    assert (left, right - left - 8, left + right + 8) == (28 - 8 - distance // 2, distance, 56)
    canvas = pairs.canvases[3, 0]
    np.testing.assert_array_equal(canvas[:, left : left + 8], IMAGES[pairs.first[3]])
    np.testing.assert_array_equal(canvas[:, right : right + 8], IMAGES[pairs.second[3]])
    assert np.count_nonzero(canvas) == 128


def test_the_same_seed_draws_the_same_pairs():
    one, other = (drawn(count=50)[0] for _ in range(2))
    np.testing.assert_array_equal(one.canvases, other.canvases)


@pytest.mark.parametrize("distance", [-2, 42])
def test_images_must_fit_onto_the_canvas(distance):
    with pytest.raises(ValueError, match="`distance` must be from 0 to 40"):
        data.left_edges(distance)


@pytest.mark.parametrize("missing", ["sklearn.datasets", "torch"])
def test_what_is_missing_is_named(monkeypatch, missing):
    pytest.importorskip("sklearn" if missing == "torch" else "numpy")
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ImportError, match=r'pip install "dynlens\[(vision|torch)\]"'):
        runs.case(distance=0, strength=0.0, seed=0)
