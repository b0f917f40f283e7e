"""Turning all neurons together leaves their hyperspherical energy as it is.

Liu et al. (2021): E_s(V Q^T) = E_s(V) for orthogonal Q, since all angles are kept; in particular
for the parameterizations of Q by Cayley's transform, by Gram and Schmidt, and by Householder.
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "Q5.T1",
    "orthogonal maps keep the hyperspherical energy",
    source="liu2021orthogonal",
    claims=[
        dl.Equal(Q, "before", scale=cases.SIZE, tolerance=1e-12)
        for Q in ("cayley", "gram_schmidt", "householder")
    ],
    on=cases.TURNED,
    false={
        "every linear map near the identity": {"left": "near_the_identity"},
        "nearly orthogonal maps": {"left": "nearly_orthogonal"},
    },
)
