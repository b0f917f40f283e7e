"""Among the solutions of the completion problem, a large unobserved entry means a rank near one.

Razin & Cohen (2020), Proposition 2. On {W : W_12 = W_21 = 1, W_22 = 0} the distance D to rank one
falls strictly as |W_11| grows, from 1 towards 0, so that the infimal rank is 1; the effective rank
falls strictly from 2 towards 1, which no solution attains. With q = s_2 / s_1 it is
(1 + q) q^(-q / (1 + q)), and q = D^2, since s_1 s_2 = -det W = 1.
"""

import dynlens as dl

from . import algebra, cases
from .cases import of_solutions

ERANK = "(1 + q) * q**(-q / (1 + q))".replace("q", "(rank_distance**2)")

theorem = dl.Theorem(
    "P1.P2",
    "rank surrogates over the solutions",
    source="razin2020implicit, Proposition 2",
    claims={
        "D": dl.Equal("rank_distance", "2 / (sqrt(w11**2 + 4) + Abs(w11))", readings=cases.W),
        "erank": dl.Equal("effective_rank", ERANK),
        "monotone": dl.Identities(
            "D and erank are strictly monotone in |W_11|", algebra.strictly_monotone
        ),
        "D from above": of_solutions("1 / Abs(w11)", "rank_distance", where="Abs(w11)"),
        "D from below": of_solutions("rank_distance", "1 / (1 + Abs(w11))"),
        "erank from above": of_solutions("1 + 2 / Abs(w11)", "effective_rank", where="Abs(w11)"),
        "no solution is near rank zero": of_solutions("frobenius_norm", "sqrt(2)"),
    },
    on=[cases.SOLUTIONS],
    false={
        "least effective rank attained at |W_11| = 30": {
            "claim": "erank from above",
            "left": "1",
            "where": "Abs(w11) - 29",
        },
        "effective rank 2 at every W_11": {"claim": "erank", "right": "2"},
        "D <= 1 / W_11^2": {"claim": "D from above", "left": "1 / w11**2"},
        "D bounded away from zero": {"claim": "D from below", "right": "0.01"},
        "D = 1 / |W_11|": {"claim": "D", "right": "1 / Abs(w11)", "where": "Abs(w11)"},
    },
)
