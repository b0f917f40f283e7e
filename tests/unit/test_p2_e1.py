"""The experiment P2.E1, in its quick version."""

import csv
import shutil
from functools import partial

import numpy as np
import pytest

import dynlens as dl
from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.curves import follow, rise_times
from dynlens.experiments.p2_e1 import runs


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("P2.E1", tmp_path_factory.mktemp("p2_e1"), progress=False, quick=True)


class TestQuickVersion:
    def test_leaves_figures_table_and_text(self, result):
        names = [path.name for path in (*result.figures, *result.files)]
        figures = ["p2_e1.png", "p2_e1.pdf", "p2_e1_scale.png", "p2_e1_scale.pdf"]
        assert names == [*figures, "p2_e1.csv", "p2_e1.txt"]
        assert all(path.stat().st_size > 500 for path in (*result.figures, *result.files))
        assert result.files[1].read_text() == str(result) + "\n"
        assert max(map(len, result.text.splitlines())) <= 140

    def test_table_is_the_same_on_disk(self, result):
        with result.files[0].open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(result.table) == 3
        for row, kept in zip(rows, result.table, strict=True):
            assert set(row) == set(kept)
            assert float(row["norm_1"]) == kept["norm_1"]
        assert not any("wall" in name or "second" in name for name in rows[0])

    def test_components_end_at_the_norms_of_the_target_s(self, result):
        (row,) = result.rows(method="descent", scale=2e-2)
        _, _, levels, _ = runs.instance(0, **runs.SMALL)
        assert row["norm_1"] == pytest.approx(levels[0], rel=0.02)
        assert row["norm_2"] == pytest.approx(levels[1], rel=0.02)
        assert row["norm_3"] < 0.01 * row["norm_1"]

    def test_a_smaller_scale_is_sharper_slower_and_more_accurate(self, result):
        large, small = (result.rows(method="descent", scale=s)[0] for s in (5e-2, 2e-2))
        assert small["next_over_first"] < large["next_over_first"] / 2
        assert small["rise_1"] > 3 * large["rise_1"]
        assert small["error"] < large["error"]

    def test_components_rise_one_after_another(self, result):
        for row in result.table:
            assert row["rise_2"] > 1.5 * row["rise_1"], row

    def test_descent_rises_with_the_flow_on_the_flow_s_clock(self, result):
        flow, descent = (result.rows(method=m, scale=5e-2)[0] for m in ("flow", "descent"))
        for k in (1, 2):
            ratio = descent[f"rise_{k}"] / flow[f"rise_{k}"]
            assert ratio == pytest.approx(1.0, abs=0.1), (k, ratio)
        assert descent["time"] < descent["flow_time"] / 100, "the nominal clock is another one"

    def test_is_listed(self):
        assert EXPERIMENTS["P2.E1"].source.startswith("razin2021implicit")


def test_what_is_finished_is_not_run_again(result, tmp_path, monkeypatch):
    cases = shutil.copytree(result.files[0].parent / "p2_e1-cases", tmp_path / "p2_e1-cases")
    case, calls = runs.case, []

    def counting(**arguments):
        calls.append(arguments)
        return case(**arguments)

    # The name is part of a case's key.
    counting.__module__, counting.__qualname__ = case.__module__, case.__qualname__
    min(cases.iterdir()).unlink()
    monkeypatch.setattr(runs, "case", counting)
    again = reproduce("P2.E1", tmp_path, progress=False, quick=True)
    assert len(calls) == 1
    for ours, theirs in zip(result.files, again.files, strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


def test_the_target_is_of_norm_one_and_its_components_of_the_norms_told():
    problem, target, levels, _ = runs.instance(0, **runs.SMALL)
    assert np.linalg.norm(target) == pytest.approx(1.0, rel=1e-12)
    assert problem.observations.count == runs.SMALL["observed"]
    state = int(np.random.SeedSequence([2, 0]).generate_state(1)[0])
    small = dl.CPFactorization(target.shape, runs.SMALL["rank"])
    factors = small.unravel(small.init(1.0, kind="gaussian", seed=state))
    norms = [np.prod([np.linalg.norm(f[:, r]) for f in factors]) for r in range(2)]
    size = np.linalg.norm(small.end_to_end(factors))
    np.testing.assert_allclose(np.sort(norms)[::-1] / size, levels, rtol=1e-12)


def test_the_flow_s_ripple_is_the_integrator_s():
    problem, target, _, key = runs.instance(0, **runs.SMALL)
    theta0 = problem.init(5e-2, kind="gaussian", seed=key)
    ripples, rises = [], []
    for rtol in (1e-4, 1e-6):
        found, _ = follow(
            problem,
            theta0,
            partial(runs._observe, target),
            first=1.0,
            t_end=runs.T_END,
            stop_below=runs.STOP,
            rtol=rtol,
        )
        late = found["values"][found["time"] > 2e5, 0]
        ripples.append(np.abs(np.diff(late)).max())
        rises.append(rise_times(found["flow_time"], found["values"][:, :2]))
    assert ripples[0] > 5 * ripples[1], ripples
    np.testing.assert_allclose(rises[0], rises[1], rtol=2e-3)


@pytest.mark.slow
def test_five_components_rise_one_after_another_at_the_paper_s_size():
    case = {"method": "descent", "scale": 1e-2, "seed": 0, "rtol": runs.RTOL, **runs.FULL}
    run = runs.Run(**case, **runs.case(**case))
    assert run.off_level < 0.05
    assert run.next_over_first < 0.1
    assert run.rises[4] > 1.5 * run.rises[0]
    assert run.error[run.end] < 0.05
