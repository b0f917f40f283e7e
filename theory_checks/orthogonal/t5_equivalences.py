"""Loewdin's flow from a multiple of a rotation is the Riemannian flow; Gram and Schmidt's is not.

From P(0) = c Q(0): P(t) = c Q(t / c^2), Q the Riemannian flow. Gram and Schmidt's starts like the
Riemannian flow at twice that speed, and only starts so: the distance grows with t^2 (derived).
"""

import dynlens as dl

from . import velocities

theorem = dl.Theorem(
    "O.T5",
    "Loewdin's flow is the Riemannian flow",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        "Loewdin": dl.Equal("lowdin", "riemannian", tolerance=1e-8),
        "only at first": dl.Equal("order", "2", tolerance=0.15),
    },
    on=velocities.SIDE_BY_SIDE,
    false={
        "without c^2": {"claim": "Loewdin", "right": "on_its_own_clock"},
        "all parameterizations are one flow": {
            "claim": "Loewdin",
            "left": "schmidt",
            "right": "riemannian_twice",
        },
    },
)
