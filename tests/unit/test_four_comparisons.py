"""What `compare` says of four runs of which the answer is known.

A smooth one; one across sharp transitions; one beyond the edge of stability; and one in which
descent and the computed flow both lose a sign that the exact flow keeps, for different reasons.
"""

import numpy as np
import pytest

import dynlens as dl
from dynlens.comparison.transitions import alignment, clock_delay, speed

COMPLETION = dl.completion_problem(2)
TWO = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
RANKS = dl.Problem(dl.DeepLinear((3, 3, 3)), dl.SquaredLoss(), dl.Full(np.diag([3.0, 1.0, 0.0])))


def compared(problem, theta0, eta, t_end, **options):
    descent = dl.gradient_descent(problem, theta0, eta=eta, steps=round(t_end / eta))
    flow = dl.gradient_flow(problem, theta0, t_end)
    return dl.compare(flow, descent, **options)


@pytest.fixture(scope="module")
def smooth():
    start = COMPLETION.init(0.5, seed=0)
    return compared(COMPLETION, start, 0.01, 4.0, observable="singular_values")


class TestSmooth:
    def test_distances_are_of_first_order_and_the_remainder_of_second(self, smooth):
        orders = smooth.orders.orders
        for name in ("parameters", "end-to-end", "singular_values"):
            order, spread = orders[name]
            assert abs(order - 1) < 0.01, (name, order)
            assert spread < 0.01, (name, spread)
        order, spread = orders["remainder"]
        assert abs(order - 2) < 0.01, order

    def test_the_constant_is_e_in_every_component(self, smooth):
        assert smooth.orders.constant_off < 1e-4, smooth.orders.constant_off
        assert smooth.orders.constant_off < 10 * smooth.orders.limit_error

    def test_every_bound_holds_and_the_sharp_one_is_sharp(self, smooth):
        bounds = smooth.bounds
        assert set(bounds.names) == {"classical", "one-sided", "leading", "tube"}
        for name in bounds.names:
            assert np.nanmin(bounds.tightness(name)[1:]) > 1, name
        assert np.nanmin(bounds.tightness("leading")) < 1.1
        ends = [float(bounds.data[name][-1]) for name in ("leading", "one-sided", "classical")]
        assert ends == sorted(ends), ends

    def test_is_told_as_tracking(self, smooth):
        assert smooth.horizon == 4.0
        assert smooth.stability.largest < 0.05
        assert smooth.finding.startswith("Descent stays within 0.0024 of the flow (0.0015 of its")
        assert "accounts for all but 0.0041 of it." in smooth.finding
        assert "path" not in smooth.finding


@pytest.fixture(scope="module")
def sharp():
    start = RANKS.init(1e-6, kind="balanced", seed=1)
    return compared(RANKS, start, 0.02, 12.0, observable="singular_values")


class TestSharpTransition:
    def test_each_transition_is_late_by_what_the_leading_error_predicts(self, sharp):
        assert [shift.where for shift in sharp.shifts] == [(0,), (1,)]
        for shift in sharp.shifts:
            assert shift.delay > 100 * shift.error
            assert shift.delay == pytest.approx(shift.first_order, rel=0.02), shift

    def test_the_delay_of_the_first_is_half_the_step_times_the_growth_of_the_gradient(self, sharp):
        # It leaves along one eigendirection: eta/2 ln(|g| / |g_0|), to first order.
        shift = sharp.shifts[0]
        assert shift.delay == pytest.approx(shift.clock, rel=0.1), shift

    def test_descent_is_on_the_path_of_the_flow(self, sharp):
        gap, off = (sharp.data[n].max() for n in ("parameter_distance", "aligned_distance"))
        assert float(off) < 0.01 * float(gap), (float(off), float(gap))

    def test_is_told_as_a_delay_not_as_a_divergence(self, sharp):
        assert "mainly behind by a time of 0.066" in sharp.finding
        assert "of the flow's path" in sharp.finding
        assert "unstable" not in sharp.finding


class TestBeyondTheEdge:
    START = (3.0, 0.35)

    def test_below_it_descent_oscillates_and_stays(self):
        found = compared(TWO, self.START, 0.2, 8.0)
        assert 1 < found.stability.largest < 2
        assert found.stability.final / 0.2 == pytest.approx(9.097, abs=6e-4)
        assert "descent oscillates" in found.finding
        assert "unstable" not in found.finding

    def test_above_it_descent_leaves_for_a_flat_minimum(self):
        found = compared(TWO, self.START, 0.35, 28.0)
        assert found.stability.beyond(2) == 0.0
        assert found.stability.final / 0.35 == pytest.approx(2.003, abs=6e-4)
        assert "unstable where eta times the sharpness exceeds 2" in found.finding
        assert "settles where it is 0.701" in found.finding
        assert "one-sided" in found.bounds.skipped

    def test_far_above_it_descent_diverges(self):
        found = compared(TWO, self.START, 0.5, 20.0)
        assert found.finding.startswith("Descent left the flow for good, unstable where")
        assert found.shifts == ()
        assert found.lost_sign is None
        with pytest.raises(ValueError, match="diverged, and no bound holds"):
            found.bounds  # noqa: B018


@pytest.fixture(scope="module")
def trapped():
    start = COMPLETION.init(0.1, kind="balanced", seed=1, determinant=1)
    return compared(COMPLETION, start, 0.01, 60.0)


class TestTrap:
    """The flow of the depth-2 completion keeps det W > 0 for ever; no computed run does."""

    def test_descent_loses_the_sign_by_the_imbalance_of_its_steps(self, trapped):
        lost = trapped.lost_sign
        assert lost.cause == "imbalance"
        assert lost.descent == pytest.approx(9.3, abs=0.5)
        assert lost.nudged == lost.descent, "rounding has no part in it"
        assert lost.carried_on == pytest.approx(lost.descent, rel=0.05), "nor has the step itself"
        assert lost.rebalanced is None or lost.rebalanced > 2 * lost.descent

    def test_the_imbalance_is_of_first_order_in_the_step(self, trapped):
        start = trapped.flow.theta[0]
        coarse = compared(COMPLETION, start, 0.02, 20.0).lost_sign
        assert coarse.cause == "imbalance"
        assert coarse.imbalance / trapped.lost_sign.imbalance == pytest.approx(2.0, abs=0.1)

    def test_the_flow_loses_it_by_rounding_and_nothing_is_judged_beyond(self, trapped):
        lost = trapped.lost_sign
        assert lost.resolved < lost.flow
        # The steps decide when: DOP853 at 53.6, Tsit5 at 55.2, LSODA at 47.3, all at rtol 1e-9.
        assert 45 < lost.flow < 60
        assert trapped.horizon == lost.resolved
        assert trapped.stability.t[-1] == trapped.horizon
        assert "too large, or the time too late, for first order" in trapped.finding
        assert trapped.finding.startswith(f"Up to t = {lost.resolved:.4g}, where the flow is")

    def test_before_either_nothing_is_said_of_signs(self, trapped):
        early = compared(COMPLETION, trapped.flow.theta[0], 0.01, 5.0)
        assert early.lost_sign.descent is None
        assert early.lost_sign.cause == ""
        assert "det W" not in early.finding

    def test_an_unbalanced_start_has_no_sign_to_keep(self):
        unbalanced = compared(COMPLETION, COMPLETION.init(0.5, seed=0), 0.01, 1.0)
        assert unbalanced.lost_sign is None


class TestClocks:
    def test_the_speed_is_that_of_a_quadratic(self):
        # (1 - eta k)^n = exp(-k c t)
        assert float(speed(0.1, 3.0)) == pytest.approx(-np.log(0.7) / 0.3, rel=1e-14)
        assert float(speed(0.1, 0.0)) == 1.0
        assert np.isnan(speed(0.5, 2.0))

    def test_on_a_quadratic_the_delay_is_exact(self):
        line = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
        flow = dl.gradient_flow(line, [1.0], 2.0)
        expected = 2.0 * (1 / speed(0.1, 1.0) - 1)
        assert clock_delay(flow, 0.1)[-1] == pytest.approx(float(expected), rel=1e-8)

    def test_alignment_finds_a_shift_far_larger_than_the_transition(self):
        flow = dl.gradient_flow(TWO, [1e-4, 1e-4], np.linspace(0, 30, 601))
        late = dl.Trajectory(TWO, flow.t[40:] + 0.7, flow.theta[40:], source="descent")
        delays, distances = alignment(flow, late)
        moving = slice(0, 200)
        np.testing.assert_allclose(delays[moving], 0.7, atol=1e-6)
        assert distances.max() < 1e-6


def test_another_way_of_descending_may_be_passed():
    found = compared(COMPLETION, COMPLETION.init(0.5, seed=0), 0.02, 1.0)
    calls = []

    def descend(*args, **options):
        calls.append(options["eta"])
        return dl.gradient_descent(*args, **options, backend="numpy")

    order, _ = found.halved(descend).orders["parameters"]
    assert calls == [0.01, 0.005]
    assert order == pytest.approx(found.orders.orders["parameters"][0], rel=1e-9)


@pytest.mark.parametrize("method", ["momentum", "grouprmsprop"])
def test_what_holds_for_plain_descent_alone_is_refused_for_others(method):
    start = COMPLETION.init(0.5, seed=0)
    descent = dl.gradient_descent(COMPLETION, start, eta=1e-3, steps=1000, method=method)
    clock = descent.attrs.get("flow_time", descent.t)
    found = dl.compare(dl.gradient_flow(COMPLETION, start, float(clock[-1])), descent)
    with pytest.raises(ValueError, match=f"plain descent, not {method}"):
        found.orders  # noqa: B018
    with pytest.raises(ValueError, match=f"plain descent, not {method}"):
        found.bounds  # noqa: B018
    assert np.isnan([shift.first_order for shift in found.shifts]).all()
    assert "first-order term was not computed" in found.finding
