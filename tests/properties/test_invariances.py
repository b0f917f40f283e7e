"""What the flow must not care about: basis, unit of time, a stop on the way, transposing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dynlens as dl

RTOL, ATOL = 1e-11, 1e-13
T_END = 1.5

seeds = st.integers(0, 2**32 - 1)
angles = st.floats(0.0, 6.28)
depths = st.integers(1, 3)


def flow(problem, theta0, times=T_END, **options):
    run = dl.gradient_flow(problem, theta0, times, rtol=RTOL, atol=ATOL, saves=7, **options)
    assert run.status == "finished", run.message
    return run


def completion_like(depth, seed, loss=None):
    """A 2 x 2 problem with all entries observed: one compiled kernel for each depth."""
    rng = np.random.default_rng(seed)
    target = rng.standard_normal((2, 2))
    loss = dl.SquaredLoss() if loss is None else loss
    problem = dl.Problem(dl.DeepLinear((2,) * (depth + 1)), loss, dl.Full(target))
    return problem, target, tuple(0.7 * rng.standard_normal((depth, 2, 2)))


def seen_as(problem, target):
    return dl.Problem(problem.model, problem.loss, dl.Full(target))


def orthogonal(angle, reflect):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag([1.0, -1.0]) if reflect else turn


def assert_same(found, expected, what, tolerance=1e-8):
    gap = np.abs(np.asarray(found) - np.asarray(expected)).max()
    assert gap < tolerance, f"{what} differ by {gap:.1e}"


# -- change of basis ------------------------------------------------------------------------------


@given(seed=seeds, depth=depths, angle=angles, reflect=st.booleans())
@settings(max_examples=40)
def test_the_loss_and_gradient_turn_with_the_input_space(seed, depth, angle, reflect):
    problem, target, factors = completion_like(depth, seed)
    q = orthogonal(angle, reflect)
    turned = seen_as(problem, target @ q)
    theta = problem.model.ravel(factors)
    moved = problem.model.ravel((factors[0] @ q, *factors[1:]))
    assert_same(turned.objective(moved), problem.objective(theta), "losses", 1e-12)
    gradient = problem.factors(problem.gradient(theta))
    expected = problem.model.ravel((gradient[0] @ q, *gradient[1:]))
    assert_same(turned.gradient(moved), expected, "gradients", 1e-12)


@given(seed=seeds, angle=angles, reflect=st.booleans())
@settings(max_examples=20)
def test_the_flow_turns_with_the_input_space(seed, angle, reflect):
    problem, target, factors = completion_like(2, seed)
    q = orthogonal(angle, reflect)
    plain = flow(problem, problem.model.ravel(factors))
    turned = flow(seen_as(problem, target @ q), problem.model.ravel((factors[0] @ q, factors[1])))
    assert_same(turned.values("end_to_end"), plain.values("end_to_end") @ q, "matrices")
    assert_same(turned.values("loss"), plain.values("loss"), "losses")


@given(seed=seeds, angle=angles, reflect=st.booleans())
@settings(max_examples=20)
def test_the_flow_turns_with_the_output_space(seed, angle, reflect):
    problem, target, factors = completion_like(2, seed)
    p = orthogonal(angle, reflect)
    plain = flow(problem, problem.model.ravel(factors))
    turned = flow(seen_as(problem, p @ target), problem.model.ravel((factors[0], p @ factors[1])))
    assert_same(turned.values("end_to_end"), p @ plain.values("end_to_end"), "matrices")


@given(seed=seeds, angle=angles, reflect=st.booleans())
@settings(max_examples=20)
def test_a_turn_of_the_hidden_space_is_not_seen_from_outside(seed, angle, reflect):
    problem, _, factors = completion_like(2, seed)
    o = orthogonal(angle, reflect)
    plain = flow(problem, problem.model.ravel(factors))
    turned = flow(problem, problem.model.ravel((o @ factors[0], factors[1] @ o.T)))
    assert_same(turned.values("end_to_end"), plain.values("end_to_end"), "matrices")
    hidden = np.einsum("ij,tjk,lk->til", o, plain.values("imbalances").reshape(-1, 2, 2), o)
    assert_same(turned.values("imbalances").reshape(-1, 2, 2), hidden, "imbalances")


def test_a_change_of_basis_that_is_not_orthogonal_is_seen():
    problem, _, factors = completion_like(2, seed=0)
    stretch = np.diag([2.0, 0.5])  # keeps the product, not the flow
    plain = flow(problem, problem.model.ravel(factors))
    moved = flow(
        problem, problem.model.ravel((stretch @ factors[0], factors[1] @ np.linalg.inv(stretch)))
    )
    with pytest.raises(AssertionError, match="matrices differ by"):
        assert_same(moved.values("end_to_end"), plain.values("end_to_end"), "matrices")


@given(seed=seeds, order=st.permutations(range(4)))
@settings(max_examples=20)
def test_the_order_of_the_observations_does_not_matter(seed, order):
    problem, target, factors = completion_like(2, seed)
    places = [(0, 0), (0, 1), (1, 0), (1, 1)]
    shuffled = dl.Problem(
        problem.model, problem.loss, dl.Entries.of(target, [places[k] for k in order])
    )
    theta = problem.model.ravel(factors)
    assert_same(shuffled.gradient(theta), problem.gradient(theta), "gradients", 1e-13)
    assert_same(flow(shuffled, theta).theta, flow(problem, theta).theta, "flows")


# -- time -----------------------------------------------------------------------------------------


@given(seed=seeds)
@settings(max_examples=15)
def test_without_the_half_the_clock_runs_twice_as_fast(seed):
    problem, _, factors = completion_like(2, seed)
    whole, _, _ = completion_like(2, seed, dl.SquaredLoss(half=False))
    theta = problem.model.ravel(factors)
    times = np.linspace(0, T_END, 5)
    assert_same(flow(whole, theta, times).theta, flow(problem, theta, 2 * times).theta, "flows")


@given(seed=seeds)
@settings(max_examples=15)
def test_under_the_mean_the_clock_slows_down_by_the_number_of_observations(seed):
    problem, _, factors = completion_like(2, seed)
    mean, _, _ = completion_like(2, seed, dl.SquaredLoss("mean"))
    theta = problem.model.ravel(factors)
    times = np.linspace(0, T_END, 5)
    assert_same(flow(mean, theta, 4 * times).theta, flow(problem, theta, times).theta, "flows")


@given(seed=seeds, eta=st.floats(1e-3, 5e-2))
@settings(max_examples=15)
def test_for_descent_the_half_is_a_factor_of_the_step_size(seed, eta):
    problem, _, factors = completion_like(2, seed)
    whole, _, _ = completion_like(2, seed, dl.SquaredLoss(half=False))
    theta = problem.model.ravel(factors)
    one = dl.gradient_descent(problem, theta, eta=2 * eta, steps=50, backend="numpy")
    other = dl.gradient_descent(whole, theta, eta=eta, steps=50, backend="numpy")
    assert_same(one.theta, other.theta, "descents", 1e-12)


def test_a_clock_that_is_wrong_by_a_percent_is_seen():
    problem, _, factors = completion_like(2, seed=0)
    theta, times = problem.model.ravel(factors), np.linspace(0, T_END, 5)
    with pytest.raises(AssertionError, match="flows differ by"):
        assert_same(
            flow(problem, theta, 1.01 * times).theta, flow(problem, theta, times).theta, "flows"
        )


@given(seed=seeds, scale=st.floats(0.5, 2.0))
@settings(max_examples=15)
def test_scaling_target_and_start_scales_the_flow(seed, scale):
    # Depth two: W -> s W and theta -> sqrt(s) theta, the clock runs s times as fast.
    problem, target, factors = completion_like(2, seed)
    theta = problem.model.ravel(factors)
    times = np.linspace(0, T_END, 5)
    scaled = flow(seen_as(problem, scale * target), scale**0.5 * theta, times / scale)
    assert_same(scaled.theta, scale**0.5 * flow(problem, theta, times).theta, "flows")


# -- semigroup ------------------------------------------------------------------------------------


@given(seed=seeds, share=st.floats(0.05, 0.95), depth=depths)
@settings(max_examples=30)
def test_stopping_on_the_way_and_restarting_changes_nothing(seed, share, depth):
    problem, _, factors = completion_like(depth, seed)
    theta = problem.model.ravel(factors)
    stop = share * T_END
    first = flow(problem, theta, [0.0, stop])
    second = flow(problem, first.final, [0.0, T_END - stop])
    assert_same(second.final, flow(problem, theta, [0.0, T_END]).final, "ends")


@given(seed=seeds, stop=st.integers(1, 99), method=st.sampled_from(["numba", "numpy"]))
@settings(max_examples=30)
def test_descent_stopped_on_the_way_and_restarted_gives_the_same_bits(seed, stop, method):
    problem, _, factors = completion_like(2, seed)
    theta, options = problem.model.ravel(factors), {"eta": 0.02, "backend": method}
    whole = dl.gradient_descent(problem, theta, steps=100, **options)
    first = dl.gradient_descent(problem, theta, steps=stop, **options)
    second = dl.gradient_descent(problem, first.final, steps=100 - stop, **options)
    np.testing.assert_array_equal(second.final, whole.final)


def test_restarting_from_elsewhere_is_seen():
    problem, _, factors = completion_like(2, seed=0)
    theta = problem.model.ravel(factors)
    half = flow(problem, theta, [0.0, T_END / 2]).final
    with pytest.raises(AssertionError, match="ends differ by"):
        assert_same(
            flow(problem, half * (1 + 1e-4), [0.0, T_END / 2]).final,
            flow(problem, theta, [0.0, T_END]).final,
            "ends",
        )


# -- transposition --------------------------------------------------------------------------------


@given(seed=seeds, depth=depths, wide=st.integers(1, 3), tall=st.integers(1, 3))
@settings(max_examples=40)
def test_the_transposed_problem_has_the_transposed_gradient(seed, depth, wide, tall):
    rng = np.random.default_rng(seed)
    widths = (wide, *rng.integers(1, 4, depth - 1).tolist(), tall)
    target = rng.standard_normal((tall, wide))
    problem, mirrored = (
        dl.Problem(dl.DeepLinear(w), dl.HuberLoss(0.5), dl.Full(m))
        for w, m in ((widths, target), (widths[::-1], target.T))
    )
    factors = tuple(rng.standard_normal(shape) for shape in problem.model.factor_shapes)
    theta = problem.model.ravel(factors)
    swapped = mirrored.model.ravel([f.T for f in factors[::-1]])
    assert_same(mirrored.objective(swapped), problem.objective(theta), "losses", 1e-12)
    back = [g.T for g in mirrored.factors(mirrored.gradient(swapped))[::-1]]
    assert_same(problem.model.ravel(back), problem.gradient(theta), "gradients", 1e-12)


@given(seed=seeds)
@settings(max_examples=15)
def test_the_flow_of_the_transposed_problem_is_the_transposed_flow(seed):
    problem, target, factors = completion_like(3, seed)
    plain = flow(problem, problem.model.ravel(factors))
    swapped = problem.model.ravel([f.T for f in factors[::-1]])
    mirrored = flow(seen_as(problem, target.T), swapped)
    assert_same(mirrored.values("end_to_end"), plain.values("end_to_end").mT, "matrices")


def test_transposing_the_target_alone_is_seen():
    problem, target, factors = completion_like(3, seed=1)
    theta = problem.model.ravel(factors)
    with pytest.raises(AssertionError, match="matrices differ by"):
        assert_same(
            flow(seen_as(problem, target.T), theta).values("end_to_end"),
            flow(problem, theta).values("end_to_end").mT,
            "matrices",
        )


# -- what all of it conserves ---------------------------------------------------------------------


@given(seed=seeds, depth=st.integers(2, 3))
@settings(max_examples=20)
def test_the_flow_keeps_its_imbalances_and_never_raises_its_loss(seed, depth):
    problem, _, factors = completion_like(depth, seed)
    run = flow(problem, problem.model.ravel(factors))
    imbalances = run.values("imbalances")
    assert_same(imbalances, np.broadcast_to(imbalances[0], imbalances.shape), "imbalances")
    rise = np.diff(run.values("loss")).max()
    assert rise < 1e-9, f"the loss rises by {rise:.1e}"
