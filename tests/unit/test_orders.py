"""Claims about orders in the step, and the exact recursions of single steps."""

import numpy as np
import pytest

import dynlens as dl
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import LeadingError, Order, Recursion, step_imbalances

SCALAR = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
CASE = DescentCase(SCALAR, (0.05, 0.1), 2.0, (0.02, 0.01, 0.005, 0.0025))


def product_path(start, eta, steps):
    return dl.Path(SCALAR, start, eta * steps, eta=eta, saves=steps + 1)


class TestOrder:
    def test_descent_is_first_order_and_its_remainder_second(self):
        assert Order().check(CASE).status == "SUPPORTED"
        assert Order(expected=2.0, band=0.1, remainder=True).check(CASE).status == "SUPPORTED"

    def test_holds_for_observables(self):
        claim = Order(expected=2.0, band=0.1, remainder=True, quantity="loss")
        assert claim.check(CASE).status == "SUPPORTED"

    @pytest.mark.parametrize("false", [{"forcing": -0.5}, {"forcing": 1.0}, {"linear": 0.0}])
    def test_false_equations_are_refuted(self, false):
        found = Order(expected=2.0, band=0.1, remainder=True, **false).check(CASE)
        assert found.status == "REFUTED", str(found)
        assert LeadingError(**false).check(CASE).status == "REFUTED"

    def test_reports_order_spread_and_the_integrators_share(self):
        found = Order().check(CASE)
        assert found.note.startswith("order 0.99")
        assert "spread of pairwise slopes" in found.note
        assert "integrator's share" in found.note
        assert "gaps" in found.note

    def test_steps_before_the_asymptotics_leave_it_undecided(self):
        # A full step of this problem is past 1 / sharpness: no order shows.
        coarse = DescentCase(SCALAR, (1.7, 0.3), 3.0, (0.5, 0.25, 0.125))
        found = Order(band=0.02).check(coarse)
        assert found.status == "UNDECIDED", str(found)

    def test_gaps_below_the_numerical_error_leave_it_undecided(self):
        fine = DescentCase(SCALAR, (0.5, 0.5), 1e-4, (1e-6, 5e-7, 2.5e-7), rtol=1e-4, atol=1e-4)
        found = Order(expected=2.0, remainder=True).check(fine)
        assert found.status == "UNDECIDED", str(found)
        assert "above the numerical error" in found.note

    def test_a_run_that_diverged_leaves_it_undecided(self):
        wild = DescentCase(SCALAR, (9.0, 0.1), 10.0, (0.5, 0.25, 0.125))
        with np.errstate(over="ignore", invalid="ignore"):
            assert Order().check(wild).status == "UNDECIDED"
            assert LeadingError().check(wild).status == "UNDECIDED"

    def test_is_recreated_by_its_repr(self):
        claim = Order(expected=2.0, remainder=True, quantity="loss", forcing=0.25)
        names = {name: getattr(dl, name) for name in dir(dl) if not name.startswith("_")}
        assert eval(repr(claim), {**names, "Order": Order}) == claim
        assert eval(repr(CASE), {**names, "DescentCase": DescentCase}) == CASE

    def test_a_counterexample_shrinks(self):
        found = dl.falsify(Order(expected=2.0), DescentCase(SCALAR, (0.05, 0.1), 8.0, CASE.etas))
        assert found.status == "REFUTED"
        assert "(0.0, 0.1)" in found.reproduce

    def test_refuses_unknown_quantities_and_other_cases(self):
        with pytest.raises(KeyError, match="did you mean loss"):
            Order(quantity="los").check(CASE)
        with pytest.raises(TypeError, match="DescentCase"):
            Order().check(product_path((0.4, 2.0), 0.05, 20))


class TestDescentCase:
    @pytest.mark.parametrize(
        "etas", [(0.1, 0.05), (0.1, 0.05, 0.03), (0.05, 0.1, 0.2), (0.1, 0.1, 0.05), ()]
    )
    def test_refuses_steps_that_make_no_ladder(self, etas):
        with pytest.raises(ValueError, match="whole fraction"):
            DescentCase(SCALAR, (0.1, 0.1), 1.0, etas)

    def test_refuses_to_end_before_the_first_step(self):
        with pytest.raises(ValueError, match="before the first step"):
            DescentCase(SCALAR, (0.1, 0.1), 0.01, (0.04, 0.02, 0.01))

    def test_common_times_are_steps_of_every_run(self):
        samples = CASE.samples()
        for eta in CASE.etas:
            steps = samples.t / eta
            np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
        assert samples.descents.shape == (4, 13, 2)
        np.testing.assert_allclose(samples.descents[-1], samples.theta, atol=2e-3)


class TestRecursion:
    @pytest.mark.parametrize(
        ("start", "eta", "steps", "ratio"),
        [((0.4, 2.0), 0.05, 400, 0.9997344093824749), ((0.9, 2.5), 0.1, 50, 0.98246770316)],
    )
    def test_scalar_layers_shrink_by_the_product(self, start, eta, steps, ratio):
        run = product_path(start, eta, steps).trajectory
        imbalance = run.values("imbalances")[:, 0]
        product = np.prod(1 - 2 * eta**2 * run.values("loss")[:-1])
        assert imbalance[-1] / imbalance[0] == pytest.approx(product, rel=1e-13)
        assert imbalance[-1] / imbalance[0] == pytest.approx(ratio, rel=2e-11)

    @pytest.mark.parametrize(
        ("factor", "said"),
        [
            ("1 + 2 * eta**2 * loss", 1.0176),
            ("1", 1.0),
            ("exp(-(eta**2) * loss)", 0.9913),
        ],
    )
    def test_false_factors_are_refuted(self, factor, said):
        path = product_path((0.9, 2.5), 0.1, 50)
        claim = Recursion("imbalances", factor=factor)
        assert claim.check(path).status == "REFUTED"
        growth = claim.evaluate(factor, path.samples())[:-1]
        assert np.prod(growth) == pytest.approx(said, abs=1e-4)

    def test_drift_is_first_order_in_the_step(self):
        drifts = []
        for eta in (0.1, 0.05, 0.025):
            gap = product_path((0.9, 2.5), eta, round(5 / eta)).trajectory.values("imbalances")
            drifts.append(1 - float(gap[-1, 0] / gap[0, 0]))
        np.testing.assert_allclose(drifts, [0.01753, 0.00705, 0.00322], atol=5e-6)

    @pytest.mark.parametrize("widths", [(3, 2, 4), (2, 3, 3, 2)])
    def test_layers_gain_the_imbalance_of_their_gradients(self, widths):
        target = np.random.default_rng(0).standard_normal((widths[-1], widths[0]))
        problem = dl.Problem(dl.DeepLinear(widths), dl.SquaredLoss("mean"), dl.Full(target))
        path = dl.Path(problem, dl.Start(0.5, seed=1), 10.0, eta=0.1, saves=101)
        found = Recursion("imbalances", increment=step_imbalances).check(path)
        assert found.status == "SUPPORTED", str(found)
        assert dl.Conserved("imbalances").check(path).status == "REFUTED"

    def test_needs_every_step(self):
        path = dl.Path(SCALAR, (0.4, 2.0), 200.0, eta=0.05)  # more than are all looked at
        with pytest.raises(ValueError, match="every step"):
            Recursion("imbalances", factor="1 - 2 * eta**2 * loss").check(path)

    def test_says_what_it_claims(self):
        claim = Recursion("imbalances", factor="1 - 2 * eta**2 * loss")
        assert claim.statement == (
            "imbalances -> (1 - 2 * eta**2 * loss) * imbalances at every step of descent"
        )
        added = Recursion("imbalances", increment=step_imbalances).statement
        assert added == "imbalances -> imbalances + step_imbalances at every step of descent"
