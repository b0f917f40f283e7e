"""Turning all neurons together leaves their hyperspherical energy as it is.

Liu et al. (2021): E_s(V Q^T) = E_s(V) for orthogonal Q, since all angles are kept; in particular
for the parameterizations of Q by Cayley's transform, by Gram and Schmidt, and by Householder.
"""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from dynlens import Check, Equal, Measurement, Theorem, hyperspherical_energy
from dynlens.theory.spheres import cayley, gram_schmidt, householder

NUDGE = 1 + 2.0**-52
POWERS = (0.0, 0.5, 1.0, 2.0, 7.0)


def maps(rng, d):
    """Matrices by name: three orthogonal ones, and two that are not."""
    G = rng.standard_normal((d, d))
    return {
        "cayley": cayley(G - G.T),
        "gram_schmidt": gram_schmidt(G),
        "householder": householder(rng.standard_normal((d - 1, d))),
        "general": np.eye(d) + 0.1 * G,
        "nearly": householder(rng.standard_normal((d - 1, d))) + 0.01 * G,
    }


@dataclass(frozen=True)
class Neurons(Measurement):
    """Gaussian neurons, layer after layer, and energies of what is made of them."""

    n: int = 20
    d: int = 8
    count: int = 10
    seed: int = 0

    @abstractmethod
    def energies(self, V, rng):
        """Energies of several powers, by name."""

    def measure(self, fine):
        rows = []
        for k in range(self.count):
            rng = np.random.default_rng([self.seed, k])
            V = rng.standard_normal((self.n, self.d)) * (NUDGE if fine else 1.0)
            rows.append(self.energies(V, rng))
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Turned(Neurons):
    """Before and after a linear map of them all."""

    def energies(self, V, rng):
        layers = {"before": V} | {name: V @ Q.T for name, Q in maps(rng, self.d).items()}
        return {name: [hyperspherical_energy(U, s) for s in POWERS] for name, U in layers.items()}


def kept(name):
    """Each energy against its own size: an energy is a sum of terms, of one sign for s > 0."""
    return Equal(name, "before", scale="Max(Abs(before), 1)", tolerance=1e-12)


cases = (Turned(), Turned(n=5, d=2), Turned(n=40, d=30))

theorem = Theorem(
    id="Q5.T1",
    title="orthogonal maps keep the hyperspherical energy",
    source="liu2021orthogonal",
    checks=tuple(Check(kept(name), cases) for name in ("cayley", "gram_schmidt", "householder")),
    controls={
        "every linear map near the identity": Check(
            Equal("general", "before", scale="Max(Abs(before), 1)", tolerance=1e-5), cases
        ),
        "nearly orthogonal maps": Check(kept("nearly"), cases),
    },
)
