"""What is left of a discovered direction is exactly half the penalty.

Ge et al. (2021) keep the residual between lambda/6 and lambda; derived: a_k - fitted tends to
lambda / 2, and from starts below the fit it never falls below that. (With the loss ½ |R|^2 and the
penalty lambda/2 sum |w|^2.) Components of some size are aligned with their direction.
"""

import numpy as np

from dynlens import AtLeast, Check, Equal, Theorem
from theory_checks.q2_t4_fitting_times import Staircase, falls

LAMBDA = 0.05


def settled(delta, penalty=LAMBDA):
    return falls(Staircase(delta, penalty), t_end=60.0)


def limit(value):
    return Equal("residual_coefficients", value, scale="1", after=59.9, tolerance=1e-7)


def worst_alignment(samples):
    """Least of max_k cos^2 over the components longer than .01."""
    best = np.square(samples.read("target_cosines")).max(axis=2)
    return np.where(samples.read("vector_norms") > 0.01, best, 1.0).min(axis=1)


def weighted_alignment(samples):
    """Mean of max_k cos^2, weighted by squared lengths."""
    best, weights = (
        np.square(samples.read("target_cosines")).max(axis=2),
        samples.read("component_masses"),
    )
    return (best * weights).sum(axis=1) / weights.sum(axis=1)


def weighted_share(samples):
    return np.sqrt(1 - weighted_alignment(samples))


large, small = settled(1e-3), settled(1e-5)
never_below = AtLeast("residual_coefficients", LAMBDA / 2, tolerance=1e-6)

theorem = Theorem(
    id="Q2.T5",
    title="half the penalty is left of every discovered direction",
    source="ge2021understanding; derived",
    checks=(
        Check(limit(LAMBDA / 2), (large, small)),
        Check(never_below, (large, small)),
        Check(AtLeast(worst_alignment, 1 - 1e-3), (large,)),
        Check(AtLeast(worst_alignment, 1 - 1e-10), (small,)),
        Check(AtLeast(weighted_alignment, 1 - 1e-6, after=59.9), (large, small)),
    ),
    controls={
        "the limit is the penalty": Check(limit(LAMBDA), (large,)),
        "the limit is zero": Check(limit(0), (large,)),
        "never below the penalty": Check(
            AtLeast("residual_coefficients", LAMBDA, tolerance=1e-6), (large,)
        ),
        "never below half the penalty without one": Check(never_below, (settled(1e-3, 0.0),)),
    },
)
