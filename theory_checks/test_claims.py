"""Every theorem of the catalogue survives, and every one of its controls is refuted."""

from functools import cache

import pytest

import dynlens as dl

IDS = [theorem.id for theorem in dl.theorems()]
HELD = (dl.Status.PROVED, dl.Status.SUPPORTED)


@cache
def verdict(id):
    return dl.theorem(id).verify()


@pytest.mark.parametrize("id", [pytest.param(id, marks=pytest.mark.xdist_group(id)) for id in IDS])
class TestTheorem:
    def test_survives(self, id):
        found = verdict(id)
        assert found.status in HELD, str(found)

    def test_controls_are_refuted(self, id):
        found = verdict(id)
        surviving = [control for control in found.controls if not control.as_expected]
        assert found.controls, "a check that cannot fail is not a check"
        assert not surviving, f"controls that survive: {surviving}"
