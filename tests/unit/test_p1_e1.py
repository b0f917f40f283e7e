"""The experiment P1.E1, in its quick version, and the pieces it is made of."""

import csv

import numpy as np
import pytest

import dynlens as dl
from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.p1_e1 import integration, runs


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("P1.E1", tmp_path_factory.mktemp("p1_e1"), progress=False, quick=True)


class TestQuickVersion:
    def test_leaves_figures_table_and_text(self, result):
        names = [path.name for path in (*result.figures, *result.files)]
        figures = ["p1_e1.png", "p1_e1.pdf", "p1_e1_depth_2.png", "p1_e1_depth_2.pdf"]
        assert names == [*figures, "p1_e1.csv", "p1_e1.txt"]
        assert all(path.stat().st_size > 1000 for path in (*result.figures, *result.files))
        assert result.files[1].read_text() == str(result) + "\n"

    def test_table_is_the_same_on_disk(self, result):
        with result.files[0].open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(result.table) == 2 * (2 * 4 + 1)
        for row, kept in zip(rows, result.table, strict=True):
            assert float(row["W11"]) == kept["W11"]
            assert row["source"] == kept["source"]

    def test_depth_3_follows_the_law(self, result):
        for row in result.rows(depth=3, start="balanced", loss=1e-2):
            expected = 1 - 2 * row["loss"] + row["det"]
            assert abs(row["W11_sqrt_2loss"] - expected) < 3e-4, row

    def test_descent_agrees_with_flow_at_depth_3(self, result):
        descent, flow = (result.rows(depth=3, source=s) for s in ("descent", "flow"))
        for ours, theirs in zip(descent, flow, strict=True):
            assert abs(ours["W11"] / theirs["W11"] - 1) < 1e-3, (ours, theirs)
            assert theirs["W11_error"] < 1e-6 * theirs["W11"]

    def test_depth_2_loses_its_determinant_but_in_the_exact_coordinates(self, result):
        for source in ("descent", "flow"):
            (row,) = result.rows(depth=2, start="balanced", source=source, loss=1e-2)
            assert row["det"] < 0
        (row,) = result.rows(depth=2, source="exact", loss=1e-2)
        assert 0 < row["det"] < 1e-20
        assert row["det_negative_from"] is None

    def test_text_says_why_depth_2_saturates(self, result):
        for said in (
            "(a) What descent does.",
            "of order 1.000 in eta",
            "largest imbalance 0)",
            "(b) What unbalanced starts do.",
            "4 such starts 4 end with det W < 0",
            "(c) What floating point does.",
            "the claim holds up to its horizon, t = 36.9, and is undecided beyond",
            # At this loss |W11| is 6.9311 along the flow as in the exact coordinates.
            "is not told apart, at this loss, from what saturates: |W11| = 6.9311 at loss 0.01",
        ):
            assert said in " ".join(result.text.split()), said
        assert max(map(len, result.text.splitlines())) <= 105

    def test_is_listed(self):
        assert EXPERIMENTS["P1.E1"].source.startswith("razin2020implicit")


class TestReproduce:
    def test_unknown_experiment_is_named(self, tmp_path):
        with pytest.raises(KeyError, match=r"no experiment 'P1.E9'; did you mean .*P1.E1"):
            reproduce("P1.E9", tmp_path)

    def test_folder_must_not_be_a_file(self, tmp_path):
        place = tmp_path / "taken"
        place.write_text("")
        with pytest.raises(ValueError, match="is a file"):
            reproduce("P1.E1", place)


class TestPieces:
    def test_exact_coordinates_are_the_flow(self):
        problem = dl.completion_problem(2)
        theta0 = problem.init(0.3, kind="balanced", seed=1, determinant=1)
        exact = integration.in_exact_coordinates(theta0, (0.3, 0.1, 0.03))
        flow = dl.gradient_flow(problem, theta0, exact.t[exact.t > 0], rtol=1e-12, atol=1e-14)
        tail = exact.t > 0
        np.testing.assert_allclose(
            exact.w11[tail], flow.values("end_to_end")[:, 0, 0], rtol=1e-7, atol=1e-9
        )
        np.testing.assert_allclose(exact.loss[tail], flow.values("loss"), rtol=1e-7)
        early = flow.t < 5
        np.testing.assert_allclose(
            np.exp(exact.det[tail][early]), flow.values("determinant")[early], rtol=1e-6
        )
        np.testing.assert_allclose(exact.loss[list(exact.at)], (0.3, 0.1, 0.03), rtol=1e-7)

    def test_levels_are_met_by_the_first_step_below(self):
        problem = dl.completion_problem(3)
        theta0 = runs.start(problem, "balanced", 0)
        curve = integration.by_descent(problem, theta0, 3e-3, (1e-1, 1e-2))
        steps = round(curve.t[-1] / 3e-3)
        whole = dl.gradient_descent(
            problem, theta0, eta=3e-3, steps=steps, saves=[0, steps - 1, steps]
        )
        assert whole.values("loss")[1] > 1e-2 >= whole.values("loss")[2]
        np.testing.assert_array_equal(whole.final, curve.final)
        assert np.all(np.diff(curve.t) > 0)

    def test_sign_changes_where_the_linear_flow_says(self):
        problem = dl.completion_problem(2)
        for seed in range(3):
            theta0 = runs.start(problem, "unbalanced", seed)
            flow = integration.by_flow(problem, theta0, (0.5,), "LSODA", 1e-8)
            assert flow.flip == pytest.approx(runs.linear_flip(seed), abs=1e-4)
            descent = integration.by_descent(problem, theta0, 3e-3, (0.5,))
            assert descent.flip == pytest.approx(runs.linear_flip(seed), abs=5e-3)

    def test_a_symmetric_start_stays_balanced_under_descent(self):
        problem = dl.completion_problem(2)
        theta0 = runs.start(problem, "symmetric", 0)
        curve = integration.by_descent(problem, theta0, 3e-3, (1e-2,))
        assert curve.imbalance.max() == 0.0
        assert curve.det.min() >= 0.0
        assert curve.flip is None

    def test_smaller_steps_saturate_later_and_higher(self):
        problem = dl.completion_problem(2)
        theta0 = runs.start(problem, "balanced", 0)
        curves = [integration.by_descent(problem, theta0, 3e-3 / 2**k, (1e-8,)) for k in range(3)]
        flips, levels = [c.flip for c in curves], [abs(c.w11[-1]) for c in curves]
        assert flips == sorted(flips)
        assert levels == sorted(levels)
        assert 6.9 < levels[0] < levels[-1] < 7.4, levels


@pytest.mark.slow
@pytest.mark.parametrize("depth", [3, 4])
def test_the_law_is_met_to_a_thousandth_at_a_loss_of_1e_4(depth):
    problem = dl.completion_problem(depth)
    theta0 = runs.start(problem, "balanced", 0)
    descent = integration.by_descent(problem, theta0, runs.ETA[depth], runs.LEVELS)
    flow = integration.by_flow(problem, theta0, runs.LEVELS, *runs.FLOW[0])
    for curve in (descent, flow):
        at_3, at_4 = (float(curve.scaled[k]) for k in curve.at[2:])
        assert abs(at_3 - 1) < 5e-3, at_3
        assert abs(at_4 - 1) < 1e-3, at_4
