"""How far a component may stray from a fitted direction and still come back.

Ge et al. (2021) need a penalty for local stability; derived: between residuals r_1 (lambda/2 once
e_1 is fitted) and a_2, e_1 attracts iff r_1 |w_1|^(l-2) > a_2 |w_2|^(l-2), and near e_1 the cosine
with e_2 decays at the rate l r_1 = l lambda / 2. Basin and rate vanish with the penalty.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import Check, Equal, Measurement, Theorem
from dynlens.theory.closed_forms import basin_edge
from theory_checks.wang2020.t6_frozen_residual import small_flow

OTHER = 0.7
SLOW = 1e-3  # kappa: lengths hardly grow, and directions do not depend on it


def directions(order, penalty, share, times, fine, rtol=1e-12):
    """Squared cosine with e_2 from the given share, and the cosine itself."""
    start = (np.sqrt(1 - share), np.sqrt(share))
    found = small_flow(start, (penalty / 2, OTHER), order, times, SLOW, rtol=rtol, fine=fine)
    return found[:, 1] / np.linalg.norm(found, axis=1)


@dataclass(frozen=True)
class Edges(Measurement):
    """Where components end that start on either side of the edge."""

    order: int
    penalties: tuple[float, ...] = (0.02, 0.1, 0.4)

    def measure(self, fine):
        found = {"share": [], "end": [], "penalty": []}
        for penalty in self.penalties:
            edge = basin_edge(penalty / 2, OTHER, self.order)
            for share in (0.97 * edge, 1.03 * edge, 1.2 * edge):
                times = [40 / (self.order * penalty)]
                end = directions(self.order, penalty, share, times, fine, 1e-8)[-1] ** 2
                for name, value in (("share", share), ("end", end), ("penalty", penalty)):
                    found[name].append(value)
        penalty = np.array(found["penalty"])
        edge = [basin_edge(x / 2, OTHER, self.order) for x in penalty]
        return found | {
            "edge": edge,
            "twice": penalty / (penalty + OTHER),
            "fixed": np.full(len(penalty), edge[2]),
        }


@dataclass(frozen=True)
class Rates(Measurement):
    """Rate at which the cosine with e_2 decays near e_1."""

    order: int
    penalties: tuple[float, ...] = (0.02, 0.1, 0.4)

    def measure(self, fine):
        rates = []
        for penalty in self.penalties:
            times = np.array([1.0, 5.0]) / penalty
            # So close that the other direction's pull is beyond the ninth digit.
            w = directions(self.order, penalty, 1e-28, times, fine)
            rates.append(-np.log(w[1] / w[0]) / (times[1] - times[0]))
        return {"rate": rates, "penalty": self.penalties, "square": 2 * np.array(rates)}


def splits_at(edge):
    """Below the edge it ends in e_1 (0), above it in e_2 (1)."""

    def side(samples):
        return np.where(samples.read("share") < samples.read(edge), 0.0, 1.0)

    return Equal(left="end", right=side, scale="1", tolerance=1e-10)


edges = tuple(Edges(l) for l in (3, 4, 6))
rates = tuple(Rates(l) for l in (3, 4, 6))


def rate_law(l, factor=0.5):
    return Equal("rate", f"{factor} * {l} * penalty", tolerance=1e-9)


theorem = Theorem(
    id="Q2.T6",
    title="the basin of a fitted direction, and its rate",
    source="ge2021understanding; derived",
    checks=(
        Check(splits_at("edge"), edges),
        *(Check(rate_law(case.order), (case,)) for case in rates),
        Check(Equal("square", "4 * penalty", tolerance=1e-9), rates[1:2]),
    ),
    controls={
        "edge lambda / (lambda + a_2), order 4": Check(splits_at("twice"), edges[1:2]),
        "the same edge for every penalty": Check(splits_at("fixed"), edges[1:2]),
        "rate l lambda": Check(rate_law(4, 1.0), rates[1:2]),
        "1 - w_1^2 decays at 2 lambda, order 4": Check(
            Equal("square", "2 * penalty", tolerance=1e-9), rates[1:2]
        ),
    },
)
