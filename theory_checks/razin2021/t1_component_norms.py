"""Components of a CP factorization grow at rate N gamma sigma^(2 - 2/N).

Razin, Maman & Cohen (2021), Theorem 1: exactly so if balanced; in general, with unbalancedness eps,

    N |gamma| sigma^2 / (sigma^(2/N) + eps)  <=  |sigma'|  <=  N |gamma| (sigma^(2/N) + eps)^(N-1),

sigma' having the sign of gamma. From the arithmetic and geometric means the lower bound holds even
without eps: being unbalanced can only make a component faster.
"""

import dynlens as dl

from . import algebra, cases

NAMES = {
    "s": dl.Reading("component_norms"),
    "gamma": dl.Reading("component_alignments"),
    "eps": dl.Reading("unbalancedness"),
}
LAW = "order * gamma * s**(2 - 2 / order)"
SPEED = "sign(gamma) * d_component_norms"
LOW = "order * s**2 / (s**(2 / order) + eps)"
HIGH = "Abs(gamma) * order * (s**(2 / order) + eps)**(order - 1)"
BALANCED = {"where": "s - 1e-9", "tolerance": 1e-10, "assumptions": (dl.BALANCED,)}


def at_least(left, right):
    return dl.AtLeast(left, right, where="s", readings=NAMES)


theorem = dl.Theorem(
    "P2.T1",
    "growth of the component norms of a CP factorization",
    source="razin2021implicit, Theorem 1; lower bound sharpened by AM-GM",
    claims={
        "algebra": dl.Identities(
            "sigma' = K gamma sigma^(2 - 2/K) for components of K vectors of equal norm",
            algebra.rate_law,
            show=algebra.shown_law,
        ),
        "solved": dl.Identities("CF1, CF3 and CF4 solve the law", algebra.closed_forms),
        "bounds": dl.Identities("AM-GM, and m_k <= m + eps", algebra.bounds),
        "balanced": dl.Check(
            dl.RateLaw("component_norms", LAW, readings=NAMES, **BALANCED), cases.BALANCED
        ),
        "low": at_least(SPEED, f"Abs(gamma) * {LOW}"),
        "AM-GM": at_least(SPEED, "Abs(gamma) * order * s**(2 - 2 / order)"),
        "high": at_least(HIGH, SPEED),
        "sharper": at_least(cases.sharper_high, SPEED),
    },
    on=cases.SPREAD,
    false={
        "factor N missing": {"rate": LAW.removeprefix("order * ")},
        "exponent 2 - 1/N": {"rate": LAW.replace("2 / order", "1 / order")},
        "balancedness dropped": {"claim": "balanced", "assumptions": (), "on": cases.SCATTERED},
        "upper bound without eps": {"claim": "high", "given": {"eps": 0}},
        "upper exponent N - 2": {
            "claim": "high",
            "left": HIGH.replace("order - 1", "order - 2"),
            "on": cases.LONG_VECTORS,
        },
        "not reversed where gamma < 0": {
            "claim": "low",
            "left": "d_component_norms",
            "right": f"gamma * {LOW}",
        },
        "sum over K - 1 vectors, by algebra": {"derive": algebra.one_vector_less},
    },
)
