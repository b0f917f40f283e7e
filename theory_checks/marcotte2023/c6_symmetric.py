"""Sums of powers l >= 3 of vectors in two dimensions or more have no conservation law.

Derived: the gradients and their brackets span everything, by one minor that is not zero. Sums of
squares of more vectors than dimensions have laws, d (m - d) rational ones; so do numbers.
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "C.6",
    "symmetric tensors of order three and more conserve nothing",
    source="marcotte2023abide; derived",
    claims={
        "none": dl.Check(dl.Equal("most", "0", scale="1"), [cases.HIGH]),
        "matrices": dl.Check(dl.Equal("most", "d * (m - d)"), [cases.MATRICES]),
        "numbers": dl.Check(dl.Equal("most", "m - 1"), [cases.LINE]),
    },
    false={
        "none for matrices": {"claim": "none", "on": [cases.MATRICES]},
        "none in one dimension": {"claim": "none", "on": [cases.LINE]},
        "one for each vector": {"claim": "none", "left": "m"},
    },
)
