"""Losses and observations: exact small cases, adjoints, and the papers' conventions."""

from dataclasses import dataclass

import numpy as np
import pytest

from dynlens import DeepLinear, Entries, Full, HuberLoss, Problem, Sensing, SquaredLoss
from dynlens.problems import low_rank_matrix as low_rank

RESIDUALS = np.array([1.0, -2.0, 3.0])  # squares 1, 4, 9 add up to 14

CONVENTIONS = [
    pytest.param("sum", True, 7.0, id="half the sum"),
    pytest.param("sum", False, 14.0, id="sum"),
    pytest.param("mean", True, 7.0 / 3, id="half the mean"),
    pytest.param("mean", False, 14.0 / 3, id="mean"),
]

LOSSES = [
    SquaredLoss(),
    SquaredLoss("mean", half=False),
    HuberLoss(),
    HuberLoss(0.25, reduction="mean"),
]

TENSOR = np.arange(24.0).reshape(2, 3, 4)
OBSERVATIONS = [
    pytest.param(Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0]), id="three entries"),
    pytest.param(Entries.sample(TENSOR, fraction=0.4, seed=0), id="entries of order three"),
    pytest.param(Full(np.eye(3)), id="full"),
    pytest.param(Sensing.gaussian(np.eye(2), count=5, seed=0), id="sensing"),
    pytest.param(Sensing.gaussian(TENSOR, count=7, seed=1), id="sensing of order three"),
]


# -- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reduction", "half", "expected"), CONVENTIONS)
def test_squared_loss_adds_up_in_each_convention(reduction, half, expected):
    loss = SquaredLoss(reduction, half)
    total = loss.weight(3) * loss.value(RESIDUALS).sum()
    assert total == pytest.approx(expected, rel=1e-15), f"{loss!r} adds up to {total}"


@pytest.mark.parametrize(("reduction", "half", "expected"), CONVENTIONS)
def test_a_problem_uses_the_convention_of_its_loss(reduction, half, expected):
    seen = Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [0.0, 0.0, 0.0])
    problem = Problem(DeepLinear((2, 2)), SquaredLoss(reduction, half), seen)
    value = float(problem.tensor_loss(np.array([[50.0, 1.0], [-2.0, 3.0]])))
    assert value == pytest.approx(expected, rel=1e-15), f"the unobserved 50 may count: {value}"


def test_the_factor_half_is_the_default():
    assert SquaredLoss() == SquaredLoss(reduction="sum", half=True)
    assert SquaredLoss().value(np.array(3.0)) == 4.5


@pytest.mark.parametrize(
    ("z", "value", "slope", "curvature"),
    [
        (0.0, 0.0, 0.0, 1.0),
        (0.2, 0.02, 0.2, 1.0),
        (-0.2, 0.02, -0.2, 1.0),
        (0.5, 0.125, 0.5, 1.0),  # at the threshold the inside counts
        (-0.5, 0.125, -0.5, 1.0),
        (2.0, 0.875, 0.5, 0.0),  # 0.5 * (2 - 0.25)
        (-2.0, 0.875, -0.5, 0.0),
    ],
)
def test_huber_loss_with_threshold_one_half_by_hand(z, value, slope, curvature):
    loss, point = HuberLoss(0.5), np.array(z)
    found = float(loss.value(point)), float(loss.derivative(point))
    assert found == pytest.approx((value, slope), abs=1e-16), f"value and slope {found} at {z}"
    assert float(loss.second_derivative(point)) == curvature


def test_huber_loss_joins_its_pieces_smoothly():
    loss, step = HuberLoss(0.3), 1e-9
    z = np.array([0.3 - step, 0.3 + step])
    jump = np.diff(loss.value(z))[0] - 0.3 * 2 * step
    turn = np.diff(loss.derivative(z))[0]
    assert abs(jump) < step**1.5, f"the value jumps by {jump:.1e}"
    assert 0 <= turn <= 2 * step, f"the slope jumps by {turn:.1e}"


def test_huber_loss_with_a_huge_threshold_is_the_squared_loss():
    z = np.linspace(-3, 3, 25)
    gap = np.abs(HuberLoss(1e6).value(z) - SquaredLoss().value(z)).max()
    assert gap == 0, f"differs by {gap:.1e}"


def test_huber_slope_never_exceeds_its_threshold():
    largest = np.abs(HuberLoss(0.25).derivative(np.linspace(-50, 50, 1001))).max()
    assert largest == 0.25, f"largest slope {largest}"


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_derivatives_of_a_loss_equal_central_differences(loss):
    # Away from the kinks at the thresholds 0.25 and 1.
    z, h = np.array([-3.1, -0.7, -0.11, 0.0, 0.17, 0.6, 2.3]), 1e-6
    slope = (loss.value(z + h) - loss.value(z - h)) / (2 * h)
    curvature = (loss.derivative(z + h) - loss.derivative(z - h)) / (2 * h)
    first = np.abs(slope - loss.derivative(z)).max()
    second = np.abs(curvature - loss.second_derivative(z)).max()
    assert first < 1e-8, f"first derivative off by {first:.1e}"
    assert second < 1e-8, f"second derivative off by {second:.1e}"


def assert_kernel_equals_reference(loss):
    points = np.array([-2.5, -1.0, -0.25, -0.1, 0.0, 0.1, 0.25, 1.0, 2.5])
    value, slope = (np.array([eval(text, {"z": float(z)}) for z in points]) for text in loss.kernel)
    np.testing.assert_array_equal(value, loss.value(points))
    np.testing.assert_array_equal(slope, loss.derivative(points))


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_kernel_text_of_a_loss_equals_its_reference(loss):
    assert_kernel_equals_reference(loss)
    assert all("z" in text for text in loss.kernel)


def test_a_kernel_without_the_half_is_caught():
    class Forgetful(SquaredLoss):
        @property
        def kernel(self):
            return "z * z", "z"

    with pytest.raises(AssertionError):
        assert_kernel_equals_reference(Forgetful())


# -- observations ---------------------------------------------------------------------------------


def test_entries_are_measured_in_the_order_of_their_indices():
    seen = Entries((2, 3), [(1, 2), (0, 0), (1, 0)], [0, 0, 0])
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert seen.measure(matrix).tolist() == [6.0, 1.0, 4.0]


def test_the_adjoint_of_entries_puts_weights_back_in_place():
    seen = Entries((2, 3), [(1, 2), (0, 0)], [0, 0])
    assert seen.adjoint(np.array([7.0, 8.0])).tolist() == [[8.0, 0.0, 0.0], [0.0, 0.0, 7.0]]


def test_sensing_measures_inner_products():
    tensors = [[[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [-1.0, 0.0]]]
    seen = Sensing.of([[1.0, 1.0], [1.0, 2.0]], tensors)
    assert seen.values == (14.0, 0.0)
    assert seen.adjoint(np.array([1.0, 10.0])).tolist() == [[1.0, 12.0], [-7.0, 4.0]]


def test_sensing_with_unit_tensors_is_the_same_as_entries():
    target, indices = np.array([[1.0, 2.0], [3.0, 4.0]]), [(0, 1), (1, 1)]
    units = np.zeros((2, 2, 2))
    units[0, 0, 1] = units[1, 1, 1] = 1.0
    entries, sensing = Entries.of(target, indices), Sensing.of(target, units)
    assert entries.values == sensing.values == (2.0, 4.0)
    matrix, weights = np.array([[5.0, 6.0], [7.0, 8.0]]), np.array([0.5, -2.0])
    np.testing.assert_array_equal(entries.measure(matrix), sensing.measure(matrix))
    np.testing.assert_array_equal(entries.adjoint(weights), sensing.adjoint(weights))


def assert_adjoint(seen, batch=(), seed=0):
    rng = np.random.default_rng(seed)
    tensor = rng.standard_normal((*batch, *seen.tensor_shape))
    weights = rng.standard_normal((*batch, seen.count))
    axes = tuple(range(-len(seen.tensor_shape), 0))
    one = (seen.adjoint(weights) * tensor).sum(axis=axes)
    other = (weights * seen.measure(tensor)).sum(axis=-1)
    gap = np.abs(one - other).max() / np.abs(weights).sum()
    assert gap < 1e-15 * tensor[0].size, f"<adjoint(w), T> - <w, measure(T)> = {gap:.1e}"


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)], ids=["one", "batch", "two batch axes"])
@pytest.mark.parametrize("seen", OBSERVATIONS)
def test_adjoint_is_the_transpose_of_measure(seen, batch):
    assert seen.data.shape == (seen.count,)
    assert_adjoint(seen, batch)


def test_an_adjoint_with_two_places_swapped_is_caught():
    @dataclass(frozen=True)
    class Swapped(Entries):
        def adjoint(self, weights):
            return super().adjoint(weights[..., ::-1])

    with pytest.raises(AssertionError, match="<adjoint"):
        assert_adjoint(Swapped((2, 2), [(0, 1), (1, 0)], [1, 1]))


@pytest.mark.parametrize("seen", OBSERVATIONS)
def test_measuring_a_batch_equals_measuring_one_by_one(seen):
    tensors = np.random.default_rng(3).standard_normal((4, *seen.tensor_shape))
    one_by_one = np.array([seen.measure(tensor) for tensor in tensors])
    gap = np.abs(seen.measure(tensors) - one_by_one).max()
    assert gap < 1e-14, f"differs by {gap:.1e}"


def test_full_sees_every_entry_of_a_tensor():
    seen = Full(TENSOR)
    assert seen.count == 24
    np.testing.assert_array_equal(seen.adjoint(seen.data), TENSOR)


def test_sample_sees_the_rounded_fraction_and_no_entry_twice():
    seen = Entries.sample(TENSOR, fraction=0.4, seed=0)
    assert seen.count == 10 == len(set(seen.indices))  # 9.6, rounded
    assert seen.values == tuple(TENSOR[i] for i in seen.indices)


@pytest.mark.parametrize(("fraction", "count"), [(1e-9, 1), (1.0, 24)])
def test_sample_sees_at_least_one_entry_and_at_most_all(fraction, count):
    assert Entries.sample(TENSOR, fraction=fraction, seed=0).count == count


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda seed: Entries.sample(TENSOR, fraction=0.5, seed=seed), id="sample"),
        pytest.param(lambda seed: Sensing.gaussian(TENSOR, count=2, seed=seed), id="gaussian"),
        pytest.param(lambda seed: Full(low_rank((3, 4), rank=2, seed=seed)), id="low rank"),
    ],
)
def test_the_same_seed_gives_the_same_bits_and_another_seed_other_ones(draw):
    assert draw(5) == draw(5)
    assert draw(5) != draw(6)


def test_gaussian_sensing_has_variance_one_over_the_size():
    seen = Sensing.gaussian(np.ones((2, 3)), count=4000, seed=0)
    variance = np.var(np.array(seen.tensors)) * 6
    # 24000 draws: the standard error of a variance of one is sqrt(2 / 24000).
    assert abs(variance - 1) < 5 * np.sqrt(2 / 24000), f"variance times size is {variance:.4f}"


@pytest.mark.parametrize("thing", [*LOSSES, *(p.values[0] for p in OBSERVATIONS)], ids=str)
def test_repr_of_a_loss_or_observation_recreates_it(thing):
    again = eval(repr(thing))
    assert again == thing
    assert hash(again) == hash(thing)


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_threshold_that_comes_from_numpy_is_kept_as_a_float(kind):
    # In single precision it could not be saved; in double, its repr would need `np`.
    loss = HuberLoss(kind(0.5))
    assert repr(loss) == repr(HuberLoss(0.5))
    assert type(loss.threshold) is float


def test_observations_do_not_change_with_the_array_they_came_from():
    target = np.eye(2)
    seen = Full(target)
    target[0, 0] = 99.0
    assert seen.data.tolist() == [1.0, 0.0, 0.0, 1.0]


# -- targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_low_rank_matrix_has_the_rank_asked_for(rank):
    sigma = np.linalg.svd(low_rank((5, 3), rank=rank, seed=0), compute_uv=False)
    found = int((sigma > 1e-12 * sigma[0]).sum())
    assert found == rank, f"singular values {sigma}"


def test_low_rank_matrix_has_the_norm_asked_for():
    norm = np.linalg.norm(low_rank((4, 6), rank=2, seed=1, norm=2.5))
    assert abs(norm - 2.5) < 1e-14, f"norm {norm!r}"


def test_all_entries_out_of_order_are_measured_in_their_own_order():
    tensor = np.arange(24.0).reshape(4, 3, 2)
    places = np.random.default_rng(0).permutation(np.argwhere(np.ones((3, 2))))
    shuffled, full = Entries.of(tensor[0], places), Full(tensor[0])
    np.testing.assert_array_equal(shuffled.measure(tensor[0]), shuffled.data)
    np.testing.assert_array_equal(full.measure(tensor[0]), full.data)
    assert not np.array_equal(shuffled.data, full.data)
    weights = full.measure(tensor)
    np.testing.assert_array_equal(full.adjoint(weights), tensor)
    np.testing.assert_array_equal(shuffled.adjoint(shuffled.measure(tensor)), tensor)
