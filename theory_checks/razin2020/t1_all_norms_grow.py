"""Fitting the completion problem drives every norm to infinity and the rank towards one.

Razin & Cohen (2020), Theorem 1: depth L >= 2, balanced start, det W(0) > 0. The dynamics only keep
det W > 0; the bounds follow from that alone. Changing the observed entries of W to their values, a
step of length s = sqrt(2 loss), makes det W = -1, so a singular matrix lies on the way; hence both
ends are within s of rank one, which is D <= s and |W_11| >= 1 / s - s.
"""

from dynlens import (
    BALANCED,
    POSITIVE_DETERMINANT,
    Assumption,
    AtLeast,
    Check,
    Equal,
    Path,
    RandomMatrices,
    Reading,
    Start,
    Theorem,
    completion_problem,
)

ASSUMED = {"assumptions": (BALANCED, POSITIVE_DETERMINANT)}
POSITIVE_START = Assumption("det W(0) > 0", "determinant", low=0.0)
NAMES = {
    "quasi_norm": Reading("schatten_norm", parameters=(("p", 0.5),)),
    "w11": Reading("end_to_end", where=(0, 0)),
}


def norm_bound(norm, c=1, a_times=1.0, b_times=1.0, **changes):
    """a = ||E_11|| / (sqrt 2 c), b = max(sqrt 2 a, 8 c^2 max ||E_ij||); here all ||E_ij|| = 1."""
    a = 1 / (2**0.5 * c)
    b = max(2**0.5 * a, 8 * c**2)
    bound = f"{a_times * a} / sqrt(loss) - {b_times * b}"
    return AtLeast(norm, bound, **(ASSUMED | {"readings": NAMES} | changes))


def erank_bound(constant):
    return AtLeast(f"1 + {constant} * sqrt(loss)", "effective_rank", **ASSUMED)


def distance_bound(constant):
    return AtLeast(f"{constant} * sqrt(loss)", "rank_distance", **ASSUMED)


def entry_bound(b):
    """|W_11| >= 1 / sqrt(2 loss) - b."""
    return AtLeast("Abs(w11)", f"1 / sqrt(2 * loss) - {b}", readings=NAMES, **ASSUMED)


def flow(depth, seed, t_end, determinant=1, kind="balanced"):
    """At depth 2, det W ~ exp(-1.65 t^(2/3)) is soon lost to rounding, hence short runs."""
    start = Start(0.1 if depth == 2 else 0.3, kind, seed, determinant)
    numerics = {"rtol": 1e-11} if t_end < 100 else {"method": "LSODA", "rtol": 1e-9}
    return Path(completion_problem(depth), start, t_end, saves="log", **numerics)


paths = tuple(
    flow(depth, seed, t_end)
    for depth, t_end in ((2, 40.0), (3, 1e3), (4, 1e3))
    for seed in (0, 1, 2)
)
# Matrices that no flow visits come closer to the bounds: flows explore a benign corner.
matrices = (RandomMatrices(completion_problem(1), 200_000, seed=0, determinant=1),)

theorem = Theorem(
    id="P1.T1",
    title="all norms are driven up, rank surrogates to their infimum",
    source="razin2020implicit, Theorem 1",
    checks=(
        *(
            Check(claim, paths + matrices)
            for claim in (
                norm_bound("frobenius_norm"),
                norm_bound("nuclear_norm"),
                norm_bound("spectral_norm"),
                norm_bound("quasi_norm", c=2),
                erank_bound("2 * sqrt(12) / log(2)"),
                distance_bound("3 * sqrt(2)"),
                # Stronger than the theorem; the next to last is what the argument above proves.
                entry_bound(2),
                entry_bound(1),
                entry_bound("sqrt(2 * loss)"),
                distance_bound("sqrt(2)"),
                erank_bound(1),
            )
        ),
        # The constant a is the best possible: the limit is 1, reached here to half a percent.
        Check(
            Equal("frobenius_norm * sqrt(2 * loss)", 1, after=900.0, tolerance=5e-3, **ASSUMED),
            paths[3:],
        ),
    ),
    controls={
        "1 / loss instead of 1 / sqrt(loss)": Check(
            AtLeast("frobenius_norm", "1 / (sqrt(2) * loss) - 8", **ASSUMED), (flow(3, 0, 10.0),)
        ),
        "a doubled": Check(norm_bound("frobenius_norm", a_times=2), (flow(3, 0, 50.0),)),
        "b = 0": Check(norm_bound("frobenius_norm", b_times=0), (flow(2, 0, 5.0),)),
        "determinant condition dropped": Check(
            norm_bound("frobenius_norm", assumptions=(BALANCED,)), (flow(3, 3, 10.0, -1),)
        ),
        "balancedness dropped": Check(
            norm_bound("frobenius_norm", assumptions=(POSITIVE_START,)),
            (flow(2, 0, 10.0, kind="gaussian"),),
        ),
        "D <= sqrt(loss)": Check(distance_bound(1), matrices),
        "erank <= 1 + sqrt(loss) / 2": Check(erank_bound(0.5), (flow(2, 2, 2.0),)),
    },
)
