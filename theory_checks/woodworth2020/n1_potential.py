"""From a uniform start the flow minimizes, among all fits, a potential between l_1 and l_2.

Woodworth et al. (2020), Theorem 1: sum_i alpha^2 q(beta_i / alpha^2) with
q(z) = 2 - sqrt(4 + z^2) + z arcsinh(z / 2). At every time, too, u v = alpha^2 and
arcsinh(beta / 2 alpha^2) is in the row space of X.
"""

import dynlens as dl

from .cases import ONE, TENTH, THIRD, potential

theorem = dl.Theorem(
    "N3.1",
    "a diagonal linear network minimizes a potential set by the start's scale",
    source="woodworth2020kernel, Theorem 1",
    claims={
        "products": dl.Conserved("u * v"),
        "row space": dl.Conserved("outside", scale="1"),
        "alpha = 1": dl.Check(dl.LeastAmongFits(potential(1.0)), [ONE]),
        "alpha = 0.3": dl.Check(dl.LeastAmongFits(potential(0.3)), [THIRD]),
    },
    on=[ONE, THIRD, TENTH],
    false={
        "sum of squares": {"of": "u^2 + v^2"},
        "without the 2": {"claim": "row space", "of": "without_two"},
        "alpha for alpha^2": {"claim": "row space", "of": "without_square", "on": [THIRD]},
        "least l_2": {"claim": "alpha = 0.3", "potential": "sum(end_to_end^2)"},
        "least l_1, smoothed": {
            "claim": "alpha = 0.3",
            "potential": "sum(sqrt(end_to_end^2 + 1e-4))",
        },
        "the potential of another start": {"claim": "alpha = 0.3", "potential": potential(0.25)},
    },
)
