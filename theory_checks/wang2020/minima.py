"""A target whose vanilla objective has bad local minima, with what happens at and around them."""

from dataclasses import dataclass
from itertools import permutations
from math import comb

import numpy as np

import dynlens as dl

WHOLE = dl.SquaredLoss(half=False)


def target(d, b, l):
    """e_1^l - b sum_k sym(e_1^(l-2) e_k^2); entries of the latter are 1 / (l choose 2)."""
    tensor = np.zeros((d,) * l)
    tensor[(0,) * l] = 1.0
    for k in range(1, d):
        for place in set(permutations((0,) * (l - 2) + (k, k))):
            tensor[place] = -b / comb(l, 2)
    return tensor


@dataclass(frozen=True)
class Minimum(dl.Measurement):
    """The bad minimum, points around it in the region, and where descent goes from close by."""

    dimension: int
    b: float
    components: int
    order: int = 3
    seed: int = 1
    points: int = 1000
    away: float = 0.01  # of the start of descent
    both: bool = False  # whether coefficients are perturbed, too

    @property
    def problem(self):
        model = dl.SymmetricTensor(self.dimension, self.order, self.components, coefficients=None)
        return dl.Problem(model, WHOLE, dl.Full(target(self.dimension, self.b, self.order)))

    def minimum(self, rng):
        u = np.zeros((self.components, self.dimension))
        u[:, 0] = 1.0
        c = rng.uniform(0.5, 1.5, self.components)
        return u, c / c.sum()

    def measure(self, numerics):
        problem, l, d = self.problem, self.order, self.dimension
        rng = np.random.default_rng(self.seed)
        u, c = self.minimum(rng)
        around = []
        for scale in np.geomspace(1e-3, 0.9, self.points):
            v = u + scale * rng.standard_normal(u.shape)
            w = c + scale * rng.standard_normal(c.shape)
            w = np.abs(w) * np.sign(v[:, 0]) ** (l - 2)
            around.append(problem.objective(problem.model.ravel((v, w))))
        v = u + self.away * rng.standard_normal(u.shape)
        w = c + self.away * rng.standard_normal(c.shape) * self.both
        near = numerics.start(problem.model.ravel((v, w)))
        run = dl.gradient_descent(problem, near, eta=0.01, steps=20_000, saves=2)
        return {
            "loss": problem.objective(numerics.start(problem.model.ravel((u, c)))),
            "least": np.min(around),
            "returns": run.values("loss")[-1],
            "b": self.b,
            "d": float(d),
            "blocks": float(comb(l, 2)),
        }


@dataclass(frozen=True)
class Exact(dl.Measurement):
    """The target with 2 d - 1 components, order 3: the global minimum is zero."""

    dimension: int
    b: float

    def measure(self, numerics):
        d, b = self.dimension, self.b
        # 6 sym(x y y) = (x + y)^3 + (x - y)^3 - 2 x^3
        u, c = [np.eye(d)[0]], [1 + b * (d - 1) / 3]
        for k in range(1, d):
            u += [np.eye(d)[0] + np.eye(d)[k], np.eye(d)[0] - np.eye(d)[k]]
            c += [-b / 6, -b / 6]
        model = dl.SymmetricTensor(d, 3, 2 * d - 1, coefficients=None)
        problem = dl.Problem(model, WHOLE, dl.Full(target(d, b, 3)))
        return {"loss": problem.objective(model.ravel((np.array(u), np.array(c))))}


@dataclass(frozen=True)
class Wrong(dl.Measurement):
    """Even order, T = -e_1^l, positive fixed coefficients: the least loss at random states."""

    order: int = 4
    components: int = 7

    def measure(self, numerics):
        seen = np.zeros((2,) * self.order)
        seen[(0,) * self.order] = -1.0
        model = dl.SymmetricTensor(2, self.order, self.components)
        problem = dl.Problem(model, WHOLE, dl.Full(seen))
        rng = np.random.default_rng(0)
        states = rng.standard_normal((1000, model.parameters)) * rng.uniform(0, 1, (1000, 1))
        return {"loss": problem.objective(states).min()}
