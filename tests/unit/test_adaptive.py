"""Adam, RMSprop and AdaGrad: rules by hand, every engine, clocks, going on after a break."""

import numpy as np
import pytest

import dynlens as dl

METHODS = ("adam", "rmsprop", "adagrad")
PROBLEM = dl.completion_problem(2)
START = PROBLEM.init(0.5, seed=3)

both = pytest.mark.parametrize("backend", ["numba", "numpy"])
each = pytest.mark.parametrize("method", METHODS)


def run(theta0=START, *, method, eta=0.01, steps=200, **options):
    return dl.gradient_descent(PROBLEM, theta0, eta=eta, steps=steps, method=method, **options)


def by_hand(method, eta, steps, beta=0.9):
    """The rules once more, with names of their own."""
    theta, m, v, states = START.copy(), 0.0, 0.0, [START]
    for k in range(1, steps + 1):
        g = PROBLEM.gradient(theta)
        if method == "adagrad":
            v = v + g**2
            theta = theta - eta * g / (v**0.5 + 1e-10)
        elif method == "rmsprop":
            v = 0.99 * v + 0.01 * g**2
            theta = theta - eta * g / (v**0.5 + 1e-8)
        else:
            m, v = m + (1 - beta) * (g - m), v + 0.001 * (g**2 - v)
            theta = theta - eta * m / (1 - beta**k) / ((v / (1 - 0.999**k)) ** 0.5 + 1e-8)
        states.append(theta)
    return np.array(states)


@both
@each
def test_descent_follows_its_rule(method, backend):
    found = run(method=method, saves=201, backend=backend, beta=0.8)
    gap = np.abs(found.theta - by_hand(method, 0.01, 200, beta=0.8)).max()
    assert gap < 1e-12, f"{method} in {backend} is off by {gap:.1e}"


def test_the_rules_are_told_apart():
    states = {method: by_hand(method, 0.01, 200)[-1] for method in METHODS}
    for a, b in (("adam", "rmsprop"), ("rmsprop", "adagrad"), ("adagrad", "adam")):
        assert np.abs(states[a] - states[b]).max() > 1e-3


@both
@each
def test_a_run_goes_on_as_if_there_had_been_no_break(method, backend):
    whole, first = (run(method=method, steps=n, backend=backend) for n in (100, 40))
    rest = {"steps": 60, "memory": first.attrs["memory"], "backend": backend}
    np.testing.assert_array_equal(run(first.final, method=method, **rest).final, whole.final)


@each
def test_a_batch_has_the_bits_of_single_runs(method):
    starts = np.array([PROBLEM.init(0.5, seed=k) for k in range(3)])
    many = dl.gradient_descent_batch(PROBLEM, starts, eta=0.01, steps=100, method=method)
    for k, start in enumerate(starts):
        one = run(start, method=method, steps=100)
        np.testing.assert_array_equal(many.sel(start=k).theta, one.theta)
        np.testing.assert_array_equal(many.sel(start=k).t, one.t)


LINE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))


@pytest.mark.parametrize("method", ["adam", "rmsprop"])
def test_with_small_steps_they_follow_the_signs(method):
    gaps = []
    for eta in (4e-5, 2e-5, 1e-5):  # Adam forgets in a thousand steps
        found = dl.gradient_descent(LINE, [0.0], eta=eta, steps=round(1 / eta), method=method)
        assert found.t[-1] == pytest.approx(1.0)
        gaps.append(abs(found.final[0] - 1.0))  # |theta'| = 1 until the target, at 2
    ratios = np.divide(gaps[:-1], gaps[1:])
    assert gaps[0] < 0.05, gaps
    assert np.all(ratios > 1.8), (ratios, gaps)


def test_with_small_steps_adagrad_follows_its_flow_on_its_clock():
    from scipy.integrate import solve_ivp

    # theta' = (2 - theta) / sqrt(v), v' = (2 - theta)^2, in x = sqrt(t), where the start is smooth:
    # v = x^2 u, and dtheta/dx = 2 (2 - theta) / sqrt(u), x du/dx = 2 ((2 - theta)^2 - u).
    def rates(x, y):
        g = 2 - y[0]
        return [2 * g / np.sqrt(y[1]), 2 * (g * g - y[1]) / x]

    x0 = 1e-6
    exact = solve_ivp(rates, (x0, 1.0), [2 * x0, 4.0], "LSODA", rtol=1e-11, atol=1e-13).y[0, -1]
    gaps = []
    for eta in (0.02, 0.01, 0.005):
        found = dl.gradient_descent(LINE, [0.0], eta=eta, steps=round(eta**-2), method="adagrad")
        assert found.t[-1] == pytest.approx(1.0)
        gaps.append(abs(found.final[0] - exact))
    ratios = np.divide(gaps[:-1], gaps[1:])
    assert np.all(np.abs(ratios - 2) < 0.2), (ratios, gaps)


@each
def test_claims_and_comparisons_take_them(method):
    clock = {"adagrad": 1e-4}.get(method, 1e-2)
    path = dl.Path(PROBLEM, dl.Start(0.5, seed=3), 200 * clock, method=method, eta=0.01)
    assert dl.AtLeast("loss", "0").check(path).status == "SUPPORTED"
    assert path.trajectory.attrs["steps"] == 200
    found = dl.compare(dl.gradient_flow(PROBLEM, START, path.t_end), path.trajectory)
    with pytest.raises(ValueError, match=f"plain descent, not {method}"):
        found.orders  # noqa: B018
