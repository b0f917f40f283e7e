"""The experiment F5.5, in its quick version."""

import csv

import numpy as np
import pytest

from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.f5_5 import runs


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("F5.5", tmp_path_factory.mktemp("f5_5"), progress=False, quick=True)


def test_leaves_figures_table_and_text(result):
    names = [path.name for path in (*result.figures, *result.files)]
    figures = ["f5_5.png", "f5_5.pdf", "f5_5_edge.png", "f5_5_edge.pdf"]
    assert names == [*figures, "f5_5.csv", "f5_5.txt"]
    assert all(path.stat().st_size > 500 for path in (*result.figures, *result.files))
    assert max(map(len, result.text.splitlines())) <= 100
    with result.files[0].open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["distance"]) for row in rows] == [row["distance"] for row in result.table]


@pytest.mark.parametrize("problem", ["deep linear", "CP"])
def test_two_steps_are_as_far_apart_as_the_leading_error_says(result, problem):
    rows = result.rows(problem=problem)
    assert [row["ratio"] for row in rows] == [2, 5, 10, 20]
    for row in rows:
        assert row["distance"] == pytest.approx(row["predicted"], rel=2e-3), row
        assert row["worst_prediction"] < 0.02, row
    # eta (1 - 1/rho): twenty parts of a step are 0.95 of it off, two are 0.5.
    assert rows[3]["distance"] / rows[0]["distance"] == pytest.approx(1.9, abs=0.01)


def test_a_prediction_without_the_ratio_would_be_seen(result):
    for row in result.table:
        assert abs(row["distance"] * (1 - 1 / row["ratio"]) / row["predicted"] - 1) > 0.04


def test_the_edge_of_stability_is_at_two_over_eta():
    below, above, far = (runs.edge(eta) for eta in runs.EDGE_ETAS)
    assert below.sharpness[-1] == pytest.approx(9.097, abs=6e-4)
    assert 1 / 0.2 < below.sharpness[-1] < 2 / 0.2
    assert above.sharpness[0] > 2 / 0.35 > above.sharpness[-1]
    assert above.sharpness[-1] == pytest.approx(2.003, abs=6e-4)
    assert above.loss[-1] < 1e-25
    assert far.status == "diverged"
    for one in (below, above):
        np.testing.assert_allclose(np.prod(one.theta[-1]), 1.0, rtol=1e-12)


def test_is_listed():
    assert EXPERIMENTS["F5.5"].source.startswith("elkabetz2021continuous")
