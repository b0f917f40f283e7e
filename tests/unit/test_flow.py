"""Gradient flow against exact solutions: every method, save times, events, budgets, twins."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import DOP853, RK45, DenseOutput, OdeSolver
from scipy.linalg import expm

import dynlens as dl
from dynlens.bench.problems import PROBLEMS
from dynlens.observables import registry
from dynlens.problems.losses import Loss

RTOL = ATOL = 1e-6


# -- problems with their exact solutions ----------------------------------------------------------


@dataclass(frozen=True)
class Exact:
    """A problem, a start, and the end-to-end matrix at any times, shape (T, entries)."""

    problem: dl.Problem
    theta0: tuple
    t_end: float
    solution: Callable

    def run(self, times=None, **options):
        return dl.gradient_flow(
            self.problem, self.theta0, self.t_end if times is None else times, **options
        )

    def error(self, flow):
        """Largest error of the end-to-end matrix, in units of the tolerance."""
        found = flow.values("end_to_end").reshape(len(flow), -1)
        exact = self.solution(flow.t)
        rtol, atol = flow.attrs["rtol"], flow.attrs["atol"]
        return float(np.max(np.abs(found - exact) / (atol + rtol * np.abs(exact))))


def logistic(t, limit, start):
    """``s' = 2 s (limit - s)``: one balanced mode of a network of depth two."""
    return limit / (1 + (limit / start - 1) * np.exp(-2 * limit * t))


def decay(t):
    return (2 - 1.7 * np.exp(-t))[:, None]


SENSING = dl.Sensing.gaussian([[1.0, 2.0], [3.0, 4.0]], count=6, seed=0)


LINEAR_START = (1.0, -1.0, 0.5, 2.0)


def linear(t):
    rows, values = np.array(SENSING.tensors).reshape(6, 4), np.array(SENSING.values)
    limit = np.linalg.lstsq(rows, values, rcond=None)[0]
    return np.array([limit + expm(-rows.T @ rows * s) @ (LINEAR_START - limit) for s in t])


def two_modes(t):
    return np.stack([logistic(t, 2.0, 0.1), 0 * t, 0 * t, logistic(t, 1.0, 0.1)], axis=-1)


def problem_of(widths, seen):
    return dl.Problem(dl.DeepLinear(widths), dl.SquaredLoss(), seen)


MODES = problem_of((2, 2, 2), dl.Full(np.diag([2.0, 1.0])))
EXACT = {
    "one scalar": Exact(problem_of((1, 1), dl.Full([[2.0]])), (0.3,), 4.0, decay),
    "two scalars": Exact(
        problem_of((1, 1, 1), dl.Full([[2.0]])),
        (0.1**0.5, 0.1**0.5),
        4.0,
        lambda t: logistic(t, 2.0, 0.1)[:, None],
    ),
    "matrix": Exact(problem_of((2, 2), SENSING), LINEAR_START, 4.0, linear),
    "two modes": Exact(MODES, tuple(MODES.init(0.1, kind="identity").tolist()), 4.0, two_modes),
}
SCALAR, LOGISTIC = EXACT["one scalar"], EXACT["two scalars"]


# -- solvers --------------------------------------------------------------------------------------


class Cubic(DenseOutput):
    """Hermite interpolation from the values and slopes at both ends."""

    def __init__(self, t_old, t, y_old, y, f_old, f):
        super().__init__(t_old, t)
        self.ends, self.slopes = (y_old, y), (f_old, f)

    def _call_impl(self, t):
        h = self.t - self.t_old
        x = (t - self.t_old) / h
        (a, b), (u, v) = self.ends, self.slopes
        if np.ndim(t):
            a, b, u, v = (w[:, None] for w in (a, b, u, v))
        return (
            a * (1 - x) ** 2 * (1 + 2 * x)
            + b * x**2 * (3 - 2 * x)
            + h * (u * x * (1 - x) ** 2 - v * x**2 * (1 - x))
        )


class ClassicRungeKutta(OdeSolver):
    """The classic method with a fixed step, written from scratch as a user would."""

    def __init__(self, fun, t0, y0, t_bound, rtol, atol):
        super().__init__(fun, t0, y0, t_bound, vectorized=False)
        self.f = self.fun(t0, self.y)

    def _step_impl(self):
        h = min(0.01, self.t_bound - self.t)
        t, y, a = self.t, self.y, self.f
        b = self.fun(t + h / 2, y + h / 2 * a)
        c = self.fun(t + h / 2, y + h / 2 * b)
        d = self.fun(t + h, y + h * c)
        self.y_old, self.f_old = y, a
        self.t, self.y = t + h, y + h / 6 * (a + 2 * b + 2 * c + d)
        self.f = self.fun(self.t, self.y)
        return True, None

    def _dense_output_impl(self):
        return Cubic(self.t_old, self.t, self.y_old, self.y, self.f_old, self.f)


class Leaps(DOP853):
    """Steps so large that much happens inside one."""

    def __init__(self, fun, t0, y0, t_bound, rtol, atol):
        super().__init__(fun, t0, y0, t_bound, first_step=1.0, rtol=1e-2, atol=1e-2)


METHODS = ["RK23", "RK45", "DOP853", "LSODA", "Radau", "BDF", ClassicRungeKutta]


def name_of(method):
    return method if isinstance(method, str) else method.__name__


# -- accuracy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS, ids=name_of)
@pytest.mark.parametrize("exact", EXACT.values(), ids=EXACT)
def test_every_method_follows_the_exact_solution(exact, method):
    flow = exact.run(method=method, rtol=RTOL, atol=ATOL)
    error = exact.error(flow)
    assert flow.status == "finished"
    assert error < 15, f"{name_of(method)} is off by {error:.1f} tolerances"


def test_a_wrong_solution_is_seen_in_units_of_the_tolerance():
    late = replace(LOGISTIC, solution=lambda t: LOGISTIC.solution(t + 1e-3))
    error = late.error(LOGISTIC.run(rtol=RTOL, atol=ATOL))
    assert error > 300, f"a clock late by 1e-3 is off by {error:.1f} tolerances only"


@pytest.mark.parametrize("method", ["RK45", "DOP853", "LSODA", "Radau"])
def test_the_error_shrinks_with_the_tolerance_and_is_not_zero(method):
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8):
        flow = LOGISTIC.run(method=method, rtol=rtol, atol=rtol)
        errors.append(np.abs(flow.values("end_to_end")[:, 0] - LOGISTIC.solution(flow.t)).max())
    ratios = [coarse / fine for coarse, fine in pairwise(errors)]
    assert min(ratios) > 5, f"errors {errors}"
    assert errors[-1] > 1e-14, f"errors {errors}: nothing was integrated"


@pytest.mark.parametrize("exact", EXACT.values(), ids=EXACT)
def test_the_compiled_field_gives_the_same_flow_as_the_reference(exact):
    compiled, reference = (exact.run(compiled=flag, method="DOP853") for flag in (True, False))
    gap = np.abs(compiled.theta - reference.theta).max()
    assert gap < 1e-11, f"they differ by {gap:.1e}"
    assert compiled.attrs["evaluations"] == reference.attrs["evaluations"]


def test_the_loss_never_rises_along_the_flow():
    flow = EXACT["matrix"].run()
    rises = np.diff(flow.values("loss"))
    assert rises.max() <= 0, f"largest rise {rises.max():.1e}"


# -- times ----------------------------------------------------------------------------------------


def test_the_times_asked_for_are_hit_exactly():
    times = np.array([0.0, 0.1, 1 / 3, np.pi / 2, 3.999])
    flow = SCALAR.run(times)
    np.testing.assert_array_equal(flow.t, times)
    assert SCALAR.error(flow) < 15, f"off by {SCALAR.error(flow):.1f} tolerances"


def test_a_list_of_times_need_not_begin_at_zero():
    flow = SCALAR.run([1.0, 2.0])
    gap = np.abs(flow.theta - SCALAR.solution(np.array([1.0, 2.0]))).max()
    assert flow.t.tolist() == [1.0, 2.0]
    assert gap < 1e-8, f"off by {gap:.1e}: the run must start at time 0 all the same"


def test_a_run_to_time_zero_is_its_start():
    flow = SCALAR.run([0.0])
    assert (flow.t.tolist(), flow.theta.tolist(), flow.status) == ([0.0], [[0.3]], "finished")


@pytest.mark.parametrize("saves", [2, 5, 201])
def test_saves_counts_evenly_spaced_times_with_both_ends(saves):
    flow = SCALAR.run(saves=saves)
    np.testing.assert_array_equal(flow.t, np.linspace(0, 4.0, saves))


def test_a_logarithmic_grid_has_zero_even_ratios_and_its_exact_end():
    flow = SCALAR.run(saves="log")
    ratios = flow.t[2:] / flow.t[1:-1]
    assert (len(flow), flow.t[0], flow.t[1], flow.t[-1]) == (201, 0.0, 4e-4, 4.0)
    assert np.ptp(ratios) < 1e-12, f"ratios spread by {np.ptp(ratios):.1e}"
    np.testing.assert_array_equal(flow.t, dl.dynamics.log_times(4.0))


def test_log_times_begin_where_they_are_told():
    times = dl.dynamics.log_times(1e3, 5, first=1.0)
    np.testing.assert_allclose(times, [0, 1, 10, 100, 1000], rtol=1e-14)
    assert times[-1] == 1e3


def test_the_states_saved_do_not_depend_on_how_many_are():
    few, many = LOGISTIC.run(saves=5), LOGISTIC.run(saves=41)
    gap = np.abs(few.theta - many.theta[::10]).max()
    assert gap < 1e-15, f"they differ by {gap:.1e}"


def test_at_evaluates_the_same_flow_at_other_times():
    flow = LOGISTIC.run()
    later = flow.at([0.0, 0.123, 2.718])
    np.testing.assert_array_equal(later.t, [0.0, 0.123, 2.718])
    same = {k: later.attrs[k] == flow.attrs[k] for k in ("method", "rtol", "atol")}
    assert all(same.values()), same
    error = np.abs(later.values("end_to_end")[:, 0] - LOGISTIC.solution(later.t)).max()
    assert error < 1e-8, f"off by {error:.1e}"


def test_at_the_same_times_the_flow_is_the_same_to_the_last_bit():
    flow = LOGISTIC.run()
    np.testing.assert_array_equal(flow.at(flow.t).theta, flow.theta)


@pytest.mark.parametrize("method", ["LSODA", "Radau9"])
def test_runs_in_several_threads_have_the_bits_of_one(method):
    # LSODA kept its state in global memory before SciPy 1.17, which is why that is the least.
    case = EXACT["two scalars"]
    alone = case.run(method=method).theta
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: case.run(method=method).theta, range(12)))
    for theta in runs:
        np.testing.assert_array_equal(theta, alone)


# -- events ---------------------------------------------------------------------------------------


@pytest.fixture
def bump():
    """An observable of one scalar with roots where the scalar is 0.6 and 1.1."""

    @dl.observable()
    def bump_for_events(problem, factors):
        w = factors[0][..., 0, 0]
        return (w - 0.6) * (w - 1.1)

    yield "bump_for_events"
    del registry.REGISTRY["bump_for_events"]


def time_of(value):
    """When the scalar flow passes a value."""
    return float(np.log(1.7 / (2 - value)))


W = {"observable": "end_to_end", "where": (0, 0)}


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_a_loss_threshold_is_found_to_the_accuracy_of_the_solver(method):
    flow = SCALAR.run(method=method, rtol=1e-8, atol=1e-8, events=[dl.loss_below(1e-2)])
    exact = time_of(2 - (2 * 1e-2) ** 0.5)  # (2 - w)**2 / 2 = 1e-2
    assert flow.status == "event"
    assert abs(flow.t[-1] - exact) < 1e-5, f"at {flow.t[-1]!r}, exactly {exact!r}"


def test_a_terminal_event_ends_the_run_with_the_state_there():
    flow = SCALAR.run(events=[dl.loss_below(1e-2)])
    crossing = flow.crossings[0]
    loss = float(flow.values("loss")[-1])
    assert len(flow.crossings) == 1
    assert abs(loss / 1e-2 - 1) < 1e-9, f"loss {loss!r} at the end"
    assert (flow.t[-1], flow.final.tolist()) == (crossing.t, crossing.theta.tolist())
    assert np.all(np.diff(flow.t) > 0), "the state at the event is saved after the others"
    assert flow.complete
    assert "loss = 0.01" in flow.message


def test_an_event_that_is_not_terminal_lets_the_run_go_on():
    flow = SCALAR.run(events=[dl.loss_below(1e-2, terminal=False)])
    assert (flow.status, flow.t[-1], len(flow)) == ("finished", 4.0, 201)
    assert [c.name for c in flow.crossings] == ["loss = 0.01"]


@pytest.mark.parametrize(("direction", "found"), [(1, 1), (0, 1), (-1, 0)])
def test_direction_chooses_between_rising_and_falling(direction, found):
    flow = SCALAR.run(events=[dl.Event(value=1.0, direction=direction, **W)])
    assert len(flow.crossings) == found
    assert all(abs(c.t - time_of(1.0)) < 1e-8 for c in flow.crossings)


def test_crossings_are_listed_in_the_order_of_time():
    values = (1.5, 0.5, 1.0)
    flow = SCALAR.run(method=Leaps, events=[dl.Event(value=v, **W) for v in values])
    assert [c.name.split()[-1] for c in flow.crossings] == ["0.5", "1", "1.5"]
    assert np.all(np.diff([c.t for c in flow.crossings]) > 0)


def test_nothing_is_recorded_after_a_terminal_event_in_the_same_step():
    events = [dl.Event(value=0.8, **W), dl.Event(value=0.5, terminal=True, **W)]
    flow = SCALAR.run(method=Leaps, events=events)
    assert [c.name for c in flow.crossings] == ["end_to_end[0, 0] = 0.5"]
    assert flow.t[-1] == flow.crossings[0].t


def test_two_roots_inside_one_step_are_both_found(bump):
    flow = SCALAR.run(method=Leaps, events=[dl.Event(bump, 0.0)])
    times = [c.t for c in flow.crossings]
    step = SCALAR.run([1.0], method=Leaps)
    assert step.attrs["steps"] == 1, "the case is too easy: the step must span both roots"
    assert times == pytest.approx([time_of(0.6), time_of(1.1)], abs=1e-5)


def test_a_look_at_both_ends_of_the_step_only_would_miss_the_two_roots(bump):
    heights = [
        dl.Event(bump, 0.0).height(SCALAR.problem, decay(np.array([t]))[0]) for t in (0.0, 1.0)
    ]
    assert heights[0] * heights[1] > 0, f"heights {heights} at the ends of the first step"


@pytest.mark.parametrize(("direction", "value"), [(-1, 0.6), (1, 1.1)])
def test_of_two_roots_in_one_step_direction_picks_one(bump, direction, value):
    event = dl.Event(bump, 0.0, direction=direction, terminal=True)
    flow = SCALAR.run(method=Leaps, events=[event])
    assert abs(flow.t[-1] - time_of(value)) < 1e-5, f"ended at {flow.t[-1]}"


def test_a_root_exactly_at_the_start_is_no_crossing():
    flow = SCALAR.run(events=[dl.Event(value=0.3, terminal=True, **W)])
    assert (flow.crossings, flow.status, flow.t[-1]) == ((), "finished", 4.0)


def test_a_threshold_passed_before_the_start_is_no_crossing():
    flow = SCALAR.run(events=[dl.loss_below(100.0)])
    assert (flow.crossings, flow.status) == ((), "finished")


@pytest.mark.parametrize("look", [0.25, 0.5, 0.75, 1.0])
def test_a_root_exactly_where_one_looks_counts_once(look):
    # The heights at a look of the first step are zero to the last bit.
    value = float(SCALAR.run([look, 4.0], method=Leaps).theta[0, 0])
    flow = SCALAR.run(method=Leaps, events=[dl.Event(value=value, **W)])
    assert len(flow.crossings) == 1, f"{len(flow.crossings)} crossings of {value!r}"
    assert abs(flow.crossings[0].t - look) < 1e-12


def test_an_event_reads_one_entry_and_takes_parameters():
    event = dl.Event("schatten_norm", 1.5, parameters=(("p", 0.5),))
    flow = EXACT["two modes"].run(events=[event], rtol=1e-11, atol=1e-13)
    found = flow.at(np.array([0.0, flow.crossings[0].t])).values("schatten_norm", p=0.5)[-1]
    assert abs(found - 1.5) < 1e-9, f"the quasi-norm is {found!r} at the crossing"


def test_a_quantity_that_decays_below_the_square_root_of_the_smallest_float_never_crosses_zero():
    still = problem_of((1, 1), dl.Full([[0.0]]))  # w' = -w, positive for ever
    flow = dl.gradient_flow(still, [1.0], 500.0, atol=0.0, events=[dl.Event(value=0.0, **W)])
    assert flow.final[0] > 0
    assert flow.crossings == ()


# -- budgets, failures ----------------------------------------------------------------------------


def test_a_budget_of_evaluations_ends_the_run_with_what_it_has():
    whole, part = LOGISTIC.run(), LOGISTIC.run(max_evaluations=100)
    assert part.status == "budget"
    assert not part.complete
    assert 100 <= part.attrs["evaluations"] <= 100 + 16, part.attrs  # one step of DOP853 over
    assert 1 < len(part) < len(whole)
    np.testing.assert_array_equal(part.t, whole.t[: len(part)])
    np.testing.assert_array_equal(part.theta, whole.theta[: len(part)])
    assert "max_evaluations=100" in part.message
    assert "raise it" in part.message


def test_a_budget_of_seconds_ends_the_run_after_the_step_that_exceeds_it():
    flow = LOGISTIC.run(max_seconds=1e-9)
    assert (flow.status, flow.attrs["steps"]) == ("budget", 1)
    assert "max_seconds=1e-09" in flow.message


def test_a_budget_that_suffices_changes_nothing():
    whole = LOGISTIC.run()
    spent = whole.attrs["evaluations"]
    flow = LOGISTIC.run(max_evaluations=spent, max_seconds=600.0)
    assert flow.status == "finished", flow.message
    np.testing.assert_array_equal(flow.theta, whole.theta)


# -- observables instead of states --------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "Tsit5", "DOP8", "Radau9", "ROCK4", "DOP853", "LSODA"])
@pytest.mark.parametrize("t_end", [5.0, 300.0])
def test_observables_are_kept_instead_of_states(method, t_end):
    # Pages of 256 times end within steps, between them, and where "auto" changes the method.
    problem, theta = PROBLEMS["B1"].make()
    settings = {"method": method, "saves": 2001, "rtol": 1e-6}
    names = ("loss", "end_to_end")
    kept = dl.gradient_flow(problem, theta, t_end, observables=names, **settings)
    states = dl.gradient_flow(problem, theta, t_end, **settings)
    assert (kept.status, kept.theta.shape) == ("finished", (1, 12))
    np.testing.assert_array_equal(kept.t, states.t)
    np.testing.assert_array_equal(kept.final, states.final)
    for name in names:
        np.testing.assert_allclose(
            kept.observe(name), states.observe(name), rtol=1e-10, atol=1e-13, err_msg=name
        )
    assert set(kept.kept) == set(names)
    # The states inside the last step of a page cost stages that the loop alone would not take.
    assert states.attrs["steps"] == kept.attrs["steps"]


@pytest.mark.parametrize("method", ["auto", "DOP853"])
def test_an_event_ends_what_is_kept(method):
    problem, theta = PROBLEMS["B1"].make()
    settings = {"method": method, "saves": 2001, "events": [dl.loss_below(0.3)]}
    kept = dl.gradient_flow(problem, theta, 30.0, observables=["loss"], **settings)
    states = dl.gradient_flow(problem, theta, 30.0, **settings)
    assert kept.status == "event"
    assert len(kept) == len(states) > 256
    np.testing.assert_allclose(kept.observe("loss"), states.observe("loss"), rtol=1e-10)
    assert float(kept.observe("loss")[-1]) == pytest.approx(0.3, rel=1e-9)


@pytest.mark.parametrize("budget", [1, 30, 100, 200, 300, 1000])
def test_a_budget_ends_what_is_kept(budget):
    problem, theta = PROBLEMS["B1"].make()
    settings = {"saves": 4001, "max_evaluations": budget, "method": "Tsit5"}
    kept = dl.gradient_flow(problem, theta, 50.0, observables=["loss"], **settings)
    states = dl.gradient_flow(problem, theta, 50.0, **settings)
    assert (kept.status, kept.theta.shape) == ("budget", (1, 12))
    assert len(kept.observe("loss")) == len(kept) == len(states)
    np.testing.assert_array_equal(kept.final, states.final)


def test_memory_does_not_grow_with_what_is_kept():
    problem, theta = PROBLEMS["B2"].make()
    dl.gradient_flow(problem, theta, 1.0, saves=2)
    tracemalloc.start()
    dl.gradient_flow(problem, theta, 5.0, saves=20_001, observables=["loss"])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_001 * theta.nbytes / 10


def test_strict_raises_where_the_run_would_be_partial():
    with pytest.raises(dl.IntegrationError, match=r"used up max_evaluations=100 at t="):
        LOGISTIC.run(max_evaluations=100, strict=True)


def test_strict_accepts_a_run_that_finished_or_met_its_event():
    found = LOGISTIC.run(strict=True), LOGISTIC.run(strict=True, events=[dl.loss_below(0.1)])
    assert [flow.status for flow in found] == ["finished", "event"]


class OutOfBreath(RK45):
    def _step_impl(self):
        return (False, "Out of breath.") if self.t > 0.5 else super()._step_impl()


class OffTheFloats(ClassicRungeKutta):
    """Would go on to the end with states that are no numbers: its steps are fixed."""

    def _step_impl(self):
        done = super()._step_impl()
        self.y = self.y * np.nan if self.t > 0.5 else self.y
        return done


class SingularMatrix(RK45):
    def _step_impl(self):
        if self.t > 0.5:
            raise np.linalg.LinAlgError("Singular matrix.")
        return super()._step_impl()


@pytest.mark.parametrize("method", [OutOfBreath, OffTheFloats, SingularMatrix])
def test_a_solver_that_fails_leaves_a_finite_part_and_says_where(method):
    flow = SCALAR.run(method=method)
    assert flow.status == "failed"
    assert 0.3 < flow.t[-1] < 0.7, f"saved up to t = {flow.t[-1]}"
    assert np.isfinite(flow.theta).all()
    assert f"{method.__name__} stopped at t=0.5" in flow.message
    with pytest.raises(dl.IntegrationError, match="stopped at t=0"):
        SCALAR.run(method=method, strict=True)


@pytest.mark.parametrize(("method", "words"), [(OutOfBreath, "Out of breath."), ("DOP853", "")])
def test_a_message_of_failure_repeats_the_solver_and_gives_a_remedy(method, words):
    exact = SCALAR if words else replace(SCALAR, problem=RUNAWAY, t_end=10.0)
    flow = exact.run(method=method, compiled=bool(words))
    assert words in flow.message
    assert "Try method='LSODA', a smaller scale, or an earlier t_end." in flow.message


def test_a_state_that_is_no_number_is_called_so():
    message = SCALAR.run(method=OffTheFloats).message
    assert "  " not in message, message
    assert "not finite" in message, message


@dataclass(frozen=True)
class Runaway(Loss):
    """A loss without a lower bound: its flow ``w' = w**3`` ends at t = 1 / (2 w(0)**2)."""

    reduction: str = "sum"

    def value(self, z):
        return -0.25 * z**4

    def derivative(self, z):
        return -(z**3)

    def second_derivative(self, z):
        return -3 * z**2

    @property
    def kernel(self):
        return "-0.25 * z * z * z * z", "-z * z * z"


RUNAWAY = dl.Problem(dl.DeepLinear((1, 1)), Runaway(), dl.Full([[0.0]]))


@pytest.mark.parametrize("method", ["DOP853", "RK45", "LSODA", "Radau"])
def test_a_flow_that_blows_up_ends_without_a_warning_near_its_last_time(method):
    flow = dl.gradient_flow(
        RUNAWAY, [1.0], 1.0, method=method, compiled=False, max_evaluations=4000
    )
    assert flow.status in ("failed", "budget")
    assert 0.49 <= flow.t[-1] <= 0.5, f"saved up to t = {flow.t[-1]}"
    assert np.isfinite(flow.theta).all()


# -- twins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "other"),
    [
        ("DOP853", "LSODA"),
        ("RK45", "LSODA"),
        (Leaps, "LSODA"),
        ("LSODA", "Radau"),
        ("Radau", "LSODA"),
        ("BDF", "Radau"),
    ],
    ids=name_of,
)
def test_the_twins_are_a_tighter_run_and_one_of_another_family(method, other):
    tighter, across = LOGISTIC.run(method=method, rtol=1e-6, saves=5).twins
    assert tighter.attrs["method"] == name_of(method)
    assert tighter.attrs["rtol"] == pytest.approx(1e-7)
    assert across.attrs["method"] == other
    assert 1e-6 <= across.attrs["rtol"] < 1e-4, "a twin may be cheaper, not careless"


def test_the_tighter_twin_stops_at_the_floor_of_rtol():
    tighter, _ = LOGISTIC.run([0.1], rtol=1e-13).twins
    assert tighter.attrs["rtol"] >= 2.2e-14


def test_the_twin_starts_next_to_the_start_in_every_entry():
    flow = LOGISTIC.run([0.0])
    moved = flow.twins[0].theta[0] - flow.theta[0]
    assert np.all(moved != 0), f"the start moved by {moved}"


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("method", ["DOP853", "RK45", "LSODA", "BDF"])
def test_the_estimated_error_is_honest(method, rtol):
    flow = LOGISTIC.run(method=method, rtol=rtol, atol=rtol)
    actual = np.abs(flow.values("end_to_end")[:, 0, 0] - LOGISTIC.solution(flow.t)[:, 0]).max()
    estimate = flow.error("end_to_end").max()
    assert 0.8 < estimate / actual < 12, f"estimated {estimate:.1e}, actual {actual:.1e}"


def test_the_estimated_error_shrinks_with_the_tolerance_and_is_not_zero():
    errors = [LOGISTIC.run(rtol=r, atol=r).error("loss").max() for r in (1e-4, 1e-6, 1e-8)]
    assert errors[0] > 10 * errors[1] > 100 * errors[2] > 0, f"errors {errors}"


def test_the_error_is_infinite_where_a_twin_did_not_arrive():
    flow = LOGISTIC.run(max_evaluations=150, rtol=1e-8)
    shortest = min(map(len, flow.twins))
    error = flow.error("loss")
    assert shortest < len(flow), "the case is too easy: both twins arrived"
    assert np.isfinite(error[:shortest]).all()
    assert np.isinf(error[shortest:]).all()


# -- work -----------------------------------------------------------------------------------------

# Evaluations measured with SciPy 1.17, and a quarter more.
WORK = {"RK45": 408, "DOP853": 367, "LSODA": 264, "Radau": 1293, "BDF": 509, "RK23": 1537}


@pytest.mark.parametrize(("method", "most"), WORK.items())
def test_the_logistic_flow_costs_no_more_evaluations_than_measured(method, most):
    spent = LOGISTIC.run(method=method, rtol=1e-8, atol=1e-11).attrs["evaluations"]
    assert most / 2 < spent <= most, f"{method} took {spent} evaluations"


@pytest.mark.parametrize("saves", [2, 2001])
def test_saving_costs_no_evaluation(saves):
    flow = LOGISTIC.run(method="RK45", saves=saves)
    assert flow.attrs["evaluations"] == LOGISTIC.run(method="RK45").attrs["evaluations"]


def test_watching_for_events_costs_no_evaluation_of_the_field():
    watched = LOGISTIC.run(method="RK45", events=[dl.loss_below(1e-9, terminal=False)])
    assert len(watched.crossings) == 1
    assert watched.attrs["evaluations"] == LOGISTIC.run(method="RK45").attrs["evaluations"]


def test_evaluations_are_counted_one_by_one():
    calls = []

    class Counting(dl.SquaredLoss):
        def derivative(self, z):
            calls.append(1)
            return super().derivative(z)

    problem = dl.Problem(dl.DeepLinear((1, 1, 1)), Counting(), dl.Full([[2.0]]))
    dl.gradient_flow(problem, LOGISTIC.theta0, 0.1, compiled=False)  # probes a loss of one's own
    calls.clear()
    flow = dl.gradient_flow(problem, LOGISTIC.theta0, 4.0, compiled=False)
    assert flow.attrs["evaluations"] == len(calls) > 100


def test_an_implicit_method_is_cheap_where_an_explicit_one_is_limited_by_stability():
    # One entry of the target is a thousand times as large as the other: curvatures 1e3 and 1.
    stiff = problem_of((2, 2, 2), dl.Full(np.diag([1000.0, 1.0])))
    theta0 = stiff.init(1.0, kind="identity")
    spent = {
        method: dl.gradient_flow(
            stiff, theta0, 4.0, method=method, rtol=1e-6, atol=1e-9, saves=2
        ).attrs["evaluations"]
        for method in ("LSODA", "RK45")
    }
    assert spent["LSODA"] < 600 < 10_000 < spent["RK45"], f"evaluations {spent}"
