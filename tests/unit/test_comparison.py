"""Descent beside the flow: the comparison, the first-order term, and observed orders."""

import numpy as np
import pytest

import dynlens as dl
from dynlens import compare
from dynlens.comparison import first_order_error, observed_order


@pytest.fixture(scope="module")
def problem():
    return dl.completion_problem(2)


@pytest.fixture(scope="module")
def theta0(problem):
    return problem.init(0.5, seed=0)


@pytest.fixture(scope="module")
def flow(problem, theta0):
    return dl.gradient_flow(problem, theta0, 4.0)


@pytest.fixture(scope="module")
def descent(problem, theta0):
    return dl.gradient_descent(problem, theta0, eta=0.01, steps=400, saves=41)


# A quadratic: descent is (1 - eta)^n theta0, the flow exp(-t) theta0.
LINE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[0.0]]))
SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))


class TestObservedOrder:
    def test_of_an_exact_power_is_exact(self):
        h = np.array([0.1, 0.05, 0.025, 0.02])
        order, spread = observed_order(h, 7 * h**1.5)
        assert order == pytest.approx(1.5, abs=1e-12)
        assert spread < 1e-12

    def test_does_not_depend_on_the_sequence_of_steps(self):
        h = np.array([0.1, 0.05, 0.025, 0.0125])
        errors = h + 3 * h**2
        shuffled = [2, 0, 3, 1]
        np.testing.assert_allclose(
            observed_order(h, errors), observed_order(h[shuffled], errors[shuffled]), rtol=1e-10
        )

    def test_spread_tells_the_range_before_the_asymptotics(self):
        h = np.array([0.4, 0.2, 0.1])
        near, far = observed_order(1e-3 * h, 1e-3 * h + (1e-3 * h) ** 2)[1], None
        far = observed_order(h, h + 5 * h**3)[1]
        assert near < 1e-3 < 0.1 < far, (near, far)

    def test_leaves_out_what_is_at_the_floor(self):
        h = [0.1, 0.05, 0.025, 1e-6, 1e-7]
        order, _ = observed_order(h, [1e-2, 2.5e-3, 6.25e-4, 3e-13, 5e-13])
        assert order == pytest.approx(2.0)

    @pytest.mark.parametrize(
        ("h", "errors", "said"),
        [
            ([0.1, 0.05, 0.025], [1e-3, 1e-13, 1e-14], "only 1 of 3 lie above floor=1e-12"),
            ([0.1, 0.05], [1e-3, 1e-4], "needs three"),
            ([0.1, 0.05, -0.1], [1.0, 1.0, 1.0], "positive and distinct"),
            ([0.1, 0.05, 0.05], [1.0, 1.0, 1.0], "positive and distinct"),
            ([0.1, 0.05, 0.02], [1.0, 1.0], "`errors` must have shape"),
            ([0.1, 0.05, 0.02], [1.0, np.nan, 1.0], "NaN"),
        ],
    )
    def test_says_what_is_wrong(self, h, errors, said):
        with pytest.raises(ValueError, match=said):
            observed_order(h, errors)


class TestFirstOrderError:
    def test_of_a_quadratic_is_the_expansion_of_its_power(self):
        # (1 - h)^(t/h) = exp(-t) (1 - h t / 2 + O(h^2))
        t = np.array([0.0, 0.5, 2.0, 5.0])
        found = first_order_error(LINE, [3.0], t)
        np.testing.assert_allclose(found.theta[:, 0], 3 * np.exp(-t), rtol=1e-9)
        np.testing.assert_allclose(found.error[:, 0], -1.5 * t * np.exp(-t), rtol=1e-9)

    def test_along_an_eigenvector_is_a_time_shift(self):
        # Equal factors stay equal, so g stays an eigenvector of H: e = -g/2 ln(g_0 / g).
        t = np.linspace(0.2, 6.0, 7)
        found = first_order_error(SCALAR, [0.3, 0.3], t)
        g0 = SCALAR.gradient(np.array([0.3, 0.3]))
        g = SCALAR.gradient(found.theta)
        np.testing.assert_allclose(found.error, -0.5 * g * np.log(g0 / g), rtol=1e-7)

    def test_is_what_descent_leaves_after_the_flow(self, problem, theta0):
        eta, t = 1e-4, np.array([0.5, 1.0, 2.0])
        found = first_order_error(problem, theta0, t)
        run = dl.gradient_descent(
            problem, theta0, eta=eta, steps=20_000, saves=np.rint(t / eta).astype(int)
        )
        gap = (run.theta - found.theta) / eta
        size = np.abs(found.error).max()
        assert np.abs(gap - found.error).max() < 1e-3 * size

    def test_flow_is_the_flow(self, problem, theta0, flow):
        found = first_order_error(problem, theta0, flow.t)
        np.testing.assert_allclose(found.theta, flow.theta, atol=1e-8)
        np.testing.assert_array_equal(found.error[0], 0.0)

    def test_coefficients_reach_the_equation(self):
        # e' = -forcing H g alone: e = -forcing t exp(-t) would miss the decay of e itself.
        t = np.array([1.0, 3.0])
        forced = first_order_error(LINE, [1.0], t, linear=0.0, forcing=1.0).error[:, 0]
        np.testing.assert_allclose(forced, -(1 - np.exp(-t)), rtol=1e-9)

    def test_of_no_time_is_nothing(self):
        found = first_order_error(LINE, [1.0], [0.0])
        assert found.theta.tolist() == [[1.0]]
        assert found.error.tolist() == [[0.0]]

    def test_stops_at_its_budget(self, problem, theta0):
        with pytest.raises(dl.IntegrationError, match="used up max_evaluations=50"):
            first_order_error(problem, theta0, [50.0], max_evaluations=50)

    @pytest.mark.parametrize("times", [[], [2.0, 1.0], [-1.0, 1.0], [1.0, 1.0]])
    def test_refuses_times_that_do_not_increase(self, times):
        with pytest.raises(ValueError, match="increasing times"):
            first_order_error(LINE, [1.0], times)

    def test_refuses_what_is_no_problem(self):
        with pytest.raises(TypeError, match="`problem` must be a Problem"):
            first_order_error("problem", [1.0], [1.0])


class TestCompare:
    def test_gaps_are_differences_at_the_descents_own_times(self, problem, theta0, flow, descent):
        found = compare(flow, descent, observable=("loss", "singular_values"))
        there = dl.gradient_flow(problem, theta0, descent.t)
        np.testing.assert_array_equal(found.data["time"], descent.t)
        gap = np.linalg.norm(descent.theta - there.theta, axis=1)
        np.testing.assert_allclose(found.data["parameter_distance"], gap, atol=1e-9)
        apart = descent.values("end_to_end") - there.values("end_to_end")
        np.testing.assert_allclose(
            found.data["end_to_end_distance"], np.linalg.norm(apart, axis=(1, 2)), atol=1e-9
        )
        assert found.data["singular_values_gap"].dims == ("time", "component")
        np.testing.assert_allclose(
            found.data["loss_gap"], descent.values("loss") - there.values("loss"), atol=1e-9
        )

    def test_prediction_makes_up_the_gap(self, flow, descent):
        data = compare(flow, descent).data
        gap, left = (float(data[name].max()) for name in ("parameter_distance", "remainder"))
        assert left < 0.02 * gap, (left, gap)
        assert float(data["parameter_distance_error"].max()) < 1e-4 * gap

    def test_shift_is_the_delay_of_descent(self):
        # Along an eigenvector with H > 0 descent runs ahead, by eta/2 times the integral of H.
        flow = dl.gradient_flow(LINE, [1.0], 2.0)
        descent = dl.gradient_descent(LINE, [1.0], eta=1e-3, steps=2000)
        data = compare(flow, descent).data
        np.testing.assert_allclose(data["time_shift"], -0.5e-3 * data["time"], atol=2e-6)
        assert float(data["aligned_distance"].max()) < 1e-9

    def test_reads_as_a_block_that_ends_in_a_sentence(self, flow, descent):
        text = str(compare(flow, descent, observable="loss"))
        first, *_ = lines = text.splitlines()
        assert first.startswith("descent against flow   DeepLinear(widths=(2, 2, 2)), eta = 0.01")
        assert [line.split()[0] for line in lines[2:5]] == ["parameters", "end-to-end", "loss"]
        assert lines[7].startswith("loss = 0.3997: flow at t = 0.80")
        text = " ".join(lines[7:])
        assert "eta * sharpness: flow 0.0136 to 0.0233" in text
        sentence = text[text.index("Descent") :]
        assert sentence.startswith("Descent stays within 0.0023 of the flow")
        assert sentence.endswith("of it.")
        assert "the first-order term eta e(t) accounts for all but" in sentence
        assert max(map(len, lines)) <= 100

    def test_says_when_the_step_is_too_large_for_any_order(self, problem, theta0, flow):
        descent = dl.gradient_descent(problem, theta0, eta=1.0, steps=40)
        found = compare(flow, descent)
        assert "Descent departs from the flow" in found.finding
        assert "eta times the sharpness exceeds 2" in found.finding

    def test_says_when_the_gap_is_not_resolved(self, problem, theta0):
        loose = dl.gradient_flow(problem, theta0, 4.0, rtol=1e-3, atol=1e-6)
        descent = dl.gradient_descent(problem, theta0, eta=1e-5, steps=400_000)
        assert "not resolved" in compare(loose, descent).finding

    def test_says_when_descent_diverged(self, problem, theta0):
        with np.errstate(over="ignore", invalid="ignore"):
            descent = dl.gradient_descent(problem, 3 * theta0, eta=2.0, steps=40)
        found = compare(dl.gradient_flow(problem, 3 * theta0, 4.0), descent)
        assert found.finding.startswith("Descent left the flow for good")

    def test_without_a_prediction_says_so(self, flow, descent):
        found = compare(flow, descent, first_order=False)
        assert np.isnan(found.data["remainder"]).all()
        assert "first-order term was not computed" in found.finding

    def test_uses_the_flow_time_of_grouprmsprop(self, problem, theta0, flow):
        descent = dl.gradient_descent(problem, theta0, eta=1e-3, steps=2000, method="grouprmsprop")
        found = compare(flow, descent)
        np.testing.assert_allclose(found.data["time"], descent.attrs["flow_time"])
        assert float(found.data["parameter_distance"].max()) < 0.01

    def test_stops_where_the_flow_stopped(self, problem, theta0, descent):
        short = dl.gradient_flow(problem, theta0, 4.0, events=[dl.loss_below(0.2)])
        found = compare(short, descent)
        assert len(found.flow) == len(found.descent) == found.data.sizes["time"] < len(descent)

    def test_passes_parameters_to_the_observable(self, flow, descent):
        found = compare(flow, descent, observable="schatten_norm", p=0.5)
        expected = descent.values("schatten_norm", p=0.5)
        np.testing.assert_array_equal(found.data["schatten_norm_descent"], expected)

    def test_refuses_what_does_not_belong_together(self, problem, theta0, flow, descent):
        with pytest.raises(ValueError, match="`flow` is a trajectory of the descent"):
            compare(descent, descent)
        with pytest.raises(ValueError, match="`descent` is a trajectory of the flow"):
            compare(flow, flow)
        with pytest.raises(TypeError, match="`descent` must be a Trajectory"):
            compare(flow, descent.theta)
        other = dl.gradient_descent(problem, 2 * theta0, eta=0.01, steps=400)
        with pytest.raises(ValueError, match=r"start .* apart"):
            compare(flow, other)
        deeper = dl.completion_problem(3)
        third = dl.gradient_descent(deeper, deeper.init(0.5, seed=0), eta=0.01, steps=400)
        with pytest.raises(ValueError, match="same problem"):
            compare(flow, third)
        late = dl.gradient_descent(problem, theta0, eta=0.01, steps=400, saves=[10, 400])
        with pytest.raises(ValueError, match="saved its start"):
            compare(flow, late)
        with pytest.raises(KeyError, match="did you mean loss"):
            compare(flow, descent, observable="los")
        with pytest.raises(ValueError, match="belong to one observable"):
            compare(flow, descent, p=0.5)
