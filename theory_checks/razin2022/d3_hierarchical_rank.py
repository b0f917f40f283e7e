"""At most R'_nu nonzero local components at every node bound the hierarchical rank.

Razin, Maman & Cohen (2022), after the definition of the hierarchical tensor rank: if at each
interior node nu at most R'_nu local components differ from zero, then the end-to-end tensor,
matricized at any child of nu, has rank at most R'_nu.
"""

import dynlens as dl

from . import truncation

theorem = dl.Theorem(
    "P3.D3",
    "few local components, low hierarchical rank",
    source="razin2022implicit, on the hierarchical tensor rank",
    claims={
        "two kept": dl.AtLeast(2, truncation.ranks_after_keeping_two),
        "two kept, generic": dl.Equal(truncation.ranks_after_keeping_two, 2),
        "one kept": dl.AtLeast(1, truncation.ranks_after_keeping_one),
        "all kept": dl.AtLeast(truncation.widths_of_parents, "hierarchical_rank"),
    },
    on=truncation.WIDE,
    false={
        "two kept, rank one": {"claim": "two kept", "left": 1},
        "truncating the root alone": {
            "claim": "two kept",
            "right": truncation.ranks_after_keeping_two_at_the_root,
        },
        "rank two without truncation": {"claim": "two kept", "right": "hierarchical_rank"},
    },
)
