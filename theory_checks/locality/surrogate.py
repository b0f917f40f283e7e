"""The regularizer `Locality` at random tensors, with differences and what has been said of it."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.problems import Locality

STEP = 1e-4  # of fourth-order differences: their error is 1e-12 or so, and so is rounding


def differences(of, tensor, step=STEP):
    """The gradient of a function of one tensor, by central differences of order four."""
    found = np.zeros(tensor.size)
    for k, way in enumerate(np.eye(tensor.size).reshape(-1, *tensor.shape) * step):
        near, far = (of(tensor + j * way) - of(tensor - j * way) for j in (1, 2))
        found[k] = (8 * near - far) / (12 * step)
    return found


def without_c(penalty, tensor):
    """The gradient without the terms that keep units of length one."""
    flat = penalty.maps.reshape(2, -1, penalty.maps.shape[2], tensor.size)
    g = flat @ tensor.ravel()
    norms = np.linalg.norm(g, axis=-1, keepdims=True)
    units = g / norms
    sign = np.sign((units[0] * units[1]).sum(axis=-1, keepdims=True))
    return np.einsum("snd,sndk->k", sign * units[::-1] / norms, flat) / g.shape[1]


@dataclass(frozen=True)
class Everywhere(dl.Measurement):
    """The gradient at a random tensor, entry by entry."""

    shape: tuple[int, ...]
    first: tuple[int, ...] = (0,)
    second: tuple[int, ...] = (1,)
    power: int = 1
    rank_one: bool = False
    seed: int = 0

    @property
    def penalty(self):
        return Locality(self.shape, self.first, self.second, seed=self.seed, power=self.power)

    def measure(self, numerics):
        rng, penalty = np.random.default_rng(self.seed), self.penalty
        tensor = rng.standard_normal(self.shape)
        if self.rank_one:
            tensor = np.multiply.outer(*(rng.standard_normal(size) for size in self.shape))
        tensor = numerics.start(tensor)
        gradient, wrong = penalty.gradient(tensor), without_c(penalty, tensor)
        found = {
            "R": penalty.value(tensor),
            "gradient": gradient.ravel(),
            "pull": np.sum(gradient * tensor),
            "without_c": wrong,
            "pull_without_c": wrong @ tensor.ravel(),
        }
        if not self.rank_one:  # the step is no part of the claims there
            step = numerics.pick(STEP, 2 * STEP)
            found["differences"] = differences(penalty.value, tensor, step)
        if len(self.shape) == 2:
            one, other = gradient @ tensor.T, gradient.T @ tensor
            found["asymmetry"] = np.linalg.norm(one - one.T)
            found["asymmetry_transposed"] = np.linalg.norm(other - other.T)
        return found


@dataclass(frozen=True)
class NearRankOne(dl.Measurement):
    """R at a rank-one matrix plus eps times another."""

    shape: tuple[int, int] = (4, 5)
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        one = np.multiply.outer(*(rng.standard_normal(size) for size in self.shape))
        other, eps = rng.standard_normal(self.shape), np.geomspace(3e-4, 3e-6, 13)
        penalty = Locality(self.shape, (0,), (1,), seed=self.seed)
        tensors = numerics.start(one) + eps[:, None, None] * other
        return {"R": penalty.value(tensors), "eps": eps}


MATRICES = (Everywhere((4, 5)), Everywhere((3, 3), seed=1), Everywhere((4, 5), power=2))
TENSORS = (
    Everywhere((3,) * 4, (0, 1), (2, 3)),
    Everywhere((3,) * 4, (0,), (2,), seed=1),
    Everywhere((2, 3, 4), (2,), (0, 1), power=2),
)
EVERYWHERE = MATRICES + TENSORS
RANK_ONE = (Everywhere((4, 5), rank_one=True), Everywhere((6, 2), rank_one=True, seed=1))
NEAR_RANK_ONE = NearRankOne()
