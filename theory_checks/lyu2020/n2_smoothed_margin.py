"""The smoothed normalized margin never falls once the loss is below 1, at a rate that is known.

Lyu & Li (2020), Theorem 4.1, with the exact rate: for the exponential loss, with u = log(1 / loss),

d/dt log(u / rho^K) = K^2 nu / rho^2 (nu / (loss u) - 1) + rho^2 |d/dt(theta / rho)|^2 / (loss u).
"""

import dynlens as dl

from .cases import BOTH, CUBIC, LOGISTIC

U = "log(1 / loss)"
RHO = f"({BOTH})"
MARGIN = f"{U} / {RHO}**(3/2)"
LATE = "1 - loss"
TURN = f"(gradient_norm^2 - 9 * nu^2 / {RHO}) / (loss * {U})"  # of the direction

theorem = dl.Theorem(
    "N2.2",
    "the smoothed normalized margin of a homogeneous network increases",
    source="lyu2020gradient, Theorem 4.1",
    claims={
        "margin": dl.AtLeast(f"d({MARGIN})", "0", where=LATE),
        "rate": dl.RateLaw(
            f"log({U}) - 3/2 * log({RHO})",
            f"9 * nu / {RHO} * (nu / (loss * {U}) - 1) + {TURN}",
            where=LATE,
            scale=f"9 * nu / {RHO} * (nu / (loss * {U}) + 1)",
        ),
        "logistic": dl.Check(
            dl.AtLeast(f"d(-log(exp(loss) - 1) / {RHO}**(3/2))", "0", where="log(2) - loss"),
            [LOGISTIC],
        ),
    },
    on=[CUBIC],
    false={
        "the least margin itself": {"left": f"d(least / {RHO}**(3/2))"},
        "from the start": {"where": None},
        "exponent K + 1": {"left": f"d({U} / {RHO}**2)"},
        "K for its square": {
            "rate": f"3 * nu / {RHO} * (nu / (loss * {U}) - 1) + {TURN}",
        },
    },
)
