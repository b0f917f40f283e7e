r"""What is left of a discovered direction is half the penalty.

Ge et al. (2021) keep the residual between lambda/6 and lambda; derived: a_k - fitted tends to
lambda / 2, and aligned components never push it below that. (With the loss ½ |R|^2 and the penalty
lambda/2 sum |w|^2.) Misaligned ones do, a little: with the mean share eps_k = 1 - w_k^2 of a
direction's components, a residual of lambda / 2 still falls at the rate 4 lambda eps_k per unit of
mass, since turning adds to what is fitted. As eps_k decays at the rate 4 lambda, and the residual
is restored at 4 K_k, the undershoot is lambda eps_k K_k / (K_k - lambda) at leading order, at most
1.24 lambda eps_k here. Observed at the most: 1.9e-6, 3.7e-10 and nothing from starts of size 1e-2,
1e-3 and 1e-5.
"""

import dynlens as dl

from .cases import (
    LAMBDA,
    half_less_undershoot,
    lowest,
    settled,
    weighted_alignment,
    worst_alignment,
)

coarse, large, small = settled(1e-2), settled(1e-3), settled(1e-5)
# Of what is fitted. States between steps, which are long in the end, are interpolated to 1e-11.
ERROR = 1e-9
residual, relative = "residual_coefficients", ERROR / (LAMBDA / 2)

theorem = dl.Theorem(
    "Q2.T5",
    "half the penalty is left of every discovered direction",
    source="ge2021understanding; derived",
    claims={
        "limit": dl.Check(
            dl.Equal(residual, LAMBDA / 2, scale="1", after=59.9, tolerance=ERROR), [large, small]
        ),
        "floor": dl.Check(
            dl.AtLeast(residual, half_less_undershoot, tolerance=relative), [coarse, large, small]
        ),
        # Nothing to be seen of the undershoot from very small starts.
        "half": dl.Check(dl.AtLeast(residual, LAMBDA / 2, tolerance=relative), [small]),
        "aligned": dl.Check(dl.AtLeast(worst_alignment, 1 - 1e-3), [large]),
        "well aligned": dl.Check(dl.AtLeast(worst_alignment, 1 - 1e-10), [small]),
        "mean": dl.Check(dl.AtLeast(weighted_alignment, 1 - 1e-6, after=59.9), [large, small]),
    },
    false={
        "the limit is the penalty": {"right": LAMBDA},
        "the limit is zero": {"right": 0},
        "never below the penalty": {"claim": "half", "right": LAMBDA},
        "never below half the penalty without one": {"claim": "half", "on": [settled(1e-3, 0.0)]},
        "never below half the penalty, misaligned or not": {"claim": "half", "on": [coarse]},
        "it undershoots zero": {"claim": "half", "left": 0, "right": lowest},
    },
)
