"""Batches: the same runs as one by one, with bits that do not depend on the company."""

import gc
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray as xr

import dynlens as dl
from dynlens.dynamics.threads import Queue, share_out
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.tableaus import TABLEAUS

COMPILED = tuple(INTEGRATORS)

SWAP = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
TINY = dl.Problem(dl.DeepLinear((2, 2, 2, 2)), dl.SquaredLoss(), SWAP)
CP = dl.Problem(
    dl.CPFactorization((3, 3, 2), components=3),
    dl.SquaredLoss(),
    dl.Entries((3, 3, 2), [(0, 0, 0), (1, 2, 1), (2, 1, 0)], [1.0, -0.5, 0.3]),
)
LINE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
PROBLEMS = {"tiny": TINY, "cp": CP}
STARTS = dl.starts(TINY, scale=[0.4, 0.2], seed=range(3))
RULES = ("plain", "momentum", "grouprmsprop")

each_problem = pytest.mark.parametrize("name", PROBLEMS)


def some(problem, count, scale=0.4):
    return scale * np.random.default_rng(5).standard_normal((count, problem.model.parameters))


def descend(starts=STARTS, problem=TINY, **options):
    return dl.gradient_descent_batch(
        problem, starts, **({"eta": 0.05, "steps": 60, "saves": 7} | options)
    )


def flow(starts=STARTS, problem=TINY, t_end=3.0, **options):
    return dl.gradient_flow_batch(problem, starts, t_end, **({"saves": 4, "rtol": 1e-6} | options))


def assert_same(one, other):
    """Two trajectories, to the bit."""
    np.testing.assert_array_equal(one.theta, other.theta)
    np.testing.assert_array_equal(one.t, other.t)
    assert (one.status, one.message) == (other.status, other.message)
    for count in ("steps", "evaluations", "memory", "flow_time"):
        assert one.attrs.get(count) == other.attrs.get(count), count


# -- starts ---------------------------------------------------------------------------------------


def test_starts_are_those_of_the_problem_by_label():
    assert dict(STARTS.sizes) == {"scale": 2, "seed": 3, "parameter": 12}
    for scale in (0.4, 0.2):
        for seed in range(3):
            expected = TINY.init(scale, seed=seed)
            np.testing.assert_array_equal(STARTS.sel(scale=scale, seed=seed), expected)


def test_a_single_scale_or_seed_is_a_label_without_a_dim():
    found = dl.starts(TINY, 0.1, seed=range(4), kind="balanced")
    assert found.dims == ("seed", "parameter")
    assert float(found["scale"]) == 0.1
    assert dl.starts(TINY, [0.1, 0.2], kind="identity").dims == ("scale", "parameter")


# -- the same runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numba", "numpy"])
@pytest.mark.parametrize("method", RULES)
@each_problem
def test_a_descent_has_the_bits_of_a_single_run(name, method, backend):
    problem, starts = PROBLEMS[name], some(PROBLEMS[name], 3)
    options = {"steps": 60, "saves": 7, "method": method, "backend": backend}
    batch = dl.gradient_descent_batch(problem, starts, eta=[0.05, 0.1], threads=2, **options)
    for k, start in enumerate(starts):
        for eta in (0.05, 0.1):
            single = dl.gradient_descent(problem, start, eta=eta, **options)
            assert_same(batch.sel(start=k, eta=eta), single)


def test_a_descent_that_ends_early_is_the_single_one():
    starts = [[0.0], [1.9], [1e200]]
    options = {"eta": 0.1, "steps": 100, "saves": [0, 5, 50, 100], "stop_below": 1e-3}
    batch = dl.gradient_descent_batch(LINE, starts, **options)
    for k, start in enumerate(starts):
        assert_same(batch[k], dl.gradient_descent(LINE, start, **options))
    assert batch.status.values.tolist() == ["event", "event", "diverged"]


@pytest.mark.parametrize("method", COMPILED)
@each_problem
def test_each_start_follows_the_reference(name, method):
    problem, starts = PROBLEMS[name], some(PROBLEMS[name], 3)
    batch = flow(starts, problem, method=method, rtol=1e-8, atol=1e-10)
    most = {"RKC2": 1e-3, "Radau9": 1e-5}.get(method, 1e-6)
    for start, run in zip(starts, batch, strict=True):
        tight = dl.gradient_flow(problem, start, 3.0, saves=4, rtol=1e-12, method="DOP853")
        gap = np.abs(run.theta - tight.theta).max()
        assert 0 < gap < most, f"off by {gap:.1e}"
        np.testing.assert_array_equal(run.t, tight.t)


@pytest.mark.parametrize("method", TABLEAUS)
def test_lanes_take_the_steps_of_a_single_run(method):
    starts, options = some(TINY, 5), {"method": method, "rtol": 1e-8, "atol": 1e-10}
    batch = flow(starts, t_end=50.0, **options)
    for start, here in zip(starts, batch, strict=True):
        alone = dl.gradient_flow(TINY, start, 50.0, saves=4, **options)
        # Near a minimum the error is what rounding leaves of it, and one step may be tried twice.
        more = abs(here.attrs["evaluations"] - alone.attrs["evaluations"])
        assert more <= TABLEAUS[method].count, f"{more} more evaluations"
        # Then it is elsewhere, by less than the error that both have. (At the fourth start both try
        # that step twice, each by a length that rounding chose: by 1e-8 to 2e-7 on one machine.)
        exact = dl.gradient_flow(TINY, start, 50.0, saves=4, method="DOP853", rtol=1e-13)
        error = np.abs(alone.theta - exact.theta).max()
        allowed = error if more else max(error, 1e-7)
        assert np.abs(alone.theta - here.theta).max() < allowed


def test_a_few_starts_are_integrated_together_and_idle_lanes_wait_for_nothing(monkeypatch):
    passes = []
    monkeypatch.setattr(
        "dynlens.dynamics.batches.lanes.MOST", 1
    )  # the loop returns after every step
    monkeypatch.setattr(Queue, "finish", lambda queue, count=1: passes.append(count))

    def work(count):
        passes.clear()
        starts = np.tile(some(TINY, 1), (count, 1))
        flow(starts, t_end=50.0, method="Tsit5", threads=1)
        return len(passes)

    alone = work(1)
    assert alone > 100
    assert work(12) < alone + 30
    assert work(30) < 2 * alone + 60


def test_a_start_that_turns_stiff_is_integrated_by_itself():
    starts, options = some(TINY, 3), {"method": "auto", "saves": 4, "rtol": 1e-9}
    batch = dl.gradient_flow_batch(TINY, starts, 3e4, **options)
    stiff = [run for run in batch if len(run.attrs["switches"]) > 1]
    assert stiff, "none of them turned stiff"
    for start, run in zip(starts, batch, strict=True):
        if run in stiff:
            assert_same(run, dl.gradient_flow(TINY, start, 3e4, **options))


@pytest.mark.parametrize("method", TABLEAUS)
def test_saving_does_not_alter_the_steps_of_lanes(method):
    starts, options = some(TINY, 20), {"t_end": 50.0, "method": method, "rtol": 1e-8}
    few, many = flow(starts, saves=3, **options), flow(starts, saves=401, **options)
    for one, other in zip(few, many, strict=True):
        assert one.attrs["steps"] == other.attrs["steps"]
        np.testing.assert_array_equal(one.theta, other.theta[::200])


@pytest.mark.parametrize("method", TABLEAUS)
def test_times_inside_a_step_are_interpolated_as_well_as_those_stepped_to(method):
    starts = [[0.3], [1.0]]
    batch = flow(starts, LINE, [0.1, 1 / 3, 2.0], method=method, rtol=1e-9, atol=1e-12)
    exact = 2 - np.array([[1.7], [1.0]]) * np.exp(-batch.times[0])
    gap = np.abs(np.array([run.theta[:, 0] for run in batch]) - exact).max()
    assert gap < 1e-8, f"off by {gap:.1e}"


def test_a_run_of_a_batch_can_be_repeated_and_has_twins():
    run = flow(some(TINY, 3), method="DOP8")[1]
    again = run.at([1.5, 3.0])
    np.testing.assert_array_equal(again.theta[1], run.final)
    assert 0 < run.error("end_to_end").max() < 1e-4


# -- bits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["DOP8", "auto", "Radau9"])
@each_problem
def test_the_bits_do_not_depend_on_the_company_the_order_or_the_threads(name, method):
    problem, count = PROBLEMS[name], 20
    starts = some(problem, count)
    batch = flow(starts, problem, method=method, threads=1)
    order = np.random.default_rng(0).permutation(count)
    shuffled = flow(starts[order], problem, method=method, threads=3)
    for k, b in enumerate(order):
        assert_same(shuffled[k], batch[b])
    for b in (0, 13, 19):
        assert_same(flow(starts[[b]], problem, method=method)[0], batch[b])


def test_many_threads_descend_as_one():
    starts = some(CP, 24)
    one, many = (descend(starts, CP, steps=500, threads=n) for n in (1, 5))
    for k in range(24):
        assert_same(many[k], one[k])


# -- how runs end ---------------------------------------------------------------------------------


def test_a_run_that_fails_is_nan_and_disturbs_no_other():
    starts = some(TINY, 5)
    clean = descend(starts)
    starts[2] = 1e160  # overflows at once
    batch = descend(starts)
    assert batch.status.values.tolist() == ["finished"] * 2 + ["diverged"] + ["finished"] * 2
    assert batch.complete.values.tolist() == [True, True, False, True, True]
    assert np.isnan(batch.final[2]).all()
    with np.errstate(all="ignore"):
        loss = batch.observe("loss")
    assert np.isnan(loss[2, 1:]).all()
    for k in (0, 1, 3, 4):
        assert_same(batch[k], clean[k])
        np.testing.assert_array_equal(batch.final[k], clean[k].final)
        np.testing.assert_array_equal(loss[k], clean[k].values("loss"))


@pytest.mark.parametrize("method", COMPILED)
def test_a_flow_that_fails_is_nan_and_disturbs_no_other(method):
    starts = some(TINY, 20)
    clean = flow(starts, method=method)
    starts[7] = 1e160
    batch = flow(starts, method=method)
    assert [k for k, run in enumerate(batch) if not run.complete] == [7]
    assert batch.status[7] == "failed"
    assert batch[7].message.startswith(f"{method} stopped at t=0 of 3:")
    assert np.isnan(batch.final[7]).all()
    for k in (*range(7), *range(8, 20)):
        assert_same(batch[k], clean[k])


@pytest.mark.parametrize("method", ["DOP8", "auto", "Radau9"])
def test_a_budget_ends_each_run_by_itself(method):
    starts = some(TINY, 8)
    whole = flow(starts, t_end=50.0, saves=101, method=method)
    work = np.array([run.attrs["evaluations"] for run in whole])
    most = int(np.median(work))
    part = flow(starts, t_end=50.0, saves=101, method=method, max_evaluations=most)
    short = 0
    for there, here in zip(whole, part, strict=True):
        if here.status == "budget":
            short += 1
            assert here.attrs["evaluations"] >= most
            assert f"used up max_evaluations={most} at t=" in here.message
            np.testing.assert_array_equal(here.theta, there.theta[: len(here)])
        else:
            assert_same(here, there)
    assert 0 < short < 8, f"{short} of 8 ran out of a budget of {most}, of {work}"


@pytest.fixture
def heard():
    """Interrupts arrive, also where the tests run in the background and began with deaf ears."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    gc.disable()  # hypothesis watches collections, and one that comes meanwhile would be swallowed
    yield
    gc.enable()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kind", ["flow", "descent"])
def test_an_interrupt_ends_all_threads(kind, threads):
    def endless():
        if kind == "flow":
            flow(t_end=1e15, method="Tsit5", max_evaluations=10**15, threads=threads)
        else:
            descend(steps=10**15, threads=threads)

    flow(method="Tsit5"), descend()  # compiled before the clock runs
    before = threading.active_count()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        endless()
    timer.join()
    assert threading.active_count() == before


def test_an_interrupt_while_the_threads_are_started_ends_them(monkeypatch):
    started, submit = threading.Event(), ThreadPoolExecutor.submit

    def interrupted(pool, *call):
        if started.is_set():
            raise KeyboardInterrupt
        submit(pool, *call)
        assert started.wait(10)

    def work(queue: Queue) -> None:
        started.set()
        while not queue.stopped():
            time.sleep(1e-3)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        share_out(work, 5, 2)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_in_a_thread_is_raised(threads):
    def work(queue: Queue) -> None:
        for k in queue:
            if k == 5:
                raise RuntimeError("the fifth")

    with pytest.raises(RuntimeError, match="the fifth"):
        share_out(work, 100, threads)


# -- the grid -------------------------------------------------------------------------------------


def test_a_batch_is_a_sequence_of_trajectories():
    batch = descend()
    assert len(batch) == len(list(batch)) == 6
    np.testing.assert_array_equal(batch[-1].theta[0], STARTS[1, 2])
    assert repr(batch) == "<Batch of the descent, scale: 2, seed: 3, 7 saves: 6 finished>"
    with pytest.raises(IndexError):
        batch[6]


def test_selecting_ends_in_a_trajectory():
    batch = descend(eta=[0.1, 0.05])
    row = batch.sel(scale=0.2)
    assert dict(row.grid.sizes) == {"seed": 3, "eta": 2}
    assert [len(row.sel(seed=[0, 2])), len(row.sel(seed=slice(1, 2)))] == [4, 4]
    assert_same(row.sel(seed=1, eta=0.05), batch[9])
    assert_same(row.isel(seed=1, eta=1), batch[9])
    assert row.sel(seed=1, eta=0.05).attrs["eta"] == 0.05


def test_observables_are_labelled():
    batch = flow()
    seen = batch.observe("singular_values")
    assert dict(seen.sizes) == {"scale": 2, "seed": 3, "time": 4, "component": 2}
    one = batch.sel(scale=0.2, seed=1)
    chosen = seen.sel(scale=0.2, seed=1)
    np.testing.assert_array_equal(chosen, one.values("singular_values"))
    np.testing.assert_array_equal(seen["time"], one.t)
    assert seen["time"].attrs["units"] == "flow time"
    table = batch.dataset(["loss", "singular_values"])
    assert set(table.data_vars) == {"loss", "singular_values", "status"}
    xr.testing.assert_identical(table["singular_values"], seen)


def test_several_clocks_make_time_a_coordinate_of_step_size_and_step():
    batch = descend(eta=[0.1, 0.05])
    loss = batch.observe("loss")
    assert loss.dims == ("scale", "seed", "eta", "step")
    assert loss["time"].dims == ("eta", "step")
    np.testing.assert_array_equal(loss["step"], [0, 10, 20, 30, 40, 50, 60])
    for eta in (0.1, 0.05):
        np.testing.assert_array_equal(loss["time"].sel(eta=eta), eta * loss["step"])
        assert batch.sel(eta=eta).observe("loss").dims == ("scale", "seed", "time")


def test_labels_of_other_dims_are_kept():
    given = xr.DataArray(
        some(TINY, 4).reshape(2, 2, 12), {"kind": ["a", "b"]}, ("kind", "copy", "parameter")
    )
    batch = descend(given.transpose("parameter", "copy", "kind"))
    assert batch.grid.dims == ("copy", "kind")
    np.testing.assert_array_equal(batch.sel(kind="b", copy=1).theta[0], given[1, 1])


def test_an_empty_batch_is_one():
    for batch in (descend(np.empty((0, 12))), flow(np.empty((0, 12)))):
        assert len(batch) == 0
        assert batch.observe("singular_values").sizes["start"] == 0
        assert batch.observe("singular_values").sizes["component"] == 2
        assert batch.final.shape == (0, 12)
        assert repr(batch).endswith("saves: empty>")


# -- observables in place of states ---------------------------------------------------------------


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_observables_can_be_kept_in_place_of_the_states(backend):
    options = {"steps": 300, "saves": 201, "backend": backend}
    batch = descend(**options)
    kept = descend(observables=("loss", "singular_values"), **options)
    for name in ("loss", "singular_values"):
        np.testing.assert_allclose(kept.observe(name), batch.observe(name), rtol=1e-12, atol=1e-15)
    for run, there in zip(kept, batch, strict=True):
        assert run.theta.shape == (1, 12)
        np.testing.assert_array_equal(run.final, there.final)
    single = dl.gradient_descent(
        TINY, STARTS[0, 0], eta=0.05, observables=("loss", "singular_values"), **options
    )
    assert_same(kept[0], single)
    np.testing.assert_array_equal(kept[0].values("loss"), single.values("loss"))
    with pytest.raises(ValueError, match=r"only .* were kept along this run"):
        kept.observe("end_to_end")


def test_a_flow_can_keep_observables_alone():
    kept, batch = flow(observables=("loss",)), flow()
    np.testing.assert_allclose(kept.observe("loss"), batch.observe("loss"), rtol=1e-12)
    assert kept[0].theta.shape == (1, 12)


def test_kept_observables_are_saved_with_the_trajectory(tmp_path):
    run = descend(observables=("loss",))[0]
    again = dl.load(run.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.values("loss"), run.values("loss"))
    np.testing.assert_array_equal(again.theta, run.theta)
    with pytest.raises(ValueError, match="`rates` need the states"):
        again.rates("loss")


# -- progress and bad input -----------------------------------------------------------------------


def test_progress_is_shown_when_asked_for(capsys):
    flow(progress=True), descend(progress=True)
    assert capsys.readouterr().err.count("6/6") >= 2


@pytest.mark.parametrize(
    ("call", "kind", "match"),
    [
        (lambda: flow(np.zeros(12)), ValueError, r"`starts` has shape \(12,\).*makes \(B, 12\)"),
        (lambda: flow(np.zeros((3, 11))), ValueError, r"has shape \(3, 11\)"),
        (lambda: flow(np.full((3, 12), np.nan)), ValueError, "`starts` has a NaN"),
        (lambda: flow("starts"), TypeError, "`starts` must be an array of numbers"),
        (lambda: flow(STARTS.rename(seed="time")), ValueError, "none of .*'time'"),
        (lambda: flow(STARTS.rename(parameter="p")), ValueError, "it needs 'parameter'"),
        (lambda: flow(method="LSODA"), ValueError, "no 'LSODA'"),
        (lambda: flow(threads=0), ValueError, "`threads` must be at least 1"),
        (lambda: flow(rtol=0.0), ValueError, "`rtol` must be positive"),
        (lambda: flow(t_end=-1.0), ValueError, "`t_end` must be after the start"),
        (lambda: flow(problem="p"), TypeError, "`problem` must be a Problem"),
        (lambda: descend(eta=[]), ValueError, "`eta` must list one or more"),
        (lambda: descend(eta=[0.1, 0.1]), ValueError, "each once"),
        (lambda: descend(eta=[0.1, -0.1]), ValueError, "`eta` must be positive"),
        (lambda: descend(backend="torc"), ValueError, "`backend`: no 'torc'"),
        (lambda: descend(observables="loss"), TypeError, "`observables` must be a tuple"),
        (lambda: descend(observables=["los"]), ValueError, "did you mean loss"),
        (lambda: descend(observables=["signed_singular_values"]), ValueError, "the whole path"),
        (lambda: descend().sel(sed=1), ValueError, "`sed` is no dim"),
        (lambda: descend().sel(seed=7), ValueError, r"`seed` has no 7; its labels are \[0, 1, 2\]"),
        (lambda: dl.starts(TINY, [0.1, 0.1], seed=0), ValueError, "`scale` repeats"),
        (lambda: dl.starts(TINY, 0.1), TypeError, "`seed` is required"),
        (lambda: dl.starts(TINY, "x", seed=0), TypeError, "`scale` must be a number"),
        (lambda: dl.starts(TINY, 0.1, seed=[-1]), ValueError, "`seed` must be at least 0"),
        (lambda: dl.starts(TINY, [[0.1]], seed=0), ValueError, "`scale` must be a number or a"),
    ],
)
def test_bad_input_is_named(call, kind, match):
    with pytest.raises(kind, match=match):
        call()
