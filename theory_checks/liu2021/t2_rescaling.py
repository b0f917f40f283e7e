"""The lengths of the neurons do not enter their hyperspherical energy; their signs do.

Liu et al. (2021): energies are of directions. A positive factor for every neuron changes nothing;
a sign flips the direction, which the energy of the neurons together with their opposites (the
half-space energy) does not see, and that of the neurons alone does.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import Check, Equal, Theorem, hyperspherical_energy
from theory_checks.liu2021.t1_invariance import Neurons

POWERS = (0.0, 1.0, 2.0)


def half_space_energy(V, s):
    return hyperspherical_energy(np.concatenate([V, -V]), s)


def unnormalized(V, s):
    """As the energy, but of the neurons and not of their directions."""
    i, j = np.triu_indices(len(V), 1)
    distances = np.linalg.norm(V[i] - V[j], axis=1)
    return 2 * np.sum(-np.log(distances) if s == 0 else distances**-s)


@dataclass(frozen=True)
class Rescaled(Neurons):
    """Each of them times a positive factor, or times a sign."""

    def energies(self, V, rng):
        longer = V * np.exp(rng.uniform(-5, 5, (self.n, 1)))
        flipped = V * rng.permutation(np.resize([1.0, -1.0], self.n))[:, None]
        whole, half = hyperspherical_energy, half_space_energy
        found = {
            "energy": (whole, V),
            "rescaled": (whole, longer),
            "flipped": (whole, flipped),
            "half": (half, V),
            "half_flipped": (half, flipped),
            "distances": (unnormalized, V),
            "distances_rescaled": (unnormalized, longer),
        }
        return {name: [of(U, s) for s in POWERS] for name, (of, U) in found.items()}


def same(left, right):
    return Equal(left, right, scale=f"Max(Abs({right}), 1)", tolerance=1e-12)


cases = (Rescaled(), Rescaled(n=4, d=3))

theorem = Theorem(
    id="Q5.T2",
    title="lengths do not enter the hyperspherical energy",
    source="liu2021orthogonal",
    checks=(
        Check(same("rescaled", "energy"), cases),
        Check(same("half_flipped", "half"), cases),
    ),
    controls={
        "distances of the neurons themselves": Check(
            same("distances_rescaled", "distances"), cases
        ),
        "signs do not enter": Check(same("flipped", "energy"), cases),
        "the half-space energy is the energy": Check(same("half", "energy"), cases),
    },
)
