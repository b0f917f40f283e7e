"""Where the loss falls to zero, every norm grows like loss^(-1/2) and the rank tends to one.

Razin & Cohen (2020), Corollary 1 of Theorem 1. The theorem bounds norms from below by a multiple of
loss^(-1/2); since the observed entries stay bounded, |W_11| sqrt(2 loss) -> 1 makes it their rate.
"""

import sympy as sp

from dynlens import (
    BALANCED,
    POSITIVE_DETERMINANT,
    AtLeast,
    Check,
    Path,
    PowerLaw,
    Reading,
    Start,
    SystemPath,
    Theorem,
    completion_problem,
)

ASSUMED = (BALANCED, POSITIVE_DETERMINANT)
QUASI = {"quasi_norm": Reading("schatten_norm", parameters=(("p", 0.5),))}
NORMS = ("frobenius_norm", "nuclear_norm", "spectral_norm", "quasi_norm")

# Two layers from W(0) = alpha I keep W = [[x, y], [y, w]] positive definite. In the coordinates
# (x, y, q = log det W) the determinant, exp(-t^(2/3)) in size, is not lost to rounding.
x, y = sp.symbols("x y", positive=True)
q = sp.Symbol("q", real=True)
w = (y**2 + sp.exp(q)) / x
reduced_loss = (y - 1) ** 2 + w**2 / 2
reduced_norms = {
    "Frobenius": sp.sqrt(x**2 + 2 * y**2 + w**2),
    "nuclear": x + w,
    "spectral": (x + w + sp.sqrt((x - w) ** 2 + 4 * y**2)) / 2,
    "Schatten-1/2": x + w + 2 * sp.exp(q / 2),
}
fields = {"x": -2 * y * (y - 1), "y": -((x + w) * (y - 1) + y * w), "q": -2 * w}


def shallow(alpha, t_end=1e6):
    start = {"x": alpha, "y": 0.0, "q": float(2 * sp.log(alpha))}
    return SystemPath({name: str(rate) for name, rate in fields.items()}, start, t_end)


def deep(depth, seed=0, determinant=1):
    start = Start(0.3, "balanced", seed, determinant)
    numerics = {"method": "LSODA", "rtol": 1e-9, "atol": 1e-13, "saves": "log"}
    return Path(completion_problem(depth), start, 1e4, **numerics)


def slope(norm, loss="loss", exponent=-0.5, **changes):
    """Within 2 %, over the decades of loss below 1e-3 that the run reaches."""
    where = f"1e-3 - ({loss})"
    return PowerLaw(norm, loss, exponent, where=where, band=0.01, **changes)


def deep_slope(norm, exponent=-0.5, assumptions=ASSUMED):
    return slope(norm, exponent=exponent, assumptions=assumptions, readings=QUASI)


def rank_one(quantity, infimum, assumptions=ASSUMED):
    """Within a thousandth of its infimum once the loss is below 1e-4."""
    return AtLeast(f"{infimum} + 1e-3", quantity, where="1.1e-4 - loss", assumptions=assumptions)


flows = (deep(3), deep(4))
identities = (shallow(0.1), shallow(1.0))
brief = (shallow(1.0, 1e4),)
negative = (Path(completion_problem(3), Start(0.3, "balanced", 3, -1), 20.0),)

theorem = Theorem(
    id="P1.C1",
    title="norms diverge like loss^(-1/2), the rank tends to one",
    source="razin2020implicit, Corollary 1",
    checks=(
        *(Check(deep_slope(norm), flows) for norm in NORMS),
        *(Check(slope(norm, reduced_loss), identities) for norm in reduced_norms.values()),
        Check(rank_one("effective_rank", 1), flows),
        Check(rank_one("rank_distance", 0), flows),
    ),
    controls={
        "norms like 1 / loss": Check(slope(reduced_norms["Frobenius"], reduced_loss, -1.0), brief),
        "norms like loss^(-1/4)": Check(
            slope(reduced_norms["nuclear"], reduced_loss, -0.25), brief
        ),
        "norms stay bounded": Check(slope(reduced_norms["spectral"], reduced_loss, 0.0), brief),
        "determinant condition dropped": Check(
            deep_slope("frobenius_norm", assumptions=(BALANCED,)), negative
        ),
        "rank one without the determinant": Check(
            rank_one("effective_rank", 1, assumptions=(BALANCED,)), negative
        ),
    },
)
