"""While the residual does not change, one component's path is known in closed form.

The core of the analysis of a fresh component in Wang et al. (2020) and Ge et al. (2021), derived:
with D = sum a_k e_k^l, the direction is that of the vanilla flow P_k' = l a_k P_k^(l-1), which
decouples, on another clock; lengths follow by |u| = |u(0)| |P|^(kappa/l) exp(-kappa lambda t / 2).
The limit direction is the e_k with the largest a_k u_k(0)^(l-2), a vanilla component explodes at
1 / (l (l-2) max a_k u_k(0)^(l-2)), and from the share 1/d half alignment takes about d / (8 a).
"""

import dynlens as dl

from . import algebra
from .frozen import Alignment, BlowUp, SmallComponent, Winners

flows = [SmallComponent(l, k, c) for l in (3, 4, 5, 6) for k in (2, l) for c in (0.0, 0.1)]
small, penalized = [SmallComponent(4, 2)], [SmallComponent(3, 3, 0.1)]
winners = [Winners(3), Winners(4), Winners(5), Winners(3, orthant=True), Winners(5, orthant=True)]
projected = "the vanilla flow, projected, is the direction flow"
explosions = [BlowUp(l) for l in (3, 4, 5)]

theorem = dl.Theorem(
    "Q1.T6",
    "a fresh component's path in closed form, and the winner rule",
    source="wang2020beyond; ge2021understanding; derived",
    claims={
        "clock": dl.Identities(projected, algebra.projected_flow),
        "path": dl.Check(dl.Equal("state", "closed", scale="size", tolerance=1e-11), flows),
        "winner": dl.Check(dl.Equal("end", "rule", scale="1", tolerance=0.0), winners),
        "blow-up": dl.Check(dl.Equal("observed + rest", "law", tolerance=1e-8), explosions),
        "time": dl.Check(dl.Equal("observed", "predicted", tolerance=1e-4), [Alignment()]),
    },
    false={
        "kappa swapped": {"right": "swapped", "on": small},
        "rate l instead of l (l - 2), order 4": {"right": "without_l_2", "on": small},
        "4 a_k instead of 8 a_k": {"right": "halved", "on": small},
        "no decay under the penalty": {"right": "unpenalized", "on": penalized},
        **{
            f"the largest {words} wins, order {case.order}": {
                "claim": "winner",
                "right": rule,
                "on": [case],
            }
            for rule, words in (("overlap", "overlap"), ("weighted", "a u^l"))
            for case in winners[:3]
        },
        "blow-up at l instead of l (l - 2)": {
            "claim": "blow-up",
            "right": "careless",
            "on": explosions[1:],
        },
        "the largest coefficient blows up first": {"claim": "blow-up", "right": "largest"},
        "blow-up of all directions together": {"claim": "blow-up", "right": "together"},
        "alignment time doubled": {"claim": "time", "right": "2 * predicted"},
        "alignment time ~ log d": {"claim": "time", "right": "predicted_0 * log(d) / log(10)"},
    },
)
