"""Fitting the completion problem drives every norm to infinity and the rank towards one.

Razin & Cohen (2020), Theorem 1: depth L >= 2, balanced start, det W(0) > 0. The dynamics only keep
det W > 0; the bounds follow from that alone. Changing the observed entries of W to their values, a
step of length s = sqrt(2 loss), makes det W = -1, so a singular matrix lies on the way; hence both
ends are within s of rank one, which is D <= s and |W_11| >= 1 / s - s. Here all ||E_ij|| = 1, so
that a = 1 / (sqrt(2) c) and b = max(sqrt(2) a, 8 c^2), with c = 1 for norms.
"""

import math

import dynlens as dl

from . import cases
from .cases import S, positive

A, B = 1 / 2**0.5, 8
NORMS = ("frobenius_norm", "nuclear_norm", "spectral_norm")
ERANK = 2 * 12**0.5 / math.log(2)
NORM = "a / sqrt(loss) - b"

theorem = dl.Theorem(
    "P1.T1",
    "all norms are driven up, rank surrogates to their infimum",
    source="razin2020implicit, Theorem 1",
    claims={
        **{norm: positive(norm, NORM, given={"a": A, "b": B}) for norm in NORMS},
        "Schatten-1/2, c = 2": positive("quasi_norm", NORM, given={"a": A / 2, "b": 4 * B}),
        "erank": positive("1 + k * sqrt(loss)", "effective_rank", given={"k": ERANK}),
        "D": positive("k * sqrt(loss)", "rank_distance", given={"k": 3 * 2**0.5}),
        # Stronger than the theorem; the next to last is what the argument above proves.
        "entry - 2": positive("Abs(w11)", f"1 / {S} - 2"),
        "entry - 1": positive("Abs(w11)", f"1 / {S} - 1"),
        "entry - s": positive("Abs(w11)", f"1 / {S} - {S}"),
        "D <= s": positive(S, "rank_distance"),
        "erank, 1": positive("1 + k * sqrt(loss)", "effective_rank", given={"k": 1}),
        # The constant a is the best possible: det W tends to zero.
        "limit": dl.Check(cases.grows(900.0), cases.DEEP),
        "det W": dl.Check(positive("0.01", "determinant", after=900.0), cases.DEEP),
    },
    on=[*cases.FLOWS, cases.random_matrices()],
    false={
        "1 / loss instead of 1 / sqrt(loss)": {"right": "a / loss - b", "on": cases.DEEP[:1]},
        "a doubled": {"given": {"a": 2 * A, "b": B}, "on": cases.DEEP[:1]},
        "b = 0": {"given": {"a": A, "b": 0}, "on": cases.SHALLOW[:1]},
        "determinant condition dropped": {"assumptions": (dl.BALANCED,), "on": cases.NEGATIVE},
        "balancedness dropped": {
            "assumptions": (cases.POSITIVE_START,),
            "on": [cases.completion(2, 10.0, scale=0.1, kind="gaussian")],
        },
        "D <= sqrt(loss)": {"claim": "D", "given": {"k": 1}, "on": [cases.random_matrices()]},
        "erank <= 1 + sqrt(loss) / 2": {
            "claim": "erank",
            "given": {"k": 0.5},
            "on": [cases.SHALLOW[2]],
        },
    },
)
