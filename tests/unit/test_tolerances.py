"""The absolute tolerance of a flow follows its start."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.dynamics.tolerances import floor_of

SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
LOGISTIC = dl.ClosedForm(
    "w", "w_0*exp(2*t)/(1+w_0*(exp(2*t)-1))", readings={"w": dl.Reading("end_to_end", (0, 0))}
)
HALF = dl.Event("end_to_end", 0.5, (0, 0))


def half_time(a):
    """When the product of two equal layers, that began as a**2, is one half."""
    return np.log((1 - a * a) / (a * a)) / 2


@pytest.mark.parametrize("a", [1e-6, 1e-12, 1e-16, 1e-20, 1e-30])
@pytest.mark.parametrize("beyond", [-2.0, 5.0])
def test_the_logistic_law_is_supported_from_however_small_a_start(a, beyond):
    verdict = LOGISTIC.check(dl.Path(SCALAR, (a, a), half_time(a) + beyond))
    assert verdict.status == "SUPPORTED", verdict


@pytest.mark.parametrize("method", ["auto", "Tsit5", "DOP8", "Radau9", "LSODA", "DOP853", "Radau"])
def test_escape_times_are_right_by_every_method(method):
    for a in (1e-6, 1e-16, 1e-30):
        flow = dl.gradient_flow(SCALAR, (a, a), 2 * half_time(a), method=method, events=[HALF])
        assert flow.crossings[0].t == pytest.approx(half_time(a), rel=2e-8), a


def test_a_tolerance_that_was_given_stays_and_its_error_is_told():
    flow = dl.gradient_flow(SCALAR, (1e-16, 1e-16), 60.0, atol=1e-12)
    exact = 1 / (1 + np.exp(2 * (half_time(1e-16) - flow.t)))
    off = np.abs(flow.values("end_to_end")[:, 0, 0] - exact)
    assert flow.attrs["atol"] == 1e-12
    assert off.max() > 0.1  # the planted fault
    assert np.all(off <= 1.1 * flow.error("end_to_end")[:, 0, 0] + 1e-6)
    assert LOGISTIC.check(flow).status == "UNDECIDED"


def scaled(c, power):
    """A problem and a start, both of size c to some power, which move as those of size one."""
    target = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 0.3], [0.2, -0.4, 0.7]])
    problem = dl.Problem(dl.DeepLinear((3, 3, 3)), dl.SquaredLoss(), dl.Full(c**2 * target))
    start = 10.0**power * np.random.default_rng(0).standard_normal(18)
    return problem, c * start


@pytest.mark.parametrize("power", [0, -3, -8])
@pytest.mark.parametrize("c", [1e-6, 1e-3, 1e3, 1e6])
def test_a_start_and_a_target_that_are_scaled_together_move_as_one(c, power):
    (one, start), (other, far) = scaled(1.0, power), scaled(c, power)
    times = np.linspace(0.0, 20.0, 9)
    flow = dl.gradient_flow(one, start, times)
    again = dl.gradient_flow(other, far, times / c**2)
    assert again.attrs["atol"] == pytest.approx(c * flow.attrs["atol"], rel=1e-6)
    # The first step tried is at least 1e-6, which is soon mended.
    assert again.attrs["steps"] == pytest.approx(flow.attrs["steps"], rel=0.1, abs=12)
    np.testing.assert_allclose(again.theta / c, flow.theta, rtol=1e-7, atol=1e-9 * 10.0**power)


def test_the_floor_is_that_of_the_smallest_factor_and_of_what_fits():
    assert floor_of(SCALAR, np.array([3.0, 2e-5]), 1e-9) == 1e-17
    assert floor_of(SCALAR, np.array([3.0, 0.0]), 1e-9) == 1e-12  # a factor of zeros has no size
    assert floor_of(SCALAR, np.zeros(2), 1e-9) == 1e-12
    assert floor_of(SCALAR, np.array([1e8, 1e8]), 1e-9) == 1e-12  # what fits is smaller
    assert floor_of(SCALAR, np.array([1.0, 1.0]), 1e-12) == 1e-15
    assert floor_of(SCALAR, np.array([1.0, 1.0]), 1e-3) == 1e-12


def test_what_fits_is_told_by_the_target_and_the_degree_of_the_model():
    deep = dl.Problem(dl.DeepLinear((1, 1, 1, 1)), dl.SquaredLoss(), dl.Full([[1e-9]]))
    assert deep.fitting_size == pytest.approx(1e-3, rel=20)
    none = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
    assert none.fitting_size == np.inf


def test_starts_of_different_size_in_one_batch_have_the_bits_they_have_alone():
    starts = np.array([[1e-12, 1e-12], [0.5, 0.5], [1e-12, 2e-12], [3.0, 1.0]])
    batch = dl.gradient_flow_batch(SCALAR, starts, 60.0, saves=5)
    for k, start in enumerate(starts):
        alone = dl.gradient_flow_batch(SCALAR, start[None], 60.0, saves=5)
        assert np.array_equal(batch[k].theta, alone[0].theta)
        assert batch[k].attrs["atol"] == floor_of(SCALAR, start, 1e-9)


def test_rounding_does_not_stop_the_implicit_method():
    # Two singular values of the target are zero: the start's small entries there are rounding.
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 5)))[0]
    target = dl.Full(np.diag([5.0, 3.0, 1.0, 0.0, 0.0]))
    problem = dl.Problem(dl.DeepLinear((5, 5, 5)), dl.SquaredLoss(), target)
    start = 1e-12 * np.concatenate([rotation.ravel(), rotation.T.ravel()])
    flow = dl.gradient_flow(problem, start, 100.0, method="Radau9", rtol=1e-10, saves=2)
    assert flow.attrs["evaluations"] < 40_000
