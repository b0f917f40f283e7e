"""In larger matrices, too, fitting all entries but one drives that one to infinity.

The extension in the experiments of Razin & Cohen (2020): d by d with b_12 = b_21 = 1, b_22 = 0,
b_ii = 1 for i >= 3, zero elsewhere, only b_11 unseen. All solutions have det = -1, and d - 2
singular values equal to one: their infimal rank is d - 1. As for d = 2, changing the observed
entries of a W with det W > 0 to their values, a step of length s = sqrt(2 loss), crosses a singular
matrix, hence sigma_d <= s and |W_11| >= 1 / s - s; balanced factors keep det W > 0.
"""

import dynlens as dl

from . import algebra, cases
from .cases import S, equal, positive

LARGE, MATRICES = cases.LARGE, cases.LARGE_MATRICES  # for d = 3 and 4
ANY = (*LARGE.values(), *MATRICES.values())


def at(d, claim):
    """In d by d matrices: flows late, and for what holds always, random matrices too."""
    return dl.Check(claim, (LARGE[d],) if claim.after else (LARGE[d], MATRICES[d]))


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
        "rate": equal(
            "Abs(w11)", "(8 * t)**exponent", given={"exponent": 3 / 8}, after=2.7e4, tolerance=0.01
        ),
        "entry": dl.Check(positive("Abs(w11)", f"1 / {S} - {S}"), ANY),
        **{f"sigma_{d}": at(d, positive(S, "sigma", readings=sigma(d))) for d in (3, 4)},
        "rank 2 of 3": at(3, positive(1e-3, "D", readings=rank(2), after=9e3)),
        "rank 3 of 4": at(4, positive(1e-3, "D", readings=rank(3), after=9e3)),
        **{
            f"sigma_{r} of {d}": at(
                d, equal("sigma", 1, readings=sigma(r), after=9e3, tolerance=1e-3)
            )
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
        "exponent L / (L + 2)": {"claim": "rate", "given": {"exponent": 3 / 5}},
        "|W_11| >= 1 / s": {"claim": "entry", "right": f"1 / {S}", "on": [MATRICES[3]]},
        "sigma_d <= s / 2": {"claim": "sigma_3", "left": f"{S} / 2", "on": [MATRICES[3]]},
    },
)
