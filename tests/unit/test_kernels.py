"""Compiled kernels of tiny, middling and large networks against the reference."""

from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl
from dynlens.kernels.unrolled import MOST, deep_linear_lines, multiplications

WIDTHS = [
    (1, 1),
    (2, 2),
    (2, 3, 1),
    (2, 2, 2, 2),
    (3, 1, 2, 2),
    (10,) * 4,
    (5, 20, 30, 4),
    (64,) * 3,
]


def problem_of(widths, loss=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (widths[-1], widths[0])
    places = np.argwhere(rng.random(shape) < 0.7)
    seen = dl.Entries.of(rng.standard_normal(shape), places if len(places) else [[0, 0]])
    return dl.Problem(dl.DeepLinear(widths), loss or dl.SquaredLoss(), seen)


@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("loss", [dl.SquaredLoss("mean"), dl.HuberLoss(0.5)], ids=["mean", "huber"])
def test_a_kernel_equals_the_reference(widths, loss):
    problem = problem_of(widths, loss)
    for seed in range(3):
        theta = problem.init(0.7, kind="gaussian", seed=seed)
        out = np.empty_like(theta)
        value = problem.machine.module.gradient(theta, *problem.machine.data, out)
        exact = problem.gradient(theta)
        gap = np.abs(out - exact).max() / np.abs(exact).max()
        assert gap < 1e-13, f"off by {gap:.1e}"
        assert value == pytest.approx(float(problem.objective(theta)), rel=1e-13)


def test_tiny_networks_are_unrolled_and_others_are_not():
    unrolled = {w: problem_of(w).machine.lines is not None for w in WIDTHS}
    assert unrolled[(2, 2, 2, 2)]
    assert not unrolled[(10,) * 4]
    assert all(multiplications(w) <= MOST for w, lines in unrolled.items() if lines)


def test_straight_lines_may_write_where_they_read():
    problem = problem_of((2, 2, 2))
    theta = problem.init(0.7, kind="gaussian", seed=1)
    exact = problem.gradient(theta)
    problem.machine.module.gradient(theta, *problem.machine.data, theta)
    np.testing.assert_allclose(theta, exact, rtol=1e-13)


def test_what_is_not_observed_is_not_computed():
    names = [f"x{i}" for i in range(8)]
    all_, one = (deep_linear_lines((2, 2, 2), p, names, names) for p in ([0, 1, 2, 3], [3]))
    assert sum(line.count("*") for line in one) < 0.7 * sum(line.count("*") for line in all_)


@dataclass(frozen=True)
class WrongSlope(dl.SquaredLoss):
    """Its kernel disagrees with its reference by a thousandth."""

    @property
    def kernel(self):
        return "0.5 * z * z", "1.001 * z"


@pytest.fixture
def wrong():
    problem = problem_of((2, 2, 2), WrongSlope())
    return problem, problem.init(0.7, kind="gaussian", seed=1)


OFF = r"off by \d\.\de-04"


@pytest.mark.parametrize("method", ["DOP8", "Radau9", "RKC2"])
def test_a_wrong_kernel_is_found_before_it_is_used(wrong, method):
    with pytest.raises(dl.KernelError, match=OFF):
        dl.gradient_flow(*wrong, 1.0, method=method)


@pytest.mark.parametrize("method", ["auto", "DOP853", "LSODA"])
def test_in_place_of_a_wrong_kernel_a_flow_takes_the_reference(wrong, method):
    with pytest.warns(RuntimeWarning, match=f"{OFF}.* reference.* does so by itself"):
        flow = dl.gradient_flow(*wrong, 1.0, method=method)
    assert flow.attrs["method"] == ("DOP853" if method == "auto" else method)
    exact = dl.gradient_flow(*wrong, 1.0, method=method, compiled=False)
    np.testing.assert_array_equal(flow.theta, exact.theta)
    # Its twins are runs by the reference, too.
    assert 0 < flow.error("end_to_end").max() < 1e-6


@pytest.mark.parametrize("method", ["plain", "momentum"])
def test_in_place_of_a_wrong_kernel_descent_takes_the_reference(wrong, method):
    with pytest.warns(RuntimeWarning, match=f"{OFF}.* reference.* does so by itself"):
        run = dl.gradient_descent(*wrong, eta=0.1, steps=5, method=method)
    exact = dl.gradient_descent(*wrong, eta=0.1, steps=5, method=method, backend="numpy")
    np.testing.assert_array_equal(run.theta, exact.theta)


def test_a_batch_refuses_a_wrong_kernel(wrong):
    problem, theta = wrong
    with pytest.raises(dl.KernelError, match=OFF):
        dl.gradient_flow_batch(problem, [theta], 1.0)
    with pytest.raises(dl.KernelError, match=OFF):
        dl.gradient_descent_batch(problem, [theta], eta=0.1, steps=5)
