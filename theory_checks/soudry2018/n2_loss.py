"""The exponential loss lies between two hyperbolas, and tends to the lower slope's inverse.

With R the longest datum: 1 / (1 / loss(0) + R^2 t) <= loss <= 1 / (1 / loss(0) + gamma^2 t) for
every separable data set, start and time, since |grad| >= gamma loss; and gamma^2 t loss -> 1.
"""

import dynlens as dl

from .cases import ELSEWHERE, FLAT, SPANNED, SYMMETRIC

theorem = dl.Theorem(
    "N1.2",
    "the loss of separable data, bounded at all times",
    source="soudry2018implicit, Theorem 5, with constants",
    claims={
        "upper": dl.AtLeast("1 / (1 / loss_0 + gamma^2 * t)", "loss"),
        "lower": dl.AtLeast("loss", "1 / (1 / loss_0 + largest * t)"),
        "gradient": dl.AtLeast("gradient_norm", "gamma * loss"),
        "limit": dl.Limit("gamma^2 * t * loss", 1.0),
        "limit, logistic": dl.Check(dl.Limit("gamma^2 * t * loss", 1.0), SPANNED[1:]),
    },
    on=[SPANNED[0], FLAT, ELSEWHERE, SYMMETRIC],
    false={
        "twice the slope": {"left": "1 / (1 / loss_0 + 2 * gamma^2 * t)"},
        "the bounds exchanged": {"right": "1 / (1 / loss_0 + gamma^2 * t)", "claim": "lower"},
        "gradient at least twice": {"claim": "gradient", "right": "2 * gamma * loss"},
        "gamma for its square": {"claim": "limit", "of": "gamma * t * loss"},
        "as many as support vectors": {"claim": "limit", "value": 3.0},
    },
)
