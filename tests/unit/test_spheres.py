"""Hyperspherical energy and orthogonal matrices: exact cases, edges, refusals."""

import numpy as np
import pytest

from dynlens.theory.spheres import (
    cayley,
    gram_schmidt,
    householder,
    hyperspherical_energy,
    mean_pair_energy,
)

G = np.random.default_rng(0).standard_normal((6, 6))


def test_energies_of_a_square_and_of_a_simplex():
    square = [[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, -4.0]]
    # Four sides of length sqrt(2), two diagonals of length 2, each counted twice.
    assert hyperspherical_energy(square, 2) == pytest.approx(2 * (4 / 2 + 2 / 4), rel=1e-15)
    assert hyperspherical_energy(square, 0) == pytest.approx(-8 * np.log(2), rel=1e-15)
    corners = np.eye(5) - 1 / 5
    wanted = 20 * (2 * 5 / 4) ** -0.5
    assert hyperspherical_energy(corners, 1) == pytest.approx(wanted, rel=1e-14)


def test_coinciding_directions_have_infinite_energy():
    for s in (0, 1):
        assert hyperspherical_energy([[1.0, 1.0], [2.0, 2.0]], s) == np.inf


def test_near_directions_keep_their_digits():
    angle = 1e-9
    near = [[1.0, 0.0], [np.cos(angle), np.sin(angle)]]
    assert hyperspherical_energy(near, 1) == pytest.approx(2 / angle, rel=1e-6)


def test_small_powers_tend_to_the_logarithm():
    slope = (mean_pair_energy(7, 1e-6) - 1) / 1e-6
    assert slope == pytest.approx(mean_pair_energy(7, 0), rel=1e-5)
    assert mean_pair_energy(2, 0) == pytest.approx(0.0, abs=1e-15)  # of the unit circle


@pytest.mark.parametrize(
    "Q",
    [cayley(G - G.T), gram_schmidt(G), gram_schmidt(G @ np.diag(10.0 ** -np.arange(6))),
     householder(G)],
    ids=["cayley", "gram_schmidt", "badly conditioned", "householder"],
)  # fmt: skip
def test_the_maps_are_orthogonal(Q):
    off = np.abs(Q @ Q.T - np.eye(6)).max()
    assert off < 1e-14, f"Q Q^T off by {off:.1e}"


def test_a_cayley_transform_is_a_rotation_and_a_reflection_is_not():
    assert np.linalg.det(cayley(G - G.T)) == pytest.approx(1.0)
    assert np.linalg.det(householder(G[:1])) == pytest.approx(-1.0)


def test_gram_schmidt_is_triangular_with_a_positive_diagonal():
    R = gram_schmidt(G).T @ G
    assert np.abs(np.tril(R, -1)).max() < 1e-14
    assert np.diag(R).min() > 0


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: hyperspherical_energy([[1.0, 2.0]], 1), ValueError, "`V` must have at least two"),
        (lambda: hyperspherical_energy(np.zeros((2, 2)), 1), ValueError, "none of them zero"),
        (lambda: hyperspherical_energy(G, -1), ValueError, "`s` must be zero or positive"),
        (lambda: hyperspherical_energy(G * 1j, 1), TypeError, "`V` is complex"),
        (lambda: hyperspherical_energy(G[0], 1), ValueError, "`V` must have 2 axes"),
        (lambda: mean_pair_energy(3, 2), ValueError, "`s` must be below d - 1 = 2"),
        (lambda: mean_pair_energy(1, 0), ValueError, "`d` must be at least 2"),
        (lambda: cayley(G), ValueError, "`S` must be skew-symmetric"),
        (lambda: cayley(G[:2]), ValueError, "`S` must be skew-symmetric"),
        (lambda: gram_schmidt(np.ones((2, 2))), ValueError, "`A` must be invertible"),
        (lambda: gram_schmidt(G[:2]), ValueError, "`A` must be invertible"),
        (lambda: householder(np.zeros((1, 3))), ValueError, "`V` has a row that is zero"),
    ],
)
def test_bad_arguments_are_named(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert said in str(caught.value)
    assert caught.type is kind
