"""The weights follow w^ log t, and what is left over converges.

Soudry et al. (2018), Theorems 3 and 4, for support vectors of positive weights: the limit w~ of
w - w^ log t has exp(-z_i w~) = alpha_i. Across the support vectors it keeps a share of the start;
where they do not span the space it depends on that, and on the pull of the other data.
"""

import dynlens as dl

from .cases import ELSEWHERE, FLAT, SPANNED


def margin(k, value=None, **changes):
    """The k-th support vector's margin less log t."""
    limit = f"-log_alpha[{k}]" if value is None else value
    return dl.Limit(f"support[{k}] - log(1 + t)", limit, **changes)


def across(value):
    """Third entry of the part across the support vectors."""
    return dl.Limit("apart[2] * across", value)


theorem = dl.Theorem(
    "N1.1",
    "w follows the maximal-margin vector times log t, up to a limit",
    source="soudry2018implicit, Theorems 3 and 4",
    claims={
        "first": margin(0),
        "second": margin(1),
        "third": dl.Check(margin(2), SPANNED),
        "across": dl.Check(across(0.284135406562), [FLAT]),
        "across, from elsewhere": dl.Check(across(2.005283382205), [ELSEWHERE]),
    },
    on=[*SPANNED, FLAT, ELSEWHERE],
    false={
        "exp(-z w~) = 1": {"value": "0"},
        "alpha itself for its logarithm": {"value": "-exp(log_alpha[0])"},
        "for all data": {
            "of": "t * exp(-q[0])",
            "value": "exp(log_alpha[0])",
            "on": [FLAT],
        },
        "the limit does not depend on the start": {"claim": "across", "on": [ELSEWHERE]},
        "across the support nothing moves": {"claim": "across", "value": "0", "on": [FLAT]},
    },
)
