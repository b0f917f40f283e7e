"""Two directions close to each other are fitted by their mean first.

For targets that are not orthogonal components may follow mixtures, Ge et al. (2021); derived: under
the residual v_1^l + v_2^l the normalized mean attracts iff v_1 . v_2 > (l - 2) / l. Below that the
limit is a maximizer of D(u^l) near v_1, but not v_1 itself.
"""

import dynlens as dl

from . import algebra
from .directions import Pairs

pairs = [Pairs(order=l) for l in (3, 4, 6)]
far = [Pairs(order=l, offsets=(-0.05,)) for l in (3, 4, 6)]
threshold = "(order - 2) / order"

theorem = dl.Theorem(
    "Q2.T9",
    "close directions are fitted by their mean first",
    source="ge2021understanding; derived",
    claims={
        "bending": dl.Identities(
            "the mean attracts iff v_1 . v_2 > (l - 2) / l", algebra.across_the_mean
        ),
        # The tilt is 0 at the mean and 1 at v_1.
        "above": dl.AtLeast("1e-6", "tilt", where=f"dot - {threshold}", tolerance=0.0),
        "below": dl.AtLeast("tilt", "0.1", where=f"{threshold} - dot", tolerance=0.0),
        "near v_1": dl.Check(dl.AtLeast("tilt", "0.6"), far),
        "not at it": dl.Check(dl.AtLeast("0.75", "tilt"), far),
        "better than it": dl.Check(dl.AtLeast("pull", "own + 0.01"), far),
    },
    on=pairs,
    false={
        "threshold 1/2 at order 3": {"claim": "below", "where": "1 / 2 - dot", "on": pairs[:1]},
        "threshold 1/2 at order 6": {"claim": "above", "where": "dot - 1 / 2", "on": pairs[2:]},
        "threshold (l - 1) / (l + 1) at order 4": {
            "claim": "below",
            "where": "(order - 1) / (order + 1) - dot",
            "on": pairs[1:2],
        },
        "splits whenever v_1 is not v_2": {"claim": "below", "where": None, "on": pairs[1:2]},
        "the limit below the threshold is v_1": {"claim": "near v_1", "right": "0.99"},
    },
)
