"""Parameterizations of the orthogonal group: exact cases, and what they refuse."""

import numpy as np
import pytest

from dynlens.theory import orthogonal
from dynlens.theory.spheres import cayley

RNG = np.random.default_rng(0)
P = RNG.standard_normal((5, 5))
A = orthogonal.skew(RNG.standard_normal((5, 5)))


@pytest.mark.parametrize("kind", orthogonal.PARAMETERIZATIONS[1:])
def test_parameters_stand_for_orthogonal_matrices(kind):
    Q = orthogonal.rotation_of(kind, P)
    off = np.abs(Q @ Q.T - np.eye(5)).max()
    assert off < 1e-13, f"{kind}: Q Q^T off by {off:.1e}"


def test_they_are_what_they_are_called():
    L = P @ orthogonal.rotation_of("gram_schmidt", P).T
    assert np.abs(np.triu(L, 1)).max() < 1e-13
    assert np.all(np.diag(L) > 0)
    H = P @ orthogonal.rotation_of("lowdin", P).T
    np.testing.assert_allclose(H, H.T, atol=1e-13)
    assert np.linalg.eigvalsh(H)[0] > 0
    S = np.triu(P, 1) - np.triu(P, 1).T
    np.testing.assert_allclose(orthogonal.rotation_of("cayley", P), cayley(-S), rtol=1e-12)


@pytest.mark.parametrize("name", ["exponential", "cayley", "qr", "polar"])
def test_retractions_stay_on_the_group(name):
    Q = orthogonal.rotation_of("lowdin", P)
    end = orthogonal.STEPS[name](A, Q)
    np.testing.assert_allclose(end.T @ end, np.eye(5), atol=1e-13)
    np.testing.assert_allclose(orthogonal.STEPS[name](0 * A, Q), Q, atol=1e-14)


def test_many_iterations_are_cayleys_step():
    Q = orthogonal.rotation_of("lowdin", P)
    many = orthogonal.fixed_point_step(0.5 * A / np.linalg.norm(A), Q, 60)
    np.testing.assert_allclose(many, orthogonal.STEPS["cayley"](0.5 * A / np.linalg.norm(A), Q))


@pytest.mark.parametrize("k", range(6))
def test_the_defect_of_a_step_is_that_of_a_rotation_of_the_plane(k):
    turn = np.array([[0.0, -0.3], [0.3, 0.0]])
    end = orthogonal.fixed_point_step(turn, np.eye(2), k)
    lengthened = (end.T @ end)[0, 0] - 1
    assert lengthened == pytest.approx(float(orthogonal.step_defect(0.3, k)), abs=1e-15)


def test_householder_takes_what_needs_no_reflection():
    Q = orthogonal.householder_qr(np.eye(4))
    np.testing.assert_allclose(Q @ Q.T, np.eye(4), atol=1e-15)
    assert np.linalg.det(Q) == pytest.approx(-1.0)


def test_the_closed_form_begins_at_its_start_and_ends_at_the_identity():
    B, Q = np.diag([0.5, 1.0, 2.0]), np.linalg.qr(P[:3, :3])[0]
    Q = Q * np.linalg.det(Q)
    np.testing.assert_allclose(orthogonal.procrustes_flow(B, Q, 0.0), Q, atol=1e-14)
    np.testing.assert_allclose(orthogonal.procrustes_flow(B, Q, 30.0), np.eye(3), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: orthogonal.rotation_of("lowdin", np.ones((2, 3))), "must be square"),
        (lambda: orthogonal.procrustes_flow(-np.eye(2), np.eye(2), 1.0), "positive definite"),
        (lambda: orthogonal.fixed_point_step(A, P, -1), "`iterations`"),
        (lambda: orthogonal.velocity("loewdin", P, A), "loewdin"),
    ],
)
def test_what_has_no_meaning_is_refused(call, message):
    with pytest.raises((ValueError, LookupError), match=message):
        call()
