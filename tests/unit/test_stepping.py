"""The compiled methods: the same runs, statuses and events as SciPy's, without its overhead."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import dynlens as dl
from dynlens.bench.problems import PROBLEMS as PROBLEMS_OF_BENCH
from dynlens.observables import registry
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.methods.auto import Auto
from dynlens.stepping.methods.explicit import Explicit
from dynlens.stepping.stepper import Saves
from dynlens.stepping.tableaus import TABLEAUS

COMPILED = tuple(INTEGRATORS)


def problem_of(model, *, count, seed=0):
    """Some entries of a random tensor of norm one."""
    target = np.random.default_rng(seed).standard_normal(model.tensor_shape)
    places = np.random.default_rng(seed + 1).permutation(target.size)[:count]
    indices = np.stack(np.unravel_index(places, target.shape), axis=1)
    return dl.Problem(
        model, dl.SquaredLoss(), dl.Entries.of(target / np.linalg.norm(target), indices)
    )


SWAP = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
COMPLETION = dl.Problem(dl.DeepLinear((2, 2, 2, 2)), dl.SquaredLoss(), SWAP)
IDENTITY = np.tile(0.1 * np.eye(2).ravel(), 3)
SCALAR = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
PROBLEMS = {
    "unrolled": COMPLETION,
    "loops": problem_of(dl.DeepLinear((6, 5, 4)), count=15),
    "sensing": dl.Problem(
        dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), dl.Sensing.gaussian(np.eye(2), count=5, seed=0)
    ),
    "huber": dl.Problem(dl.DeepLinear((2, 2, 2)), dl.HuberLoss(0.3), SWAP),
    "cp": problem_of(dl.CPFactorization((3, 4, 3), components=4), count=20),
    "ht": problem_of(
        dl.HierarchicalTensor((3, 3, 2, 2), dl.models.binary_tree(4), widths=3), count=20
    ),
}
EXPLICIT = tuple(TABLEAUS)


# -- the same flow --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_compiled_method_follows_the_reference(name, method):
    problem = PROBLEMS[name]
    theta0 = problem.init(0.4, kind="gaussian", seed=3)
    reference = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14}
    tight = dl.gradient_flow(problem, theta0, 5.0, saves=7, **reference)
    flow = dl.gradient_flow(problem, theta0, 5.0, saves=7, method=method, rtol=1e-8, atol=1e-10)
    gap = np.abs(flow.theta - tight.theta).max()
    # The slope of Huber's loss has kinks, on which every method loses its order. RKC is of two.
    most = {"RKC2": 1e-4}.get(method, 1e-5 if name == "huber" else 2e-7)
    assert gap < most, f"off by {gap:.1e}"
    assert gap > 0, "the same numbers: nothing was compared"
    assert (flow.status, flow.attrs["method"]) == ("finished", method)
    np.testing.assert_array_equal(flow.t, tight.t)


@pytest.mark.parametrize("method", COMPILED)
def test_the_same_run_has_the_same_bits_however_often_it_is_left(method):
    runs = [
        dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method=method, **options)
        for options in ({}, {}, {"max_seconds": 600.0}, {"events": [dl.loss_below(1e-30)]})
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.theta, runs[0].theta)


@pytest.mark.parametrize("method", COMPILED)
def test_saving_does_not_alter_the_steps(method):
    few, many = (
        dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method=method, saves=n) for n in (3, 401)
    )
    assert few.attrs["steps"] == many.attrs["steps"]
    np.testing.assert_array_equal(few.theta, many.theta[::200])


def test_saving_costs_tsit5_nothing():
    spent = {
        dl.gradient_flow(COMPLETION, IDENTITY, 50.0, method="Tsit5", saves=n).attrs["evaluations"]
        for n in (2, 500)
    }
    assert len(spent) == 1, spent


@pytest.mark.parametrize(("method", "peer"), [("DOP8", "DOP853"), ("Tsit5", "RK45")])
def test_a_compiled_method_takes_no_more_evaluations_than_its_peer(method, peer):
    spent = [
        dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method=m, saves=2, rtol=1e-8).attrs[
            "evaluations"
        ]
        for m in (method, peer)
    ]
    assert spent[0] < 1.1 * spent[1], spent


def test_undamped_order_eight_takes_the_steps_of_scipy(monkeypatch):
    plain = replace(TABLEAUS["DOP8"], name="Plain8", power=1 / 8, damping=0.0)
    monkeypatch.setitem(TABLEAUS, plain.name, plain)
    times, settings = np.linspace(0, 20, 5), {"rtol": 1e-8, "atol": 1e-10}
    stepper = Explicit(COMPLETION, IDENTITY, plain.name, times[-1], **settings)
    saves = Saves(times, np.tile(IDENTITY, (5, 1)), 1)
    stepper.advance(saves, -np.inf, 10**6, 10**6)
    peer = dl.gradient_flow(COMPLETION, IDENTITY, times, method="DOP853", **settings)
    assert stepper.steps == peer.attrs["steps"]
    gap = np.abs(saves.states - peer.theta).max()
    assert 0 < gap < 1e-12, f"they differ by {gap:.1e}"


@pytest.mark.parametrize("method", COMPILED)
def test_times_are_hit_and_need_not_begin_at_zero(method):
    flow = dl.gradient_flow(SCALAR, [0.3], [0.1, 1 / 3, 2.0], method=method)
    assert flow.t.tolist() == [0.1, 1 / 3, 2.0]
    gap = np.abs(flow.theta[:, 0] - (2 - 1.7 * np.exp(-flow.t))).max()
    assert gap < (1e-4 if method == "RKC2" else 1e-6), f"off by {gap:.1e}"
    start = dl.gradient_flow(SCALAR, [0.3], [0.0], method=method)
    assert (start.theta.tolist(), start.status) == ([[0.3]], "finished")


# -- statuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", COMPILED)
def test_a_budget_of_evaluations_is_kept_to_a_step(method):
    whole, part = (
        dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method=method, max_evaluations=most)
        for most in (10_000_000, 500)
    )
    reference = dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method="DOP853", max_evaluations=500)
    assert (part.status, part.complete) == (reference.status, False)
    assert 500 <= part.attrs["evaluations"] <= 500 + 60, part.attrs
    np.testing.assert_array_equal(part.theta, whole.theta[: len(part)])
    words = reference.message.replace("DOP853", method).split(" at t=")[0]
    assert part.message.startswith(words), part.message


@pytest.mark.parametrize("method", COMPILED)
def test_a_budget_of_seconds_ends_the_run_after_the_step_that_exceeds_it(method):
    flow = dl.gradient_flow(COMPLETION, IDENTITY, 100.0, method=method, max_seconds=1e-9)
    assert (flow.status, flow.attrs["steps"]) == ("budget", 1)
    assert "max_seconds=1e-09" in flow.message


class Runaway(dl.SquaredLoss):
    """No lower bound: the flow ``w' = w**3`` ends at t = 1 / (2 w(0)**2)."""

    def value(self, z):
        return -0.25 * z**4

    def derivative(self, z):
        return -(z**3)

    def second_derivative(self, z):
        return -3 * z**2

    @property
    def kernel(self):
        return "-0.25 * z * z * z * z", "-z * z * z"


@pytest.mark.parametrize("method", COMPILED)
def test_a_flow_that_blows_up_fails_near_its_last_time(method):
    problem = dl.Problem(dl.DeepLinear((1, 1)), Runaway(), dl.Full([[0.0]]))
    flow, reference = (
        dl.gradient_flow(problem, [1.0], 1.0, method=m, max_evaluations=1_000_000)
        for m in (method, "DOP853")
    )
    assert flow.status == reference.status == "failed"
    assert 0.49 <= flow.t[-1] <= 0.5, f"saved up to t = {flow.t[-1]}"
    assert np.isfinite(flow.theta).all()
    assert f"{method} stopped at t=0.5 of 1: Required step size" in flow.message
    with pytest.raises(dl.IntegrationError, match="stopped at t="):
        dl.gradient_flow(problem, [1.0], 1.0, method=method, strict=True)


@pytest.mark.parametrize("method", [m for m in COMPILED if m != "auto"])
def test_a_compiled_method_refuses_the_reference_field(method):
    with pytest.raises(ValueError, match="leave `compiled` True and `field` out, or use 'DOP853'"):
        dl.gradient_flow(SCALAR, [0.3], 1.0, method=method, compiled=False)


def test_auto_on_the_reference_field_is_the_reference_method():
    flow = dl.gradient_flow(SCALAR, [0.3], 1.0, method="auto", compiled=False)
    assert flow.attrs["method"] == "DOP853"


# -- events ---------------------------------------------------------------------------------------

W = {"observable": "end_to_end", "where": (0, 0)}


def time_of(value):
    """When the scalar flow passes a value."""
    return float(np.log(1.7 / (2 - value)))


@pytest.fixture
def bump():
    """An observable of one scalar with roots where the scalar is 0.6 and 1.1."""

    @dl.observable()
    def bump_for_stepping(problem, factors):
        w = factors[0][..., 0, 0]
        return (w - 0.6) * (w - 1.1)

    yield "bump_for_stepping"
    del registry.REGISTRY["bump_for_stepping"]


@pytest.mark.parametrize("method", COMPILED)
def test_a_loss_threshold_is_found_inside_the_loop(method):
    options = {"method": method, "rtol": 1e-10, "atol": 1e-12}
    flow = dl.gradient_flow(SCALAR, [0.3], 4.0, events=[dl.loss_below(1e-2)], **options)
    exact = time_of(2 - (2 * 1e-2) ** 0.5)
    assert flow.status == "event"
    assert abs(flow.t[-1] - exact) < (1e-5 if method == "RKC2" else 1e-7), (
        f"at {flow.t[-1]!r}, exactly {exact!r}"
    )
    assert flow.final.tolist() == flow.crossings[0].theta.tolist()
    assert np.all(np.diff(flow.t) > 0)


@pytest.mark.parametrize("method", COMPILED)
def test_thresholds_that_do_not_end_the_run_are_all_found(method):
    values = (1e-1, 1e-3, 1e-5)
    events = [dl.loss_below(v, terminal=False) for v in values]
    flow = dl.gradient_flow(SCALAR, [0.3], 9.0, events=events, method=method)
    times = [c.t for c in flow.crossings]
    assert times == pytest.approx([time_of(2 - (2 * v) ** 0.5) for v in values], abs=1e-4)
    assert flow.status == "finished"


@pytest.mark.parametrize("method", COMPILED)
def test_two_roots_inside_one_step_are_both_found(bump, method):
    options = {"method": method, "rtol": 1e-4, "atol": 1e-4}
    flow = dl.gradient_flow(SCALAR, [0.3], 1.0, events=[dl.Event(bump, 0.0)], **options)
    exact = [time_of(0.6), time_of(1.1)]
    assert [c.t for c in flow.crossings] == pytest.approx(exact, abs=1e-2)


@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.parametrize(("count", "value"), [(1, 0.6), (2, 1.1), (3, None)])
def test_a_run_ends_at_the_crossing_of_the_number_asked_for(bump, method, count, value):
    event = dl.Event(bump, 0.0, terminal=True, count=count)
    flow = dl.gradient_flow(SCALAR, [0.3], 1.0, events=[event], method=method, rtol=1e-8)
    assert flow.status == ("event" if value else "finished")
    assert flow.t[-1] == pytest.approx(time_of(value) if value else 1.0, abs=1e-4)
    assert len(flow.crossings) == min(count, 2)


@pytest.mark.parametrize("method", COMPILED)
@pytest.mark.parametrize("event", [dl.Event(value=0.3, terminal=True, **W), dl.loss_below(100.0)])
def test_a_root_at_or_before_the_start_is_no_crossing(event, method):
    flow = dl.gradient_flow(SCALAR, [0.3], 4.0, events=[event], method=method)
    assert (flow.crossings, flow.status, flow.t[-1]) == ((), "finished", 4.0)


@pytest.mark.parametrize("method", COMPILED)
def test_an_event_of_another_kind_is_found_where_the_reference_finds_it(method):
    event = dl.Event("end_to_end", 1.2, where=(0, 0), terminal=True)
    flow, reference = (
        dl.gradient_flow(COMPLETION, IDENTITY, 100.0, events=[event], method=m)
        for m in (method, "DOP853")
    )
    assert flow.status == reference.status == "event"
    assert abs(flow.t[-1] - reference.t[-1]) < (1e-2 if method == "RKC2" else 1e-5)


# -- changing the method ------------------------------------------------------------------------


def test_auto_leaves_the_explicit_method_where_the_flow_turns_stiff():
    times = [0.0, 10.0, 1e4]
    tight = dl.gradient_flow(COMPLETION, IDENTITY, times, method="Radau", rtol=1e-12, atol=1e-14)
    auto = dl.gradient_flow(COMPLETION, IDENTITY, times, method="auto", rtol=1e-8, atol=1e-12)
    gap = np.abs(auto.final - tight.final).max()
    assert gap < 1e-7, f"off by {gap:.1e}"
    # An explicit method needs 3.5 million, of which stability demands nearly all.
    assert auto.attrs["evaluations"] < 30_000, auto.attrs
    first, second = auto.attrs["switches"]
    assert (first["t"], first["method"], second["method"]) == (0.0, "DOP8", "Radau9")
    assert 10 < second["t"] < 1000
    assert "stiff" in second["why"]


def test_auto_stays_explicit_where_the_flow_is_not_stiff():
    flow = dl.gradient_flow(COMPLETION, IDENTITY, 10.0, method="auto", rtol=1e-5)
    assert [s["method"] for s in flow.attrs["switches"]] == ["Tsit5"]


def test_auto_returns_to_the_explicit_method_where_the_flow_is_mild():
    times = np.array([0.0, 10.0])
    auto, saves = (
        Auto(COMPLETION, IDENTITY, 10.0, rtol=1e-9, atol=1e-12),
        Saves(times, np.empty((2, 12)), 1),
    )
    auto._change("Radau9", "as if it had been stiff")
    while not saves.complete:
        auto.advance(saves, -np.inf, 10**6, 10**6)
    reference = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14}
    tight = dl.gradient_flow(COMPLETION, IDENTITY, times, **reference)
    gap = np.abs(saves.states[1] - tight.final).max()
    assert [s["method"] for s in auto.switches] == ["DOP8", "Radau9", "DOP8"]
    assert gap < 1e-8, f"off by {gap:.1e}"
    assert auto.evaluations > auto.part.evaluations


@pytest.mark.parametrize(("rtol", "method", "most"), [(1e-4, "RKC2", 1e-2), (1e-6, "ROCK4", 1e-5)])
def test_auto_takes_a_stabilized_method_for_many_parameters(rtol, method, most):
    problem = problem_of(dl.DeepLinear((8, 8, 8)), count=40, seed=5)
    theta0 = problem.init(0.5, kind="gaussian", seed=1)
    options = {"rtol": rtol, "atol": 1e-4 * rtol, "saves": 5}
    flows = {
        name: dl.gradient_flow(problem, theta0, 5e3, method=name, **options)
        for name in ("auto", "Tsit5")
    }
    spent = {name: flow.attrs["evaluations"] for name, flow in flows.items()}
    assert flows["auto"].attrs["switches"][-1]["method"] == method
    assert spent["auto"] < spent["Tsit5"] / 3, spent
    gap = np.abs(flows["auto"].final - flows["Tsit5"].final).max()
    assert gap < most, f"off by {gap:.1e}"


@pytest.mark.slow
def test_order_four_pays_on_a_large_stiff_tree():
    bench = PROBLEMS_OF_BENCH["B5"]
    problem, theta0 = bench.make()
    times = [0.0, bench.t_end]
    tight = dl.gradient_flow(problem, theta0, times, method="DOP8", rtol=1e-11, atol=1e-13)
    spent = {}
    for method in ("auto", "DOP8"):
        # At rtol 1e-6 both are 1.03e-6 off, by what the explicit steps did in the beginning.
        flow = dl.gradient_flow(problem, theta0, times, method=method, rtol=7e-7, atol=7e-9)
        gap = np.abs(flow.final - tight.final).max() / np.abs(tight.final).max()
        assert gap < 1e-6, f"{method} is off by {gap:.1e}"
        spent[method] = flow.attrs["evaluations"]
    assert spent["auto"] < spent["DOP8"] / 2.7, spent


def test_a_loose_tolerance_does_not_hide_stiffness():
    # It shows in steps as long as stability allows; a controller too cautious stays below that.
    bench = PROBLEMS_OF_BENCH["B3"]
    problem, theta0 = bench.make()
    settings = {"saves": 2, "rtol": 1e-4, "atol": 1e-6}
    auto, explicit = (
        dl.gradient_flow(problem, theta0, bench.t_end, method=method, **settings)
        for method in ("auto", "Tsit5")
    )
    assert [switch["method"] for switch in auto.attrs["switches"]] == ["Tsit5", "RKC2"]
    assert auto.attrs["evaluations"] < explicit.attrs["evaluations"] / 4


# -- twins, cache ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", COMPILED)
def test_the_twins_are_a_tighter_run_and_one_of_another_family(method):
    flow = dl.gradient_flow(COMPLETION, IDENTITY, 50.0, method=method, rtol=1e-6, saves=5)
    tighter, across = flow.twins
    assert (tighter.attrs["method"], across.attrs["method"]) == (method, "LSODA")
    assert tighter.attrs["rtol"] == pytest.approx(1e-7)
    assert 0 < flow.error("end_to_end").max() < 1e-3


def test_whatever_python_calls_is_compiled_with_its_module():
    # Else processes that start together would compile at once; see `load_source`.
    from dynlens.stepping.lanes import _LOOPS
    from dynlens.stepping.stepper import _SHARED

    problem = dl.Problem(COMPLETION.model, COMPLETION.loss, COMPLETION.observations)
    for method in COMPILED:
        dl.gradient_flow(problem, IDENTITY, 10.0, method=method)
    dl.gradient_flow_batch(problem, [IDENTITY], 10.0, method="DOP8", saves=2)
    dl.gradient_descent(problem, IDENTITY, eta=0.1, steps=3)
    made = [
        *_SHARED.values(),
        *_LOOPS.values(),
        *problem.machine.loops.values(),
        problem.machine.module,
    ]
    assert len(made) > 8
    for module in made:
        for name in ("begin", "advance", "field", "descend", "slopes"):
            if name in vars(module):
                function = vars(module)[name]
                assert (len(function.signatures), function._can_compile) == (1, False), name


AGAIN = """
import numpy as np, dynlens as dl
from dynlens.stepping.stepper import _SHARED
seen = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
problem = dl.Problem(dl.DeepLinear((2, 2, 2, 2)), dl.SquaredLoss(), seen)
flow = dl.gradient_flow(problem, np.tile(0.1 * np.eye(2).ravel(), 3), 10.0, method={method!r})
assert _SHARED or problem.machine.loops
for loop in (*_SHARED.values(), *problem.machine.loops.values(), problem.machine.module):
    for name, f in vars(loop).items():
        if hasattr(f, "stats"):
            assert not f.stats.cache_misses, (name, f.stats)
print(flow.final.tobytes().hex())
"""


@pytest.mark.parametrize("method", COMPILED)
def test_a_second_process_compiles_nothing_and_has_the_same_bits(method):
    here = dl.gradient_flow(COMPLETION, IDENTITY, 10.0, method=method).final.tobytes().hex()
    command = [sys.executable, "-c", AGAIN.format(method=method)]
    result = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == here


FRESH = """
import numpy as np, dynlens as dl
seen = dl.Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
problem = dl.Problem(dl.DeepLinear((2, 2, 2, 2)), dl.SquaredLoss(), seen)
start, options = problem.init(0.4, seed=3), {{"method": {method!r}, "rtol": 1e-6, "saves": 21}}
flow = dl.gradient_flow(problem, start, 50.0, **options)
print(flow.theta.tobytes().hex())
if {batch}:
    batch = dl.gradient_flow_batch(problem, [start], 50.0, **options)
    print(batch[0].theta.tobytes().hex())
"""


@pytest.mark.parametrize(
    ("method", "batch"),
    [
        ("RKC2", False),
        *[pytest.param(m, False, marks=pytest.mark.slow) for m in ("Radau9", "ROCK4")],
        *[pytest.param(m, True, marks=pytest.mark.slow) for m in ("Tsit5", "DOP8")],
    ],
)
def test_the_process_that_compiles_has_the_bits_of_those_that_load(method, batch, tmp_path):
    # A part that is not inlined exists twice, as it was compiled alone and beside its caller: then
    # the first process may run one of them, and all others the other one.
    command = [sys.executable, "-c", FRESH.format(method=method, batch=batch)]
    environment = {**os.environ, "DYNLENS_CACHE": str(tmp_path)}
    runs = [subprocess.run(command, capture_output=True, text=True, env=environment) for _ in "12"]
    assert [run.returncode for run in runs] == [0, 0], runs[-1].stderr
    assert runs[0].stdout == runs[1].stdout
