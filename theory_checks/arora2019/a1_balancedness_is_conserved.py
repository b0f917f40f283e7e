"""Gradient flow conserves W_{j+1}^T W_{j+1} - W_j W_j^T for every pair of neighbouring layers.

Arora, Cohen & Hazan (2018), in the proof of Theorem 1. It holds from every start and for every loss
of the end-to-end matrix; in particular, factors that start balanced stay balanced.
"""

import dynlens as dl

from . import algebra, cases, laws

theorem = dl.Theorem(
    "A.1",
    "differences of neighbouring Gram matrices are conserved",
    source="arora2018optimization, proof of Theorem 1",
    claims=[
        dl.Check(dl.Conserved("imbalances"), [*cases.BALANCED_FLOWS, *cases.UNBALANCED_FLOWS]),
        dl.Check(
            dl.RateLaw("imbalances", 0, scale="parameter_norm * gradient_norm"), cases.EVERY_LOSS
        ),
        dl.Identities(
            "d/dt imbalances = 0 for every gradient", derive=algebra.rates_for_any_gradient
        ),
    ],
    false={
        "W_{j+1} W_{j+1}^T - W_j W_j^T": {
            "of": laws.transposed_gram_differences,
            "on": [cases.UNBALANCED_FLOW],
        },
        # All these norms are equal, and stay so, if the start is balanced; this one is not.
        "norms instead of their squares": {
            "of": laws.norm_differences,
            "on": [cases.UNBALANCED_FLOW],
        },
        "conserved by gradient descent": {"on": [cases.DESCENT]},
    },
)
