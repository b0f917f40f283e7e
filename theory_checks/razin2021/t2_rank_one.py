"""From small starts a CP factorization follows a trajectory of rank one.

Razin, Maman & Cohen (2021), Theorem 2. Huber's loss has the constant gradient G = grad l(0) near
zero, where the component with the largest |a_r|^(N-2) gamma_r escapes first. Under the condition

    |a_1| > |a_r| (|G| / gamma_1(0))^(1 / (N-2))    for all r != 1

all others are still O(alpha^N) when |W| = rho, and for any fixed time from there W stays within
Theta(alpha^N) of the rank-one flow started at rho times the leader's direction (rates derived).
"""

import dynlens as dl

from . import small_starts
from .small_starts import FOURTH, LARGER, SMALLEST, THIRD

LEADING = {"leading": dl.Reading("component_alignments", where=(small_starts.LEADER,))}


def slopes(of, exponent, near=SMALLEST, band=0.15):
    """The slope in alpha, at N = 3 and at N = 4."""
    return {
        f"{of}, N = {n}, band {band}": dl.Check(
            dl.PowerLaw(of, "alpha", exponent(n), where=near[n], band=band), (family,)
        )
        for n, family in ((3, THIRD), (4, FOURTH))
    }


theorem = dl.Theorem(
    "P2.T2",
    "small starts follow a rank-one trajectory",
    source="razin2021implicit, Theorem 2; rates derived",
    claims={
        **slopes("distance", lambda N: N),
        **slopes("distance", lambda N: N, LARGER, band=0.3),
        **slopes("others", lambda N: N, band=0.05),
        "others, size": dl.AtLeast("alpha**order / 10", "others"),
        "bound": dl.AtLeast("latest", "escape_time"),
        **slopes("escape_time", lambda N: 2 - N),
        "gamma": dl.Check(
            dl.AtLeast("leading", "leading_0", readings=LEADING, tolerance=1e-9),
            small_starts.UNTIL_RHO,
        ),
    },
    on=[THIRD, FOURTH],
    false={
        "distance ~ alpha^(N - 1)": {"claim": "distance, N = 3, band 0.15", "exponent": 2},
        "distance ~ alpha": {"claim": "distance, N = 3, band 0.15", "exponent": 1},
        "escape time ~ alpha^-(N - 1)": {"claim": "escape_time, N = 3, band 0.15", "exponent": -2},
        "condition dropped, others <= alpha^N / 10": {
            "claim": "others, size",
            "on": [small_starts.FOLLOWED],
        },
        "condition dropped, an exact tie": {
            "claim": "distance, N = 3, band 0.15",
            "where": "1",
            "on": [small_starts.TIED],
        },
        "gamma of the leader grows for ever": {"claim": "gamma", "on": [small_starts.BEYOND]},
    },
)
