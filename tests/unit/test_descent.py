"""Gradient descent: the update rule by hand, both backends, the clock, saves, and how it ends."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import dynlens as dl
from dynlens.dynamics.descent import BACKENDS as ALL
from dynlens.dynamics.engines import ENGINES, base
from dynlens.dynamics.plan import checked_plan

BACKENDS = ("numba", "numpy")
METHODS = ("plain", "grouprmsprop")
SCALARS = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
LINE = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
COMPLETION = dl.completion_problem(2)
PROBLEMS = {
    "two scalars": (SCALARS, np.array([1.0, 0.5])),
    "completion": (COMPLETION, COMPLETION.init(0.5, seed=3)),
}

both = pytest.mark.parametrize("backend", BACKENDS)
each_method = pytest.mark.parametrize("method", METHODS)


def run(problem=SCALARS, theta0=(1.0, 0.5), *, eta=0.1, steps=10, **options):
    return dl.gradient_descent(problem, theta0, eta=eta, steps=steps, **options)


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


# -- the rule -------------------------------------------------------------------------------------


@both
def test_three_steps_by_hand(backend):
    found = run(steps=3, backend=backend, saves=[0, 1, 2, 3]).theta
    # phi = (a b - 2)**2 / 2 with a step of 0.1, from (1, 1/2).
    first = (1 + 0.1 * 1.5 * 0.5, 0.5 + 0.1 * 1.5 * 1)  # (1.075, 0.65)
    z = 1.075 * 0.65 - 2  # -1.30125
    second = (1.075 - 0.1 * z * 0.65, 0.65 - 0.1 * z * 1.075)
    z = second[0] * second[1] - 2
    third = (second[0] - 0.1 * z * second[1], second[1] - 0.1 * z * second[0])
    gap = np.abs(found - [(1.0, 0.5), first, second, third]).max()
    assert gap < 1e-15, f"off by {gap:.1e}"


@both
def test_on_a_quadratic_the_distance_shrinks_by_the_same_factor_each_step(backend):
    found = run(LINE, (0.3,), eta=0.05, steps=400, saves=401, backend=backend)
    exact = 2 - 1.7 * 0.95 ** np.arange(401)
    gap = np.abs(found.theta[:, 0] - exact).max()
    assert gap < 1e-13, f"off by {gap:.1e}"


def reference(problem, theta, eta, steps, method):
    """The rules once more, written without the package's loop. Returns states and step sizes."""
    theta, v, states, sizes = np.array(theta), 0.0, [np.array(theta)], []
    for k in range(1, steps + 1):
        g = problem.gradient(theta)
        if method == "grouprmsprop":
            v = 0.99 * v + 0.01 * float(g @ g)
            size = eta / ((v / (1 - 0.99**k)) ** 0.5 + 1e-6)
        else:
            size = eta
        theta = theta - size * g
        states.append(theta)
        sizes.append(size)
    return np.array(states), np.array(sizes)


def assert_follows_the_rule(problem, theta0, method, backend, rule):
    found = run(problem, theta0, eta=0.01, steps=200, saves=201, method=method, backend=backend)
    states, _ = reference(problem, theta0, 0.01, 200, rule)
    gap = relative(found.theta, states)
    assert gap < 1e-12, f"{method} in {backend} is off by {gap:.1e}"


@both
@each_method
@pytest.mark.parametrize(("problem", "theta0"), PROBLEMS.values(), ids=PROBLEMS)
def test_descent_follows_its_rule(problem, theta0, method, backend):
    assert_follows_the_rule(problem, theta0, method, backend, rule=method)


def test_the_comparison_tells_the_two_rules_apart():
    with pytest.raises(AssertionError, match="plain in numpy is off by"):
        assert_follows_the_rule(*PROBLEMS["completion"], "plain", "numpy", rule="grouprmsprop")


@each_method
@pytest.mark.parametrize(("problem", "theta0"), PROBLEMS.values(), ids=PROBLEMS)
def test_the_compiled_loop_equals_the_reference(problem, theta0, method):
    compiled, plain = (
        run(problem, theta0, eta=0.01, steps=500, method=method, backend=backend)
        for backend in BACKENDS
    )
    gap = relative(compiled.theta, plain.theta)
    assert gap < 1e-12, f"off by {gap:.1e}"
    np.testing.assert_array_equal(compiled.t, plain.t)


@both
def test_the_first_step_of_grouprmsprop_has_length_eta(backend):
    # After bias correction the root mean square is the gradient's own length.
    found = run(eta=0.1, steps=1, saves=2, method="grouprmsprop", backend=backend).theta
    length = np.linalg.norm(found[1] - found[0])
    g = np.linalg.norm(SCALARS.gradient(found[0]))
    assert abs(length - 0.1 * g / (g + 1e-6)) < 1e-15, f"length {length!r}"


@both
def test_grouprmsprop_tells_the_flow_time_that_has_passed(backend):
    found = run(eta=0.01, steps=40, saves=[0, 10, 40], method="grouprmsprop", backend=backend)
    _, sizes = reference(SCALARS, (1.0, 0.5), 0.01, 40, "grouprmsprop")
    expected = [0.0, sizes[:10].sum(), sizes.sum()]
    np.testing.assert_allclose(found.attrs["flow_time"], expected, rtol=1e-13)


def test_plain_descent_needs_no_second_clock():
    assert "flow_time" not in run().attrs


def test_the_start_is_not_changed():
    theta0 = np.array([1.0, 0.5])
    found = run(theta0=theta0)
    assert theta0.tolist() == [1.0, 0.5] == found.theta[0].tolist()


# -- the clock and the saves ----------------------------------------------------------------------


@both
def test_the_clock_is_eta_times_step_to_the_last_bit(backend):
    found = run(eta=0.3, steps=7, saves=[0, 1, 3, 7], backend=backend)
    np.testing.assert_array_equal(found.t, 0.3 * np.array([0.0, 1.0, 3.0, 7.0]))
    assert (found.source, found.attrs["eta"], found.attrs["steps"]) == ("descent", 0.3, 7)


@pytest.mark.parametrize(
    ("saves", "steps"),
    [
        (2, [0, 100]),
        (5, [0, 25, 50, 75, 100]),
        (101, list(range(101))),
        (5000, list(range(101))),  # no step is saved twice
        ([0, 3, 100], [0, 3, 100]),
        (np.array([3, 100]), [3, 100]),
        ([100], [100]),
    ],
    ids=["ends", "five", "all", "more than all", "list", "array without the start", "last"],
)
def test_saves_are_the_steps_asked_for(saves, steps):
    found = run(eta=0.01, steps=100, saves=saves)
    np.testing.assert_array_equal(found.t, 0.01 * np.array(steps, dtype=float))
    whole = run(eta=0.01, steps=100, saves=101)
    np.testing.assert_array_equal(found.theta, whole.theta[steps])


def test_logarithmic_saves_begin_with_every_step_and_then_thin_out():
    steps = np.round(run(eta=0.01, steps=1000, saves="log").t / 0.01).astype(int)
    assert steps[:5].tolist() == [0, 1, 2, 3, 4]
    assert steps[-1] == 1000
    assert len(steps) < 202
    late = np.diff(steps)[-20:] / steps[-20:]
    assert np.ptp(late) < 0.01, f"relative spacing at the end spreads by {np.ptp(late):.1e}"


@pytest.mark.parametrize("steps", [1, 2])
def test_the_shortest_runs_save_all_they_have(steps):
    for saves in (2, 201, "log"):
        found = run(steps=steps, saves=saves)
        assert (found.t[0], found.t[-1]) == (0.0, 0.1 * steps), f"saves={saves!r}: {found.t}"


@each_method
@both
def test_where_the_loop_looks_at_the_clock_changes_nothing(monkeypatch, method, backend):
    whole = run(steps=50, saves=3, method=method, backend=backend)
    monkeypatch.setattr(base, "MOMENT", 0.0)  # after every step
    pieces = run(steps=50, saves=3, method=method, backend=backend, max_seconds=3600)
    np.testing.assert_array_equal(whole.theta, pieces.theta)


def test_the_message_counts_the_steps_that_were_taken():
    found = run(steps=10, saves=[0, 3])
    assert f"took all {found.attrs['steps']} steps" in found.message, found.message


# -- engines --------------------------------------------------------------------------------------


class Backwards(base.Engine):
    """An engine of one's own: steps up the gradient, a second each."""

    def __init__(self):
        self.clock, self.calls = 0.0, []

    def loop(self, problem, plan):
        def advance(theta, memory, eta, steps, floor):
            self.calls.append(steps)
            self.clock += steps
            for _ in range(steps):
                theta += eta * problem.gradient(theta)
            return steps

        return base.Loop(advance, lambda theta: True)


def plan_of(steps, **others):
    how = {"method": "plain", "beta": 0.9, "saves": 3, "stop_below": None, "observables": ()}
    return checked_plan(steps=steps, **how, **others)


def test_an_engine_is_a_loop_and_runs_one_start_or_many():
    engine, starts = Backwards(), np.array([[1.0, 0.5], [0.5, 1.5]])
    many = engine.many(SCALARS, plan_of(4), starts, np.array([0.1, 0.2]))
    for start, eta, found in zip(starts, (0.1, 0.2), many, strict=True):
        one = engine.one(SCALARS, plan_of(4), start, eta)
        np.testing.assert_array_equal(found.theta, one.theta)
        assert one.attrs["steps"] == 4
        assert one.t.tolist() == [0.0, 2 * eta, 4 * eta]
    np.testing.assert_array_equal(starts, [[1.0, 0.5], [0.5, 1.5]])
    assert engine.one(LINE, plan_of(1), np.array([0.3]), 0.5).theta[-1] == 0.3 - 0.5 * 1.7


def test_every_backend_and_a_field_have_an_engine():
    assert set(ENGINES) == {*ALL, "field"}


def test_a_budget_is_looked_at_in_time_however_long_a_step_takes(monkeypatch):
    engine = Backwards()
    monkeypatch.setattr(base.time, "perf_counter", lambda: engine.clock)
    found = engine.one(SCALARS, plan_of(100_000, max_seconds=5.5), np.array([1.0, 0.5]), 1e-4)
    assert (found.status, found.attrs["steps"]) == ("budget", 6)
    # Without one it is not: a loop is left for nothing else.
    engine.calls.clear()
    engine.one(SCALARS, plan_of(1000), np.array([1.0, 0.5]), 1e-6)
    assert engine.calls == [500, 500]


# -- how it ends ----------------------------------------------------------------------------------


def test_a_finished_run_says_so():
    found = run(steps=10)
    assert (found.status, found.complete) == ("finished", True)
    assert found.message == "took all 10 steps."


@both
def test_stop_below_ends_at_the_first_step_at_or_below_the_threshold(backend):
    states, _ = reference(SCALARS, (1.0, 0.5), 0.1, 100, "plain")
    below = np.flatnonzero(SCALARS.objective(states) <= 0.01)[0]
    found = run(steps=100, stop_below=0.01, backend=backend)
    losses = found.values("loss")
    assert (found.status, found.complete) == ("event", True)
    assert found.attrs["steps"] == below, found.message
    assert losses[-1] <= 0.01 < losses[-2], f"losses {losses[-2:]}"
    assert abs(found.t[-1] - 0.1 * below) < 1e-12
    assert f"loss at or below 0.01 after {below} steps." == found.message


@both
def test_a_start_below_the_threshold_takes_no_step(backend):
    found = run(theta0=(2.0, 1.0), stop_below=0.0, backend=backend)
    assert (found.status, found.attrs["steps"], found.t.tolist()) == ("event", 0, [0.0])


@both
def test_a_threshold_that_is_not_reached_changes_nothing(backend):
    with_it, without = run(stop_below=1e-300, backend=backend), run(backend=backend)
    np.testing.assert_array_equal(with_it.theta, without.theta)
    assert with_it.status == "finished"


def test_a_state_is_not_saved_twice_where_the_threshold_is_met_at_a_save():
    states, _ = reference(SCALARS, (1.0, 0.5), 0.1, 100, "plain")
    below = int(np.flatnonzero(SCALARS.objective(states) <= 0.01)[0])
    for method_options in ({}, {"method": "grouprmsprop"}):
        found = run(steps=100, stop_below=0.01, saves=list(range(101)), **method_options)
        assert np.all(np.diff(found.t) > 0), f"times {found.t}"
        assert len(found.attrs.get("flow_time", found.t)) == len(found.t) == len(found.theta)
    assert len(run(steps=100, stop_below=0.01, saves=list(range(101)))) == below + 1


class OneBitLess(base.Engine):
    """Its loss is smaller than numpy's by one bit: each loop adds up in an order of its own."""

    def loop(self, problem, plan):
        def advance(theta, memory, eta, steps, floor):
            return steps if np.nextafter(float(problem.objective(theta)), 0.0) > floor else 0

        return base.Loop(advance, lambda theta: bool(np.isfinite(problem.objective(theta))))


def test_a_loss_that_meets_the_threshold_to_the_last_bit_is_an_event():
    start = np.array([1.0, 0.5])
    below = np.nextafter(float(SCALARS.objective(start)), 0.0)
    plan = replace(plan_of(5), floor=below)
    assert ENGINES["numpy"].one(SCALARS, plan, start, 0.0).status == "finished"
    found = OneBitLess().one(SCALARS, plan, start, 0.0)
    assert (found.status, found.attrs["steps"]) == ("event", 0), found.message


def diverging(**options):
    return run(theta0=(3.0, 3.0), eta=1.0, steps=400, **options)


@both
def test_divergence_ends_the_run_with_a_remedy(backend):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = diverging(saves=401, backend=backend)
        losses = found.values("loss")
    assert (found.status, found.complete) == ("diverged", False)
    assert 1 < found.attrs["steps"] < 40, found.message
    assert np.isfinite(losses[:-1]).all()
    assert not np.isfinite(losses[-1])
    assert f"not finite after {found.attrs['steps']} steps; try a smaller `eta`" in found.message


@both
def test_divergence_is_told_by_its_status_and_not_by_warnings(backend):
    found = diverging(backend=backend)
    assert found.status == "diverged"


@both
def test_a_smaller_step_does_not_diverge(backend):
    assert run(theta0=(3.0, 3.0), eta=0.01, steps=400, backend=backend).status == "finished"


@both
def test_a_budget_of_seconds_ends_the_run_with_what_it_has(backend):
    short, whole = (
        run(steps=1000, saves=1001, max_seconds=limit, backend=backend) for limit in (1e-9, None)
    )
    assert (short.status, short.complete) == ("budget", False)
    np.testing.assert_array_equal(short.theta, whole.theta[: len(short)])
    assert "max_seconds=1e-09 after 1 of 1000 steps; raise it." in short.message


def test_a_progress_bar_changes_nothing(capsys):
    plain, shown = run(steps=50), run(steps=50, progress=True)
    assert "descent" in capsys.readouterr().err
    np.testing.assert_array_equal(plain.theta, shown.theta)


@both
def test_repeating_a_run_gives_the_same_bits(backend):
    again = partial(run, *PROBLEMS["completion"], steps=300, backend=backend)
    np.testing.assert_array_equal(again().theta, again().theta)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_grouprmsprop_goes_on_as_if_there_had_been_no_break(backend):
    problem = dl.completion_problem(2)
    settings = {"eta": 1e-2, "method": "grouprmsprop", "backend": backend}
    theta0 = problem.init(0.3, seed=0)
    whole = dl.gradient_descent(problem, theta0, steps=50, **settings)
    half = dl.gradient_descent(problem, theta0, steps=20, **settings)
    rest = dl.gradient_descent(
        problem, half.final, steps=30, memory=half.attrs["memory"], **settings
    )
    np.testing.assert_array_equal(rest.final, whole.final)
    assert rest.attrs["flow_time"][-1] == whole.attrs["flow_time"][-1]
    fresh = dl.gradient_descent(problem, half.final, steps=30, **settings)
    assert not np.array_equal(fresh.final, whole.final), "the memory matters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "plain", "memory": [0, 0, 0]}, "`memory` is of other methods"),
        ({"method": "grouprmsprop", "memory": [0, 0]}, "`memory` must have shape"),
    ],
)
def test_a_malformed_memory_is_named(arguments, message):
    problem = dl.completion_problem(2)
    with pytest.raises(ValueError, match=message):
        dl.gradient_descent(problem, problem.init(0.3, seed=0), eta=1e-2, steps=5, **arguments)
