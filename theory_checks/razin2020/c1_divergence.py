"""Where the loss falls to zero, every norm grows like loss^(-1/2) and the rank tends to one.

Razin & Cohen (2020), Corollary 1 of Theorem 1. The theorem bounds norms from below by a multiple of
loss^(-1/2); since the observed entries stay bounded, |W_11| sqrt(2 loss) -> 1 makes it their rate.
"""

import dynlens as dl

from . import cases, two_layers

NORMS = ("frobenius_norm", "nuclear_norm", "spectral_norm", "quasi_norm")
POSITIVE = {"assumptions": cases.CONDITIONS, "readings": cases.NAMES}
NEGATIVE = {"assumptions": (dl.BALANCED,), "on": cases.NEGATIVE}


def slope(norm, loss="loss", **changes):
    """Fitted over all that the runs reach of the losses below 1e-4."""
    return dl.PowerLaw(norm, loss, -0.5, where=f"1e-4 - {loss}", band=0.01, **changes)


theorem = dl.Theorem(
    "P1.C1",
    "norms diverge like loss^(-1/2), the rank tends to one",
    source="razin2020implicit, Corollary 1",
    claims={
        **{norm: slope(norm, **POSITIVE) for norm in NORMS},
        **{
            f"two layers, {name}": dl.Check(slope(norm, two_layers.LOSS), two_layers.SOME)
            for name, norm in two_layers.NORMS.items()
        },
        "erank": cases.positive("1 + 1e-3", "effective_rank", where="1.1e-4 - loss"),
        "D": cases.positive("1e-3", "rank_distance", where="1.1e-4 - loss"),
    },
    on=cases.LONG,
    false={
        "norms like 1 / loss": {"claim": "two layers, Frobenius", "exponent": -1.0},
        "norms like loss^(-1/4)": {"claim": "two layers, nuclear", "exponent": -0.25},
        "norms stay bounded": {"claim": "two layers, spectral", "exponent": 0.0},
        "determinant condition dropped": {"claim": "frobenius_norm"} | NEGATIVE,
        "rank one without the determinant": {"claim": "erank"} | NEGATIVE,
    },
)
