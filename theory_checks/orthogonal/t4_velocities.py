"""Every parameterization turns Q by its own linear function of M = skew(G Q^T).

Q' = AQ with A = -M for the Riemannian flow; -4 M_ij / (h_i + h_j)^2 in the eigenbasis of
H = (P P^T)^(1/2) for Loewdin; -2 (Y - Y^T), Y = su((L^T L)^-1 su(M)), su the strictly upper part,
for Gram and Schmidt; -8 K M K, K = (I - S^2)^-1, for Cayley (derived; see
`dynlens.theory.orthogonal`).
"""

import dynlens as dl

from .velocities import KINDS, VELOCITIES

theorem = dl.Theorem(
    "O.T4",
    "velocities of parameterized rotations",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        **{
            kind: dl.Check(dl.Equal("A", "turned", tolerance=1e-8), VELOCITIES[kind])
            for kind in KINDS
        },
        **{
            f"gradient, {kind}": dl.Check(
                dl.Equal("gradient", "differences", tolerance=1e-8), VELOCITIES[kind]
            )
            for kind in KINDS
        },
    },
    false={
        "(h_i^2 + h_j^2) / 2 for Loewdin": {"claim": "lowdin", "left": "wrong"},
        "coefficient 2 for Loewdin": {"claim": "lowdin", "left": "half"},
        "(L L^T)^-1 for Gram and Schmidt": {"claim": "gram_schmidt", "left": "wrong"},
        "the root of K for Cayley": {"claim": "cayley", "left": "wrong"},
    },
)
