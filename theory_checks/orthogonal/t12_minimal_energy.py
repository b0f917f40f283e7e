"""Random neurons have the minimal energy only in the limit: what training keeps is a start's.

On the sphere in three dimensions, s = 1, unordered pairs: the least energies found for n = 12, 20
and 50 are those of the tables of Thomson's problem, the mean of random points is n (n-1) / 2, and
the least is n^2/2 - .55 n^(3/2) or so. At n = 50 random ones are still 16 % above it.
"""

import dynlens as dl

from . import steps
from .steps import CHARGES, MINIMA

everywhere = tuple(CHARGES.values())

theorem = dl.Theorem(
    "O.T12",
    "random neurons have not the minimal energy",
    source="Q5.T3; Thomson's minima as tabulated, recalled",
    claims={
        **{
            f"n = {n}": dl.Check(dl.Equal("least", value, tolerance=1e-8), [CHARGES[n]])
            for n, value in MINIMA.items()
        },
        "random": dl.Check(dl.Mean("random", "n * (n - 1) / 2"), everywhere),
        "gap": dl.Check(
            dl.Equal("(n**2 / 2 - least) / n**(3 / 2)", "0.55", tolerance=0.01), everywhere
        ),
    },
    false={
        "a random start is minimal within 1 % at n = 50": {
            "claim": "random",
            "value": "1.01 * least",
            "on": [steps.CHARGES[50]],
        },
    },
)
