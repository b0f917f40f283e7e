"""With perturbed observations |W_11| is driven up to |z z'| / |eps|.

Razin & Cohen (2020), Theorem 2, with the constants derived: b_12 = z, b_21 = z', b_22 = eps,
balanced factors, sign det W(0) = sign z z'. With s = sqrt(2 loss), and where s < min(|z|, |z'|),

    |W_11| >= (|z| - s) (|z'| - s) / (|eps| + s);   always  D <= |eps| + s  and
    erank <= 1 + 6 (|eps| + s) / min(|z|, |z'|).

Nothing is said of the loss tending to zero. A flow whose W_22 starts with the sign opposite to eps
can never fit: its loss stays above eps^2 / 2, and |W_11| passes |z z'| / |eps| without a bound.
"""

from dataclasses import replace

import dynlens as dl

from . import cases
from .cases import S, positive

SAME_SIGN = dl.Assumption("sign det W = sign z z'", "side * determinant", low=0, critical=True)
ASSUMED = (dl.BALANCED, SAME_SIGN)
BOUNDS = {
    "|W_11|": positive(
        "Abs(w11)",
        f"(z - {S}) * (zp - {S}) / (eps + {S})",
        where=f"Min(z, zp) - {S}",
        assumptions=ASSUMED,
    ),
    "D": positive(f"eps + {S}", "rank_distance", assumptions=ASSUMED),
    "erank": positive(f"1 + 6 * (eps + {S}) / Min(z, zp)", "effective_rank", assumptions=ASSUMED),
}
NEAR, AT = cases.sizes(cases.Z, cases.Z_PRIME, 0.1), cases.sizes(1.0, 1.0, 0.0)

theorem = dl.Theorem(
    "P1.T2",
    "perturbed observations drive |W_11| up to |z z'| / |eps|",
    source="razin2020implicit, Theorem 2; constants derived",
    claims={
        **{
            f"{name}, {k}": dl.Check(replace(bound, given=given), on)
            for k, (given, on) in enumerate(cases.PERTURBED)
            for name, bound in BOUNDS.items()
        },
        "never fits": positive("loss", "eps**2 / 2", given=NEAR, assumptions=ASSUMED),
        "without a bound": positive("Abs(w11)", 25, after=299.0, assumptions=()),
    },
    on=[cases.NEVER_FITS],
    false={
        f"sign condition dropped, depth {depth}": {
            "claim": "|W_11|, 3",
            "assumptions": (dl.BALANCED,),
            "on": [cases.perturbed(depth, 0.1, determinant=1, t_end=5.0)],
        }
        for depth in (2, 3)
    }
    | {
        "|z z'| / eps^2": {
            "claim": "|W_11|, 4",
            "right": BOUNDS["|W_11|"].right.replace("eps", "eps**2"),
        },
        "numerator doubled": {"claim": "|W_11|, 6", "right": f"2 * {BOUNDS['|W_11|'].right}"},
        "D <= (|eps| + s) / 2": {"claim": "D, 6", "left": f"(eps + {S}) / 2"},
        "erank constant 1/2": {
            "claim": "erank, 7",
            "left": BOUNDS["erank"].left.replace("6", "1 / 2"),
        },
    },
)
