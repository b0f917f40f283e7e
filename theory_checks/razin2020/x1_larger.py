"""In larger matrices, too, fitting all entries but one drives that one to infinity.

The extension in the experiments of Razin & Cohen (2020): d by d with b_12 = b_21 = 1, b_22 = 0,
b_ii = 1 for i >= 3, zero elsewhere, only b_11 unseen. All solutions have det = -1, and d - 2
singular values equal to one: their infimal rank is d - 1. As for d = 2, changing the observed
entries of a W with det W > 0 to their values, a step of length s = sqrt(2 loss), crosses a singular
matrix, hence sigma_d <= s and |W_11| >= 1 / s - s; balanced factors keep det W > 0.
"""

from dataclasses import replace

import sympy as sp

from dynlens import (
    BALANCED,
    POSITIVE_DETERMINANT,
    AtLeast,
    Check,
    Entries,
    Equal,
    Identities,
    Path,
    RandomMatrices,
    Reading,
    Start,
    Theorem,
    completion_problem,
)

ASSUMED = {"assumptions": (BALANCED, POSITIVE_DETERMINANT)}
ENTRY = {"w11": Reading("end_to_end", where=(0, 0))}
SIZES = (3, 4)
S = "sqrt(2 * loss)"


def flow(problem, determinant=1, t_end=1e3):
    start = Start(0.3, "balanced", 0, determinant)
    numerics = {"method": "LSODA", "rtol": 1e-9} if t_end > 100 else {}
    return Path(problem, start, t_end, saves="log", **numerics)


def solution(size, last):
    """The solutions with b_33 = last, as a symbolic matrix in x = W_11."""
    W = sp.diag(sp.Symbol("x", real=True), 0, last, *[1] * (size - 3))
    W[0, 1] = W[1, 0] = 1
    return W


def solutions(last=1):
    """Determinant -1, and a characteristic polynomial of W W' with d - 2 roots equal to one."""
    k, x = sp.Symbol("k"), sp.Symbol("x", real=True)
    found = {}
    for size in SIZES:
        W = solution(size, last)
        roots = (k**2 - (x**2 + 2) * k + 1) * (k - 1) ** (size - 2)
        found[f"det, d = {size}"] = W.det() + 1
        found[f"singular values, d = {size}"] = (W * W.T).charpoly(k).as_expr() - roots
    return found


def with_last_sign_flipped(depth):
    """The 3 by 3 problem with b_33 = -1, whose solutions have determinant +1."""
    problem = completion_problem(depth, size=3)
    seen = problem.observations
    return replace(problem, observations=Entries(seen.shape, seen.indices, (*seen.values[:-1], -1)))


def grows(after=900.0, tolerance=5e-3, **changes):
    """|W_11| sqrt(2 loss) -> 1, reached to half a percent."""
    settings = {"after": after, "tolerance": tolerance, "readings": ENTRY}
    return Equal(f"Abs(w11) * {S}", 1, **(settings | ASSUMED | changes))


def growth_law(exponent, after=900.0, tolerance=0.03):
    """With its prefactor; reached to about a percent at t = 1000."""
    law = f"((2 * depth + 2) * t)**({exponent})"
    settings = {"after": after, "tolerance": tolerance, "readings": ENTRY}
    return Equal("Abs(w11)", law, **settings, **ASSUMED)


def tends_to_rank(rank, distance=1e-3, after=900.0):
    far = {"D": Reading("rank_distance", parameters=(("rank", rank),))}
    return AtLeast(distance, "D", after=after, readings=far, **ASSUMED)


def unit_singular_value(r):
    value = {"sigma": Reading("singular_values", where=(r,))}
    return Equal("sigma", 1, after=900.0, tolerance=1e-3, readings=value, **ASSUMED)


def least_singular_value(size, factor=1):
    value = {"sigma": Reading("singular_values", where=(size - 1,))}
    return AtLeast(f"{factor} * {S}", "sigma", readings=value, **ASSUMED)


def entry_bound(b=S):
    return AtLeast("Abs(w11)", f"1 / {S} - {b}", readings=ENTRY, **ASSUMED)


def problem_of_size(size):
    return completion_problem(3, size=size)


flows = {size: flow(problem_of_size(size)) for size in SIZES}
brief = (flow(problem_of_size(3), t_end=20.0),)
matrices = {
    size: RandomMatrices(completion_problem(1, size=size), 100_000, seed=0, determinant=1)
    for size in SIZES
}

theorem = Theorem(
    id="P1.X1",
    title="larger completion problems: the unseen entry diverges, the rank tends to d - 1",
    source="razin2020implicit, experiments; bounds derived",
    checks=(
        Check(Identities("solutions have det -1 and d - 2 unit singular values", solutions)),
        Check(grows(), tuple(flows.values())),
        Check(growth_law("depth / (2 * depth + 2)"), tuple(flows.values())),
        Check(entry_bound(), (*flows.values(), *matrices.values())),
        *(Check(least_singular_value(d), (flows[d], matrices[d])) for d in SIZES),
        *(Check(tends_to_rank(d - 1), (flows[d],)) for d in SIZES),
        *(Check(unit_singular_value(r), (flows[d],)) for d in SIZES for r in range(1, d - 1)),
    ),
    controls={
        # The true laws hold to these wider tolerances already at the end of the brief runs.
        "infimal rank 1 for d = 3": Check(tends_to_rank(1, 0.1, after=15.0), brief),
        "b_33 = -1, the flow": Check(
            grows(15.0, 0.1), (flow(with_last_sign_flipped(3), t_end=20.0),)
        ),
        "b_33 = -1, the solutions": Check(
            Identities("solutions with b_33 = -1 have det -1", lambda: solutions(last=-1))
        ),
        "determinant condition dropped": Check(
            grows(15.0, 0.1, assumptions=(BALANCED,)), (flow(problem_of_size(3), -1, 20.0),)
        ),
        "exponent L / (L + 2)": Check(growth_law("depth / (depth + 2)", 15.0, 0.3), brief),
        "|W_11| >= 1 / s": Check(entry_bound(0), (matrices[3],)),
        "sigma_d <= s / 2": Check(least_singular_value(3, factor=0.5), (matrices[3],)),
    },
)
