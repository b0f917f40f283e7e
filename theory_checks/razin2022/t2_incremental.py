"""Local components of a node grow one after another, so that the hierarchical rank is learned so.

Razin, Maman & Cohen (2022), Section 4.1: a characterization of the dynamics, no theorem on limits.
All local components of a node obey the law of P3.T1; where their alignments are constant, the
closed forms hold with L = L_nu in place of N, and when the first escapes the others are still
O(alpha^L). That is exact in a tree of one level whose alignments do not move. In a deeper tree they
do move, since the direction tensors change, and from generic starts the others are larger than
alpha^L; yet the fitted tensor's superfluous singular values vanish with the scale of the start.
"""

import dynlens as dl
from theory_checks.razin2021 import algebra

from . import incremental
from .incremental import BEHIND, FITTED, FOUR_VECTORS, MODES, THREE_VECTORS

NUMBERS = {"gamma_1": 1.0, "gamma_2": 0.6}


def separation(L):
    """sigma_2 as a function of sigma_1, for components of L vectors."""
    return dl.ClosedForm("sigma_2", BEHIND, given=NUMBERS | {"L": L}, readings=MODES)


theorem = dl.Theorem(
    "P3.T2",
    "hierarchical rank is learned incrementally",
    source="razin2022implicit, Section 4.1; a characterization, with numerical evidence",
    claims={
        "closed forms": dl.Identities(
            "CF1, CF3 and CF4 solve the law, for any number of vectors", algebra.closed_forms
        ),
        "three vectors": dl.Check(separation(3), THREE_VECTORS),
        "four vectors": dl.Check(separation(4), FOUR_VECTORS),
        "at escape": dl.Check(
            dl.PowerLaw(incremental.second_at_the_root, "alpha", 3, band=0.15),
            (incremental.ONE_LEVEL,),
        ),
        # Of the matricization at {1,2}, relative to the first.
        "superfluous": dl.AtLeast("alpha**3", "s3 / s1", readings=incremental.VALUES),
    },
    on=[FITTED],
    false={
        "N in place of L": {"claim": "four vectors", "given": NUMBERS | {"L": 3}},
        "small starts do not matter": {"claim": "superfluous", "left": "1e-6"},
        "the second is superfluous as well": {"claim": "superfluous", "right": "s2 / s1"},
        "deeper trees: others ~ alpha^L at escape": {
            "claim": "at escape",
            "on": [incremental.TWO_LEVELS],
        },
    },
)
