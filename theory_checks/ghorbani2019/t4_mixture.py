"""Telling two Gaussians apart: the same classes, applied to the difference of their covariances.

Ghorbani et al. (2019), mixture: labels y = +-1, x ~ N(0, I -+ Delta), squared loss. A quadratic
<x, A x> has covariance -<A, Delta> with the label and variance 2 <A, M A> + <A, Delta>^2, where
M A = A + Delta A Delta. So the least risk over a class V is

    (1 + h / 2)^-1,    h = max over A in V of <A, Delta>^2 / <A, M A>,

and h tends to |P_V Delta|^2 as |Delta|_op does to 0: the eigenvalues of M are within
1 +- |Delta|_op^2, which bounds h from both sides, and the risk by its limit, relatively, to within
|Delta|_op^2 (1 - limit).
"""

import dynlens as dl

from . import algebra
from .mixtures import INSTANCE, LINEAR, NETWORKS

moments = "covariance with the label and variance"

theorem = dl.Theorem(
    "Q3.T4",
    "telling two Gaussians apart",
    source="ghorbani2019limitations, mixture of Gaussians; bounds at finite size derived",
    claims={
        "moments": dl.Identities(moments, algebra.two_gaussians),
        "at least": dl.AtLeast("h", "seen / (1 + op**2)"),
        "at most": dl.Check(dl.AtLeast("seen / (1 - op**2)", "h"), [*LINEAR, *NETWORKS]),
        "order": dl.PowerLaw("seen / h - 1", "op", 2, band=0.1),
        "instance": dl.Check(dl.Equal("risk", "1 / (1 + 0.3 / 1.01)", tolerance=1e-14), INSTANCE),
        "limit": dl.Check(dl.Equal("limit", "1 / 1.3", tolerance=1e-14), INSTANCE),
        "risk": dl.Check(
            dl.AtLeast("op**2 * (1 - limit)", "risk / limit - 1"), [*LINEAR, *INSTANCE]
        ),
    },
    on=LINEAR,
    false={
        "(1 + |Delta|^2)^-1": {"claim": "instance", "right": "1 / 1.6"},
        "h = |P_V Delta|^2 exactly": {"claim": "at least", "right": "seen"},
        "h is always at its lower bound": {"claim": "at most", "left": "seen / (1 + op**2)"},
        "the class does not matter": {"claim": "at least", "right": "all / (1 + op**2)"},
    },
)
