"""Of two modes with constant alignments the slower stays small while the faster blows up.

Follows from the rate law of Arora et al. (2019) under constant alignments, both modes solved. At
the blow-up of the first, sigma_2 / sigma_0 = (1 - gamma_2/gamma_1)^(-N/(N-2)) whatever the start.
"""

import dynlens as dl

from . import algebra, cases
from .algebra import N, behind, s0, second

settings = {"readings": cases.MODES, "given": {"gamma_1": 1.0, "gamma_2": 0.6}}

theorem = dl.Theorem(
    "CF3",
    "greedy separation of two modes",
    source="arora2019implicit, Theorem 3, solved for two modes",
    claims={
        "algebra": dl.Identities(
            "sigma_2 / sigma_0 = (1 - gamma_2/gamma_1)^(-N/(N-2)) at the blow-up",
            algebra.two_modes,
            show=lambda: {"ratio": algebra.ratio_at_blow_up, "path": second},
        ),
        "path": dl.ClosedForm("sigma_2", second, **settings),
        # The limits are 15.625 (N = 3) and 6.25 (N = 4).
        "bounded": dl.AtLeast("15.625", "sigma_2 / sigma_0", **settings),
    },
    on=cases.TWO_MODES,
    false={
        "exponent -1/(N - 2)": {
            "right": s0 * behind ** (-1 / (N - 2)),
            "claim": "path",
            "on": cases.TWO_MODES[:1],
        },
        "limit 2.5 at N = 3": {"claim": "bounded", "left": "2.5", "on": cases.TWO_MODES[:1]},
        # From 6.7 at 1e-2 it would have to pass 600 at 1e-4.
        "the ratio grows like 1 / sigma_0": {
            "claim": "bounded",
            "left": "sigma_2 / sigma_0",
            "right": "6 * (0.01 / sigma_0)",
            "where": "sigma_1 - 0.99",
            "on": cases.TWO_MODES[1:2],
        },
    },
)
