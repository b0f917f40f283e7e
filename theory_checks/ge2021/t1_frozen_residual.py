"""Order four: the path of one component under a constant residual, with an elementary clock.

Ge et al. (2021) analyse 2-homogeneous components of order 4; derived, see Q1.T6. In order 4
t(s) = -sum_{a_k > 0} ln(beta_k) / (8 a_k) + sum_{a_k = 0} p_k^2 tau (1 - exp(-s)).
"""

from dataclasses import dataclass

import numpy as np

from dynlens import Check, Equal, Measurement, Theorem
from dynlens.theory.closed_forms import FrozenResidual
from theory_checks.wang2020.t6_frozen_residual import COEFFICIENTS, START, SmallComponent, closed


@dataclass(frozen=True)
class Clock(Measurement):
    """Flow time at several s, by quadrature and by the elementary formula."""

    s: tuple[float, ...] = (0.1, 1.0, 5.0, 20.0, 60.0)

    def measure(self, fine):
        nudged = tuple(x * (1 + 2.0**-52 * fine) for x in START[:1]) + START[1:]
        path = FrozenResidual(nudged, COEFFICIENTS, 4)
        p, a, s = np.array(START) / np.linalg.norm(START), np.array(COEFFICIENTS), np.array(self.s)
        g = a * p**2
        tau, active = 1 / (8 * g.max()), a > 0
        # ln beta = -s + ln(1 + (1 - rho) (e^s - 1)) keeps its digits
        log_beta = -s[:, None] + np.log1p((1 - g / g.max()) * np.expm1(s)[:, None])
        lost = (p[~active] ** 2).sum() * tau * -np.expm1(-s)
        found = {
            "t": [path.time(x) for x in self.s],
            "elementary": -(log_beta[:, active] / (8 * a[active])).sum(axis=1) + lost,
            "halved": -(log_beta[:, active] / (4 * a[active])).sum(axis=1) + lost,
            "active": -(log_beta[:, active] / (8 * a[active])).sum(axis=1),
        }
        return {("clock" if name == "t" else name): value for name, value in found.items()}


def law(name):
    return Equal("clock", name, tolerance=1e-12)


theorem = Theorem(
    id="Q2.T1",
    title="a component under a constant residual, order four",
    source="ge2021understanding; derived",
    checks=(
        Check(closed(), (SmallComponent(4, 2), SmallComponent(4, 2, 0.1))),
        Check(law("elementary"), (Clock(),)),
    ),
    controls={
        "4 a_k instead of 8 a_k": Check(law("halved"), (Clock(),)),
        "directions outside the span forgotten": Check(law("active"), (Clock(),)),
        "kappa swapped": Check(closed("swapped"), (SmallComponent(4, 2, 0.1),)),
    },
)
