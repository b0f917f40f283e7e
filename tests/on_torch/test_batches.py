"""A batch of descents on a torch device is made of the runs that one start at a time would make."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')
pytest.importorskip("array_api_compat", reason='needs array-api-compat: "dynlens[torch]"')

import dynlens as dl  # noqa: E402
from dynlens.dynamics.engines import torch as engine  # noqa: E402
from dynlens.support.progress import Progress  # noqa: E402

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.gpu))
DEVICE = pytest.mark.parametrize("device", DEVICES)

SEEN = dl.Entries.sample(
    dl.problems.low_rank_tensor((4, 3, 5), rank=2, seed=0), fraction=0.5, seed=1
)
PROBLEM = dl.Problem(dl.CPFactorization((4, 3, 5), 4), dl.SquaredLoss(), SEEN)
METHODS = ("plain", "momentum", "grouprmsprop")
ETAS = [0.005, 0.002]


def starts():
    return dl.starts(PROBLEM, scale=[0.2, 0.4], seed=range(3))


def relative(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


@DEVICE
@pytest.mark.parametrize("method", METHODS)
def test_each_run_equals_the_single_run_and_keeps_its_labels(method, device):
    how = {"steps": 200, "saves": 5, "method": method, "backend": "torch", "device": device}
    batch = dl.gradient_descent_batch(PROBLEM, starts(), eta=ETAS, **how)
    assert dict(batch.grid.sizes) == {"scale": 2, "seed": 3, "eta": 2}
    for scale, seed, eta in ((0.2, 1, 0.002), (0.4, 2, 0.005)):
        run = batch.sel(scale=scale, seed=seed, eta=eta)
        alone = dl.gradient_descent(PROBLEM, PROBLEM.init(scale, seed=seed), eta=eta, **how)
        assert (run.status, run.message) == (alone.status, alone.message)
        np.testing.assert_array_equal(run.t, alone.t)
        gap = relative(run.theta, alone.theta)
        assert gap < 1e-13, f"{gap:.1e}"
        assert run.attrs.keys() == alone.attrs.keys() - {"seconds", "saves"}
        for name in run.attrs.keys() & {"memory", "flow_time"}:
            assert relative(np.array(run.attrs[name]), np.array(alone.attrs[name])) < 1e-13


@DEVICE
@pytest.mark.parametrize("method", METHODS)
def test_observables_kept_on_the_device_are_those_of_the_compiled_loop(method, device):
    names = ("loss", "component_norms", "end_to_end")
    run = {"eta": ETAS, "steps": 200, "saves": 5, "method": method, "observables": names}
    ours = dl.gradient_descent_batch(PROBLEM, starts(), **run)
    there = dl.gradient_descent_batch(PROBLEM, starts(), backend="torch", device=device, **run)
    assert np.all(there.status == "finished")
    for name in names:
        expected, got = ours.observe(name), there.observe(name)
        assert got.dims == expected.dims
        assert got.coords.equals(expected.coords)
        gap = relative(got.values, expected.values)
        assert gap < 1e-13, f"{name}: {gap:.1e}"
    assert {len(run.theta) for run in there} == {1}
    gap = relative(there.final.values, ours.final.values)
    assert gap < 1e-13, f"last states: {gap:.1e}"


def test_observables_are_not_computed_from_states_that_came_back(monkeypatch):
    def refused(*_):
        raise AssertionError("the states came back")

    monkeypatch.setattr("dynlens.dynamics.engines.blocks.Kept.add", refused)
    run = {"eta": 0.005, "steps": 20, "saves": 3, "observables": ("loss",)}
    batch = dl.gradient_descent_batch(PROBLEM, starts(), backend="torch", **run)
    assert batch.values("loss").shape == (6, 3)
    with pytest.raises(AssertionError, match="came back"):
        dl.gradient_descent_batch(PROBLEM, starts(), **run)


@DEVICE
@pytest.mark.parametrize("observables", [(), ("loss",)])
def test_each_run_ends_in_its_own_way(observables, device):
    run = {"eta": [0.05, 50.0, 0.0001], "steps": 600, "saves": 7, "stop_below": 5e-2}
    run["observables"] = observables
    ours = dl.gradient_descent_batch(PROBLEM, starts(), **run)
    there = dl.gradient_descent_batch(PROBLEM, starts(), backend="torch", device=device, **run)
    assert set(np.ravel(ours.status)) == {"event", "diverged", "finished"}
    np.testing.assert_array_equal(there.status, ours.status)
    for mine, yours in zip(ours, there, strict=True):
        assert mine.message == yours.message
        np.testing.assert_array_equal(mine.t, yours.t)
        if mine.status != "diverged":
            assert relative(yours.values("loss"), mine.values("loss")) < 1e-12


@DEVICE
def test_several_step_sizes_make_several_clocks(device):
    run = {"eta": ETAS, "steps": 100, "saves": 5, "method": "momentum", "beta": 0.5}
    batch = dl.gradient_descent_batch(PROBLEM, starts(), backend="torch", device=device, **run)
    loss = batch.observe("loss")
    assert loss.dims == ("scale", "seed", "eta", "step")
    expected = np.multiply.outer(ETAS, [0, 25, 50, 75, 100]) / (1 - 0.5)
    np.testing.assert_allclose(loss["time"].values, expected, rtol=1e-15)


@DEVICE
def test_single_precision_is_asked_for_by_name(device):
    run = {"eta": 0.005, "steps": 100, "saves": 2}
    ours = dl.gradient_descent_batch(PROBLEM, starts(), **run)
    single = dl.gradient_descent_batch(
        PROBLEM, starts(), backend="torch", device=device, dtype="float32", **run
    )
    assert single[0].attrs["dtype"] == "float32"
    drift = relative(single.final.values, ours.final.values)
    assert 1e-8 < drift < 1e-4, f"drift {drift:.1e}"


def test_the_whole_batch_is_one_call(monkeypatch):
    calls, descend = [], engine.descend
    monkeypatch.setattr(engine, "descend", lambda *a, **k: calls.append(a) or descend(*a, **k))
    run = {"eta": ETAS, "steps": 3, "backend": "torch", "observables": ("loss",)}
    dl.gradient_descent_batch(PROBLEM, starts(), **run)
    assert [args[1].shape for args in calls] == [(12, PROBLEM.model.parameters)]


def test_no_start_makes_an_empty_batch():
    none = np.empty((0, PROBLEM.model.parameters))
    batch = dl.gradient_descent_batch(PROBLEM, none, eta=0.1, steps=3, backend="torch")
    assert len(batch) == 0
    assert batch.values("loss").shape == (0, 4)


def test_the_progress_bar_counts_steps(monkeypatch):
    seen = []

    class Counter(Progress):
        def advance(self, by):
            seen.append(by)

    monkeypatch.setattr("dynlens.dynamics.engines.torch.Progress", Counter)
    run = {"eta": 0.005, "steps": 20, "saves": 3, "backend": "torch"}
    dl.gradient_descent_batch(PROBLEM, starts(), **run)
    assert not seen
    dl.gradient_descent_batch(PROBLEM, starts(), progress=True, **run)
    assert sum(seen) == 20


@pytest.mark.parametrize("device", ["gpu", "meta", 7, None])
def test_unknown_devices_are_refused(device):
    with pytest.raises(ValueError, match="`device` "):
        dl.gradient_descent_batch(
            PROBLEM, starts(), eta=0.1, steps=3, backend="torch", device=device
        )


def test_runs_that_do_not_fit_are_told_so(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("dynlens.dynamics.on_torch.loop._saved", full)
    with pytest.raises(MemoryError, match="6 runs at once do not fit onto 'cpu'; pass fewer"):
        dl.gradient_descent_batch(PROBLEM, starts(), eta=0.1, steps=3, backend="torch")
