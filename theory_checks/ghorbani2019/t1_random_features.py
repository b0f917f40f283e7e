"""Random features learn one direction of a quadratic target: the covariance of the features.

Ghorbani et al. (2019), random features with w_i ~ N(0, Gamma / d), tr Gamma = d, and N = rho d:

    risk  ->  1 - rho <B, Gamma>^2 / (|B|^2 (d + rho |Gamma|^2)).

For Gamma = I the mean is known at every d but for one number, beta, the explained share of the
identity: rotations leave the class's distribution as it is, so its projection is beta on the
identity and alpha on all that is traceless, and alpha (d(d+1)/2 - 1) + beta = N, its rank. Hence

    E risk = 1 - beta tau - alpha (1 - tau),    tau = (tr B)^2 / (d |B|^2),

and beta >= N / (d + N - 1) by Cauchy and Schwarz, since E <u, v>^2 = 1 / d.

The distance to the limit is of order 1 / d. Of leading order are 2 rho (1 - tau) / d, the share of
the traceless part, and in beta rho / (1 + rho)^2 / d and 2 rho^2 / (1 + rho)^2 / d, from the
diagonal and from the fluctuations of the Gram matrix: together less than 2 rho / d.
"""

import dynlens as dl

from . import algebra
from .cases import FEATURES, GROWING, UNEVEN

turned = "1 - beta * tau - (N - beta) / (d * (d + 1) / 2 - 1) * (1 - tau)"

theorem = dl.Theorem(
    "Q3.T1",
    "the risk of random features",
    source="ghorbani2019limitations, random features; mean at finite d derived",
    claims={
        "mean": dl.Mean("risk", turned),
        "pairs": dl.Identities("E <u, v>^2 = 1 / d", algebra.cosines),
        "beta": dl.AtLeast("beta", "N**2 / gram / d"),
        # Twice the leading order leaves room for the rest.
        "limit": dl.Check(
            dl.AtLeast("4 * N / d**2", "Abs(risk - limit)"), [*sum(GROWING.values(), ()), *UNEVEN]
        ),
        # Without the identity's share all that is left is the correction, -2 rho / (d + 1).
        "order": dl.Check(
            dl.PowerLaw(f"Abs({turned} - limit)", "d", -1, band=0.15), GROWING["traceless"]
        ),
        "networks": dl.AtLeast("risk", "network"),
    },
    on=FEATURES,
    false={
        "denominator without rho |Gamma|^2": {
            "claim": "limit",
            "right": "Abs(risk - (1 - (1 - limit) * (1 + N / d)))",
            "on": GROWING["ramp"],
        },
        "every direction is learned alike": {"claim": "mean", "value": "1 - N / (d * (d + 1) / 2)"},
        "exact at finite d": {"claim": "mean", "value": "limit", "on": FEATURES[1:]},
        "as for Gamma = I": {
            "claim": "limit",
            "right": "Abs(risk - (1 - tau * N / (d + N)))",
            "on": UNEVEN,
        },
        "networks do no better": {"claim": "networks", "left": "network", "right": "risk"},
    },
)
