"""Theorem F2.D with the descent of torch: closed forms of the flow, less the leading error."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')
pytest.importorskip("array_api_compat", reason='needs array-api-compat: "dynlens[torch]"')

from theory_checks.flow_and_descent.aligned import FAMILIES, order  # noqa: E402

PLACES = [{"backend": "numba"}, {"backend": "torch"}]
if torch.cuda.is_available():
    cuda = {"backend": "torch", "device": "cuda"}
    PLACES.append(pytest.param(cuda, marks=pytest.mark.gpu))

pytestmark = [
    pytest.mark.order,
    pytest.mark.parametrize("place", PLACES, ids=lambda place: "-".join(place.values())),
    pytest.mark.parametrize("family", FAMILIES),
]


def verdict(name, place, expected, **settings):
    family = FAMILIES[name]
    return order(family, expected, **settings).check(replace(family.case, **place))


def test_the_distance_to_the_flow_is_of_first_order(family, place):
    found = verdict(family, place, 1.0, band=0.02)
    assert found.status == "SUPPORTED", found.note


def test_less_the_leading_error_it_is_of_second_order(family, place):
    found = verdict(family, place, 2.0, band=0.1, remainder=True)
    assert found.status == "SUPPORTED", found.note


def test_with_half_of_the_leading_error_it_is_not(family, place):
    found = verdict(family, place, 2.0, band=0.1, remainder=True, forcing=0.25)
    assert found.status == "REFUTED", found.note
