r"""Stationary points of the regularized objective: what they are, and which way leads out.

Ingredients of Wang et al. (2020), derived, for F = |R|^2 + lambda sum |u_i|^2, R = W - T, without
the factors 1/2, 2-homogeneous: sum_i <u_i, grad_i F> = 4 <R, W> + 2 lambda sum |u_i|^2
everywhere; at a stationary point a_i R(u_i^l) = -lambda / 2 for unit u_i, and
max_j |R(v_j^l)| >= |R|^2 / sum_j |c_j|. Along the flow lambda sum |u_i|^2 <= F(0).
"""

from dataclasses import dataclass

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Measurement,
    PowerLaw,
    Problem,
    RankOneSum,
    Ridge,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
    gradient_flow,
)
from dynlens.dynamics.phases import modified_descent
from dynlens.observables.registry import find


def instance(components, penalty=0.01, seed=0, dimension=15, orthogonal=False):
    """Three directions, in general not orthogonal, and a target of norm one."""
    c, size = np.array([1.0, -0.8, 0.6]), {"dimension": dimension, "order": 3}
    drawn = RankOneSum.random(c, seed=seed, **size)
    if orthogonal:
        drawn = RankOneSum.orthogonal(c, **size)
    target = RankOneSum(tuple(c / np.sqrt(drawn.squared_norm)), drawn.directions, 3)
    model = SymmetricTensor(dimension, 3, components, degree=2)
    return Problem(model, SquaredLoss(half=False), target, Ridge(penalty, half=False))


def facts(problem, theta):
    """Both sides of every statement at one state."""
    read = {
        name: find(name)(problem, theta)
        for name in ("residual_correlations", "residual_coefficients", "residual_norm")
    }
    u, model = problem.factors(theta)[0], problem.model
    lengths = np.linalg.norm(u, axis=1)
    signs = np.broadcast_to(np.array(model.coefficients), lengths.shape)
    # <R, W> from the correlations: D = -R
    inner = -(model.masses((u,)) * read["residual_correlations"]).sum()
    rate = problem.penalty.strength
    large = lengths > 0.05
    pulls = (-signs * read["residual_correlations"])[large]
    return {
        "euler": theta @ problem.gradient(theta),
        "euler_law": 4 * inner + 2 * rate * (lengths**2).sum(),
        "pull_low": pulls.min() if pulls.size else np.nan,
        "pull_high": pulls.max() if pulls.size else np.nan,
        "steepest": np.abs(read["residual_coefficients"]).max(),
        "norm": read["residual_norm"],
        "mass": np.abs(problem.observations.c).sum(),
        "squares": (lengths**2).sum(),
        "objective": problem.objective(theta),
        "penalty": rate,
    }


@dataclass(frozen=True)
class Stationary(Measurement):
    """The end of descent with fresh components, followed by the flow until nothing moves."""

    components: int
    penalty: float = 0.01
    seed: int = 0
    epochs: int = 10
    fresh: bool = True
    orthogonal: bool = False

    def measure(self, fine):
        problem = instance(self.components, self.penalty, self.seed, orthogonal=self.orthogonal)
        runs = modified_descent(
            problem,
            epochs=self.epochs,
            steps=600,
            eta=0.02,
            scale=0.01,
            seed=self.seed,
            fresh=self.fresh,
        )
        last = runs[-1]
        run = gradient_flow(last.problem, last.final, [400.0 if fine else 300.0], rtol=1e-10)
        return facts(last.problem, run.final)


@dataclass(frozen=True)
class Biases(Measurement):
    """What the penalty costs at the end of descent with fresh components."""

    penalties: tuple[float, ...] = (0.04, 0.02, 0.01, 0.005)
    orthogonal: bool = False

    def measure(self, fine):
        cases = (
            Stationary(8, penalty, seed=1, orthogonal=self.orthogonal) for penalty in self.penalties
        )
        found = [case.measure(fine) for case in cases]
        return {name: [float(one[name]) for one in found] for name in ("norm", "penalty", "mass")}


@dataclass(frozen=True)
class Anywhere(Measurement):
    """Random states, without stationarity."""

    count: int = 20
    seed: int = 0

    def measure(self, fine):
        problem = instance(6)
        found = [
            facts(problem, problem.init(0.5, seed=self.seed + k) * (1 + 2.0**-52 * fine))
            for k in range(self.count)
        ]
        return {name: np.array([one[name] for one in found]) for name in found[0]}


def pulls(value):
    return tuple(Equal(side, value, tolerance=1e-3) for side in ("pull_low", "pull_high"))


ends = (Stationary(12), Stationary(4, seed=1, fresh=False))
# No component is left to find the direction that is missing.
stuck = (Stationary(4, seed=2, epochs=20, fresh=False),)
biases, orthogonal = (Biases(),), (Biases(orthogonal=True),)
found_all = AtLeast("penalty / 2 * mass", "norm**2")
anywhere = (Anywhere(),)
theorem = Theorem(
    id="Q1.T8",
    title="stationary points, norms, and a direction of descent",
    source="wang2020beyond; derived",
    checks=(
        Check(Equal("euler", "euler_law", tolerance=1e-11), anywhere),
        *(Check(claim, ends + stuck) for claim in pulls("-penalty / 2")),
        Check(AtLeast("steepest", "norm**2 / mass"), ends + stuck),
        Check(AtLeast("objective / penalty", "squares"), ends + stuck),
        # Where no direction is left with |R(u^l)| > lambda / 2.
        Check(found_all, ends),
        # What comes after the first order is of the order of lambda itself.
        Check(PowerLaw("norm", "penalty", 1, band=0.04 / np.log(8)), biases + orthogonal),
        Check(Equal("norm", "penalty / 2 * sqrt(3)", tolerance=1e-6), orthogonal),
    ),
    controls={
        "a R(u^l) = -lambda": Check(pulls("-penalty")[0], ends[:1]),
        "Euler with 2 <R, W>": Check(
            Equal("euler", "euler_law / 2 + penalty * squares", tolerance=1e-11), anywhere
        ),
        "the bound without the square": Check(AtLeast("steepest", "norm / mass"), ends[:1]),
        "the bound away from stationarity": Check(AtLeast("steepest", "norm**2 / mass"), anywhere),
        "every stationary point has found all": Check(found_all, stuck),
        "the bias is lambda sqrt(r)": Check(
            Equal("norm", "penalty * sqrt(3)", tolerance=1e-6), orthogonal
        ),
        "the bias is of second order": Check(
            PowerLaw("norm", "penalty", 2, band=0.04 / np.log(8)), biases
        ),
    },
)
