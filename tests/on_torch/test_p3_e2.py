"""Training of P3.E2 with torch: at strength zero the regularizer is not there at all."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')

from dynlens.experiments.p3_e2 import data, networks  # noqa: E402

IMAGES = np.random.default_rng(0).standard_normal((60, 8, 8))
LABELS = np.arange(60) % 4


def trained(strength, epochs=2):
    torch.set_num_threads(1)
    halves = data.halves(60)
    drawn = [
        data.pairs(IMAGES, LABELS, half, count=128, distance=8, seed=k)
        for k, half in enumerate(halves)
    ]
    return networks.trained(*drawn, distance=8, strength=strength, seed=0, epochs=epochs)


def test_training_is_repeatable_and_the_regularizer_changes_it():
    assert trained(1.0) == trained(1.0)
    assert trained(1.0)["surrogate"] != trained(0.0)["surrogate"]


def test_at_strength_zero_the_regularizer_is_never_called(monkeypatch):
    usual = trained(0.0, epochs=1)
    monkeypatch.setattr(networks, "tested", lambda *given: {})

    def refused(*given, **options):
        raise AssertionError("the regularizer was asked for")

    monkeypatch.setattr(networks, "locality", refused)
    found = trained(0.0, epochs=1)
    assert found["train"] == usual["train"]
    with pytest.raises(AssertionError, match="was asked for"):
        trained(1.0, epochs=1)
