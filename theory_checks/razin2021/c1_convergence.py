"""From small starts a CP factorization comes as near as one likes to a rank-one solution.

Razin, Maman & Cohen (2021), Corollary 1: if the rank-one trajectories from norm rho converge to a
rank-one global minimizer W*, then for every eps and every small enough alpha there is a time at
which |W - W*| <= eps. On these instances the error left after a fixed time is Theta(alpha^N).
"""

from dynlens import AtLeast, Check, PowerLaw, Theorem
from theory_checks.razin2021.t2_rank_one import FOUR, THREE, fourth, slope, smallest, third, tied

# To one in a thousand, after 60 units of time, from every alpha that is tried.
near = AtLeast("1e-3", "error")

theorem = Theorem(
    id="P2.C1",
    title="small starts come near a rank-one solution",
    source="razin2021implicit, Corollary 1; rate derived",
    checks=(
        Check(near, third + fourth),
        Check(slope("error", 3, THREE[:-1]), third),
        Check(slope("error", 4, FOUR), fourth),
    ),
    controls={
        "error ~ alpha^(N - 1)": Check(slope("error", 2, THREE[:-1]), third),
        "error bounded away from zero": Check(AtLeast("error", "1e-6"), third),
        # The leaders tie, and the solution that is found has rank two.
        "a tie, yet near rank one": Check(
            PowerLaw("distance", "alpha", 3, where=smallest((0.4, 0.2, 0.1)), band=0.15), (tied(),)
        ),
    },
)
