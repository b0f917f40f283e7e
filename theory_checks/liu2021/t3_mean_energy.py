"""The mean energy of a pair of Gaussian neurons, in closed form.

The cosine x of two uniform directions has density (1 - x^2)^((d-3)/2) / B(1/2, (d-1)/2), and their
distance is sqrt(2 - 2 x). Hence, for s < d - 1,

    E |u - v|^-s = 2^(d-2-s) Gamma(d/2) Gamma((d-1-s)/2) / (sqrt(pi) Gamma(d-1-s/2)),

a Beta integral (energy of Liu et al. 2021, mean derived). Where 2 s >= d - 1 the variance is
infinite, so that averages have no standard error: there the integral is done by quadrature.
"""

from dataclasses import dataclass

import mpmath
import numpy as np
import sympy as sp
from scipy.special import gamma

from dynlens import (
    Check,
    Equal,
    Identities,
    Mean,
    Measurement,
    Theorem,
    hyperspherical_energy,
)
from dynlens.theory.spheres import mean_pair_energy
from theory_checks.liu2021.t1_invariance import NUDGE


def half_off(d, s):
    """Gamma((d - s) / 2) instead."""
    return mean_pair_energy(d, s) * gamma((d - s) / 2) / gamma((d - 1 - s) / 2)


@dataclass(frozen=True)
class Layers(Measurement):
    """Energies of layers of Gaussian neurons, per pair; pairs are dependent, layers are not."""

    d: int
    s: float
    n: int = 30
    count: int = 400
    seed: int = 0

    def measure(self, fine):
        rng = np.random.default_rng([self.seed, self.d])
        layers = rng.standard_normal((self.count, self.n, self.d)) * (NUDGE if fine else 1.0)
        energies = [hyperspherical_energy(V, self.s) / (self.n * (self.n - 1)) for V in layers]
        mean, other = mean_pair_energy(self.d, self.s), half_off(self.d, self.s)
        return {"energy": energies, "mean": mean, "other": other}


@dataclass(frozen=True)
class Integrals(Measurement):
    """The mean by quadrature over the angle t: distance 2 sin(t/2), density sin(t)^(d-2)."""

    pairs: tuple[tuple[int, float], ...]

    def measure(self, fine):
        with mpmath.workdps(40):  # nodes crowd at t = 0, where the energy may be infinite
            rows = [self.integrated(d, s) for d, s in self.pairs]
        value, error, mean, other = np.array(rows).T
        return {"integral": value + error if fine else value, "mean": mean, "other": other}

    def integrated(self, d, s):
        def energy(t):
            distance = 2 * mpmath.sin(t / 2)
            return distance**-s if s > 0 else -mpmath.log(distance)

        def density(t):
            return mpmath.sin(t) ** (d - 2)

        ends = [0, mpmath.pi]
        whole = mpmath.quad(density, ends)
        value, error = mpmath.quad(lambda t: energy(t) * density(t), ends, error=True)
        return float(value / whole), float(error / whole), mean_pair_energy(d, s), half_off(d, s)


def beta_integral():
    """Beta function in Gamma functions, against the closed form, for general d and s."""
    n, s = sp.symbols("n s", positive=True)  # d - 1 = n + s, so that all arguments are positive
    d = n + s + 1
    B = lambda a, b: sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b)  # noqa: E731
    whole = B(sp.Rational(1, 2), (d - 1) / 2)
    integral = 2 ** (d - 2 - s) * B((d - 1 - s) / 2, (d - 1) / 2) / whole
    closed = 2 ** (d - 2 - s) * sp.gamma(d / 2) * sp.gamma((d - 1 - s) / 2)
    closed /= sp.sqrt(sp.pi) * sp.gamma(d - 1 - s / 2)
    # At s = 0 the mean is 1, and minus its logarithmic derivative there is the mean of the log.
    at = sp.Symbol("d", positive=True)
    power = sp.Symbol("s")
    moments = (
        (at - 2 - power) * sp.log(2)
        + sp.loggamma(at / 2)
        + sp.loggamma((at - 1 - power) / 2)
        - sp.loggamma(at - 1 - power / 2)
    )
    psi = sp.digamma(at - 1) / 2 - sp.digamma((at - 1) / 2) / 2 - sp.log(2)
    return {
        "mean": sp.gammasimp(integral / closed) - 1,
        "logarithm": sp.simplify(sp.diff(moments, power).subs(power, 0) - psi),
    }


# With finite variance: 2 s < d - 1.
layers = tuple(
    Layers(d, s) for d, s in ((5, 1.0), (8, 2.0), (16, 2.0), (3, 0.5), (3, 0.0), (8, 0.0))
)
integrals = Integrals(
    ((3, 1.0), (5, 1.0), (5, 2.0), (8, 2.0), (16, 2.0), (3, 1.5), (2, 0.5), (3, 0.0), (8, 0.0))
)
exact = tuple(
    Check(Equal("mean", value, tolerance=1e-14), (Integrals((pair,)),))
    for pair, value in (
        ((3, 1.0), "1"),
        ((5, 1.0), "4 / 5"),
        ((5, 2.0), "3 / 4"),
        ((8, 2.0), "3 / 5"),
        ((16, 2.0), "7 / 13"),
    )
)

theorem = Theorem(
    id="Q5.T3",
    title="the mean energy of Gaussian neurons",
    source="energy of liu2021orthogonal; mean derived",
    checks=(
        Check(Identities("the mean is a Beta integral", beta_integral)),
        Check(Equal("integral", "mean", tolerance=1e-11), (integrals,)),
        *exact,
        Check(Mean("energy", "mean"), layers),
    ),
    controls={
        "Gamma((d - s) / 2)": Check(Mean("energy", "other"), layers[:1]),
        "Gamma((d - s) / 2), by quadrature": Check(Equal("integral", "other"), (integrals,)),
        "pairs are orthogonal: 2^(-s/2)": Check(Mean("energy", "1 / sqrt(2)"), layers[:1]),
    },
)
