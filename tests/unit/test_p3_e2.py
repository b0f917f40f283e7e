"""P3.E2: its pairs of images, and what its text says of made-up networks."""

import sys

import numpy as np
import pytest

from dynlens.experiments import EXPERIMENTS
from dynlens.experiments.lab import Runs
from dynlens.experiments.p3_e2 import data, report, runs
from dynlens.experiments.p3_e2.runs import Trained

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


def networks(far, R=0.95):
    rows = [(0, 0.0, 0.94, 0.5), (0, 1.0, 0.96, 0.4), (24, 0.0, 0.55, R), (24, 1.0, far, 0.8)]
    return Runs(Trained(d, strength, 0, 60, 1.0, test, r) for d, strength, test, r in rows)


def said(found):
    return " ".join("\n".join(report.text(found)).split())


def test_the_text_follows_the_numbers():
    assert EXPERIMENTS["P3.E2"].source.startswith("razin2022implicit")
    usual = said(networks(0.72))
    assert "it falls with distance" in usual
    assert "what is far apart is not used together" in usual
    assert "At distance 24 test accuracy changes by +0.170: the network sees further" in usual
    other = said(networks(0.4, R=0.3))
    assert "the regularizer does harm" in other
    assert "does not rise all along" in other
    assert "sees further" not in other


@pytest.mark.parametrize("missing", ["sklearn.datasets", "torch"])
def test_what_is_missing_is_named(monkeypatch, missing):
    pytest.importorskip("sklearn" if missing == "torch" else "numpy")
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(ImportError, match=r'pip install "dynlens\[(vision|torch)\]"'):
        runs.case(distance=0, strength=0.0, seed=0)
