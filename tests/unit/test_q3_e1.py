"""The experiment Q3.E1, in its quick version."""

import csv

import pytest

from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.q3_e1 import runs


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("Q3.E1", tmp_path_factory.mktemp("q3_e1"), progress=False, quick=True)


def test_leaves_figures_table_and_text(result):
    names = [path.name for path in (*result.figures, *result.files)]
    assert names == ["q3_e1.png", "q3_e1.pdf", "q3_e1.csv", "q3_e1.txt"]
    assert all(path.stat().st_size > 1000 for path in (*result.figures, *result.files))
    assert result.files[1].read_text() == str(result) + "\n"
    with result.files[0].open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(result.table) == 3 * (3 * len(runs.SHARES) + 1)
    for row, kept in zip(rows, result.table, strict=True):
        assert float(row["risk"]) == kept["risk"]


def test_the_tangent_risk_is_near_its_mean(result):
    for row in result.table:
        if row["class"] == "tangent":
            # Five draws: six standard errors or a rounding.
            assert abs(row["risk"] - row["formula"]) <= 6 * row["error"] + 1e-14, row


def test_training_ends_at_the_least_risk(result):
    rows = result.rows(**{"class": "trained"})
    assert len(rows) == 3
    for row in rows:
        assert row["risk"] == pytest.approx(row["formula"], abs=1e-5), row


@pytest.mark.parametrize(("target", "better"), [("ramp", True), ("mixed signs", False)])
def test_which_class_is_better_depends_on_the_target(result, target, better):
    tangent, network = (
        result.rows(**{"target": target, "class": kind}) for kind in ("tangent", "network")
    )
    for a, b in zip(tangent, network, strict=True):
        if a["share"] < 0.9:
            assert (b["risk"] < a["risk"]) == better, (a, b)


def test_is_listed():
    assert EXPERIMENTS["Q3.E1"].source.startswith("ghorbani2019limitations")
