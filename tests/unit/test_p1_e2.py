"""The experiment P1.E2, in its quick version, and what must survive an interruption."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dynlens.experiments import EXPERIMENTS, reproduce
from dynlens.experiments.p1_e2 import runs

TINY = {"observed": [150, 300], "scale": [1e-1, 1e-2], "repeat": [1, 2]}
RUNNER = """
import sys
from dynlens.experiments import reproduce
from dynlens.experiments.p1_e2 import runs
runs.grids = lambda quick: (runs._grid(3, "descent", {grid!r}),)
if __name__ == "__main__":
    reproduce("P1.E2", sys.argv[1], progress=False)
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return reproduce("P1.E2", tmp_path_factory.mktemp("p1_e2"), progress=False, quick=True)


@pytest.fixture
def no_tensorly(monkeypatch):
    for name in ("tensorly", "tensorly.cp_tensor", "tensorly.decomposition"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def tiny(monkeypatch):
    some = {"observed": [300], "scale": [1e-1, 1e-2], "repeat": [1]}
    monkeypatch.setattr(runs, "grids", lambda quick: (runs._grid(3, "descent", some),))


class TestQuickVersion:
    def test_leaves_figure_table_and_text(self, result):
        names = [path.name for path in (*result.figures, *result.files)]
        assert names == ["p1_e2.png", "p1_e2.pdf", "p1_e2.csv", "p1_e2.txt"]
        assert all(path.stat().st_size > 1000 for path in (*result.figures, *result.files))
        assert result.files[1].read_text() == str(result) + "\n"
        assert max(map(len, result.text.splitlines())) <= 105

    def test_table_is_the_same_on_disk(self, result):
        with result.files[0].open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == len(result.table) == 8 + 2 + 4
        for row, kept in zip(rows, result.table, strict=True):
            assert set(row) == set(kept)
            assert float(row["error"]) == kept["error"]
        assert not any("wall" in name or "second" in name for name in rows[0])

    def test_every_run_fits_what_it_sees(self, result):
        for row in result.rows(stop=runs.STOP):
            assert row["fitted"] == 1.0, row
            assert row["mse"] <= runs.STOP, row

    def test_small_starts_find_the_target_where_large_ones_do_not(self, result):
        for rank in (1, 3):
            large, small = (
                result.rows(method="descent", stop=runs.STOP, rank=rank, observed=300, scale=s)[0]
                for s in (1e-1, 1e-2)
            )
            assert small["error"] < large["error"] / 2, (small, large)
            assert small["error"] < small["linear"] / 5, small
            assert small["cp_rank"] < large["cp_rank"], (small, large)

    def test_the_rank_found_is_the_target_s_where_it_can_be(self, result):
        (row,) = result.rows(method="descent", stop=runs.STOP, rank=1, observed=300, scale=1e-2)
        assert row["cp_rank"] == 1
        assert row["norm_after"] < 0.05 * row["norm_1"]

    def test_errors_fall_with_more_observations(self, result):
        for rank in (1, 3):
            for scale in (1e-1, 1e-2):
                few, many = (
                    result.rows(
                        method="descent", stop=runs.STOP, rank=rank, observed=n, scale=scale
                    )[0]["error"]
                    for n in (100, 300)
                )
                assert many < few, (rank, scale, few, many)

    def test_the_flow_ends_where_descent_ends(self, result):
        for flow in result.rows(method="flow"):
            same = {name: flow[name] for name in ("rank", "observed", "scale", "repeat", "stop")}
            (descent,) = result.rows(method="descent", **same)
            assert abs(flow["error"] - descent["error"]) < 0.02, (flow, descent)
            assert descent["flow_time"] / flow["flow_time"] == pytest.approx(1.0, abs=0.2)

    def test_going_on_brings_it_nearer(self, result):
        for late in result.rows(stop=runs.LATE_STOP):
            same = {name: late[name] for name in ("rank", "observed", "scale", "repeat")}
            (row,) = result.rows(method="descent", stop=runs.STOP, **same)
            assert late["mse"] < row["mse"] / 10, late
            assert late["error"] < row["error"], (late, row)

    def test_is_listed(self):
        assert EXPERIMENTS["P1.E2"].source.startswith("razin2020implicit")


def test_the_baseline_is_the_error_of_what_is_seen_with_zeros():
    problem, target, _ = runs.instance(3, 3, 100, 0)
    filled = problem.observations.adjoint(problem.observations.data)
    assert np.count_nonzero(filled) == 100
    found = runs.case(3, "descent", 1e-2, 3, 100, 1e-1, 0)
    expected = np.linalg.norm(filled - target) / np.linalg.norm(target)
    assert found["linear"] == pytest.approx(expected, rel=1e-12)


def test_more_observations_contain_the_fewer_ones():
    few, many = (set(runs.instance(3, 1, n, 0)[0].observations.indices) for n in (50, 100))
    assert few < many
    assert len(many) == 100


def test_a_case_is_the_same_whenever_it_is_run():
    first, second = (runs.case(3, "descent", 1e-6, 1, 200, 1e-2, 3) for _ in range(2))
    assert first == second


def test_without_tensorly_the_rank_is_left_out_and_it_is_said(tmp_path, tiny, no_tensorly):
    found = reproduce("P1.E2", tmp_path, progress=False, quick=True)
    assert [row["cp_rank"] for row in found.table] == [None] * len(found.table)
    assert 'pip install "dynlens[tensor]"' in " ".join(found.text.split())
    assert "estimated rank is" not in found.text


def test_ranks_left_out_are_not_reused_once_they_can_be_had(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(runs, "has_tensorly", lambda: False)
    without = reproduce("P1.E2", tmp_path, progress=False, quick=True)
    monkeypatch.undo()
    some = {"observed": [300], "scale": [1e-1, 1e-2], "repeat": [1]}
    monkeypatch.setattr(runs, "grids", lambda quick: (runs._grid(3, "descent", some),))
    found = reproduce("P1.E2", tmp_path, progress=False, quick=True)
    assert all(row["cp_rank"] is None for row in without.table)
    assert all(row["cp_rank"] >= 1 for row in found.table)


def test_a_run_that_was_interrupted_ends_in_the_same_bits(tmp_path, tiny, monkeypatch):
    whole = reproduce("P1.E2", tmp_path / "whole", progress=False, quick=True)
    case, calls = runs.case, []

    def interrupted(**arguments):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(arguments)
        return case(**arguments)

    # The name is part of a case's key.
    interrupted.__module__, interrupted.__qualname__ = case.__module__, case.__qualname__
    monkeypatch.setattr(runs, "case", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reproduce("P1.E2", tmp_path / "broken", progress=False, quick=True)
    assert len(list((tmp_path / "broken" / "p1_e2-cases").iterdir())) == 3
    monkeypatch.setattr(runs, "case", case)
    again = reproduce("P1.E2", tmp_path / "broken", progress=False, quick=True)
    for ours, theirs in zip(whole.files, again.files, strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.slow
def test_ten_kills_change_no_bit_of_the_table(tmp_path):
    script = tmp_path / "runner.py"
    script.write_text(RUNNER.format(grid=TINY))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    began, first = time.perf_counter(), None
    process = subprocess.Popen([sys.executable, str(script), str(whole)])
    while process.poll() is None:
        time.sleep(0.01)
        if first is None and any((whole / "p1_e2-cases").glob("*.json")):
            first = time.perf_counter() - began
    assert process.returncode == 0
    assert first is not None
    cases = broken / "p1_e2-cases"
    rng, seen = np.random.default_rng(0), set()
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, str(script), str(broken)], start_new_session=True
        )
        time.sleep(rng.uniform(0.9, 1.2) * first)  # most of the time is spent before the first
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        now = {path.name for path in cases.glob("*.json")} if cases.exists() else set()
        assert seen <= now, f"lost {seen - now}"
        seen = now
        if not seen:
            first *= 1.2  # a machine that has become busier
    assert seen, "it was killed before anything was finished: nothing was tested"
    subprocess.run([sys.executable, str(script), str(broken)], check=True)
    for name in ("p1_e2.csv", "p1_e2.txt"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
