"""The experiment P3.E1, in its quick version, and at the papers' sizes."""

import csv
from functools import partial

import numpy as np
import pytest

from dynlens.experiments import EXPERIMENTS, curves, reproduce
from dynlens.experiments.p3_e1 import runs

QUANTITIES = {name: panel.quantities for name, panel in runs.PANELS.items()}
SPECTRA = QUANTITIES["hierarchical"][2:]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("P3.E1", tmp_path_factory.mktemp("p3_e1"), progress=False, quick=True)


def of(result, quantity):
    """Rows of a quantity: from the larger scale and from the smaller one, by both methods."""
    rows = [row for row in result.table if row["quantity"] == quantity]
    scales = sorted({row["scale"] for row in rows}, reverse=True)
    return [[row for row in rows if row["scale"] == scale] for scale in scales]


class TestQuickVersion:
    def test_leaves_figures_table_and_text(self, result):
        names = [path.name for path in (*result.figures, *result.files)]
        stems = ("p3_e1", "p3_e1_nodes", "p3_e1_scale")
        figures = [f"{stem}.{kind}" for stem in stems for kind in ("png", "pdf")]
        assert names == [*figures, "p3_e1.csv", "p3_e1.txt"]
        assert all(path.stat().st_size > 1000 for path in (*result.figures, *result.files))
        assert result.files[1].read_text() == str(result) + "\n"

    def test_table_is_the_same_on_disk(self, result):
        with result.files[0].open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(result.table) == 4 * (1 + 1 + 5)
        for row, kept in zip(rows, result.table, strict=True):
            assert set(row) == set(kept)
            assert float(row["error"]) == kept["error"]
        assert not any("wall" in name or "second" in name for name in rows[0])

    @pytest.mark.parametrize("quantity", ["singular values", "component norms", *SPECTRA])
    def test_values_end_at_the_target_s_and_the_next_stays_small(self, result, quantity):
        _, small = of(result, quantity)
        for row in small:
            assert row["off_level"] < 0.02, row
            assert row["next_over_first"] < 1e-3, row

    @pytest.mark.parametrize("quantity", ["singular values", "component norms"])
    def test_values_rise_one_after_another(self, result, quantity):
        _, small = of(result, quantity)
        for row in small:
            assert row["rise_2"] > 1.1 * row["rise_1"], row

    @pytest.mark.parametrize("quantity", [q[0] for q in QUANTITIES.values()])
    def test_a_smaller_scale_is_slower_and_more_accurate(self, result, quantity):
        for large, small in zip(*of(result, quantity), strict=True):
            assert small["rise_1"] > 3 * large["rise_1"], (large, small)
            assert small["error"] < large["error"], (large, small)
            assert small["next_over_first"] < large["next_over_first"] / 3, (large, small)

    def test_descent_rises_with_the_flow_on_the_flow_s_clock(self, result):
        for quantity in ("singular values", "component norms", SPECTRA[-1]):
            for descent, flow in of(result, quantity):
                assert descent["method"] == "descent"
                assert descent["rise_1"] / flow["rise_1"] == pytest.approx(1.0, abs=0.15)

    def test_the_flow_s_own_error_is_measured(self, result):
        assert "at rtol 1e-05 the rises move by" in " ".join(result.text.split())

    def test_is_listed(self):
        assert EXPERIMENTS["P3.E1"].source.startswith("razin2022implicit")


@pytest.mark.parametrize("panel", list(QUANTITIES))
def test_a_target_has_the_levels_told_and_unit_entries(panel):
    problem, target, found, _ = runs.instance(panel, 1, **runs.FULL, width=64)
    assert target.size == 4096
    assert problem.observations.count == 2048
    assert np.linalg.norm(target) == pytest.approx(64.0, rel=1e-12)
    assert len(found) == len(QUANTITIES[panel])
    if panel == "tensor":  # rank-one terms of these norms, hence of at most this total
        assert len(found[0]) == 5
        assert found[0].sum() >= 64.0 > np.abs(found[0]).max() / 2
        return
    for spectrum in (level for level in found if level is not None):
        assert spectrum[4] > 1e-3 > spectrum[5], spectrum
        assert np.linalg.norm(spectrum) == pytest.approx(64.0, rel=1e-12)


def run_and_quantity(panel, method, scale, **sizes):
    case = {"panel": panel, "method": method, "scale": scale, "seed": 0, "rtol": runs.RTOL, **sizes}
    run = runs.Run(**case, **runs.case(**case))
    return run, run.quantities[0]


@pytest.mark.slow
@pytest.mark.parametrize("method", runs.METHODS)
@pytest.mark.parametrize("panel", ["matrix", "tensor"])
def test_five_values_rise_one_after_another_at_the_paper_s_size(panel, method):
    sizes = {**runs.FULL, "width": 64}
    run, found = run_and_quantity(panel, method, 1e-3, **sizes)
    assert run.fitted
    assert found.off_level < 0.01
    assert found.next_over_first < 1e-3
    assert np.diff(found.rises).min() > 0.01 * run.flow_time[run.end], found.rises
    large, found = run_and_quantity(panel, method, 1e-1, **sizes)
    assert large.error[large.end] > 2 * run.error[run.end]
    assert found.next_over_first > 0.01


@pytest.mark.slow
def test_the_first_two_ranks_are_learned_one_after_another_at_width_512():
    sizes = {**runs.FULL, "width": 512}
    problem, target, levels, key = runs.instance("hierarchical", 0, **sizes)
    found, _ = curves.descend(
        problem,
        problem.init(1e-2, kind="gaussian", seed=key),
        partial(runs._observe, runs.PANELS["hierarchical"], target),
        eta=runs.ETA,
        steps=4000,  # of which each takes some 20 ms; the third rank comes much later
        stop_below=runs.STOP,
    )
    values = found["values"][np.isfinite(found["time"]), -1]
    np.testing.assert_allclose(values[-1, :2], levels[-1][:2], rtol=0.01)
    assert values[-1, 2] < 1e-3 * values[-1, 0], values[-1]
    first, second = curves.rise_times(found["time"], found["values"][:, -1, :2])
    assert second > 3 * first, (first, second)
