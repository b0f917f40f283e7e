"""Under constant alignment a balanced component of N factors grows as a power, and blows up.

The rate law s' = N g s^(2 - 2/N) of Arora et al. (2019) and Razin, Maman & Cohen (2021), solved.
"""

import dynlens as dl

from . import algebra, cases
from .algebra import N, g, growth, s0, t, until_blow_up

wrong_exponent = until_blow_up ** (-N / (N - 1))
settings = {"readings": cases.COMPONENT, "tolerance": 1e-8}

theorem = dl.Theorem(
    "CF1",
    "growth and blow-up under constant alignment",
    source="arora2019implicit, Theorem 3, solved",
    claims={
        "algebra": dl.Identities(
            "sigma(t) solves sigma' = N gamma sigma^(2 - 2/N)",
            algebra.constant_alignment,
            show=lambda: {"sigma(t)": growth, "blow-up": algebra.blow_up},
        ),
        "N >= 3": dl.Check(
            dl.ClosedForm("sigma", growth, **settings), [*cases.GROWING, *cases.DECAYING]
        ),
        "N = 2": dl.Check(
            dl.ClosedForm("sigma", algebra.exponential, **settings), cases.EXPONENTIAL
        ),
    },
    false={
        "exponent -N/(N - 1)": {"right": wrong_exponent, "on": cases.GROWING[:1]},
        "blow-up without the factor N - 2": {
            "right": (s0 ** (-(N - 2) / N) - g * t) ** (-N / (N - 2)),
            "on": cases.GROWING[1:2],
        },
        "exponent -N/(N - 1), by algebra": {
            "derive": lambda: algebra.constant_alignment(wrong_exponent)
        },
    },
)
