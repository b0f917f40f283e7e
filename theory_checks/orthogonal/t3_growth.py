"""Descent lets the parameters grow, by exactly what its steps add up to.

Where a flow keeps a norm, the gradient is orthogonal to what it is the norm of, and P+ = P - eta g
has |P+|^2 = |P|^2 + eta^2 |g|^2: for Loewdin as a whole, for Gram and Schmidt row by row, for
Householder vector by vector (derived). Norms never shrink, so that angular steps do.
"""

import dynlens as dl

from . import conservation

exact = {"scale": "1", "tolerance": 1e-12}

theorem = dl.Theorem(
    "O.T3",
    "exact growth of the parameters in descent",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        "Loewdin": dl.Equal("lowdin_whole", "lowdin_added_whole", **exact),
        "Gram and Schmidt": dl.Equal("gram_schmidt", "gram_schmidt_added", **exact),
        "Householder": dl.Equal("householder", "householder_added", **exact),
    },
    on=conservation.GROWN,
    false={
        "row by row, by Loewdin": {"left": "lowdin", "right": "lowdin_added"},
        "singular values are kept in descent": {"left": "lowdin_values", "right": "0"},
        "norms are kept in descent": {"claim": "Gram and Schmidt", "right": "0"},
    },
)
