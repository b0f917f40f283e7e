"""Fitting the completion problem drives every norm to infinity and the rank towards one.

Razin & Cohen (2020), Theorem 1: depth L >= 2, balanced start, det W(0) > 0.
"""

from dynlens import (
    BALANCED,
    POSITIVE_DETERMINANT,
    AtLeast,
    Check,
    Path,
    RandomMatrices,
    Reading,
    Start,
    Theorem,
    completion_problem,
)

ASSUMED = (BALANCED, POSITIVE_DETERMINANT)
QUASI = {"quasi_norm": Reading("schatten_norm", parameters=(("p", 0.5),))}


def norm_bound(norm, c, a_over=1.0, b_times=1.0, **changes):
    """||W|| >= a / sqrt(loss) - b with a = ||E_11|| / (sqrt 2 c), b = max(sqrt 2 a, 8 c^2 max ||E_ij||)."""
    a = 1 / (2**0.5 * c)  # every E_ij has norm one in all the norms used here
    b = max(2**0.5 * a, 8 * c**2)
    bound = f"{a * a_over!r} / sqrt(loss) - {b * b_times!r}"
    return AtLeast(left=norm, right=bound, **({"assumptions": ASSUMED} | changes))


def erank_bound(constant, **changes):
    return AtLeast(
        left=f"1 + {constant} * sqrt(loss)", right="effective_rank",
        **({"assumptions": ASSUMED} | changes),
    )


def distance_bound(constant, **changes):
    return AtLeast(
        left=f"{constant} * sqrt(loss)", right="rank_distance", **({"assumptions": ASSUMED} | changes)
    )


def flow(depth, seed, t_end, determinant=1, kind="balanced"):
    scale = 0.1 if depth == 2 else 0.3
    start = Start(scale, kind, seed, determinant)
    return Path(completion_problem(depth), start, t_end, method="LSODA", rtol=1e-11, atol=1e-14)


paths = tuple(
    flow(depth, seed, t_end)
    for depth, t_end in ((2, 40.0), (3, 1e3), (4, 1e3))
    for seed in (0, 1, 2)
)
# Nothing but det W > 0 is used by the bounds, so they hold for matrices that no flow visits.
matrices = (RandomMatrices(completion_problem(1), 200_000, seed=0, determinant=1),)
everywhere = paths + matrices

theorem = Theorem(
    id="P1.T1",
    title="all norms are driven up, rank surrogates to their infimum",
    source="razin2020implicit, Theorem 1",
    checks=(
        Check(norm_bound("frobenius_norm", 1), everywhere),
        Check(norm_bound("nuclear_norm", 1), everywhere),
        Check(norm_bound("spectral_norm", 1), everywhere),
        Check(norm_bound("quasi_norm", 2, readings=QUASI), everywhere),
        Check(erank_bound("2 * sqrt(12) / log(2)"), everywhere),
        Check(distance_bound("3 * sqrt(2)"), everywhere),
    ),
    controls={
        "1 / loss instead of 1 / sqrt(loss)": Check(
            AtLeast(left="frobenius_norm", right="1 / (sqrt(2) * loss) - 8", assumptions=ASSUMED),
            (flow(3, 0, 1e3),),
        ),
        "a doubled": Check(norm_bound("frobenius_norm", 1, a_over=2.0), (flow(3, 0, 1e3),)),
        "b = 0": Check(norm_bound("frobenius_norm", 1, b_times=0.0), (flow(2, 0, 40.0),)),
        "determinant condition dropped": Check(
            norm_bound("frobenius_norm", 1, assumptions=(BALANCED,)),
            (flow(3, 3, 1e3, determinant=-1),),
        ),
        "balancedness dropped": Check(
            norm_bound("frobenius_norm", 1, assumptions=(POSITIVE_DETERMINANT,)),
            (flow(2, 0, 40.0, kind="gaussian"),),
        ),
        "D <= sqrt(loss)": Check(distance_bound("1"), matrices),
        "erank <= 1 + sqrt(loss) / 2": Check(erank_bound("0.5"), (flow(2, 2, 40.0), *matrices)),
    },
)
