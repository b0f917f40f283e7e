"""Local components of a hierarchical factorization grow at rate L gamma sigma^(2 - 2/L).

Razin, Maman & Cohen (2022), Theorem 1, with L = L_nu the number of vectors in a local component of
the node nu: exactly so if balanced; in general, with unbalancedness eps,

    L |gamma| sigma^2 / (sigma^(2/L) + eps)  <=  |sigma'|  <=  L |gamma| (sigma^(2/L) + eps)^(L-1),

sigma' having the sign of gamma. The derivation is that of P2.T1, with L vectors instead of N. A CP
factorization is the tree of one level with its root's weight fixed; a trainable one adds a vector.
"""

import dynlens as dl
from theory_checks.razin2021 import algebra

from . import cases

LAW = "L * gamma * s**(2 - 2 / L)"
SPEED = "sign(gamma) * d_local_component_norms"
LOW = "L * s**2 / (s**(2 / L) + eps)"
HIGH = "Abs(gamma) * L * (s**(2 / L) + eps)**(L - 1)"
FEWER = "(L - 1)"  # a node without the row of its own weight


def law(rate, tolerance=1e-9):
    settings = {"where": "s - 1e-9", "readings": cases.NAMES, "assumptions": (dl.BALANCED,)}
    return dl.RateLaw("local_component_norms", rate, tolerance=tolerance, **settings)


def at_least(left, right):
    return dl.AtLeast(left, right, where="s", readings=cases.NAMES)


theorem = dl.Theorem(
    "P3.T1",
    "growth of the local component norms of a hierarchical factorization",
    source="razin2022implicit, Theorem 1; lower bound sharpened by AM-GM",
    claims={
        "algebra": dl.Identities("sigma' = K gamma sigma^(2 - 2/K)", algebra.rate_law),
        "bounds": dl.Identities("AM-GM, and m_k <= m + eps", algebra.bounds),
        "balanced": dl.Check(law(LAW, tolerance=1e-10), cases.BALANCED),
        "low": at_least(SPEED, f"Abs(gamma) * {LOW}"),
        "AM-GM": at_least(SPEED, "Abs(gamma) * L * s**(2 - 2 / L)"),
        "high": at_least(HIGH, SPEED),
        # One level: 2 - 2/(N + 1) with a trainable root, 2 - 2/N without.
        "trainable root": dl.Check(law(LAW.replace("L", "(order + 1)")), cases.TRAINABLE_ROOT),
        "fixed root": dl.Check(law(LAW.replace("L", "order")), cases.FIXED),
    },
    on=cases.SPREAD,
    false={
        "L - 1 in place of L": {"rate": LAW.replace("L", FEWER), "on": cases.EVEN},
        "N in place of L": {"rate": LAW.replace("L", "order"), "on": cases.EVEN},
        "trainable root, exponent 2 - 2/N": {"claim": "fixed root", "on": cases.TRAINABLE_ROOT},
        "balancedness dropped": {"claim": "balanced", "assumptions": (), "on": cases.SCATTERED},
        "upper bound without eps": {"claim": "high", "given": {"eps": 0}},
        "bounds with L - 1 in place of L": {
            "claim": "high",
            "left": HIGH.replace("L", FEWER),
            "on": cases.DEEP,
        },
        "direction tensors of unit norm": {"rate": cases.with_unit_directions, "on": cases.EVEN},
        "not reversed where gamma < 0": {
            "claim": "low",
            "left": "d_local_component_norms",
            "right": f"gamma * {LOW}",
        },
    },
)
