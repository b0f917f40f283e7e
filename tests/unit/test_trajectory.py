"""Trajectories: labelled observations, exact rates, files that round-trip and execute nothing."""

import json
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

import dynlens as dl
from dynlens.dynamics.trajectory import Crossing
from dynlens.observables import registry

COMPLETION = dl.completion_problem(2)
START = COMPLETION.init(0.5, seed=3)
TARGET = dl.problems.low_rank_matrix((2, 3), rank=1, seed=0)
SENSED = dl.Problem(
    dl.DeepLinear((3, 2, 2)),
    dl.HuberLoss(0.4, "mean"),
    dl.Sensing.gaussian(TARGET, count=3, seed=2),
)


@pytest.fixture(scope="module")
def flow():
    return dl.gradient_flow(COMPLETION, START, 2.0, saves=21)


@pytest.fixture(scope="module")
def descent():
    return dl.gradient_descent(COMPLETION, START, eta=0.05, steps=40, saves=21)


# -- observing ------------------------------------------------------------------------------------

LABELS = [
    ("loss", {}, {}),
    ("schatten_norm", {"p": 0.5}, {}),
    ("singular_values", {}, {"component": 2}),
    ("signed_singular_values", {}, {"component": 2}),
    ("end_to_end", {}, {"row": 2, "column": 2}),
    ("factor_norms", {}, {"factor": 2}),
    ("imbalances", {}, {"invariant": 4}),
]


@pytest.mark.parametrize(("name", "parameters", "sizes"), LABELS, ids=[row[0] for row in LABELS])
def test_observe_labels_every_axis(flow, name, parameters, sizes):
    array = flow.observe(name, **parameters)
    assert array.name == name
    assert dict(array.sizes) == {"time": 21, **sizes}
    np.testing.assert_array_equal(array["time"], flow.t)
    for dim, size in sizes.items():
        assert array[dim].values.tolist() == list(range(size)), f"labels of {dim}"
    np.testing.assert_array_equal(array, flow.values(name, **parameters))


def test_observe_carries_how_it_was_computed(flow):
    attrs = flow.observe("schatten_norm", p=0.5).attrs
    told = {k: attrs[k] for k in ("method", "rtol", "atol", "p", "source", "status")}
    expected = ("auto", 1e-9, 1e-12, 0.5, "flow", "finished")
    assert tuple(told.values()) == expected, told


def test_the_top_component_is_a_selection(flow):
    top = flow.observe("singular_values").sel(component=0)
    np.testing.assert_array_equal(top, flow.values("spectral_norm"))
    half = flow.observe("loss").sel(time=slice(0.0, 1.0))
    assert half.sizes["time"] == 11


def test_the_clock_of_descent_has_its_own_unit(flow, descent):
    units = [run.observe("loss")["time"].attrs["units"] for run in (flow, descent)]
    assert units == ["flow time", "eta * step"]
    assert descent.observe("loss").attrs["eta"] == 0.05


def test_a_dataset_puts_observables_side_by_side_on_one_clock(flow):
    names = ["loss", "singular_values", "end_to_end"]
    data = flow.dataset(names)
    assert list(data) == names
    assert dict(data.sizes) == {"time": 21, "component": 2, "row": 2, "column": 2}
    np.testing.assert_array_equal(data["end_to_end"], flow.values("end_to_end"))


def test_an_observable_is_evaluated_at_the_saved_states(flow):
    one_by_one = [float(COMPLETION.objective(theta)) for theta in flow.theta]
    np.testing.assert_allclose(flow.values("loss"), one_by_one, rtol=1e-14)


def test_a_trajectory_tells_its_length_its_end_and_its_status(flow):
    assert len(flow) == 21
    np.testing.assert_array_equal(flow.final, flow.theta[-1])
    assert repr(flow) == ("<Trajectory of the flow (auto), 21 states, t = 0 … 2, finished>")


def test_a_trajectory_without_states_can_still_be_shown():
    empty = dl.Trajectory(COMPLETION, np.empty(0), np.empty((0, 8)), status="failed")
    assert "0 states, empty, failed" in repr(empty)
    assert not empty.complete


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        ("finished", True),
        ("event", True),
        ("budget", False),
        ("failed", False),
        ("diverged", False),
    ],
)
def test_only_a_run_that_reached_its_end_is_complete(status, complete):
    assert dl.Trajectory(COMPLETION, np.zeros(1), START[None], status=status).complete is complete


# -- rates ----------------------------------------------------------------------------------------

RATED = ["loss", "end_to_end", "imbalances", "singular_values", "determinant"]


@cache
def difference_quotients(name, h=1e-3):
    """Fourth-order differences of a dense and precise flow, at t = 0.1, 0.2, ... 1.9."""
    times = np.arange(2001) * h
    dense = dl.gradient_flow(COMPLETION, START, times, rtol=1e-13, atol=1e-15)
    values = dense.values(name)
    rates = (values[:-4] - 8 * values[1:-3] + 8 * values[3:-1] - values[4:]) / (12 * h)
    return dense.rates(name)[100:2000:100], rates[98:1998:100]


def assert_rates_are(exact, quotients, name):
    scale = max(np.abs(quotients).max(), 1.0)
    gap = np.abs(exact - quotients).max() / scale
    assert gap < 1e-6, f"rate of {name} off by {gap:.1e}"


@pytest.mark.parametrize("name", RATED)
def test_rates_equal_differences_of_a_dense_flow(name):
    assert_rates_are(*difference_quotients(name), name)


def test_a_rate_that_lacks_a_factor_is_caught():
    exact, quotients = difference_quotients("loss")
    with pytest.raises(AssertionError, match="rate of loss off by"):
        assert_rates_are(0.99 * exact, quotients, "loss")


def test_the_rate_of_the_loss_is_minus_the_squared_gradient(flow):
    exact = -(flow.values("gradient_norm") ** 2)
    np.testing.assert_allclose(flow.rates("loss"), exact, rtol=1e-13)


def test_imbalances_do_not_move(flow):
    largest = np.abs(flow.rates("imbalances")).max()
    assert largest < 1e-14, f"they move at rate {largest:.1e}"


def test_on_descent_the_rate_is_the_flows(descent):
    expected = registry.find("loss").derivative(
        COMPLETION, descent.theta, -COMPLETION.gradient(descent.theta)
    )
    np.testing.assert_array_equal(descent.rates("loss"), expected)


# -- numerical error ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["loss", "singular_values", "end_to_end"])
def test_the_error_has_the_shape_of_the_observable_and_begins_at_rounding(flow, name):
    error = flow.error(name)
    assert error.shape == flow.values(name).shape
    assert error[0].max() < 1e-14, f"error {error[0].max():.1e} at the start"
    assert 0 < error.max() < 1e-6, f"largest error {error.max():.1e}"


def test_what_cannot_be_repeated_has_no_twin_and_no_finite_error(flow, tmp_path):
    run = dl.load(flow.save(tmp_path / "run"))
    assert run.twins == ()
    assert np.isinf(run.error("singular_values")).all()
    with pytest.raises(ValueError, match=r"only a flow computed in this process.*gradient_flow"):
        run.at([0.5])


def test_descent_cannot_be_evaluated_between_its_steps(descent):
    with pytest.raises(ValueError, match=r"only a flow computed in this process.*gradient_flow"):
        descent.at([0.5])


# -- disk -----------------------------------------------------------------------------------------


EVENTS = (dl.loss_below(0.3, terminal=False), dl.loss_below(0.2))
RUNS = {
    "flow with crossings": lambda: dl.gradient_flow(COMPLETION, START, 9.0, events=EVENTS),
    "a part": lambda: dl.gradient_flow(COMPLETION, START, 9.0, max_evaluations=60),
    "sensing": lambda: dl.gradient_flow(SENSED, SENSED.init(0.3, seed=0), 1.0, saves="log"),
    "descent": lambda: dl.gradient_descent(
        COMPLETION, START, eta=0.05, steps=100, method="grouprmsprop", stop_below=0.3
    ),
}


@pytest.mark.parametrize("make", RUNS.values(), ids=RUNS)
def test_saving_and_loading_gives_the_same_bits(make, tmp_path):
    run = make()
    again = dl.load(run.save(tmp_path / "run.npz"))
    assert again.t.tobytes() == run.t.tobytes()
    assert again.theta.tobytes() == run.theta.tobytes()
    assert again.theta.dtype == np.float64
    assert again.problem == run.problem
    for name in ("source", "status", "message"):
        assert getattr(again, name) == getattr(run, name), name
    assert dict(again.attrs) == dict(run.attrs)
    assert [(c.name, c.t) for c in again.crossings] == [(c.name, c.t) for c in run.crossings]
    for here, there in zip(run.crossings, again.crossings, strict=True):
        assert here.theta.tobytes() == there.theta.tobytes()
    np.testing.assert_array_equal(again.values("loss"), run.values("loss"))


def test_the_runs_above_have_something_to_lose():
    found = {name: make() for name, make in RUNS.items()}
    crossings = [c.name for c in found["flow with crossings"].crossings]
    assert crossings == ["loss = 0.3", "loss = 0.2"]
    statuses = [run.status for run in found.values()]
    assert statuses == ["event", "budget", "finished", "event"]
    assert len(found["descent"].attrs["flow_time"]) == len(found["descent"]) > 2


def test_save_adds_the_suffix_and_tells_the_path(flow, tmp_path):
    assert flow.save(tmp_path / "a.run") == tmp_path / "a.run.npz"
    assert flow.save(str(tmp_path / "b.npz")) == tmp_path / "b.npz"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.run.npz", "b.npz"]


def test_saving_again_replaces_the_file_and_leaves_no_part(flow, descent, tmp_path):
    flow.save(tmp_path / "run")
    descent.save(tmp_path / "run")
    assert dl.load(tmp_path / "run.npz").source == "descent"
    assert [path.name for path in tmp_path.iterdir()] == ["run.npz"]


def test_a_save_that_fails_keeps_the_old_file_and_leaves_no_part(
    flow, descent, tmp_path, monkeypatch
):
    path = flow.save(tmp_path / "run")
    before = path.read_bytes()

    def torn(stream, **arrays):
        stream.write(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", torn)
    with pytest.raises(OSError, match="no space left"):
        descent.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


# -- a file executes nothing ----------------------------------------------------------------------


def retold(path, **changes):
    """Write the file again with another header."""
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    header = json.loads(str(content["header"])) | changes
    np.savez(path, **(content | {"header": json.dumps(header)}))
    return path


def test_a_header_that_is_only_copied_still_loads(flow, tmp_path):
    path = retold(flow.save(tmp_path / "run"))
    assert dl.load(path).problem == COMPLETION


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("os:system", "system"),
        ("builtins:eval", "eval"),
        ("dynlens.problems.problem:Problm", "Problm"),
        ("dynlens.dynamics.trajectory:Trajectory", "Trajectory"),
        ("pathlib:Path", "Path"),
        ("", "``"),
    ],
)
def test_a_header_naming_an_unknown_class_is_refused(flow, tmp_path, kind, name):
    path = retold(flow.save(tmp_path / "run"), problem={"class": kind, "x": "echo"})
    with pytest.raises(ValueError, match=rf"the file needs .*{name}.*import it before loading"):
        dl.load(path)


def test_a_module_named_by_a_header_is_not_imported(flow, tmp_path, monkeypatch):
    (tmp_path / "module_with_a_trap.py").write_text("raise SystemExit('executed')\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = retold(flow.save(tmp_path / "run"), problem={"class": "module_with_a_trap:Model"})
    with pytest.raises(ValueError, match="import it before loading"):
        dl.load(path)
    assert "module_with_a_trap" not in sys.modules


def test_a_pickle_in_the_file_is_refused(flow, tmp_path):
    class Trap:
        def __reduce__(self):
            return sys.exit, ("executed",)

    path = flow.save(tmp_path / "run")
    with np.load(path) as archive:
        content = {name: archive[name] for name in archive.files}
    np.savez(path, **(content | {"theta": np.array([Trap()], dtype=object)}))
    with pytest.raises(ValueError, match="allow_pickle"):
        dl.load(path)


@dataclass(frozen=True)
class Quartic(dl.SquaredLoss):
    """A loss of the user's own."""

    strength: float = 0.25

    def value(self, z):
        return self.strength * z**4

    def derivative(self, z):
        return 4 * self.strength * z**3


def test_a_loss_of_ones_own_is_recreated_where_it_is_known(tmp_path):
    problem = dl.completion_problem(2, loss=Quartic(strength=0.5))
    run = dl.gradient_flow(problem, START, 1.0, compiled=False)
    assert dl.load(run.save(tmp_path / "run")).problem == problem


def test_a_crossing_shows_its_name_and_time():
    assert repr(Crossing("loss = 0.1", 1.5, START)) == "Crossing(name='loss = 0.1', t=1.5)"
