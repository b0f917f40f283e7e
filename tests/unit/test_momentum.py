"""Heavy-ball momentum: the rule by hand, both backends, its clock, and going on after a break."""

import numpy as np
import pytest

import dynlens as dl

PROBLEM = dl.completion_problem(2)
START = PROBLEM.init(0.5, seed=3)

both = pytest.mark.parametrize("backend", ["numba", "numpy"])


def run(theta0=START, *, eta=0.01, steps=100, beta=0.8, **options):
    return dl.gradient_descent(
        PROBLEM, theta0, eta=eta, steps=steps, beta=beta, method="momentum", **options
    )


@both
def test_momentum_follows_its_rule(backend):
    found = run(saves=101, backend=backend)
    theta, v = START.copy(), np.zeros_like(START)
    for k in range(101):
        gap = np.abs(found.theta[k] - theta).max()
        assert gap < 1e-13, f"off by {gap:.1e} after {k} steps"
        v = 0.8 * v - 0.01 * PROBLEM.gradient(theta)
        theta = theta + v
    np.testing.assert_allclose(found.t, 0.01 * np.arange(101) / (1 - 0.8), rtol=1e-14)


@both
def test_without_momentum_it_is_plain_descent(backend):
    plain = dl.gradient_descent(PROBLEM, START, eta=0.01, steps=100, backend=backend)
    found = run(beta=0.0, backend=backend)
    np.testing.assert_allclose(found.theta, plain.theta, rtol=1e-13, atol=1e-15)


@both
def test_a_run_goes_on_as_if_there_had_been_no_break(backend):
    whole, first = run(backend=backend), run(steps=40, backend=backend)
    second = run(first.final, steps=60, memory=first.attrs["memory"], backend=backend)
    np.testing.assert_array_equal(second.final, whole.final)


def test_its_distance_to_the_flow_on_its_clock_is_of_first_order():
    gaps = []
    for eta in (4e-4, 2e-4, 1e-4):
        found = run(eta=eta, steps=round(0.4 / eta), saves=2)
        flow = dl.gradient_flow(PROBLEM, START, found.t[-1], saves=2, rtol=1e-12)
        gaps.append(np.abs(found.final - flow.final).max())
    ratios = np.array(gaps[:-1]) / gaps[1:]
    assert np.all(np.abs(ratios - 2) < 0.1), (ratios, gaps)


@pytest.mark.parametrize("beta", [1.0, -0.1, 2.0])
def test_a_beta_out_of_range_is_named(beta):
    with pytest.raises(ValueError, match="`beta` must be"):
        run(beta=beta)
