"""The vanilla objective has bad local minima, however many components there are.

After Wang et al. (2020), with a construction of its own. The target is
T = e_1^l - b sum_k sym(e_1^(l-2) e_k^2). Wherever c_i (u_i . e_1)^(l-2) >= 0 for all i, the loss
|W - T|^2 is at least b^2 (d - 1) / (l choose 2), with equality where all u_i = e_1, c_i > 0 and
sum c_i = 1: local minima, though zero is attained with 2 d - 1 components (order 3).

Their basins shrink with the least c_i: descent from .1 away may turn a sign, and leave the region.
"""

from dataclasses import dataclass
from itertools import permutations
from math import comb

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Full,
    Measurement,
    Problem,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    gradient_descent,
)


def target(d, b, l):
    """Symmetrized by hand: entries of sym(e_1^(l-2) e_k^2) are 1 / (l choose 2)."""
    tensor = np.zeros((d,) * l)
    tensor[(0,) * l] = 1.0
    for k in range(1, d):
        for place in set(permutations((0,) * (l - 2) + (k, k))):
            tensor[place] = -b / comb(l, 2)
    return tensor


@dataclass(frozen=True)
class Minimum(Measurement):
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
        model = SymmetricTensor(self.dimension, self.order, self.components, coefficients=None)
        seen = Full(target(self.dimension, self.b, self.order))
        return Problem(model, SquaredLoss(half=False), seen)

    def minimum(self, rng):
        u = np.zeros((self.components, self.dimension))
        u[:, 0] = 1.0
        c = rng.uniform(0.5, 1.5, self.components)
        return u, c / c.sum()

    def measure(self, fine):
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
        near = problem.model.ravel((v, w))
        near *= 1 + 2.0**-52 * fine
        run = gradient_descent(problem, near, eta=0.01, steps=20_000, saves=2)
        value = self.b**2 * (d - 1)
        return {
            "loss": problem.objective(problem.model.ravel((u, c))),
            "least": np.min(around),
            "returns": run.values("loss")[-1],
            "law": value / comb(l, 2),
            "unsplit": value,
            "third": value / 3,
        }


@dataclass(frozen=True)
class Exact(Measurement):
    """The target with 2 d - 1 components, order 3: the global minimum is zero."""

    dimension: int
    b: float

    def measure(self, fine):
        d, b = self.dimension, self.b
        # 6 sym(x y y) = (x + y)^3 + (x - y)^3 - 2 x^3
        u = [np.eye(d)[0]]
        c = [1 + b * (d - 1) / 3]
        for k in range(1, d):
            u += [np.eye(d)[0] + np.eye(d)[k], np.eye(d)[0] - np.eye(d)[k]]
            c += [-b / 6, -b / 6]
        model = SymmetricTensor(d, 3, 2 * d - 1, coefficients=None)
        problem = Problem(model, SquaredLoss(half=False), Full(target(d, b, 3)))
        return {"loss": problem.objective(model.ravel((np.array(u), np.array(c))))}


@dataclass(frozen=True)
class Wrong(Measurement):
    """Even order, T = -e_1^l, positive fixed coefficients: zero is a local minimum."""

    order: int = 4
    components: int = 7

    def measure(self, fine):
        seen = np.zeros((2,) * self.order)
        seen[(0,) * self.order] = -1.0
        problem = Problem(
            SymmetricTensor(2, self.order, self.components), SquaredLoss(half=False), Full(seen)
        )
        rng = np.random.default_rng(0)
        states = rng.standard_normal((1000, problem.model.parameters)) * rng.uniform(
            0, 1, (1000, 1)
        )
        return {"loss": problem.objective(states).min(), "law": 1.0}


page = (Minimum(2, 1.0, 3), Minimum(3, 1.0, 10), Minimum(4, 0.5, 20), Minimum(3, 1.0, 6, order=4))
turned = (Minimum(3, -1.0, 10),)


def value(of, law="law", tolerance=1e-10):
    return Equal(of, law, tolerance=tolerance)


theorem = Theorem(
    id="Q1.T4",
    title="bad local minima of the vanilla objective",
    source="wang2020beyond; construction derived",
    checks=(
        Check(value("loss"), page),
        Check(AtLeast("least", "law"), (*page, Minimum(2, 0.3, 2))),
        Check(value("returns", tolerance=1e-8), page[:3]),
        Check(AtLeast("1e-25", "loss", tolerance=0.0), (Exact(3, 1.0), Exact(4, 0.5))),
        Check(AtLeast("loss", "law"), (Wrong(), Wrong(6, 3))),
    ),
    controls={
        "b turned around: descent returns": Check(value("returns", tolerance=1e-8), turned),
        "descent returns from .1 away": Check(
            value("returns", tolerance=1e-8), (Minimum(3, 1.0, 10, points=1, away=0.1, both=True),)
        ),
        "b turned around: the bound": Check(AtLeast("least", "law"), turned),
        "value b^2 (d - 1), order 4": Check(value("loss", "unsplit"), page[3:]),
        "value b^2 (d - 1) / 3, order 4": Check(value("loss", "third"), page[3:]),
        "2 d - 1 components leave no bad minimum": Check(
            AtLeast("1e-3", "returns"), (page[1], page[2])
        ),
    },
)
