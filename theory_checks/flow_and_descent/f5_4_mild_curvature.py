"""The Hessian of a deep linear network is bounded below by the gradient times n - 2 layers.

Elkabetz & Cohen (2021): for l convex and n layers,

    lambda_min  >=  -(n - 1) |grad l(W)| max over |J| = n - 2 of the product of |W_j|_op, j in J,

unbounded over all of space, yet mild along flows from near zero: for n equal scalar layers, started
at eps, the integral of |min(lambda_min, 0)| is (n - 1) ln(1/eps) + O(1), while fitting takes a time
of eps^-(n-2) / (n-2).
"""

import dynlens as dl

from . import algebra
from .curvature import ANYWHERE, AT_ZERO, PASSAGES, bound, lowest, scalar, states

# From x_0 to where the curvature turns, x^n = (n - 1) / (2n - 1).
collected = "(n - 1) * log(turn**(1 / n) / x_0) + log((1 - turn) / (1 - x_0**n))"


def integral(n):
    """s is what was collected of the negative curvature, once the network has fitted."""
    numbers = {"n": n, "turn": (n - 1) / (2 * n - 1)}
    return dl.Equal("s", collected, given=numbers, where="x - 0.99", tolerance=1e-8)


theorem = dl.Theorem(
    "F5.4",
    "the curvature of deep linear networks, and along their flows",
    source="elkabetz2021continuous, on deep linear networks; constants derived",
    claims={
        "bound": dl.AtLeast(lowest, bound(), tolerance=1e-9),
        "at zero": dl.Check(dl.Equal(lowest, -1), [AT_ZERO]),
        "attained": dl.Check(dl.Equal(lowest, bound()), [AT_ZERO]),
        "spectrum": dl.Identities("the spectrum of n equal scalar layers", algebra.spectrum),
        **{f"n = {n}": dl.Check(integral(n), paths) for n, paths in PASSAGES.items()},
    },
    on=ANYWHERE,
    false={
        "n - 2 instead of n - 1": {"right": bound(factor=lambda n: n - 2), "on": [AT_ZERO]},
        # A weaker bound is as true; what fails is that it is attained.
        "n instead of n - 1, attained": {
            "claim": "attained",
            "right": bound(factor=lambda n: n),
        },
        "product over n - 1 layers": {
            "right": bound(layers=lambda n: n - 1),
            "on": [states(2, 0.05), states(3, 0.05)],
        },
        # (a, 0, 0): lambda_min = -|a|.
        "bounded below over all of space": {
            "right": -100,
            "on": [scalar(3, 1000.0, 0.0, 0.0)],
        },
        "slope n in ln(1/eps)": {"claim": "n = 3", "right": f"{collected} - log(x_0)"},
        "without the constant": {"claim": "n = 3", "right": "-(n - 1) * log(x_0)"},
    },
)
