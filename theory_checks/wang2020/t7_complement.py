"""What a component has outside the target's span dies out.

Ingredient of Wang et al. (2020), derived: if the residual lives in a subspace B, the part u_perp of
a component outside B decays as exp(-l lambda t / 2) under frozen scalars, exactly; along the
gradient flow d/dt ln |u_perp| = -(l - 2) sigma - lambda, sigma the component's own correlation.
"""

import dynlens as dl

from .frozen import Outside, OutsideRates

theorem = dl.Theorem(
    "Q1.T7",
    "parts outside the target's span die out",
    source="wang2020beyond; derived",
    claims={
        "frozen scalars": dl.Check(
            dl.Equal("left", "law", tolerance=1e-11), [Outside(l, kappa=l) for l in (3, 4, 5)]
        ),
        "rate": dl.Check(
            dl.Equal("rate", "-(l - 2) * sigma - penalty", scale="1", tolerance=1e-12),
            [OutsideRates(l) for l in (3, 4, 5)],
        ),
        # Faster than under frozen scalars while the component grows.
        "faster": dl.Check(dl.AtLeast("law", "left"), [Outside(3, kappa=2), Outside(4, kappa=2)]),
    },
    false={
        "exp(-lambda t) under frozen scalars": {"right": "slower"},
        "constant": {"right": "1"},
        "+(l - 2) sigma": {"claim": "rate", "right": "(l - 2) * sigma - penalty"},
    },
)
