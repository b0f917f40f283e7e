"""Where the theorems of Ge et al. (2021) are asserted, and what is read off there.

Notation as in `staircase`.
"""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.dynamics.phases import modified_flow

from .staircase import Staircase

LAMBDA = 0.05
PENALIZED = [Staircase(1e-5, 0.05)]
THIRD_ORDER = {"order": 3, "dimension": 8, "rank": 4, "components": 40, "ratio": 1.25, "seed": 3}
FLOWS = [
    *(Staircase(1e-3), Staircase(1e-8), *PENALIZED, Staircase(1e-8, 0.05)),
    *(Staircase(delta, 0.04, **THIRD_ORDER) for delta in (1e-4, 1e-7)),
]
DESCENT = [Staircase(1e-15, eta=0.05)]


def never_rises(samples):
    return np.append(-np.diff(samples.read("loss")), 0.0)


def squared_residual(samples):
    return samples.read("residual_norm") ** 2


def lowest(samples):
    """The least residual of the run, at each of its samples."""
    return np.full(len(samples), samples.read("residual_coefficients").min())


def worst_alignment(samples):
    """Least of max_k cos^2 over the components longer than .01."""
    best = np.square(samples.read("target_cosines")).max(axis=2)
    return np.where(samples.read("vector_norms") > 0.01, best, 1.0).min(axis=1)


def weighted_alignment(samples):
    """Mean of max_k cos^2, weighted by squared lengths."""
    best = np.square(samples.read("target_cosines")).max(axis=2)
    weights = samples.read("component_masses")
    return (best * weights).sum(axis=1) / weights.sum(axis=1)


def misalignment(samples):
    """eps_k: mean of 1 - cos^2 over the components at direction k, weighted by what they fit."""
    squares = np.square(samples.read("target_cosines"))
    masses = samples.read("component_masses")[:, :, None]
    fitted = np.where(squares > 0.5, masses * squares**2, 0.0)
    return (fitted * (1 - squares)).sum(axis=1) / np.maximum(fitted.sum(axis=1), 1e-300)


def half_less_undershoot(samples):
    """lambda / 2 - 1.5 lambda eps_k: for 1.24, shares of other orders, and what is between."""
    return LAMBDA / 2 - 1.5 * LAMBDA * misalignment(samples)


def settled(delta, penalty=LAMBDA):
    """Return the run from components of that size until nothing moves; errors relative to it."""
    return Staircase(delta, penalty).path(60.0, rtol=1e-13, atol=1e-14 * delta)


def aligned(order=4, count=5, a=1.3, penalty=0.1, delta=1e-3, half=True):
    """Return the flow of components that all begin along the first of two directions."""
    target = dl.RankOneSum.orthogonal([a, 0.5], dimension=3, order=order)
    model = dl.SymmetricTensor(3, order, count, degree=2)
    problem = dl.Problem(model, dl.SquaredLoss(half=half), target, dl.Ridge(penalty, half=half))
    start = np.zeros((count, 3))
    start[:, 0] = delta
    return dl.Path(problem, tuple(start.ravel()), 6.0, rtol=1e-12, atol=1e-18)


@dataclass(frozen=True)
class Phases(dl.Measurement):
    """Directions found by few components, by seed, with and without fresh ones.

    Of the five directions one is found if more than half of it is fitted.
    """

    threshold: float
    length: float
    phases: int = 30
    seeds: tuple[int, ...] = tuple(range(100, 150))
    components: int = 6
    penalty: float = 0.05
    scale: float = 1e-3

    def measure(self, numerics):
        rows = [self.follow(seed, numerics) for seed in self.seeds]
        found = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
        # How many components can be long while one direction is missing.
        K = Staircase(self.scale).a - self.penalty / 2
        long = np.floor(K / self.threshold**2)
        return found | {
            "threshold": self.threshold,
            "components": float(self.components),
            "room": long.sum() - long.min(),
            "gained": found["found"].sum() - found["without"].sum(),
        }

    def follow(self, seed, numerics):
        """Compare phases with one run of the same length."""
        case = Staircase(self.scale, self.penalty, components=self.components, seed=seed)
        settings = {"threshold": self.threshold, "scale": self.scale, "seed": seed}
        settings |= {"rtol": numerics.rtol(1e-6), "atol": 1e-11}
        runs = modified_flow(
            case.problem, case.start, phases=[self.length] * self.phases, **settings
        )
        (bare,) = modified_flow(
            case.problem, case.start, phases=[self.length * self.phases], **settings
        )
        seen = np.concatenate([run.values("fitted_coefficients") for run in runs]) > case.a / 2
        when = np.where(seen.any(axis=0), seen.argmax(axis=0), len(seen))
        order = np.argsort(when, kind="stable")
        return {
            "found": seen[-1].sum(),
            "without": (bare.values("fitted_coefficients")[-1] > case.a / 2).sum(),
            "shortest": runs[-1].values("vector_norms")[-1].min(),
            "squared": runs[-1].values("residual_norm")[-1] ** 2,
            "disorder": np.abs(order - np.arange(len(order))).sum(),
        }
