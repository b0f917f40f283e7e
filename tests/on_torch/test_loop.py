"""Gradient descent with torch equals the other backends, on every device that is there."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pytest

import dynlens as dl
from dynlens.kernels.products import Kernel
from dynlens.models.base import Model, add_rows
from dynlens.observables import registry

torch = pytest.importorskip("torch", reason='needs torch: pip install "dynlens[torch]"')
pytest.importorskip("array_api_compat", reason='needs array-api-compat: "dynlens[torch]"')

from dynlens.bench.agreement import agreement_problems, weight_gaps  # noqa: E402
from dynlens.bench.problems import PROBLEMS as BENCHES  # noqa: E402
from dynlens.dynamics.on_torch.loop import Place, descend, prepared  # noqa: E402
from dynlens.dynamics.on_torch.problem import moved, observed  # noqa: E402
from dynlens.problems.objectives import ByEntries, ByTensor  # noqa: E402

DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.gpu))
DEVICE = pytest.mark.parametrize("device", DEVICES)

PROBLEMS = agreement_problems()
SEEN = PROBLEMS["CP"].observations
TARGET = dl.problems.low_rank_tensor((4, 3, 5), rank=2, seed=0, norm=2.0)
# What is measured differently, or added up differently.
VARIANTS = {
    "full": dl.Problem(dl.CPFactorization((2, 3, 2), 3), dl.HuberLoss(0.3, "mean"), dl.Full(
        dl.problems.low_rank_tensor((2, 3, 2), rank=1, seed=0)
    )),
    "sensing": dl.Problem(
        dl.DeepLinear((4, 3, 3)), dl.SquaredLoss("mean", half=False),
        dl.Sensing.gaussian(dl.problems.low_rank_matrix((3, 4), rank=1, seed=0), count=7, seed=1),
    ),
    "rank-one": dl.Problem(
        dl.HierarchicalTensor((4, 3, 5), ((0, 2), 1), widths=3, trainable_root=False),
        dl.SquaredLoss(), dl.RankOneSensing.gaussian(TARGET, count=9, seed=0),
    ),
    "rank-one of a matrix": dl.Problem(
        dl.DeepLinear((4, 3)), dl.HuberLoss(),
        dl.RankOneSensing.gaussian(
            dl.problems.low_rank_matrix((3, 4), rank=1, seed=0), count=5, seed=0
        ),
    ),
    "tree, full": dl.Problem(
        dl.HierarchicalTensor((2, 3, 2, 2), ((3, 0), (2, 1)), widths=2), dl.SquaredLoss(),
        dl.Full(dl.problems.low_rank_tensor((2, 3, 2, 2), rank=2, seed=0)),
    ),
}  # fmt: skip
# Models that are not multilinear, and penalties.
SYMMETRIC = (
    dl.problems.low_rank_matrix((3, 3), rank=1, seed=0)
    + dl.problems.low_rank_matrix((3, 3), rank=1, seed=0).T
)
POWERS = dl.RankOneSum.random([2.0, 1.0], dimension=3, order=3, seed=0)
OTHERS = {
    "ridge": dl.Problem(dl.CPFactorization((4, 3, 5), 4), dl.SquaredLoss(), SEEN, dl.Ridge(0.1)),
    "quadratic": dl.Problem(
        dl.QuadraticNetwork(3, 4), dl.SquaredLoss(), dl.Full(SYMMETRIC), dl.Ridge(0.05)
    ),
    "quadratic, fixed signs": dl.Problem(
        dl.QuadraticNetwork(3, 4, (1, -1, 1, 1)), dl.SquaredLoss(half=False), dl.Full(SYMMETRIC)
    ),
    "symmetric": dl.Problem(
        dl.SymmetricTensor(3, 3, 4, degree=2, coefficients=(1.0, -1.0, 1.0, -1.0)),
        dl.SquaredLoss(half=False), POWERS, dl.Ridge(0.1, half=False),
    ),
    "symmetric, trained": dl.Problem(
        dl.SymmetricTensor(3, 3, 4, coefficients=None), dl.SquaredLoss(), POWERS
    ),
    "symmetric, written out": dl.Problem(
        dl.SymmetricTensor(3, 3, 4, coefficients=None), dl.HuberLoss(0.3), POWERS
    ),
}  # fmt: skip
ALL = PROBLEMS | VARIANTS | OTHERS
METHODS = ("plain", "momentum", "grouprmsprop")
ETA = {"plain": 0.02, "momentum": 0.005, "grouprmsprop": 0.01}


def relative(got, expected):
    return np.abs(got - expected).max() / np.abs(expected).max()


def some_starts(problem, count=4):
    return np.stack([problem.init(0.4, seed=seed) for seed in range(count)])


def memory_of(problem, method, count):
    if method == "momentum":
        return np.tile(np.append(0.9, np.zeros(problem.model.parameters)), (count, 1))
    return None


# -- one reference, several backends --------------------------------------------------------------


@pytest.mark.slow
@DEVICE
@pytest.mark.parametrize("name", PROBLEMS)
def test_weights_agree_after_6000_steps(name, device):
    gaps = weight_gaps(PROBLEMS[name], device)
    told = ", ".join(f"{backend}: {gap:.1e}" for backend, gap in gaps.items())
    assert max(gaps["numba"], gaps["torch, float64"]) < 1e-12, told
    assert 1e-8 < gaps["torch, float32"] < 1e-3, told


@DEVICE
@pytest.mark.parametrize("name", OTHERS)
def test_models_that_are_not_multilinear_and_penalties_descend_alike(name, device):
    problem = OTHERS[name]
    run = {"problem": problem, "theta0": problem.init(0.4, seed=3), "eta": 0.01, "steps": 300}
    reference = dl.gradient_descent(**run, backend="numpy").final
    got = dl.gradient_descent(**run, backend="torch", device=device).final
    gap = relative(got, reference)
    assert gap < 1e-13, f"{gap:.1e}"


@DEVICE
@pytest.mark.parametrize("name", PROBLEMS)
def test_single_precision_drifts_by_its_rounding(name, device):
    problem = PROBLEMS[name]
    run = {"problem": problem, "theta0": problem.init(0.4, seed=3), "eta": 0.02, "steps": 1000}
    double = dl.gradient_descent(**run).final
    single = dl.gradient_descent(**run, backend="torch", device=device, dtype="float32")
    assert single.theta.dtype == np.float64
    assert single.attrs["dtype"] == "float32"
    drift = relative(single.final, double)
    assert 1e-8 < drift < 1e-4, f"drift {drift:.1e}"  # 0.2 to 1000 roundings of 6e-8


@DEVICE
@pytest.mark.parametrize("name", ALL)
def test_gradients_equal_the_reference_for_every_way_to_the_predictions(name, device):
    problem = ALL[name]
    there = moved(problem, torch.device(device), torch.float64)
    theta = some_starts(problem, 6).reshape(2, 3, -1)
    value, gradient = there.value_and_gradient(torch.tensor(theta, device=device))
    assert gradient.device.type == device
    assert relative(gradient.cpu().numpy(), problem.gradient(theta)) < 1e-14
    assert relative(value.cpu().numpy(), problem.objective(theta)) < 1e-14


@DEVICE
@pytest.mark.parametrize(("name", "way"), [("B3", ByTensor), ("B5", ByEntries)])
def test_the_way_that_touches_less_memory_is_taken(name, way, device):
    problem, start = BENCHES[name].make()
    there = prepared(problem, Place.of(device, "float64"))
    assert type(there.of_factors) is way
    theta = np.stack([start, -start])
    gradient = there.gradient(torch.tensor(theta, device=device)).cpu().numpy()
    assert relative(gradient, problem.gradient(theta)) < 1e-14


@DEVICE
def test_rows_that_repeat_are_added(device):
    rows = np.random.default_rng(0).standard_normal((2, 5, 3))
    index = np.array([2, 0, 2, 3, 2])
    there = add_rows(torch.tensor(rows, device=device), torch.tensor(index, device=device), 5)
    assert relative(there.cpu().numpy(), add_rows(rows, index, 5)) < 1e-15


@DEVICE
@pytest.mark.parametrize("name", ALL)
def test_observables_are_those_of_the_reference(name, device):
    problem = ALL[name]
    theta, known = some_starts(problem), {}
    for entry in registry.REGISTRY.values():
        if entry.along_path or entry.name in ("cp_rank", "reconstruction_error"):
            continue
        with suppress(TypeError, ValueError, np.linalg.LinAlgError):  # not of this model
            known[entry.name] = entry, entry(problem, theta)
    there = moved(problem, torch.device(device), torch.float64, tuple(known))
    for entry, expected in known.values():
        got = observed(there, entry.name, torch.tensor(theta, device=device))
        assert got.shape == expected.shape, entry.name
        scale = max(1.0, np.nanmax(np.abs(expected), initial=0.0))
        np.testing.assert_allclose(got, expected, atol=1e-12 * scale, err_msg=entry.name)
    assert len(known) >= 8, f"{len(known)} observables compared"


# -- many runs at once ----------------------------------------------------------------------------


@DEVICE
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_batch_equals_the_runs_one_by_one(name, method, device):
    problem, marks = PROBLEMS[name], np.array([0, 70, 300])
    starts, etas = some_starts(problem), ETA[method] * np.array([1.0, 0.5, 0.25, 0.8])
    memory = memory_of(problem, method, len(starts))
    runs = descend(problem, starts, etas, marks=marks, method=method, memory=memory, device=device)
    assert runs.states.shape == (3, 4, problem.model.parameters)
    for b, (start, eta) in enumerate(zip(starts, etas, strict=True)):
        alone = dl.gradient_descent(
            problem, start, eta=eta, steps=300, saves=marks, method=method, backend="numpy"
        )
        assert relative(runs.states[:, b], alone.theta) < 1e-13
        if method == "grouprmsprop":
            assert relative(runs.flow_times[:, b], np.array(alone.attrs["flow_time"])) < 1e-13


@DEVICE
def test_each_run_ends_in_its_own_way(device):
    problem, marks = PROBLEMS["CP"], np.array([0, 10, 500, 2000])
    start = problem.init(0.4, seed=0)
    starts, etas = np.tile(start, (3, 1)), np.array([0.05, 50.0, 0.05])
    floor = np.array([5e-3, -np.inf, -np.inf])
    runs = descend(problem, starts, etas, marks=marks, floor=floor, device=device)
    assert runs.status == ["event", "diverged", "finished"]
    alone = [
        dl.gradient_descent(problem, start, eta=0.05, steps=2000, stop_below=5e-3),
        dl.gradient_descent(problem, start, eta=50.0, steps=2000),
        dl.gradient_descent(problem, start, eta=0.05, steps=2000),
    ]
    assert runs.steps.tolist() == [run.attrs["steps"] for run in alone]
    assert relative(runs.final[0], alone[0].final) < 1e-12
    assert relative(runs.final[2], alone[2].final) < 1e-12
    np.testing.assert_array_equal(runs.states[-1], runs.final)


@DEVICE
def test_a_run_that_ends_changes_no_bit_of_the_others(device):
    problem, marks = PROBLEMS["matrix"], np.array([300])
    start = some_starts(problem, 2)
    together, after = (
        descend(problem, start, np.array([0.02, eta]), marks=marks, device=device)
        for eta in (0.02, 50.0)
    )
    assert after.status == ["finished", "diverged"]
    np.testing.assert_array_equal(after.final[0], together.final[0])


@DEVICE
def test_the_same_call_gives_the_same_bits(device):
    problem, marks = PROBLEMS["hierarchical"], np.array([500])
    first, second = (
        descend(problem, some_starts(problem, 9), 0.02, marks=marks, device=device).final
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@DEVICE
def test_observables_are_kept_in_place_of_states(device):
    problem, marks = PROBLEMS["CP"], np.array([0, 40, 100])
    starts, names = some_starts(problem), ("loss", "component_norms")
    states = descend(problem, starts, 0.02, marks=marks, device=device).states
    runs = descend(problem, starts, 0.02, marks=marks, device=device, observables=names)
    assert runs.states.size == 0
    for name in names:
        expected = registry.find(name)(problem, states)
        assert runs.observed[name].shape == expected.shape
        assert relative(runs.observed[name], expected) < 1e-13


@DEVICE
@pytest.mark.parametrize("method", METHODS[1:])
def test_a_run_goes_on_where_an_earlier_one_ended(method, device):
    problem = PROBLEMS["matrix"]
    how = {"eta": ETA[method], "method": method, "backend": "torch", "device": device}
    start = problem.init(0.4, seed=0)
    whole = dl.gradient_descent(problem, start, steps=200, **how)
    half = dl.gradient_descent(problem, start, steps=120, **how)
    rest = dl.gradient_descent(problem, half.final, steps=80, memory=half.attrs["memory"], **how)
    np.testing.assert_array_equal(rest.final, whole.final)


@DEVICE
def test_a_budget_ends_the_run_with_what_it_has(device):
    problem = PROBLEMS["matrix"]
    run = dl.gradient_descent(
        problem, problem.init(0.4, seed=0), eta=0.01, steps=10**8, max_seconds=1e-6,
        backend="torch", device=device,
    )  # fmt: skip
    assert run.status == "budget"
    assert 0 < run.attrs["steps"] < 10**8


def test_single_precision_overflows_where_double_precision_does_not():
    problem = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[1e25]]))
    double, single = (
        dl.gradient_descent(
            problem, [0.0], eta=0.1, steps=5, stop_below=1e-3, backend="torch", dtype=dtype
        ).status
        for dtype in ("float64", "float32")
    )
    assert (double, single) == ("finished", "diverged")


def test_nothing_of_torch_is_changed_for_others():
    state = lambda: (  # noqa: E731
        torch.get_default_dtype(), torch.is_grad_enabled(), torch.is_inference_mode_enabled(),
        torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(),
        torch.initial_seed(), torch.get_float32_matmul_precision(),
    )  # fmt: skip
    before, problem = state(), PROBLEMS["CP"]
    descend(problem, some_starts(problem), 0.01, marks=np.array([3]), dtype="float32")
    assert state() == before


# -- models of one's own --------------------------------------------------------------------------


@dataclass(frozen=True)
class Squares(Model):
    """``W = w * w``, by formulas that know numpy only, or are wrong elsewhere."""

    fault: str = ""

    @property
    def factor_shapes(self):
        return ((3,),)

    @property
    def tensor_shape(self):
        return (3,)

    def end_to_end(self, factors):
        (w,) = factors
        if self.fault == "numpy":
            return np.stack([np.asarray(w[..., i]) ** 2 for i in range(3)], axis=-1)
        return w * w

    def pullback(self, factors, cotangent):
        (w,) = factors
        wrong = self.fault == "wrong" and not isinstance(w, np.ndarray)
        return ((3 if wrong else 2) * w * cotangent,)

    @property
    def kinds(self):
        return ("gaussian",)

    def draw(self, scale, kind, rng):
        return (scale * rng.standard_normal(3),)

    def kernel(self):
        return Kernel("", np.empty(0, dtype=np.int64), work=0)


def squares(fault=""):
    return dl.Problem(Squares(fault), dl.SquaredLoss(), dl.Full([1.0, 2.0, 3.0]))


@DEVICE
def test_a_model_of_ones_own_runs_on_torch(device):
    problem = squares()
    run = {"problem": problem, "theta0": [0.5, 0.4, 0.3], "eta": 0.01, "steps": 300}
    expected = dl.gradient_descent(**run, backend="numpy").final
    got = dl.gradient_descent(**run, backend="torch", device=device).final
    assert relative(got, expected) < 1e-14


def test_a_model_that_knows_numpy_only_is_told_so():
    with pytest.raises(TypeError, match=r"Squares.* cannot be computed with torch .*namespace"):
        dl.gradient_descent(squares("numpy"), [0.5, 0.4, 0.3], eta=0.1, steps=3, backend="torch")


def test_a_gradient_that_is_wrong_on_torch_is_found():
    with pytest.raises(RuntimeError, match="with torch is off by"):
        dl.gradient_descent(squares("wrong"), [0.5, 0.4, 0.3], eta=0.1, steps=3, backend="torch")


def test_an_observable_that_knows_numpy_only_is_told_so(monkeypatch):
    monkeypatch.setattr(registry, "REGISTRY", dict(registry.REGISTRY))

    @dl.observable()
    def largest_entry(problem, factors):
        return np.asarray(factors[0]).max(axis=(-2, -1))

    problem, asked = PROBLEMS["CP"], ("largest_entry",)
    with pytest.raises(TypeError, match="'largest_entry' cannot be computed with torch"):
        descend(problem, some_starts(problem), 0.1, marks=np.array([2]), observables=asked)


# -- what is not there ----------------------------------------------------------------------------


def test_without_cuda_the_text_says_so(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    problem = PROBLEMS["CP"]
    with pytest.raises(ValueError, match="no CUDA device; use device='cpu'"):
        dl.gradient_descent(
            problem, problem.init(0.1, seed=0), eta=0.1, steps=3, backend="torch", device="cuda"
        )


@pytest.mark.parametrize("device", ["gpu", "meta", 7, None])
def test_unknown_devices_are_refused(device):
    problem = PROBLEMS["CP"]
    with pytest.raises(ValueError, match="`device` "):
        dl.gradient_descent(
            problem, problem.init(0.1, seed=0), eta=0.1, steps=3, backend="torch", device=device
        )


def test_runs_that_do_not_fit_are_told_so(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("dynlens.dynamics.on_torch.loop._saved", full)
    problem = PROBLEMS["CP"]
    with pytest.raises(MemoryError, match="4 runs at once do not fit onto 'cpu'; pass fewer"):
        descend(problem, some_starts(problem), 0.1, marks=np.array([2]))
