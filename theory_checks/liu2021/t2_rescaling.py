"""The lengths of the neurons do not enter their hyperspherical energy; their signs do.

Liu et al. (2021): energies are of directions. A positive factor for every neuron changes nothing;
a sign flips the direction, which the energy of the neurons together with their opposites (the
half-space energy) does not see, and that of the neurons alone does.
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "Q5.T2",
    "lengths do not enter the hyperspherical energy",
    source="liu2021orthogonal",
    claims=[
        dl.Equal("rescaled", "before", scale=cases.SIZE, tolerance=1e-12),
        dl.Equal("half_flipped", "half", scale="Max(Abs(half), 1)", tolerance=1e-12),
    ],
    on=cases.RESCALED,
    false={
        "distances of the neurons themselves": {
            "left": "distances_rescaled",
            "right": "distances",
        },
        "signs do not enter": {"left": "flipped"},
        "the half-space energy is the energy": {"left": "half"},
    },
)
