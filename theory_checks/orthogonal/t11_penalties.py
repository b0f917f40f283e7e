"""A squared penalty is never exact; an unsquared one is, above half the pull.

(lambda/4) |QQ^T - I|^2: at a minimum lambda (QQ^T - I) = -G Q^-1, so that the defect is |G Q^-1| /
lambda, never zero. lambda |QQ^T - I|, as in the code of Liu et al. (2021): along SQ, S symmetric,
it grows at the rate 2 lambda |S|, the loss at <G Q^T, S>: the constrained optimum is a minimum if
lambda > |G Q^T| / 2, and is none below (derived).
"""

import dynlens as dl

from . import steps

theorem = dl.Theorem(
    "O.T11",
    "penalties for orthogonality",
    source="penalty of liu2021orthogonal (code); derived",
    claims={
        "squared": dl.Equal("strength * defect", "needed", tolerance=1e-9),
        "its limit": dl.Equal("needed", "limit", where="strength - 5000", tolerance=0.01),
        "its order": dl.PowerLaw("defect", "strength", exponent=-1, where="strength - 50"),
        "energy": dl.PowerLaw("energy", "strength", exponent=-1, where="strength - 500"),
        "exact above": dl.AtLeast("strong", "0"),
        "not below": dl.AtLeast("0", "weak"),
    },
    on=[steps.Penalties()],
    false={
        "the squared penalty is exact": {
            "claim": "squared",
            "left": "defect",
            "right": "0",
            "scale": "1",
        },
        "the other is exact for every strength": {
            "claim": "exact above",
            "left": "weak",
        },
    },
)
