"""Identities, inequalities and matrices are taken for what they are."""

import pytest
import sympy as sp

import dynlens as dl
from dynlens.symbolic import holds

x, y = sp.symbols("x y", positive=True)
r = sp.Symbol("r", real=True)
A = sp.Matrix(2, 2, sp.symbols("a:4"))


def status(found):
    return dl.Identities("a statement", lambda: {"g": found}).check().status


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (sp.Eq((x + 1) ** 2, x**2 + 2 * x + 1), "PROVED"),
        (sp.Eq((x + 1) ** 2, x**2 + 2 * x + 2), "REFUTED"),
        (A * A.adjugate() - A.det() * sp.eye(2), "PROVED"),
        (A * A.T - A.T * A, "REFUTED"),
        (sp.zeros(2, 2), "PROVED"),
        (r**2 - r + 1 > 0, "PROVED"),
        (r**2 - 2 * r + 1 >= 0, "PROVED"),
        (r**2 - 2 * r + 1 > 0, "REFUTED"),  # at r = 1 alone
        (r**2 > r, "REFUTED"),
        (1 / (1 + r**2) <= 1, "PROVED"),
        (x**3 + x > 0, "PROVED"),
        ((x - 3) ** 2 * (x + 1) >= 0, "PROVED"),
        ((x - 3) ** 2 * (x - 1) >= 0, "REFUTED"),
        (x / (1 + x) < 1, "PROVED"),
        (x / (1 + x) < sp.Rational(9, 10), "UNDECIDED"),  # false from 9 on, beyond what is tried
        (1 / (x - 1) ** 2 > 0, "UNDECIDED"),  # not defined everywhere
        (sp.exp(x) > 1 + x, "UNDECIDED"),  # true, but by no means that are at hand
        (sp.exp(x) > 2 + x, "REFUTED"),
        ((x**2 + y**2) >= 3 * x * y, "REFUTED"),
    ],
    ids=str,
)
def test_what_is_returned_is_decided_for_what_it_is(found, expected):
    assert status(found) == expected


@pytest.mark.parametrize("found", [True, False, 0, 1, 0.1 + 0.2 - 0.3], ids=str)
def test_what_was_decided_before_it_came_is_refused(found):
    with pytest.raises(TypeError, match="decided before it came here"):
        status(found)


def test_zero_that_was_given_is_not_called_a_reduction():
    verdict = dl.Identities("x = x", lambda: {"g": x - x}).check()
    assert verdict.note.startswith("g: given as 0; nothing was left to reduce")


def test_a_refuted_identity_shows_its_value():
    verdict = dl.Identities("r = 2 r", lambda: {"g": sp.Eq(r, 2 * r)}).check()
    assert verdict.residual == pytest.approx(-float(sp.Rational(verdict.worst["r"])))
    assert "NONZERO" in verdict.note


def test_an_inequality_in_no_relation_is_refused():
    with pytest.raises(TypeError, match="no inequality"):
        holds(x - 1)
