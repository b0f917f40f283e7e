"""A random direction correlates with every residual: its mean square has an exact lower bound.

Second-moment core of a step in Wang et al. (2020), derived: for a symmetric R on R^r and u uniform
on the sphere, E R(u^l)^2 >= l! / (r (r+2) ... (r+2l-2)) |R|^2, with equality iff R is harmonic.
Means over 20000 directions or more carry five standard errors: each inequality is refuted by chance
with probability 6e-7 at most, all 158 together with at most 1e-4.
"""

from dataclasses import dataclass
from math import factorial, prod

import numpy as np

from dynlens import AtLeast, Check, Equal, Measurement, PowerLaw, Theorem
from dynlens.theory.lazy_tensors import (
    harmonic_spectrum,
    symmetric_coordinates,
    symmetric_dimension,
)

SIGMAS = 5.0


def bound(r, l):
    return factorial(l) / prod(r + 2 * k for k in range(l))


def directions(r, count, seed):
    u = np.random.default_rng(seed).standard_normal((count, r))
    return u / np.linalg.norm(u, axis=1)[:, None]


@dataclass(frozen=True)
class RandomResiduals(Measurement):
    """Mean squared correlations with random R of norm one."""

    dimension: int
    order: int
    count: int = 50
    draws: int = 20_000
    seed: int = 0

    def measure(self, fine):
        r, l = self.dimension, self.order
        points = symmetric_coordinates(directions(r, self.draws, self.seed), l)
        R = np.random.default_rng(self.seed + 1).standard_normal(
            (symmetric_dimension(r, l), self.count)
        )
        squares = np.square(points @ (R / np.linalg.norm(R, axis=0)))
        error = squares.std(axis=0) / np.sqrt(self.draws)
        least = float(harmonic_spectrum(r, l)[-1].value)
        return {"mean": squares.mean(axis=0), "error": error, "bound": bound(r, l), "least": least}


@dataclass(frozen=True)
class Harmonics(Measurement):
    """The same for R = Re (x_1 + i x_2)^l, of squared norm 2^(l-1), over several r."""

    order: int
    dimensions: tuple[int, ...] = (8, 16, 32, 64)
    draws: int = 200_000
    seed: int = 0

    def measure(self, fine):
        means, errors, l = [], [], self.order
        for r in self.dimensions:
            u = directions(r, self.draws, self.seed)
            value = ((u[:, 0] + 1j * u[:, 1]) ** l).real ** 2 / 2 ** (l - 1)
            means.append(value.mean())
            errors.append(value.std() / np.sqrt(self.draws))
        r = np.array(self.dimensions, dtype=float)
        bounds = np.array([bound(d, l) for d in self.dimensions])
        return {
            "mean": means,
            "error": errors,
            "bound": bounds,
            "rank_one": bounds * prod(range(1, 2 * l, 2)) / factorial(l),
            "r": r,
            "rms": np.sqrt(means),
            "shifted": r + l - 1,
        }


anything = tuple(RandomResiduals(r, l) for r, l in ((3, 3), (5, 3), (4, 4)))
harmonic = tuple(Harmonics(l) for l in (3, 4))
theorem = Theorem(
    id="Q1.T9",
    title="a fresh direction correlates with every residual",
    source="wang2020beyond; derived",
    checks=(
        # The bound is the least eigenvalue of Q1.T2.
        Check(Equal("bound", "least", tolerance=1e-13), anything),
        Check(AtLeast(f"mean + {SIGMAS} * error", "bound"), anything),
        Check(AtLeast(f"{SIGMAS} * error", "Abs(mean - bound)"), harmonic),
        # r (r+2) ... (r+2l-2) is nearly (r + l - 1)^l: rms ~ r^(-l/2).
        Check(PowerLaw("rms", "shifted", -1.5, band=0.05), harmonic[:1]),
        Check(PowerLaw("rms", "shifted", -2.0, band=0.05), harmonic[1:]),
    ),
    controls={
        "the rank-one value (2l - 1)!!": Check(
            AtLeast(f"mean + {SIGMAS} * error", "rank_one"), harmonic
        ),
        "rms ~ r^-l": Check(PowerLaw("rms", "shifted", -3.0, band=0.05), harmonic[:1]),
        "rms ~ r^(-(l - 1) / 2)": Check(PowerLaw("rms", "shifted", -1.0, band=0.05), harmonic[:1]),
    },
)
