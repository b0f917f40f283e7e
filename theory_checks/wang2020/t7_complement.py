"""What a component has outside the target's span dies out.

Ingredient of Wang et al. (2020), derived: if the residual lives in a subspace B, the part u_perp of
a component outside B decays as exp(-l lambda t / 2) under frozen scalars, exactly; along the
gradient flow d/dt ln |u_perp| = -(l - 2) sigma - lambda, sigma the component's own correlation.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Measurement,
    Problem,
    RankOneSum,
    Ridge,
    SquaredLoss,
    SymmetricTensor,
    Theorem,
)
from dynlens.observables.registry import find
from theory_checks.wang2020.t6_frozen_residual import COEFFICIENTS, START, TINY, small_flow


@dataclass(frozen=True)
class Outside(Measurement):
    """Share of the start's part outside the span that is left after t, under frozen scalars."""

    order: int
    kappa: int
    penalty: float = 0.1
    t: float = 3.0

    def measure(self, fine):
        u = small_flow(
            START, COEFFICIENTS, self.order, [self.t], self.kappa, self.penalty, fine=fine
        )
        l, lam = self.order, self.penalty
        return {
            "left": u[-1, 3] / (TINY * START[3]),
            "law": np.exp(-l * lam * self.t / 2),
            "slower": np.exp(-lam * self.t),
        }


@dataclass(frozen=True)
class OutsideRates(Measurement):
    """Rates of ln |u_perp| along the flow of several components, at random states."""

    order: int
    penalty: float = 0.1
    seed: int = 0

    def measure(self, fine):
        l = self.order
        target = RankOneSum.orthogonal([1.0, 0.7], dimension=2, order=l)
        flat = RankOneSum(target.coefficients, np.pad(target.v, ((0, 0), (0, 3))), l)
        # One component only leaves the span: the residual of the others lives in it.
        problem = Problem(
            SymmetricTensor(5, l, 1, degree=2), SquaredLoss(), flat, Ridge(self.penalty)
        )
        rng, found = np.random.default_rng(self.seed), {"rate": [], "sigma": []}
        for _ in range(20):
            u = TINY * rng.standard_normal(5) * (1 + 2.0**-52 * fine)
            speed = problem.vector_field(0.0, u)
            found["rate"].append(speed[2:] @ u[2:] / (u[2:] @ u[2:]))
            found["sigma"].append(find("residual_correlations")(problem, u)[0])
        return found | {"l": float(l), "penalty": self.penalty}


frozen = tuple(Outside(l, l) for l in (3, 4, 5))
plain = tuple(OutsideRates(l) for l in (3, 4, 5))


def rate(formula):
    return Equal("rate", formula, scale="1", tolerance=1e-12)


theorem = Theorem(
    id="Q1.T7",
    title="parts outside the target's span die out",
    source="wang2020beyond; derived",
    checks=(
        Check(Equal("left", "law", tolerance=1e-11), frozen),
        Check(rate("-(l - 2) * sigma - penalty"), plain),
        # Faster than under frozen scalars while the component grows.
        Check(AtLeast("law", "left"), (Outside(3, 2), Outside(4, 2))),
    ),
    controls={
        "exp(-lambda t) under frozen scalars": Check(Equal("left", "slower"), frozen),
        "constant": Check(Equal("left", "1"), frozen),
        "+(l - 2) sigma": Check(rate("(l - 2) * sigma - penalty"), plain),
    },
)
