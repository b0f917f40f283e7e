"""Gradient descent breaks the flow's conservation laws by exactly eta^2 times their gradient's.

Two scalar layers, loss r^2 / 2, r = a b - 1: every step multiplies a^2 - b^2 by 1 - eta^2 r^2.
In general W_{j+1}^T W_{j+1} - W_j W_j^T gains eta^2 (G_{j+1}^T G_{j+1} - G_j G_j^T), G the layers'
gradients. The laws that break are those of Arora, Cohen & Hazan (2018); derived from the update.
"""

import dynlens as dl
from dynlens.claims.orders import Recursion, step_imbalances

from . import algebra, cases

theorem = dl.Theorem(
    "F6",
    "conservation laws that gradient descent breaks",
    source="arora2018optimization, proof of Theorem 1, for the flow; for descent derived",
    claims={
        "algebra": dl.Identities(
            "a step of eta adds eta**2 times the gradients' imbalances",
            algebra.imbalances_of_a_step,
        ),
        # loss = r^2 / 2
        "pairs": dl.Check(Recursion("imbalances", factor="1 - 2 * eta**2 * loss"), cases.PAIRS),
        "layers": Recursion("imbalances", increment=step_imbalances),
    },
    on=[*cases.NETWORKS, *cases.PAIRS],
    false={
        "factor 1 + eta^2 r^2": {"claim": "pairs", "factor": "1 + 2 * eta**2 * loss"},
        "conserved": {"claim": "pairs", "factor": "1"},
        "exp(-eta/2 times the integral of r^2)": {
            "claim": "pairs",
            "factor": "exp(-(eta**2) * loss)",
        },
        "layers: conserved": {"claim": "layers", "increment": "0"},
        "layers: twice the law": {"claim": "layers", "increment": cases.doubled},
        "layers: the other sign": {"claim": "layers", "increment": cases.subtracted},
        "layers: first order in eta": {
            "statement": "a step of eta adds eta times them",
            "derive": lambda: algebra.imbalances_of_a_step(order=1),
        },
    },
)
