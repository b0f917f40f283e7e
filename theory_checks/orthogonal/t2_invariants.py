"""What gradient flow of the parameters keeps, besides the orthogonality of Q.

Gram and Schmidt on rows, P = LQ: the norms of the rows of P. Loewdin, P = HQ: all singular values
of P, since dP = Omega Q with Omega skew. Householder's reflections: the norms of all their vectors,
and det Q (derived). Each follows from what the map from P to Q does not see.
"""

import dynlens as dl

from . import conservation

zero = {"right": "0", "scale": "1", "tolerance": 1e-9}

theorem = dl.Theorem(
    "O.T2",
    "invariants of parameterized rotations",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        "rows": dl.Equal("gram_schmidt_rows", **zero),
        "singular values": dl.Equal("lowdin_values", **zero),
        "reflections": dl.Equal("householder_norms", **zero),
        "determinant": dl.Equal("householder_det", "1", tolerance=1e-11),
    },
    on=conservation.KEPT,
    false={
        "columns, by Gram and Schmidt": {"claim": "rows", "left": "gram_schmidt_columns"},
        "singular values, by Gram and Schmidt": {"claim": "rows", "left": "gram_schmidt_values"},
        "rows, by Loewdin": {"claim": "singular values", "left": "lowdin_rows"},
        "P itself, by Loewdin": {"claim": "singular values", "left": "lowdin_itself"},
    },
)
