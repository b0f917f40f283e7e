"""Without balancedness, two layers lose the positive determinant from almost every start.

What Theorem 1 of Razin & Cohen (2020) does not cover. Near zero the flow of two layers is linear,
dW_1/dt = W_2^T M and dW_2/dt = M W_1^T, where M = -grad l(0) is a reflection. So W ~ e^(2t) M X^T X
with X = (W_1 + W_2^T M)(0) / 2, a matrix of negative determinant however small the start, and the
flow ends in a solution, where det W = -1. Balanced starts with det W > 0 are exceptions: det X = 0.

Three layers lose the sign too, but leave the matrices near rank one so slowly that for long |W_11|
grows as from balanced starts.
"""

import dynlens as dl

from . import algebra, cases, unbalanced
from .unbalanced import EARLY, LATE, THREE_LAYERS, TINY, growing_mode

theorem = dl.Theorem(
    "P1.R1",
    "unbalanced starts of two layers lose the positive determinant",
    source="a remark on razin2020implicit, Theorem 1",
    claims={
        # A percent, for the slowest of the starts are still on their way.
        "end": dl.Check(dl.Equal("determinant", -1, tolerance=1e-2), LATE),
        "lost": dl.Check(dl.AtLeast(0, "determinant"), EARLY),
        "nothing is learned yet": dl.Check(dl.AtLeast("loss", 0.97), EARLY),  # it was 1
        # In the limit of small scales and late times; here e^(-2t) < 1e-4, and W < 1e-6.
        "W": dl.Check(dl.Equal("end_to_end", growing_mode, after=5.0, tolerance=1e-3), TINY),
        "linear flow": dl.Identities("det W ~ -e^(4t) det(X)^2", algebra.linear_flow),
        "exception": dl.Check(
            cases.equal(unbalanced.det_X, 0, scale="parameter_norm**2"),
            (dl.RandomStates((2, 2, 2), count=40),),
        ),
        "three layers": dl.Check(
            dl.AtLeast(0, "determinant", after=200.0, assumptions=(cases.POSITIVE_START,)),
            THREE_LAYERS,
        ),
        "they grow": dl.Check(cases.grows(200.0, 1e-3, assumptions=()), THREE_LAYERS),
    },
    false={
        "the sign is kept": {"claim": "lost", "left": "determinant", "right": 0, "on": LATE[2:]},
        "two layers grow from near zero": {"claim": "they grow", "on": [unbalanced.along(2, 1e-3)]},
        "three layers grow from afar": {"claim": "they grow", "on": [unbalanced.along(3, 0.5)]},
        "rate 1 instead of 2": {"claim": "W", "right": unbalanced.rate_one},
        "X = (W_1 - W_2^T M) / 2": {"claim": "W", "right": unbalanced.other_sign_in_X},
        "det X = 0 for all balanced starts": {
            "claim": "exception",
            "assumptions": (dl.BALANCED,),
            "on": [dl.RandomStates((2, 2, 2))],
        },
    },
)
