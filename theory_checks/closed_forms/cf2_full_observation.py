"""A component that sees its whole target saturates: logistic at depth 2, implicit beyond.

The rate law s' = L s^(2 - 2/L) (s* - s) of Arora et al. (2019) under full observation, solved. From
L = 3 on t = F(s) - F(s_0), and a small start is left at s_0^(-(L - 2)/L) / ((L - 2) s*) + O(1).
"""

import sympy as sp

import dynlens as dl

from . import algebra, cases
from .algebra import cubic, goal, hypergeometric, linear, logistic, quartic, s, s0, t

slower = goal / (1 + (goal / s0 - 1) * sp.exp(-goal * t))
top = {"readings": {"sigma": cases.FIRST}, "given": {"goal": cases.GOAL}}
below = {"where": "1.99 - sigma", **top}  # at the goal F is infinite
implicit = {  # with the depth, and a time at which sigma is near its goal
    "L = 3": (cubic(s), "cubic", 3, 2.6),
    "L = 4": (quartic(s), "quartic", 4, 2.8),
    **{f"F, L = {L}": (hypergeometric(s, L), f"hyper{L}", L, 2.9) for L in (3, 5, 6)},
}

theorem = dl.Theorem(
    "CF2",
    "saturation under full observation",
    source="arora2019implicit, Theorem 3, solved",
    claims={
        "algebra": dl.Identities(
            "the closed forms solve sigma' = L sigma^(2 - 2/L) (goal - sigma)",
            algebra.full_observation,
            show=lambda: {"L = 2": logistic, "L = 3": cubic(s), "L": hypergeometric(s, 5)},
        ),
        "L = 1": dl.Check(dl.ClosedForm("sigma", linear, **top), [cases.to_the_goal(1, 5.0)]),
        "L = 2": dl.Check(dl.ClosedForm("sigma", logistic, **top), [cases.to_the_goal(2, 4.0)]),
        **{
            name: dl.Check(
                dl.ClosedForm("t", cases.time_map(F, label), **below),
                [cases.to_the_goal(depth, t_end)],
            )
            for name, (F, label, depth, t_end) in implicit.items()
        },
        "escape": dl.Check(
            dl.Equal(
                "t", "1 / (2 * goal * sqrt(sigma_0))", where="sigma - 1", tolerance=1e-2, **top
            ),
            [cases.to_the_goal(4, 2502.0, scale=1e-8)],
        ),
    },
    false={
        "logistic rate goal instead of 2 goal": {"claim": "L = 2", "right": slower},
        "L = 4 law used for L = 3": {
            "claim": "L = 3",
            "right": cases.time_map(quartic(s), "quartic"),
        },
        "escape time without the factor L - 2": {
            "claim": "escape",
            "right": "1 / (goal * sqrt(sigma_0))",
        },
        "logistic rate goal, by algebra": {"derive": lambda: algebra.full_observation(slower)},
    },
)
