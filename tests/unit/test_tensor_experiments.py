"""The experiments Q1.E1 to Q1.E4 and Q2.E1 to Q2.E4, in their quick versions."""

import csv

import numpy as np
import pytest

from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.deflation import half_times
from dynlens.experiments.fresh_components import FITTED
from dynlens.experiments.q2_e1 import runs as q2_e1
from dynlens.experiments.q2_e3.runs import PAIR
from dynlens.experiments.q2_e4.runs import best_tilt
from dynlens.problems.instances import coefficients

IDS = ("Q1.E1", "Q1.E2", "Q1.E3", "Q1.E4", "Q2.E1", "Q2.E2", "Q2.E3", "Q2.E4")


@pytest.fixture(scope="module")
def of(tmp_path_factory):
    """Results by id, each computed once."""
    found = {}

    def result(id):
        if id not in found:
            folder = tmp_path_factory.mktemp(id.lower())
            found[id] = reproduce(id, folder, progress=False, quick=True)
        return found[id]

    return result


@pytest.mark.parametrize("id", IDS)
def test_leaves_figures_table_and_text(of, id):
    result = of(id)
    stem = id.lower().replace(".", "_")
    names = [path.name for path in (*result.figures, *result.files)]
    assert names[:2] == [f"{stem}.png", f"{stem}.pdf"]
    assert names[-2:] == [f"{stem}.csv", f"{stem}.txt"]
    assert all(path.stat().st_size > 1000 for path in result.figures)
    assert all(path.stat().st_size > 100 for path in result.files)
    assert result.files[-1].read_text() == f"{result}\n"
    assert str(result).startswith(f"{id}  {EXPERIMENTS[id].title}   [")
    with result.files[0].open() as stream:
        assert len(list(csv.DictReader(stream))) == len(result.table)


def test_finished_cases_give_the_same_again(of):
    result = of("Q2.E1")
    again = reproduce("Q2.E1", result.files[0].parent, progress=False, quick=True)
    assert again.table == result.table
    assert str(again) == str(result)


class TestWidth:
    def test_no_fewer_components_than_the_exact_bound_allows(self, of):
        rows = of("Q1.E1").rows(kind="width")
        assert len(rows) == 5
        for row in rows:
            # Interpolated: anything above bound - 1 rounds up to it.
            assert row["bound"] - 1 < row["width"] < row["scale"] + 1, row
            assert row["width"] < row["dimension"] ** (row["order"] - 1), row

    def test_descent_fits_with_four_what_the_linearized_model_needs_46_for(self, of):
        rows = {row["components"]: row for row in of("Q1.E1").rows(kind="fit")}
        assert rows[4]["descent"] < 0.02 < 0.9 < rows[4]["lazy"]
        assert rows[2]["descent"] > 0.3, "below the rank nothing helps"
        assert rows[46]["lazy"] < 1e-10


def test_dimension_does_not_matter_to_descent(of):
    rows = of("Q1.E3").table
    assert [row["dimension"] for row in rows] == [8, 16]
    assert all(row["error_2"] < 0.02 for row in rows)
    assert rows[0]["lazy"] < rows[1]["lazy"]


def test_fresh_components_lead_out_where_nothing_else_does(of):
    easy, hard = (of("Q1.E2").rows(seed=seed) for seed in (0, 5))
    assert all(row["error_3"] < FITTED for row in easy)
    for row in hard:
        assert (row["error_3"] < FITTED) == row["fresh"], row
        assert row["error_1"] > 0.5, "both begin with the same epoch"


def test_escape_takes_powers_or_logarithms(of):
    rows = of("Q1.E4").table
    assert len(rows) == 12
    for row in rows:
        assert row["time"] == pytest.approx(row["exact"], rel=1e-9), row
        assert row["time"] == pytest.approx(row["leading"], rel=0.1), row


class TestStaircase:
    def test_times_are_those_predicted_for_descent_and_not_for_the_flow(self, of):
        for row in of("Q2.E1").table:
            assert row["observed"] == pytest.approx(row["predicted"], rel=2e-3), row
            assert abs(row["observed"] - row["flow"]) > 0.5, row
            assert row["fitted_share"] == pytest.approx(1.0, abs=1e-3), row

    @pytest.mark.slow
    def test_at_the_size_of_the_paper(self):
        found = q2_e1.case(**{name: values[0] for name, values in q2_e1.PAPER.items()})
        np.testing.assert_allclose(
            found["observed"], [29.26, 34.37, 41.39, 48.92, 59.04], atol=0.01
        )
        a = coefficients(5, 1.2)
        plateaus = np.interp([31.5, 37.5, 44.0, 52.0], found["time"], found["squared"])
        wanted = np.square(a).sum() - np.cumsum(np.square(a))[:-1]
        np.testing.assert_allclose(plateaus, wanted, rtol=0.02)

    @pytest.mark.slow
    def test_at_dimension_one_hundred_directions_without_a_winner_are_not_fitted(self):
        found = q2_e1.case(100, 20, 500, 1.2, 0)
        known = np.isfinite(found["descent"])
        assert known.sum() == 13
        assert not np.isfinite(found["observed"][~known]).any()
        np.testing.assert_allclose(found["observed"][known], found["descent"][known], rtol=2e-3)


def test_smaller_starts_are_sharper_by_the_logistic_law(of):
    rows = of("Q2.E2").table
    assert [row["delta"] for row in rows] == [1e-2, 1e-4, 1e-6]
    behind = [row["behind"] for row in rows]
    assert behind == sorted(behind, reverse=True)
    for row in rows[1:]:
        assert row["behind"] == pytest.approx(row["law"], rel=0.01), row


def test_the_penalty_leaves_half_of_itself_and_holds_within_a_basin(of):
    rows = of("Q2.E3").table
    for row in rows:
        if row["quantity"] == "basin":
            assert row["low"] <= row["law"] <= row["high"], row
            assert row["high"] < row["penalty"] / (row["penalty"] + PAIR[1]) - 0.03, row
        else:
            assert row["low"] == pytest.approx(row["law"], abs=1e-6), row


class TestCloseDirections:
    def test_the_mean_comes_first_above_the_threshold_only(self, of):
        below, above = of("Q2.E4").table
        assert below["offset"] < 0 < above["offset"]
        assert above["tilt"] < 1e-3
        assert below["tilt"] == pytest.approx(below["law"], abs=0.02)
        assert below["law"] > 0.8
        assert above["last_tilt"] == pytest.approx(1.0, abs=1e-3), "they come apart in the end"

    @pytest.mark.parametrize("order", [3, 4, 6])
    def test_the_best_direction_leaves_the_mean_at_the_threshold(self, order):
        edge = (order - 2) / order
        assert best_tilt(order, edge + 0.01) == 0.0
        assert best_tilt(order, edge - 0.01) > 0.2


def test_half_times_are_exact_for_a_logistic_law_and_infinite_without_one():
    t = np.linspace(0.0, 30.0, 31)
    shares = np.stack([1 / (1 + np.exp(-(t - c))) for c in (7.3, 22.9, 99.0)], axis=1)
    np.testing.assert_allclose(half_times(t, shares), [7.3, 22.9, np.inf], rtol=1e-9)
