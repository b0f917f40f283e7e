"""Two singular values under the regularizer: the second grows, whatever it starts from.

Let C = diag(s1, s2), l = (C11 - 1)^2 / 2, R the mean over all Gaussian inputs (L.T5), depth L,
balanced. Then, z = (s1 - s2) / (s1 + s2),

    s1' = L s1^(2-2/L) (1 - s1 - lambda d1 R),    s2' = -L s2^(2-2/L) lambda d2 R,

d1 R = R'(z) 2 s2 / (s1 + s2)^2, d2 R = -R'(z) 2 s1 / (s1 + s2)^2 (derived). Without the regularizer
s2 never moves; with it both tend to 1, and s2 passes s1 / 2 at a time that hardly depends on the
size of the start: R does not see sizes, and pulls most before the loss has made s1 large.
"""

import dynlens as dl

from . import flows
from .flows import LONG, PASSED, TwoValues

theorem = dl.Theorem(
    "L.T8",
    "two singular values under the regularizer",
    source="surrogate of razin2022implicit (code); derived",
    claims={
        "law": dl.Check(
            dl.RateLaw("singular_values", flows.closed_rates, tolerance=1e-9), flows.DIAGONAL
        ),
        "without it": dl.Check(dl.Equal("s2", "start", tolerance=1e-10), flows.STILL),
        "with it, s1": dl.Check(dl.Equal("s1", "1", tolerance=1e-3), flows.ENDS),
        "with it, s2": dl.Check(dl.Equal("s2", "1", tolerance=1e-3), flows.ENDS),
        **{
            f"passes, L = {depth} from {alpha:g}": dl.Check(
                dl.Equal("passes", time, tolerance=1e-4),
                [TwoValues(depth, alpha, 0.02, LONG[depth])],
            )
            for (depth, alpha), time in PASSED.items()
        },
        "one layer, late": dl.Check(
            dl.Equal("s2", "0.825", tolerance=2e-3), [TwoValues(1, 1e-2, 0.02, 200.0)]
        ),
    },
    false={
        "rank one for ever": {"claim": "without it", "on": flows.ENDS},
        "s2' proportional to s2 at every depth": {"claim": "law", "rate": flows.proportional},
        "waiting ln(1/s2(0)) pi / (8 lambda)": {
            "claim": "passes, L = 2 from 0.0001",
            "right": "waiting",
        },
    },
)
