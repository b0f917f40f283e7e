"""The neural tangent class misses a target on the complement of the features' span.

Ghorbani et al. (2019), neural tangent with w_i ~ N(0, I / d). The first layer, linearized, makes
the matrices A with P A P = 0, P the projection onto the complement, of rank k = d - N. So

    risk = |P B P|^2 / |B|^2,    E risk = k/d - d C + C (tr B)^2 / |B|^2,
    C = k (d - k) / (d (d - 1) (d + 2)),

exactly, by the second moments of a random projection; in the limit N = rho d, with
tau = (tr B)^2 / (d |B|^2), it is (1 - rho)^2 (1 - tau) + (1 - rho) tau for rho < 1. For B >= 0
networks of as many neurons do better, draw by draw, for eigenvalues of P B P interlace; for B of
mixed signs they may do worse, since the class has matrices of rank 2 N.
"""

import dynlens as dl

from . import algebra
from .cases import DEFINITE, FEW_DIMENSIONS, LINEARIZED, MIXED, TANGENTS

moments = "E |P B P|^2 from the moments of a random projection"

theorem = dl.Theorem(
    "Q3.T2",
    "the risk of the neural tangent class",
    source="ghorbani2019limitations, neural tangent; mean at finite d derived",
    claims={
        "moments": dl.Identities(moments, algebra.projections),
        "many": dl.Identities("limit of many dimensions", algebra.many_dimensions),
        "mean": dl.Mean("risk", "exact"),
        "limit": dl.AtLeast("2 / d", "Abs(exact - limit)"),
        "definite": dl.Check(dl.AtLeast("risk", "network"), DEFINITE),
        "mixed": dl.Check(dl.AtLeast("network", "exact"), MIXED),
        # The classes are the model's own derivatives, by the layer.
        "features": dl.Check(dl.Equal("features", "second_layer", scale="1"), LINEARIZED),
        "tangent": dl.Check(dl.Equal("tangent", "first_layer", scale="1"), LINEARIZED),
    },
    on=[*sum(TANGENTS.values(), ()), *FEW_DIMENSIONS],
    false={
        "1 - rho": {"claim": "mean", "value": "1 - rho", "on": TANGENTS["ramp"][1:2]},
        "(1 - rho)^2": {"claim": "mean", "value": "(1 - rho)**2", "on": TANGENTS["ramp"][1:2]},
        "exact at finite d": {"claim": "mean", "value": "limit", "on": FEW_DIMENSIONS},
        "networks do no better": {"claim": "definite", "left": "network", "right": "risk"},
        "networks always do better": {"claim": "definite", "on": MIXED},
        "the class is rank <= N": {"claim": "mean", "value": "network"},
        "the tangent class is the features'": {"claim": "tangent", "left": "features"},
    },
)
