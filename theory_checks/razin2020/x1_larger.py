"""In larger matrices, too, fitting all entries but one drives that one to infinity.

The extension in the experiments of Razin & Cohen (2020): d by d with b_12 = b_21 = 1, b_22 = 0,
b_ii = 1 for i >= 3, zero elsewhere, only b_11 unseen. All solutions have det = -1, and d - 2
singular values equal to one: their infimal rank is d - 1. As for d = 2, changing the observed
entries of a W with det W > 0 to their values, a step of length s = sqrt(2 loss), crosses a singular
matrix, hence sigma_d <= s and |W_11| >= 1 / s - s; balanced factors keep det W > 0.
"""

import dynlens as dl

from . import algebra, cases
from .cases import S, positive

LARGE, MATRICES = cases.LARGE, cases.LARGE_MATRICES  # for d = 3 and 4
ANY = (*LARGE.values(), *MATRICES.values())


LIMIT = {"assumptions": cases.CONDITIONS}


def at(d, claim):
    """In d by d matrices: along a flow, and at random."""
    return dl.Check(claim, (LARGE[d], MATRICES[d]))


def tends(d, of, value, readings):
    """In d by d matrices, along a flow."""
    return dl.Check(dl.Limit(of, value, **LIMIT, readings=readings, tolerance=1e-3), (LARGE[d],))


def sigma(r):
    return {"sigma": dl.Reading("singular_values", where=(r - 1,))}


def rank(r):
    return {"D": dl.Reading("rank_distance", parameters=(("rank", r),))}


theorem = dl.Theorem(
    "P1.X1",
    "larger completion problems: the unseen entry diverges, the rank tends to d - 1",
    source="razin2020implicit, experiments; bounds derived",
    claims={
        "solutions": dl.Identities("det -1 and d - 2 unit singular values", algebra.solutions),
        "grows": cases.grows(9e3),
        "rate": dl.Limit(
            "Abs(w11)", "(8 * t)**(3 / 8)", **LIMIT, readings=cases.NAMES, tolerance=1e-3
        ),
        "exponent": dl.PowerLaw("Abs(w11)", "t", 3 / 8, after=1e4, **LIMIT, readings=cases.NAMES),
        "entry": dl.Check(positive("Abs(w11)", f"1 / {S} - {S}"), ANY),
        **{f"sigma_{d}": at(d, positive(S, "sigma", readings=sigma(d))) for d in (3, 4)},
        **{f"rank {d - 1} of {d}": tends(d, "D", 0, readings=rank(d - 1)) for d in (3, 4)},
        **{
            f"sigma_{r} of {d}": tends(d, "sigma", 1, readings=sigma(r))
            for d, r in ((3, 2), (4, 2), (4, 3))
        },
    },
    on=LARGE.values(),
    false={
        "infimal rank 1 for d = 3": {"claim": "rank 2 of 3", "readings": rank(1)},
        "b_33 = -1, the flow": {"claim": "grows", "on": [cases.LAST_NEGATIVE]},
        "b_33 = -1, the solutions": {
            "claim": "solutions",
            "derive": algebra.solutions_with_last_negative,
        },
        "determinant condition dropped": {
            "claim": "grows",
            "assumptions": (dl.BALANCED,),
            "on": [cases.LARGE_NEGATIVE],
        },
        "exponent L / (L + 2)": {"claim": "exponent", "exponent": 3 / 5},
        "|W_11| >= 1 / s": {"claim": "entry", "right": f"1 / {S}", "on": [MATRICES[3]]},
        "sigma_d <= s / 2": {"claim": "sigma_3", "left": f"{S} / 2", "on": [MATRICES[3]]},
    },
)
