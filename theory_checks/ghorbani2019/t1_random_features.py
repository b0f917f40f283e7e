"""Random features learn one direction of a quadratic target: the covariance of the features.

Ghorbani et al. (2019), random features with w_i ~ N(0, Gamma / d), tr Gamma = d, and N = rho d:

    risk  ->  1 - rho <B, Gamma>^2 / (|B|^2 (d + rho |Gamma|^2)).

For Gamma = I the mean is known at every d but for one number, beta, the explained share of the
identity: rotations leave the class's distribution as it is, so its projection is beta on the
identity and alpha on all that is traceless, and alpha (d(d+1)/2 - 1) + beta = N, its rank. Hence

    E risk = 1 - beta tau - alpha (1 - tau),    tau = (tr B)^2 / (d |B|^2),

and beta >= N / (d + N - 1) by Cauchy and Schwarz, since E <u, v>^2 = 1 / d.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from dynlens import AtLeast, Check, Mean, Measurement, PowerLaw, Theorem
from dynlens.theory.lazy_networks import (
    directions,
    network_risk,
    random_features_limit,
    random_features_risk,
    trace_share,
)

TARGETS = {
    "ramp": lambda d: np.linspace(0.2, 1.8, d),
    "traceless": lambda d: np.resize([1.0, -1.0], d),
    "rank 3": lambda d: np.append([1.0, 1.0, 1.0], np.zeros(d - 3)),
}
COVARIANCES = {"identity": np.ones, "uneven": lambda d: np.linspace(0.5, 1.5, d)}
NUDGE = 1 + 2.0**-52


@dataclass(frozen=True)
class Draws(Measurement):
    """Features drawn again and again, for one target of one dimension."""

    target: str
    d: int
    share: float
    count: int
    covariance: str = "identity"
    seed: int = 0

    @property
    def neurons(self):
        return round(self.share * self.d)

    @property
    def B(self):
        return np.diag(TARGETS[self.target](self.d))

    @property
    def Gamma(self):
        return np.diag(COVARIANCES[self.covariance](self.d))

    def rows(self):
        rng = np.random.default_rng([self.seed, self.d, self.neurons])
        root = np.sqrt(np.diag(self.Gamma) / self.d)
        return rng.standard_normal((self.count, self.neurons, self.d)) * root

    @cache  # noqa: B019 - frozen, and a handful of them
    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        B, eye, N = self.B * nudge, np.eye(self.d), self.neurons
        drawn = self.rows()
        gram = [np.sum((u @ u.T) ** 2) for u in (directions(W, self.d) for W in drawn)]
        found = {
            "risk": [random_features_risk(B, W) for W in drawn],
            "beta": [1 - random_features_risk(eye, W) for W in drawn],
            "gram": gram,
        }
        numbers = {
            "N": N,
            "d": self.d,
            "tau": trace_share(B),
            "limit": random_features_limit(B, N, self.Gamma),
            "network": network_risk(B, N),
        }
        return {k: np.array(v) for k, v in found.items()} | {
            k: np.full(self.count, float(v)) for k, v in numbers.items()
        }


@dataclass(frozen=True)
class Dimensions(Measurement):
    """Means over draws, in growing dimension."""

    target: str
    share: float
    covariance: str = "identity"
    dimensions: tuple[int, ...] = (20, 40, 80, 160)

    @cache  # noqa: B019
    def measure(self, fine):
        found = [
            Draws(self.target, d, self.share, 800 // d, self.covariance).measure(fine)
            for d in self.dimensions
        ]
        return {name: np.array([one[name].mean() for one in found]) for name in found[0]}


EXACT = "1 - beta * tau - (N - beta) / (d * (d + 1) / 2 - 1) * (1 - tau)"
GAP = "Abs(risk - limit)"
WITHOUT = "1 - (1 - limit) * (1 + N / d)"  # for Gamma = I
SPHERICAL = "1 - tau * N / (d + N)"

# Of leading order are 2 rho (1 - tau) / d, the share of the traceless part, and in beta
# rho / (1 + rho)^2 / d and 2 rho^2 / (1 + rho)^2 / d, from the diagonal and from the fluctuations
# of the Gram matrix. They add up to less than 2 rho / d; twice that leaves room for the rest.
near = AtLeast("4 * N / d**2", GAP)

draws = tuple(
    Draws(target, d, share, 60)
    for target in TARGETS
    for d, share in ((20, 0.5), (20, 1.5), (40, 0.25), (40, 0.75))
)
growing = tuple(Dimensions(target, share) for target in TARGETS for share in (0.25, 0.5, 0.75))
uneven = tuple(Dimensions("ramp", share, "uneven") for share in (0.25, 0.5, 0.75))

theorem = Theorem(
    id="Q3.T1",
    title="the risk of random features",
    source="ghorbani2019limitations, random features; mean at finite d derived",
    checks=(
        Check(Mean("risk", EXACT), draws),
        Check(Mean("gram", "N + N * (N - 1) / d"), draws[:4]),
        Check(AtLeast("beta", "N**2 / gram / d"), draws),
        Check(near, growing + uneven),
        # Without the identity's share all that is left is the correction, -2 rho / (d + 1).
        Check(PowerLaw(GAP, "d", -1, band=0.15), growing[3:6]),
        Check(AtLeast("risk", "network"), draws),
    ),
    controls={
        "denominator without rho |Gamma|^2": Check(
            AtLeast("4 * N / d**2", f"Abs(risk - ({WITHOUT}))"), growing
        ),
        "every direction is learned alike": Check(Mean("risk", "1 - N / (d * (d + 1) / 2)"), draws),
        "exact at finite d": Check(Mean("risk", "limit"), draws[4:]),
        "as for Gamma = I": Check(AtLeast("4 * N / d**2", f"Abs(risk - ({SPHERICAL}))"), uneven),
        "networks do no better": Check(AtLeast("network", "risk"), draws),
    },
)
