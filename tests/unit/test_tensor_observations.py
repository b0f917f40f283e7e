"""Random low-rank tensors, and sensing with rank-one tensors."""

from functools import reduce

import numpy as np
import pytest
import tensorly

from dynlens.problems.observations import RankOneSensing, Sensing, low_rank_tensor

TARGET = np.random.default_rng(0).standard_normal((3, 4, 2))


def dense(seen):
    """The sensing tensors one by one."""
    rows = zip(*seen.arrays, strict=True)
    return np.array([reduce(np.multiply.outer, vectors) for vectors in rows])


def test_a_low_rank_tensor_has_the_ranks_and_the_norm_asked_for():
    tensor = low_rank_tensor((5, 6, 4), rank=3, seed=1, norm=2.5)
    assert abs(np.linalg.norm(tensor) - 2.5) < 1e-14
    ranks = [np.linalg.matrix_rank(tensorly.unfold(tensor, mode)) for mode in range(3)]
    assert ranks == [3, 3, 3]
    np.testing.assert_array_equal(tensor, low_rank_tensor((5, 6, 4), rank=3, seed=1, norm=2.5))
    assert np.any(tensor != low_rank_tensor((5, 6, 4), rank=3, seed=2, norm=2.5))


def test_a_low_rank_tensor_of_order_two_is_a_low_rank_matrix():
    assert np.linalg.matrix_rank(low_rank_tensor((6, 5), rank=2, seed=0)) == 2


@pytest.mark.parametrize("shape", [(3, 4, 2), (3, 4), (5,), (2, 3, 2, 2)])
def test_rank_one_sensing_is_sensing_with_the_dense_tensors(shape):
    target = np.random.default_rng(1).standard_normal(shape)
    seen = RankOneSensing.gaussian(target, count=6, seed=2)
    same = Sensing.of(target, dense(seen))
    assert seen.tensor_shape == shape
    assert seen.count == 6
    np.testing.assert_allclose(seen.data, same.data, rtol=1e-13, atol=1e-14)
    batch = np.random.default_rng(3).standard_normal((2, 5, *shape))
    weights = np.random.default_rng(4).standard_normal((2, 5, 6))
    np.testing.assert_allclose(seen.measure(batch), same.measure(batch), atol=1e-14)
    np.testing.assert_allclose(seen.adjoint(weights), same.adjoint(weights), atol=1e-14)
    np.testing.assert_allclose(seen.kernel_data[1], same.kernel_data[1], atol=1e-15)


def test_gaussian_rank_one_tensors_have_the_variance_of_dense_ones():
    size = (dense(RankOneSensing.gaussian(TARGET, count=4000, seed=0)) ** 2).mean() * TARGET.size
    assert abs(size - 1) < 0.1, f"mean square {size:.3f} / size"


def test_the_repr_recreates_the_sensing():
    seen = RankOneSensing.gaussian(TARGET, count=2, seed=2)
    assert eval(repr(seen)) == seen


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RankOneSensing.of(TARGET, [np.ones((2, 3))]), ValueError, "`vectors` has shapes"),
        (
            lambda: RankOneSensing.of(TARGET, [np.ones((2, d)) for d in (3, 4, 3)]),
            ValueError,
            r"the target's shape \(3, 4, 2\) needs arrays",
        ),
        (
            lambda: RankOneSensing([np.ones((2, 3)), np.ones((3, 2))], [1.0, 2.0]),
            ValueError,
            "2 values need one array of shape",
        ),
        (lambda: RankOneSensing([np.ones((0, 3))], []), ValueError, "`values` is empty"),
        (lambda: RankOneSensing([[[np.nan]]], [1.0]), ValueError, "`vectors` has a NaN"),
        (lambda: RankOneSensing([], [1.0]), ValueError, "`vectors` has shapes"),
        (lambda: RankOneSensing.gaussian(TARGET, count=0, seed=0), ValueError, "`count`"),
        (lambda: low_rank_tensor((3, 3), rank=0, seed=0), ValueError, "`rank` must be at least 1"),
        (lambda: low_rank_tensor((3, 3), rank=1, seed=0, norm=-1), ValueError, "`norm`"),
    ],
)
def test_bad_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
