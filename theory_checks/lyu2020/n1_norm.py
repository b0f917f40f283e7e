"""The parameters grow at 2 K nu: Euler's identity for homogeneous functions.

Lyu & Li (2020), Lemma B.1; for a loss sum l(q) the rate is -2 K sum l'(q) q.
"""

import dynlens as dl

from .cases import BOTH, CUBIC, LOGISTIC

theorem = dl.Theorem(
    "N2.1",
    "the norm of a homogeneous network grows by its margins",
    source="lyu2020gradient, Lemma B.1",
    claims={
        "exponential": dl.RateLaw(BOTH, "6 * sum(q * exp(-q))"),
        "logistic": dl.Check(dl.RateLaw(BOTH, "6 * sum(q / (1 + exp(q)))"), [LOGISTIC]),
    },
    on=[CUBIC],
    false={
        "K left out": {"rate": "2 * sum(q * exp(-q))"},
        "K squared": {"rate": "18 * sum(q * exp(-q))"},
        "the loss for nu": {"rate": "6 * loss"},
        "one loss's law for the other": {"on": [LOGISTIC]},
    },
)
