"""With trained coefficients each component c u^(x l) keeps |u|^2 - l c^2, and nothing else.

Derived. The factor is the order l: the flow of the coefficient is l times slower than the length's.
"""

import dynlens as dl

from . import algebra, cases

theorem = dl.Theorem(
    "C.7",
    "the law of a trained coefficient",
    source="marcotte2023abide; derived",
    claims={
        "law": dl.Identities("|u|^2 - l c^2 is constant under every loss", algebra.trained),
        "at most": dl.Check(dl.Equal("most", "m"), [cases.TRAINED]),
        "at least": dl.Check(dl.Equal("least", "m"), [cases.TRAINED]),
    },
    false={
        "factor 1": {"claim": "law", "derive": lambda: algebra.trained(factor=1)},
        "factor 1/l": {"claim": "law", "derive": lambda: algebra.trained(factor="1/3")},
        "one law in all": {"claim": "at most", "right": "m / m"},
    },
)
