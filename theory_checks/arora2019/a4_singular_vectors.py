"""Singular vectors of a balanced deep matrix factorization turn until U^T grad l(W) V is diagonal.

Arora, Cohen, Hu & Luo (2019), Lemma 2 and Corollary 1. With W = U S V^T (thin; singular values
distinct and not zero), F_rq = 1 / (s_q^(2/L) - s_r^(2/L)) off the diagonal and 0 on it,

    dU/dt = -U (F o [U^T grad V S + S V^T grad^T U]) - (I - U U^T) grad V S^(1 - 2/L),

and the same for dV/dt with U and V exchanged and grad transposed. The first two claims determine
these rates, for an SVD of distinct singular values is unique.
"""

import dynlens as dl

from . import cases, laws

where = {"where": laws.well_apart, "assumptions": [dl.BALANCED]}

theorem = dl.Theorem(
    "A.4",
    "singular vectors of a balanced deep matrix factorization",
    source="arora2019implicit, Lemma 2 and Corollary 1",
    claims={
        "product rule": dl.Equal("d_end_to_end", laws.parts_of_the_rate, **where),
        "orthonormal": dl.Equal(
            laws.departure_from_orthonormality, 0, scale="gradient_norm", **where
        ),
        "differences": dl.Equal(laws.differences_of_the_svd, laws.vectors_turning, **where),
        "at rest": dl.Check(
            dl.Equal(laws.vectors_turning, 0, scale="gradient_norm"), [cases.STATIONARY]
        ),
    },
    on=[*cases.BALANCED_FLOWS, *cases.APART],
    false={
        "sign of F": {"right": laws.opposite_sign, "on": cases.APART[:1]},
        "1 / L instead of 2 / L in F": {"right": laws.exponent_one_over_L, "on": cases.APART[:1]},
        "balancedness dropped": {"assumptions": [], "on": cases.UNBALANCED_STATES},
        "a diagonal U^T grad V suffices": {"claim": "at rest", "on": [cases.ONLY_DIAGONAL]},
    },
)
