"""Function classes of quadratic networks and of tensors: against brute force, and refusals."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.theory import lazy_networks as lazy
from dynlens.theory import lazy_tensors as tensors

RNG = np.random.default_rng(0)
ROOT = RNG.standard_normal((6, 6))
B = ROOT + ROOT.T
W = RNG.standard_normal((3, 6))


def distance(matrices):
    """Relative squared distance of B to the span of some matrices."""
    columns = np.array([matrix.ravel() for matrix in matrices]).T
    weights = np.linalg.lstsq(columns, B.ravel(), rcond=None)[0]
    return np.sum((B.ravel() - columns @ weights) ** 2) / np.sum(B**2)


def test_risks_of_the_linear_classes_are_least_squares():
    eye = np.eye(6)
    products = [np.outer(w, w) for w in W]
    tangents = [np.outer(w, e) + np.outer(e, w) for w in W for e in eye]
    assert lazy.random_features_risk(B, W) == pytest.approx(distance(products), rel=1e-12)
    assert lazy.tangent_risk(B, W) == pytest.approx(distance(tangents), rel=1e-12)


def test_neurons_that_repeat_others_change_nothing():
    doubled = np.concatenate([W, -2.0 * W, W[:1] * 1e-8])
    for risk in (lazy.random_features_risk, lazy.tangent_risk):
        assert risk(B, doubled) == pytest.approx(risk(B, W), rel=1e-10)


def test_enough_neurons_learn_everything():
    many = RNG.standard_normal((21, 6))
    assert lazy.random_features_risk(B, many) < 1e-20
    assert lazy.tangent_risk(B, many) == 0.0
    assert lazy.tangent_mean(B, 6) == lazy.network_risk(B, 6) == lazy.network_risk(B, 99) == 0.0


def test_no_neurons_learn_nothing():
    assert lazy.network_risk(B, 0) == lazy.tangent_mean(B, 0) == 1.0
    assert lazy.random_features_limit(B, 0) == 1.0


def test_networks_with_signs_lose_the_eigenvalues_of_the_others():
    values = np.linalg.eigvalsh(B)
    size = np.sum(values**2)
    for plus in range(4):
        kept = np.concatenate([values[values > 0][-plus:] if plus else [], []])
        below = values[values < 0][: 3 - plus]
        lost = 1 - (np.sum(kept**2) + np.sum(below**2)) / size
        assert lazy.network_risk(B, 3, positive=plus) == pytest.approx(lost, abs=1e-14)
    signed = [lazy.network_risk(B, 3, positive=plus) for plus in range(4)]
    assert lazy.network_risk(B, 3) == pytest.approx(min(signed), abs=1e-14)


def test_the_limit_does_not_depend_on_the_scale_of_the_target():
    Gamma = np.diag(np.linspace(0.5, 1.5, 6))
    first, second = (lazy.random_features_limit(c * B, 3, Gamma) for c in (1.0, -7.0))
    assert first == pytest.approx(second, rel=1e-13)
    assert lazy.trace_share(B) == pytest.approx(lazy.trace_share(-7.0 * B), rel=1e-13)


def test_the_objective_is_half_the_population_risk():
    model = dl.QuadraticNetwork(6, 3)
    problem = dl.Problem(model, dl.SquaredLoss(half=False), dl.Full(B))
    theta = problem.init(0.5, seed=1)
    x = np.random.default_rng(2).standard_normal((400_000, 6))
    a, V = model.layers(problem.factors(theta))
    errors = ((x @ V.T) ** 2) @ a - np.sum((x @ B) * x, axis=1)
    # The mean of the squares of a million errors, to one percent; kurtosis 15 at most.
    assert np.var(errors) == pytest.approx(2 * float(problem.objective(theta)), rel=0.03)


CROOKED = np.triu(np.ones((3, 3)))
I3 = np.eye(3)


@pytest.mark.parametrize(
    ("call", "kind", "said"),
    [
        (lambda: lazy.random_features_risk(CROOKED, I3), ValueError, "`B` must be a symmetric"),
        (lambda: lazy.random_features_risk(0 * I3, I3), ValueError, "`B` is zero"),
        (lambda: lazy.random_features_risk(I3, np.ones((2, 4))), ValueError, "`W` must have rows"),
        (lambda: lazy.tangent_risk(I3, np.zeros((1, 3))), ValueError, "none of them zero"),
        (lambda: lazy.tangent_risk(I3, np.ones((0, 3))), ValueError, "at least one"),
        (lambda: lazy.tangent_risk(I3 * np.nan, I3), ValueError, "`B` has a NaN"),
        (lambda: lazy.network_risk(I3, -1), ValueError, "`neurons` must be at least 0"),
        (lambda: lazy.network_risk(I3, 2.5), TypeError, "`neurons` must be an integer"),
        (lambda: lazy.network_risk(I3, 2, positive=3), ValueError, "`positive` is 3, more than"),
        (lambda: lazy.random_features_limit(I3, 2, 2 * I3), ValueError, "must have trace 3"),
        (lambda: lazy.random_features_limit(I3, 2, np.eye(2)), ValueError, "`Gamma` must have"),
        (lambda: lazy.random_features_limit(I3, -1), ValueError, "`neurons` must be zero or"),
        (lambda: lazy.tangent_mean([[1.0]], 0), ValueError, "`B` must have at least 2 rows"),
        (lambda: lazy.tangent_limit(-0.5, 0.5), ValueError, "`rho` must be zero or positive"),
        (lambda: lazy.mixture_risk(I3, -0.1), ValueError, "`seen` must be zero or positive"),
        (lambda: lazy.trace_share("B"), TypeError, "`B` must be an array of numbers"),
        (lambda: dl.QuadraticNetwork(0, 2), ValueError, "`inputs` must be at least 1"),
        (lambda: dl.QuadraticNetwork(2, 2, signs=(1,)), ValueError, "for each of 2 neurons"),
        (lambda: dl.QuadraticNetwork(2, 2, signs=(1, 0)), ValueError, "`signs` must be 1 or -1"),
        (lambda: dl.QuadraticNetwork(2, 2, signs=1), TypeError, "`signs` must be a tuple"),
    ],
)
def test_bad_arguments_are_named(call, kind, said):
    with pytest.raises(kind) as caught:
        call()
    assert said in str(caught.value)
    assert caught.type is kind


@pytest.mark.parametrize(("d", "l"), [(2, 2), (3, 3), (4, 4), (3, 5)])
def test_second_moments_on_the_sphere_are_means_and_have_the_known_spectrum(d, l):
    moment = tensors.second_moment(d, l)
    known = [float(x.value) for x in tensors.harmonic_spectrum(d, l) for _ in range(x.multiplicity)]
    np.testing.assert_allclose(np.linalg.eigvalsh(moment), sorted(known), atol=1e-15)
    u = np.random.default_rng(0).standard_normal((200_000, d))
    powers = tensors.symmetric_coordinates(u / np.linalg.norm(u, axis=1)[:, None], l)
    np.testing.assert_allclose(powers.T @ powers / len(u), moment, atol=6 / np.sqrt(len(u)))
    wrong = tensors.second_moment(d + 1, l)[: len(moment), : len(moment)]
    assert np.abs(wrong - moment).max() > 12 / np.sqrt(len(u))
