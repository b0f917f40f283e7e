"""From small starts a CP factorization comes as near as one likes to a rank-one solution.

Razin, Maman & Cohen (2021), Corollary 1: if the rank-one trajectories from norm rho converge to a
rank-one global minimizer W*, then for every eps and every small enough alpha there is a time at
which |W - W*| <= eps. On these instances the error left after 60 units of time is Theta(alpha^N),
until for the smallest alphas what the rank-one trajectory itself lacks is more.
"""

import dynlens as dl

from .small_starts import FOURTH, THIRD, TIED

theorem = dl.Theorem(
    "P2.C1",
    "small starts come near a rank-one solution",
    source="razin2021implicit, Corollary 1; rate derived",
    claims={
        "near": dl.AtLeast("1e-3", "error"),
        "N = 3": dl.Check(
            dl.PowerLaw("error", "alpha", 3, where="alpha - 0.02", band=0.15), (THIRD,)
        ),
        "N = 4": dl.Check(
            dl.PowerLaw("error", "alpha", 4, where="0.11 - alpha", band=0.15), (FOURTH,)
        ),
    },
    on=[THIRD, FOURTH],
    false={
        "error ~ alpha^(N - 1)": {"claim": "N = 3", "exponent": 2},
        "error bounded away from zero": {"claim": "near", "left": "error", "right": "1e-6"},
        # The leaders tie, and the solution that is found has rank two.
        "a tie, yet near rank one": {"claim": "N = 3", "of": "distance", "on": [TIED]},
    },
)
