"""Alignment takes a time of order d / (a log m); meanwhile lengths shrink under the penalty.

The length of the first part of a phase in Ge et al. (2021), derived: the best of m random
directions has w_k^2 of about 2 ln(m) / d (approached from below, like ln ln m / ln m), and one with
share x is aligned after about 1 / (8 a x). Means over 200 draws carry five standard errors: each of
the 18 inequalities about them is refuted by chance with probability 3e-7.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    Measurement,
    Path,
    PowerLaw,
    RateLaw,
    Theorem,
)
from dynlens.theory.closed_forms import alignment_time
from theory_checks.ge2021.t4_fitting_times import Staircase


@dataclass(frozen=True)
class Best(Measurement):
    """Largest share of m random directions along one axis, times d / (2 ln m); alignment times."""

    dimensions: tuple[int, ...] = (100, 300, 1000)
    counts: tuple[int, ...] = (100, 1000, 10_000)
    draws: int = 200
    seed: int = 0

    def measure(self, fine):
        found = {"d": [], "m": [], "ratio": [], "error": [], "time": []}
        for d in self.dimensions:
            for m in self.counts:
                rng = np.random.default_rng([self.seed, d, m])
                # The share of one axis is Beta(1/2, (d - 1)/2).
                best = rng.beta(0.5, (d - 1) / 2, (self.draws, m)).max(axis=1)
                ratio = best * d / (2 * np.log(m))
                found["ratio"].append(ratio.mean())
                found["error"].append(ratio.std() / np.sqrt(self.draws))
                found["time"].append(np.mean([alignment_time(1.0, x) for x in best]))
                found["d"].append(d)
                found["m"].append(m)
        return {name: np.array(values, dtype=float) for name, values in found.items()}


def per_dimension(count):
    return (Best(counts=(count,)),)


CASE = Staircase(1e-3, 0.3)
early = (Path(CASE.problem, tuple(1e-3 * CASE.directions.ravel()), 1.0),)
lengths = RateLaw(
    "vector_norms", "vector_norms * (2 * residual_correlations - penalty)", given={"penalty": 0.3}
)

theorem = Theorem(
    id="Q2.T8",
    title="the time that alignment takes",
    source="ge2021understanding; derived",
    checks=(
        Check(AtLeast("1 + 5 * error", "ratio"), (Best(),)),
        Check(AtLeast("ratio + 5 * error", "0.65"), (Best(),)),
        *(Check(PowerLaw("time", "d", 1, band=0.15), per_dimension(m)) for m in (1000, 10_000)),
        # Theta(d / log m): between a fifth and the whole of d / (8 a 2 ln(m) / d) times two.
        Check(AtLeast("d / (8 * log(m))", "time"), (Best(),)),
        Check(AtLeast("time", "d / (40 * log(m))"), (Best(),)),
        Check(lengths, early),
    ),
    controls={
        "alignment time ~ log d": Check(
            PowerLaw("time", "log(d)", 1, band=0.15), per_dimension(1000)
        ),
        "the best share ~ 4 ln(m) / d": Check(AtLeast("ratio + 5 * error", "2"), (Best(),)),
        "lengths never shrink": Check(AtLeast("vector_norms", "vector_norms_0", after=0.5), early),
        "lengths shrink at half the penalty": Check(
            RateLaw(
                "vector_norms",
                "vector_norms * (2 * residual_correlations - penalty / 2)",
                given={"penalty": 0.3},
            ),
            early,
        ),
    },
)
