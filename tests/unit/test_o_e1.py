"""The experiment O.E1, in its quick version."""

import pytest

from dynlens.experiments import EXPERIMENTS, reproduce


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("O.E1", tmp_path_factory.mktemp("o_e1"), progress=False, quick=True)


def test_leaves_figures_table_and_text(result):
    names = [path.name for path in (*result.figures, *result.files)]
    assert names == ["o_e1.png", "o_e1.pdf", "o_e1.csv", "o_e1.txt"]
    assert all(path.stat().st_size > 200 for path in (*result.figures, *result.files))
    assert len(result.table) == 8
    assert EXPERIMENTS["O.E1"].source.startswith("liu2021orthogonal")


def test_only_cayley_steps_keep_the_energy(result):
    drift = {row["scheme"]: abs(row["energy_drift"]) for row in result.rows(eta=0.1)}
    assert drift["Cayley steps"] < 1e-13
    assert 1e-8 < drift["two iterations"] < 1e-2 * drift["tangent steps"]
    assert drift["descent on the weights"] > 1e-2


def test_the_orders_of_drift_are_as_predicted(result):
    assert result.text.replace("\n", " ").count("as predicted") == 2
    assert "is rounding" in result.text.replace("\n", " ")
    assert "at the price" not in result.text.replace("\n", " ")
