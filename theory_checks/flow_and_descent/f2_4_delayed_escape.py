r"""Descent is late out of a saddle and early into a minimum: by eta nu / ln(1 + eta nu).

Along an eigendirection of curvature -nu descent grows at the rate ln(1 + eta nu) / eta, below nu;
along one of curvature lambda, eta lambda < 1, it decays at -ln(1 - eta lambda) / eta, above lambda.
The time to escape from a strict saddle is stretched by eta nu / ln(1 + eta nu), about
1 + eta nu / 2 (from F3, that is from the quadratic, and Rosca et al. 2023).
"""

import dynlens as dl

from . import algebra, clocks
from .cases import quadratic

minimum = dl.Path(quadratic(1.0), (1.0,), 6.0, eta=0.3, saves=21)

theorem = dl.Theorem(
    "F2.4",
    "descent leaves a saddle late and enters a minimum early",
    source="rosca2023continuous; derived from the quadratic",
    claims={
        "algebra": dl.Identities(
            "eta nu / ln(1 + eta nu) = 1 + eta nu / 2 - (eta nu)^2 / 12 + ...", algebra.stretch
        ),
        "the flow's escape": dl.Equal(clocks.per_decade("escape_time"), clocks.uncorrected),
        "escape": dl.Equal(clocks.per_decade("descent_time"), clocks.late),
        "decay": dl.Check(
            dl.ClosedForm(
                "end_to_end",
                "end_to_end_0 * exp(log(1 - eta) / eta * t)",
                given={"eta": 0.3},
                tolerance=1e-10,
            ),
            [minimum],
        ),
    },
    on=clocks.ESCAPES,
    false={
        "the flow's own time": {"claim": "escape", "right": clocks.uncorrected},
        "early, not late": {"claim": "escape", "right": clocks.early},
        "late by eta, not eta / 2": {"claim": "escape", "right": clocks.without_half},
        "1 + eta nu": {"derive": lambda: algebra.stretch(first=1)},
        "decay at the flow's rate": {"claim": "decay", "right": "end_to_end_0 * exp(-t)"},
        "decay later than the flow": {
            "claim": "decay",
            "right": "end_to_end_0 * exp(-log(1 + eta) / eta * t)",
        },
    },
)
