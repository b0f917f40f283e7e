"""With perturbed observations |W_11| is driven up to |z z'| / |eps|.

Razin & Cohen (2020), Theorem 2, with the constants derived: b_12 = z, b_21 = z', b_22 = eps,
balanced factors, sign det W(0) = sign z z'. With s = sqrt(2 loss), and where s < min(|z|, |z'|),

    |W_11| >= (|z| - s) (|z'| - s) / (|eps| + s);   always  D <= |eps| + s  and
    erank <= 1 + 6 (|eps| + s) / min(|z|, |z'|).

Nothing is said of the loss tending to zero. A flow whose W_22 starts with the sign opposite to eps
can never fit: its loss stays above eps^2 / 2, and |W_11| passes |z z'| / |eps| without a bound.
"""

from dynlens import (
    BALANCED,
    Assumption,
    AtLeast,
    Check,
    Path,
    RandomMatrices,
    Reading,
    Start,
    States,
    Theorem,
    completion_problem,
)

ENTRY = {"w11": Reading("end_to_end", where=(0, 0))}
S = "sqrt(2 * loss)"
EPSILONS = (0.0, 0.01, 0.05, 0.1, 0.5)
Z, Z_PRIME = -2.0, 0.5  # the values of the paper's experiments


def same_sign(z, z_prime):
    """A sign that arithmetic can lose."""
    side = "-determinant" if z * z_prime < 0 else "determinant"
    return Assumption("sign det W = sign z z'", side, low=0.0, critical=True)


def assumed(z, z_prime):
    return {"assumptions": (BALANCED, same_sign(z, z_prime))}


def entry_bound(z, z_prime, epsilon, factor=1, below=None, **changes):
    """|W_11| >= (|z| - s) (|z'| - s) / (|eps| + s)."""
    z, z_prime = abs(z), abs(z_prime)
    low = f"{factor} * ({z} - {S}) * ({z_prime} - {S}) / ({below or abs(epsilon)} + {S})"
    settings = {"where": f"{min(z, z_prime)} - {S}", "readings": ENTRY}
    return AtLeast("Abs(w11)", low, **(settings | changes))


def distance_bound(epsilon, factor=1, **changes):
    return AtLeast(f"{factor} * ({abs(epsilon)} + {S})", "rank_distance", **changes)


def erank_bound(z, z_prime, epsilon, constant=6, **changes):
    size = f"{constant} * ({abs(epsilon)} + {S}) / {min(abs(z), abs(z_prime))}"
    return AtLeast(f"1 + {size}", "effective_rank", **changes)


def flow(depth, epsilon, seed=0, determinant=-1, t_end=300.0):
    problem = completion_problem(depth, observed=(Z, Z_PRIME, epsilon))
    start = Start(0.3, "balanced", seed, determinant)
    numerics = {"rtol": 1e-11} if t_end < 100 else {"method": "LSODA", "rtol": 1e-9}
    return Path(problem, start, t_end, saves="log", **numerics)


def flows(epsilon):
    """Depth 2 stops where the determinant is still known, unless it stays away from zero."""
    return (flow(2, epsilon, t_end=30.0), flow(3, epsilon))


def matrices(z, z_prime, epsilon):
    """Random ones, and nearly singular ones, where the bounds on W_11 and D are nearly attained."""
    sign = 1 if z * z_prime > 0 else -1
    problem = completion_problem(1, observed=(z, z_prime, epsilon))
    corners = [epsilon + (s if epsilon >= 0 else -s) for s in (1e-1, 1e-2, 1e-3, 1e-4)]
    tight = tuple((z * z_prime / b * (1 + 1e-6), z, z_prime, b) for b in corners)
    return (RandomMatrices(problem, 400_000, seed=0, determinant=sign), States(problem, tight))


def all_bounds(z, z_prime, epsilon, cases):
    settings = assumed(z, z_prime)
    return (
        Check(entry_bound(z, z_prime, epsilon, **settings), cases),
        Check(distance_bound(epsilon, **settings), cases),
        Check(erank_bound(z, z_prime, epsilon, **settings), cases),
    )


author = (Z, Z_PRIME, 0.1)
# W_22 starts negative: with eps < 0 the flow fits and W_11 -> 10, with eps > 0 it never does.
fits, never_fits = flow(3, -0.1, seed=3), flow(3, 0.1, seed=3)

theorem = Theorem(
    id="P1.T2",
    title="perturbed observations drive |W_11| up to |z z'| / |eps|",
    source="razin2020implicit, Theorem 2; constants derived",
    checks=(
        *(check for e in EPSILONS for check in all_bounds(Z, Z_PRIME, e, flows(e))),
        *all_bounds(*author, (fits, never_fits)),
        Check(AtLeast("loss", 0.1**2 / 2, **assumed(Z, Z_PRIME)), (never_fits,)),
        Check(AtLeast("Abs(w11)", 25, after=299.0, readings=ENTRY), (never_fits,)),
        *all_bounds(*author, matrices(*author)),
        *all_bounds(1.0, 1.0, 0.0, matrices(1.0, 1.0, 0.0)),
    ),
    controls={
        "sign condition dropped, depth 2": Check(
            entry_bound(*author, assumptions=(BALANCED,)), (flow(2, 0.1, determinant=1, t_end=5.0),)
        ),
        "sign condition dropped, depth 3": Check(
            entry_bound(*author, assumptions=(BALANCED,)), (flow(3, 0.1, determinant=1, t_end=5.0),)
        ),
        "|z z'| / eps^2": Check(
            entry_bound(Z, Z_PRIME, 0.5, below=0.25, **assumed(Z, Z_PRIME)),
            (flow(3, 0.5, t_end=10.0),),
        ),
        "numerator doubled": Check(
            entry_bound(*author, factor=2, **assumed(Z, Z_PRIME)), matrices(*author)
        ),
        "D <= (|eps| + s) / 2": Check(
            distance_bound(0.1, factor=0.5, **assumed(Z, Z_PRIME)), matrices(*author)
        ),
        "erank constant 1/2": Check(
            erank_bound(1.0, 1.0, 0.0, constant=0.5, **assumed(1.0, 1.0)), matrices(1.0, 1.0, 0.0)
        ),
    },
)
