"""Targets of three directions, and where descent with fresh components ends on them.

F = |R|^2 + lambda sum |u_i|^2, R = W - T, without factors ½, 2-homogeneous components a_i |u_i|^2.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

import dynlens as dl
from dynlens.dynamics.phases import modified_descent
from dynlens.observables.registry import find
from dynlens.theory.lazy_tensors import lazy_error_bound, symmetric_coordinates

from .lazy import directions, lazy_basis

PENALTY = 0.01


def instance(components, penalty=PENALTY, seed=0, dimension=15, orthogonal=False):
    """Three directions, in general not orthogonal, and a target of norm one."""
    c, size = np.array([1.0, -0.8, 0.6]), {"dimension": dimension, "order": 3}
    drawn = dl.RankOneSum.random(c, seed=seed, **size)
    if orthogonal:
        drawn = dl.RankOneSum.orthogonal(c, **size)
    target = dl.RankOneSum(tuple(c / np.sqrt(drawn.squared_norm)), drawn.directions, 3)
    model, penalty = (
        dl.SymmetricTensor(dimension, 3, components, degree=2),
        dl.Ridge(penalty, False),
    )
    return dl.Problem(model, dl.SquaredLoss(half=False), target, penalty)


def bound(target):
    """sqrt(lambda/2 sum |c_j|): what may be left where every direction has been found."""
    return np.sqrt(PENALTY / 2 * np.abs(target.c).sum())


def epochs(problem, count, seed, *, steps=600, scale=0.01, fresh=True):
    """Descend in epochs, as the papers' algorithm does."""
    numbers = {"epochs": count, "steps": steps, "eta": 0.02, "scale": scale, "seed": seed}
    return modified_descent(problem, **numbers, fresh=fresh)


@cache
def errors(problem, count, seed, numerics, *, steps=600, fresh=True):
    """Residual norms at the ends of all epochs."""
    scale = numerics.start(0.01)
    runs = epochs(problem, count, seed, steps=steps, scale=scale, fresh=fresh)
    return [run.values("residual_norm")[-1] for run in runs]


def facts(problem, theta):
    """Both sides of every statement at one state."""
    correlations = find("residual_correlations")(problem, theta)
    (u,), model = problem.factors(theta), problem.model
    lengths = np.linalg.norm(u, axis=1)
    signs = np.broadcast_to(np.array(model.coefficients), lengths.shape)
    # <R, W> from the correlations: D = -R
    inner = -(model.masses((u,)) * correlations).sum()
    rate = problem.penalty.strength
    pulls = (-signs * correlations)[lengths > 0.05]
    return {
        "euler": theta @ problem.gradient(theta),
        "euler_law": 4 * inner + 2 * rate * (lengths**2).sum(),
        "pull_low": pulls.min() if pulls.size else np.nan,
        "pull_high": pulls.max() if pulls.size else np.nan,
        "steepest": np.abs(find("residual_coefficients")(problem, theta)).max(),
        "norm": find("residual_norm")(problem, theta),
        "mass": np.abs(problem.observations.c).sum(),
        "squares": (lengths**2).sum(),
        "objective": problem.objective(theta),
        "penalty": rate,
    }


@dataclass(frozen=True)
class Stationary(dl.Measurement):
    """The end of descent with fresh components, followed by the flow until nothing moves."""

    components: int
    penalty: float = PENALTY
    seed: int = 0
    epochs: int = 10
    fresh: bool = True
    orthogonal: bool = False

    def measure(self, numerics):
        problem = instance(self.components, self.penalty, self.seed, orthogonal=self.orthogonal)
        last = epochs(problem, self.epochs, self.seed, fresh=self.fresh)[-1]
        t_end = numerics.pick(300.0, 400.0)
        run = dl.gradient_flow(last.problem, last.final, [t_end], rtol=1e-10)
        return facts(last.problem, run.final)


@dataclass(frozen=True)
class Biases(dl.Measurement):
    """What the penalty costs at the end of descent with fresh components."""

    penalties: tuple[float, ...] = (0.04, 0.02, 0.01, 0.005)
    orthogonal: bool = False

    def measure(self, numerics):
        ends = (Stationary(8, p, seed=1, orthogonal=self.orthogonal) for p in self.penalties)
        found = [end.measure(numerics) for end in ends]
        return {name: [float(one[name]) for one in found] for name in ("norm", "penalty")}


@dataclass(frozen=True)
class Anywhere(dl.Measurement):
    """Random states, without stationarity."""

    count: int = 20
    seed: int = 0

    def measure(self, numerics):
        problem, seeds = instance(6), range(self.seed, self.seed + self.count)
        states = [numerics.start(problem.init(0.5, seed=seed)) for seed in seeds]
        found = [facts(problem, theta) for theta in states]
        return {name: np.array([one[name] for one in found]) for name in found[0]}


@dataclass(frozen=True)
class Fits(dl.Measurement):
    """What is left of the target, of norm one: by the lazy fit, and by descent with four."""

    components: int  # of the lazy fit
    seeds: tuple[int, ...] = (0, 1, 2, *range(100, 107))

    def measure(self, numerics):
        rows = []
        for seed in self.seeds:
            problem = instance(4, seed=seed)
            target = problem.observations
            whole = target.c @ symmetric_coordinates(target.v, 3)
            basis = lazy_basis(directions(self.components, 15, seed + 100), 3, numerics)
            lazy = np.linalg.norm(whole - basis @ (basis.T @ whole))
            rows.append((lazy, errors(problem, 10, seed, numerics)[-1], bound(target)))
        return dict(zip(("lazy", "trained", "bound"), np.transpose(rows), strict=True))


@dataclass(frozen=True)
class Ablation(dl.Measurement):
    """Residual norms with and without fresh components, half-way and in the end, by seed."""

    components: int = 4
    epochs: int = 20
    seeds: tuple[int, ...] = tuple(range(100, 140))

    def measure(self, numerics):
        rows = []
        for seed in self.seeds:
            problem = instance(self.components, seed=seed)
            fresh, bare = (
                errors(problem, self.epochs, seed, numerics, fresh=with_fresh)
                for with_fresh in (True, False)
            )
            half = self.epochs // 2 - 1
            rows.append((fresh[-1], bare[-1], bare[half], bound(problem.observations)))
        names = ("fresh", "without", "early", "bound")
        found = dict(zip(names, np.transpose(rows), strict=True))
        return found | {"stuck": (found["without"] > found["bound"]).sum()}


@dataclass(frozen=True)
class Dimensions(dl.Measurement):
    """Residual norms after two long epochs with eight components, and rms ones of lazy fits."""

    dimensions: tuple[int, ...] = (8, 16, 32, 64)
    components: int = 8
    seed: int = 1

    def measure(self, numerics):
        rows = []
        for d in self.dimensions:
            problem = instance(self.components, seed=self.seed, dimension=d)
            last = errors(problem, 2, self.seed, numerics, steps=1200)[-1]
            lazy = float(lazy_error_bound(d, 3, self.components * d)) ** 0.5
            rows.append((last, bound(problem.observations), lazy, d))
        return dict(zip(("error", "bound", "lazy", "d"), np.transpose(rows), strict=True))
