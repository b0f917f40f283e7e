"""The benchmark's problems, its arithmetic and its tables; no time is judged."""

import os
import time
from dataclasses import replace
from math import inf, isnan, nan

import numpy as np
import pytest
from typer.testing import CliRunner

from dynlens.bench import PROBLEMS, Measured, many, measure
from dynlens.bench.curves import Curve, Point, ratio
from dynlens.bench.cyrk import callback_source
from dynlens.bench.descent import Steps, measure_steps
from dynlens.bench.figure import plot_work_precision
from dynlens.bench.goals import GOALS, TAILS, Goal, Outcome, outcome, table
from dynlens.bench.many import MANY_PEERS
from dynlens.bench.measure import _timed
from dynlens.bench.peers import PEERS, missing
from dynlens.bench.portable import portable_field
from dynlens.cli import bench as command
from dynlens.cli.app import app
from dynlens.cli.cpu import one_core, one_thread_each

SIZES = {"B1s": 12, "B1m": 12, "B1": 12, "B2": 300, "B3": 640, "B5": 1460, "B4": 12288, "B6": 12}


def curve(name, *points):
    """(error, milliseconds), the tolerances made up."""
    found = [Point(10.0**-k, error, ms, 100 * k) for k, (error, ms) in enumerate(points, 4)]
    return Curve(name, tuple(found))


def measured(*curves, bench="B1s", bare=0.001):
    return Measured(PROBLEMS[bench], curves, bare)


# problems -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_problem_has_its_size_and_a_start_of_finite_loss(name):
    problem, theta0 = PROBLEMS[name].make()
    many = (1000,) if name == "B6" else ()
    assert theta0.shape == (*many, problem.model.parameters) == (*many, SIZES[name])
    assert np.all(np.isfinite(problem.objective(theta0)))


@pytest.mark.parametrize("name", ["B1s", "B2", "B3", "B5", "B4"])
def test_the_portable_gradient_equals_the_reference(name):
    problem, theta0 = PROBLEMS[name].make()
    theta = theta0 + 0.3 * np.random.default_rng(0).standard_normal(theta0.size)
    expected = -problem.gradient(theta)
    found = portable_field(problem, lambda array: array, np.concatenate)(theta)
    gap = np.abs(found - expected).max() / np.abs(expected).max()
    assert gap < 1e-14, f"{name}: off by {gap:.1e}"


def test_many_starts_are_judged_by_their_last_states():
    found = measure(PROBLEMS["B6"], rtols=(1e-6,), rounds=1, peers=MANY_PEERS[:2])
    assert [c.name for c in found.curves] == ["dynlens DOP8 batch", "dynlens auto batch"]
    for each in found.curves:
        assert 1e-12 < each.points[0].error < 1e-5, each
        assert each.points[0].milliseconds > 0


def test_two_cores_are_compared_only_where_there_are_two(monkeypatch):
    tried = []
    monkeypatch.setattr(many, "gradient_flow_batch", lambda *a, threads, **o: tried.append(threads))
    problem, starts = PROBLEMS["B6"].make()
    assert np.isnan(many.speedup(problem, starts, 1.0, {0}))
    assert not tried
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(cores) > 1:
        assert many.speedup(problem, starts, 1.0, cores) > 0
        assert tried[:3] == [1, 2, 1]
        assert os.sched_getaffinity(0) == cores


def test_what_is_timed_has_one_core_and_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    with one_thread_each(), one_core() as cores:
        assert (os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]) == ("1", "3")
        assert cores == before
        if before:
            assert len(os.sched_getaffinity(0)) == 1
    assert "OMP_NUM_THREADS" not in os.environ
    if before:
        assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(("takes", "times"), [(0.003, 7), (0.03, 1)])
def test_short_work_is_repeated_and_long_work_is_not(monkeypatch, takes, times):
    done = []
    monkeypatch.setattr(time, "process_time", lambda: takes * len(done))
    seconds, last = _timed(lambda: done.append(1) or len(done))
    assert last == len(done) == times
    assert seconds == pytest.approx(takes)


def test_the_portable_gradient_refuses_what_it_does_not_know():
    import dynlens as dl

    problem, _ = PROBLEMS["B1s"].make()
    other = replace(problem, loss=dl.HuberLoss())
    with pytest.raises(TypeError, match="no portable gradient"):
        portable_field(other, np.asarray, np.concatenate)


@pytest.mark.parametrize("name", ["B1s", "B2", "B3"])
def test_the_source_for_cyrk_is_python(name):
    problem, _ = PROBLEMS[name].make()
    compile(callback_source(problem), name, "exec")


# measuring ----------------------------------------------------------------------------------------


def test_every_integrator_reaches_the_reference():
    peers = [peer for peer in PEERS if not peer.packages]
    found = measure(PROBLEMS["B1s"], rtols=(1e-8,), rounds=1, peers=peers)
    assert [each.name for each in found.curves] == [peer.name for peer in peers]
    for each in found.curves:
        (point,) = each.points
        assert point.error < 1e-6, f"{each.name} is off by {point.error:.1e}"
        assert point.milliseconds > 0
        assert found.overhead(point) > 0


def test_explicit_methods_are_spared_the_stiff_problems():
    assert PROBLEMS["B1m"].stiff
    found = measure(PROBLEMS["B1m"], rtols=(1e-6,), rounds=1, peers=PEERS[:2])
    assert [each.name for each in found.curves] == ["dynlens auto"]


def test_a_solver_that_takes_too_long_is_not_asked_again():
    slow = [peer for peer in PEERS if peer.name == "SciPy LSODA"]
    found = measure(PROBLEMS["B1s"], rtols=(1e-4, 1e-6), rounds=1, patience=0.0, peers=slow)
    assert [point.rtol for point in found.curves[0].points] == [1e-4]


def test_a_run_that_fails_has_no_error_and_no_part_in_the_comparison():
    failing = replace(PEERS[0], prepare=lambda p, x: lambda *_: (np.full(x.size, np.nan), None))
    found = measure(PROBLEMS["B1s"], rtols=(1e-6,), rounds=1, peers=[failing])
    assert isnan(found.curves[0].points[0].error)
    assert found.curves[0].floor == inf
    assert command.rows(found, 1e-8)[0][4] == "failed"


def test_steps_of_descent_are_timed():
    found = measure_steps(PROBLEMS["B1s"], 1)
    assert found.ours > 0


# curves -------------------------------------------------------------------------------------------


def test_between_two_runs_the_logarithms_are_interpolated():
    power = curve("x", (1e-4, 1.0), (1e-8, 100.0))  # time = error ** -1/2 / 100
    assert power.work_for(1e-6) == pytest.approx(10.0)
    assert power.work_for(1e-8) == pytest.approx(100.0)


def test_nothing_is_extrapolated():
    power = curve("x", (1e-4, 1.0), (1e-8, 100.0))
    assert power.work_for(1e-2) == 1.0  # the loosest run does, with some to spare
    assert isnan(power.work_for(1e-9))
    assert isnan(curve("x").work_for(1.0))


def test_a_run_that_is_slower_and_no_better_does_not_count():
    odd = curve("x", (1e-6, 5.0), (1e-4, 9.0), (1e-8, 20.0), (nan, 0.1))
    assert odd.front() == [(1e-6, 5.0), (1e-8, 20.0)]


def test_a_ratio_is_taken_at_an_error_that_both_reach():
    ours, theirs = curve("a", (1e-4, 1.0), (1e-8, 100.0)), curve("b", (1e-3, 5.0), (1e-6, 50.0))
    found = ratio(theirs, ours, 1e-8)
    assert found.error == 1e-6
    assert found.value == pytest.approx(5.0)
    assert isnan(ratio(curve("b", (nan, 1.0)), ours, 1e-8).value)


def test_exact_answers_are_no_obstacle():
    exact = curve("x", (1e-4, 1.0), (0.0, 2.0))
    assert exact.work_for(0.0) == 2.0
    assert 1.0 < exact.work_for(1e-12) < 2.0


# goals --------------------------------------------------------------------------------------------


def test_goals_name_integrators_and_problems_that_exist():
    names = {peer.name for peer in (*PEERS, *MANY_PEERS)}
    for goal in (*GOALS, *TAILS):
        assert {goal.ours, *goal.rivals} <= names
        assert set(goal.targets) <= set(PROBLEMS)


def test_the_fastest_rival_counts_but_only_if_it_is_accurate_enough():
    goal = Goal("g", "a", ("b", "c", "d"), {"B1s": 2.0}, 1e-6)
    ours = curve("a", (1e-6, 1.0))
    sloppy, quick, slow = curve("b", (1e-3, 0.1)), curve("c", (1e-7, 3.0)), curve("d", (1e-7, 9.0))
    found = outcome(goal, measured(ours, sloppy, quick, slow))
    assert str(found) == "3 ≥ 2"
    lonely = outcome(goal, measured(ours, sloppy))
    assert str(lonely) == "0.1 < 2 (at 1e-03)"
    assert str(outcome(goal, measured(ours))) == "-"
    assert outcome(goal, measured(ours, quick, bench="B2")) is None


def test_an_outcome_says_whether_the_target_is_met():
    assert str(Outcome(1.21, 1.25, at_most=True)) == "1.21 ≤ 1.25"
    assert str(Outcome(1.3, 1.25, at_most=True)) == "1.3 > 1.25"
    assert str(Outcome(7.0, None)) == "7"
    assert Outcome(7.0, None).met is None


def test_the_table_of_goals_has_a_row_for_all_that_was_measured():
    ours, theirs = curve("dynlens DOP8", (1e-9, 1.0)), curve("SciPy DOP853", (1e-9, 200.0))
    rows = dict(table([measured(ours, theirs)], {"B1s": Steps(1.0, 2000.0)}))
    assert str(rows["solve_ivp DOP853 + our field / DOP8"][0]) == "200 ≥ 120"
    assert str(rows["descent: torch step / ours"][0]) == "2000 ≥ 1000"
    assert str(rows["DOP8: time / gradients alone"][0]) == "2.5 ≤ 6"
    assert "CyRK Radau / auto, error 1e-9" not in rows  # another problem's


def test_a_peer_that_is_absent_is_named_with_what_to_install():
    absent = replace(PEERS[0], name="nobody", packages=("no_such_package",))
    assert missing([PEERS[0], absent]) == ["nobody is left out: pip install no_such_package"]


def test_an_absent_peer_takes_no_part():
    absent = replace(PEERS[0], packages=("no_such_package",))
    assert measure(PROBLEMS["B1s"], rtols=(1e-6,), rounds=1, peers=[absent]).curves == ()


# the command --------------------------------------------------------------------------------------


def test_a_table_says_where_the_error_asked_for_was_not_reached():
    ours, theirs = curve("a", (1e-9, 1.0)), curve("b", (1e-5, 4.0))
    lines = command.rows(measured(ours, theirs), 1e-8)
    assert [line[0] for line in lines] == ["a", "b"]
    assert [line[-1] for line in lines] == ["1", "4 (at 1e-05)"]


def test_the_figure_has_a_panel_for_each_problem_and_a_legend():
    drawn = [measured(curve("dynlens auto", (1e-4, 1.0), (1e-8, 9.0)), bench=b) for b in SIZES]
    figure = plot_work_precision(drawn)
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left")[:2] for axes in shown] == [name[:2] for name in SIZES]
    for axes in shown:
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert axes.get_xlabel() == "error of the last state"
    assert [text.get_text() for text in figure.axes[len(SIZES)].get_legend().get_texts()] == [
        "dynlens auto"
    ]


def test_the_command_refuses_a_problem_that_it_does_not_know():
    result = CliRunner().invoke(app, ["bench", "B9"])
    assert result.exit_code == 2
    assert "no problem 'B9'; known: B1s" in result.output


def test_the_command_refuses_a_figure_in_no_folder(tmp_path):
    result = CliRunner().invoke(app, ["bench", "B1s", "--figure", str(tmp_path / "no" / "x.png")])
    assert result.exit_code == 2
    assert "is not in an existing folder" in result.output


def test_the_command_prints_the_table_the_goals_and_what_is_missing(monkeypatch, tmp_path):
    absent = replace(PEERS[0], name="nobody", packages=("no_such_package",))
    ours = curve("dynlens DOP8", (1e-9, 1.0))
    monkeypatch.setattr(command, "PEERS", (absent,))
    monkeypatch.setattr(command, "measure", lambda *_, **__: measured(ours))
    monkeypatch.setattr(command, "measure_steps", lambda *_: Steps(1.0, nan))
    place = tmp_path / "figure.png"
    result = CliRunner().invoke(app, ["bench", "B1s", "--quick", "--figure", str(place)])
    assert result.exit_code == 0, result.output
    assert "nobody is left out: pip install no_such_package" in result.output
    assert "torch is left out" in result.output
    assert "2.5 ≤ 6" in result.output
    assert place.stat().st_size > 1000
