"""Within a component of a CP factorization all squared norms grow alike.

Razin, Maman & Cohen (2021), in the proof of Theorem 1: |w_r^n|^2 - |w_r^m|^2 is constant for every
component r and modes n, m, because W is linear in each w_r^n, so that d/dt |w_r^n|^2 / 2 is
gamma_r sigma_r whatever n.
"""

import dynlens as dl

from . import algebra, cases

SCALE = "parameter_norm * gradient_norm"

theorem = dl.Theorem(
    "P2.L1",
    "differences of squared norms within a component are conserved",
    source="razin2021implicit, in the proof of Theorem 1",
    claims=[
        dl.Conserved("imbalances"),
        dl.Check(dl.RateLaw("imbalances", 0, scale=SCALE), cases.ANYWHERE),
        dl.Identities("d/dt (|w^n|^2 - |w^m|^2) = 0 for every gradient", algebra.conservation),
    ],
    on=cases.FLOWS,
    false={
        "norms instead of their squares": {
            "of": cases.norm_differences,
            "on": [cases.UNBALANCED],
        },
        "across components": {"of": cases.across_components, "on": [cases.UNBALANCED]},
        "conserved by gradient descent": {"claim": 0, "on": [cases.DESCENT]},
    },
)
