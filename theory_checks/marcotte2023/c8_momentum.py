"""With friction tau, theta'' + tau theta' = -grad, deep linear networks keep antisymmetric laws.

They are exp(tau t) (W_2^T W_2' - W_2'^T W_2 + W_1 W_1'^T - W_1' W_1^T): r (r - 1) / 2 for each
hidden layer that is not too wide. Marcotte, Gribonval & Peyré (2024) for the laws; counts derived.
The plain flow's symmetric laws are lost; yet 1-5-1 has more laws with momentum than without.
"""

import dynlens as dl

from . import algebra, cases

networks = cases.heavy((1, 1, 1), (2, 2, 2), (2, 3, 2), (2, 2, 2, 2))

theorem = dl.Theorem(
    "C.8",
    "conservation laws with momentum",
    source="marcotte2024momentum; counts derived",
    claims={
        "law": dl.Identities("the law is constant under every loss", algebra.with_momentum),
        "at most": dl.Equal("most", "pairs", scale="1"),
        "at least": dl.Equal("least", "pairs", scale="1"),
        "fewer": dl.AtLeast("plain", "most"),
    },
    on=[networks],
    false={
        "without exp(tau t)": {"claim": "law", "derive": lambda: algebra.with_momentum(growth=0)},
        "symmetric": {"claim": "law", "derive": lambda: algebra.with_momentum(sign=1)},
        "r (r + 1) / 2": {"claim": "at most", "right": "both"},
        "never more": {"claim": "fewer", "on": [cases.heavy((1, 5, 1))]},
    },
)
