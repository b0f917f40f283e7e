"""Within a local component of a hierarchical factorization all squared norms grow alike.

Razin, Maman & Cohen (2022), in the proof of Theorem 1. The local component r of a node nu is
row r of its weight and column r of each child's; W is linear in each of these L_nu vectors, whose
squared norms therefore grow at the one rate 2 gamma sigma. Summed over r, the squared Frobenius
norms of a weight and of its children's differ by constants, which are zero if balanced.
"""

import dynlens as dl

from . import cases

SCALE = "parameter_norm * gradient_norm"

theorem = dl.Theorem(
    "P3.L1",
    "differences of squared norms within a local component are conserved",
    source="razin2022implicit, in the proof of Theorem 1",
    claims={
        "conserved": dl.Conserved("imbalances"),
        "everywhere": dl.Check(dl.RateLaw("imbalances", 0, scale=SCALE), cases.ANYWHERE),
        "of weights": dl.Conserved(cases.frobenius_differences),
        "equal if balanced": dl.Check(
            dl.Equal(
                cases.frobenius_differences,
                0,
                scale="parameter_norm**2",
                assumptions=(dl.BALANCED,),
            ),
            cases.EVEN_WITH_ROOT,
        ),
    },
    on=cases.FLOWS,
    false={
        "row r against column r + 1": {"of": cases.norms_of_columns, "on": [cases.UNBALANCED]},
        "Frobenius norms are equal": {
            "claim": "equal if balanced",
            "assumptions": (),
            "on": [cases.UNBALANCED],
        },
        "conserved by gradient descent": {"claim": "conserved", "on": [cases.DESCENT]},
    },
)
