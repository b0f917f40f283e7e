"""Where the theorems of Liu et al. (2021) are asserted: layers of Gaussian neurons."""

from abc import abstractmethod
from dataclasses import dataclass

import mpmath
import numpy as np
from scipy.special import gamma

import dynlens as dl
from dynlens.theory.spheres import (
    cayley,
    gram_schmidt,
    householder,
    hyperspherical_energy,
    mean_pair_energy,
)

POWERS = (0.0, 0.5, 1.0, 2.0, 7.0)
SIZE = "Max(Abs(before), 1)"  # an energy is a sum of terms, of one sign for s > 0


@dataclass(frozen=True)
class Neurons(dl.Measurement):
    """Gaussian neurons, layer after layer, and energies of what is made of them."""

    n: int = 20
    d: int = 8
    count: int = 10
    seed: int = 0

    @abstractmethod
    def energies(self, V, rng):
        """Energies of several powers, by name."""

    def measure(self, numerics):
        rows = []
        for k in range(self.count):
            rng = np.random.default_rng([self.seed, k])
            V = numerics.start(rng.standard_normal((self.n, self.d)))
            rows.append(self.energies(V, rng))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def maps(rng, d):
    """Matrices by name: three orthogonal ones, and two that are not."""
    G = rng.standard_normal((d, d))
    return {
        "cayley": cayley(G - G.T),
        "gram_schmidt": gram_schmidt(G),
        "householder": householder(rng.standard_normal((d - 1, d))),
        "near_the_identity": np.eye(d) + 0.1 * G,
        "nearly_orthogonal": householder(rng.standard_normal((d - 1, d))) + 0.01 * G,
    }


@dataclass(frozen=True)
class Turned(Neurons):
    """Energies before, and after a linear map of all neurons together."""

    def energies(self, V, rng):
        layers = {"before": V} | {name: V @ Q.T for name, Q in maps(rng, self.d).items()}
        return {name: [hyperspherical_energy(U, s) for s in POWERS] for name, U in layers.items()}


def half_space_energy(V, s):
    """Energy of the neurons together with their opposites."""
    return hyperspherical_energy(np.concatenate([V, -V]), s)


def unnormalized(V, s):
    """As the energy, but of the neurons and not of their directions."""
    i, j = np.triu_indices(len(V), 1)
    distances = np.linalg.norm(V[i] - V[j], axis=1)
    return 2 * np.sum(-np.log(distances) if s == 0 else distances**-s)


@dataclass(frozen=True)
class Rescaled(Neurons):
    """Energies before, and after each neuron was multiplied by a positive factor, or a sign."""

    def energies(self, V, rng):
        longer = V * np.exp(rng.uniform(-5, 5, (self.n, 1)))
        flipped = V * rng.permutation(np.resize([1.0, -1.0], self.n))[:, None]
        found = {
            "before": (hyperspherical_energy, V),
            "rescaled": (hyperspherical_energy, longer),
            "flipped": (hyperspherical_energy, flipped),
            "half": (half_space_energy, V),
            "half_flipped": (half_space_energy, flipped),
            "distances": (unnormalized, V),
            "distances_rescaled": (unnormalized, longer),
        }
        return {name: [of(U, s) for s in (0.0, 1.0, 2.0)] for name, (of, U) in found.items()}


def half_off(d, s):
    """The mean energy of a pair with Gamma((d - s) / 2) in the place of Gamma((d - 1 - s) / 2)."""
    return mean_pair_energy(d, s) * gamma((d - s) / 2) / gamma((d - 1 - s) / 2)


@dataclass(frozen=True)
class Layers(dl.Measurement):
    """Energies of layers of Gaussian neurons, per pair; pairs are dependent, layers are not."""

    d: int
    s: float
    n: int = 30
    count: int = 400
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng([self.seed, self.d])
        layers = numerics.start(rng.standard_normal((self.count, self.n, self.d)))
        pairs = self.n * (self.n - 1)
        return {
            "energy": [hyperspherical_energy(V, self.s) / pairs for V in layers],
            "mean": mean_pair_energy(self.d, self.s),
            "half_off": half_off(self.d, self.s),
            "s": self.s,
        }


@dataclass(frozen=True)
class Integrals(dl.Measurement):
    """The mean by quadrature over the angle t: distance 2 sin(t/2), density sin(t)^(d-2)."""

    pairs: tuple[tuple[int, float], ...]

    def measure(self, numerics):
        with mpmath.workdps(40):  # nodes crowd at t = 0, where the energy may be infinite
            value, error = np.array([integrated(d, s) for d, s in self.pairs]).T
        return {
            "integral": numerics.pick(value, value + error),
            "mean": [mean_pair_energy(d, s) for d, s in self.pairs],
            "half_off": [half_off(d, s) for d, s in self.pairs],
        }


def integrated(d, s):
    """The mean energy of a pair by quadrature, with its error."""

    def energy(t):
        distance = 2 * mpmath.sin(t / 2)
        return distance**-s if s > 0 else -mpmath.log(distance)

    def density(t):
        return mpmath.sin(t) ** (d - 2)

    ends = [0, mpmath.pi]
    whole = mpmath.quad(density, ends)
    value, error = mpmath.quad(lambda t: energy(t) * density(t), ends, error=True)
    return float(value / whole), float(error / whole)


TURNED = (Turned(), Turned(n=5, d=2), Turned(n=40, d=30))
RESCALED = (Rescaled(), Rescaled(n=4, d=3))
DRAWN = tuple(  # with finite variance: 2 s < d - 1
    Layers(d, s) for d, s in ((5, 1.0), (8, 2.0), (16, 2.0), (3, 0.5), (3, 0.0), (8, 0.0))
)
# The mean in round numbers, and where it is integrated only.
VALUES = {(3, 1.0): "1", (5, 1.0): "4 / 5", (5, 2.0): "3 / 4", (8, 2.0): "3 / 5"}
VALUES |= {(16, 2.0): "7 / 13"}
INTEGRATED = Integrals((*VALUES, (3, 1.5), (2, 0.5), (3, 0.0), (8, 0.0)))
