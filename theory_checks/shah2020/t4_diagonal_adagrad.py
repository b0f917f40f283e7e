"""AdaGrad by the diagonal leaves the row space, a little, and stays where it has come to.

Shah et al. (2020): on the rows it finds w_mn, as every method that fits does; off the rows

    |P_perp (w_t - w_s)|  <=  eta sum over s <= q < t of |P_perp D_q X^T| |X w_q - y|,

which is summable once the residuals decay geometrically: there is a limit, which is not w_mn.
"""

import dynlens as dl

from .descents import LONG, SPANS, Ends

LATE = "t - 99"  # positive from step 100 on

theorem = dl.Theorem(
    "Q4.T4",
    "diagonal AdaGrad saturates off the row space",
    source="shah2020generalization; bound derived",
    claims={
        "rows": dl.Check(dl.Equal("projected", "w_mn", tolerance=1e-13), [Ends("diagonal")]),
        "bound": dl.AtLeast("bound + 1e-13", "moved"),  # rounding of w
        "saturated": dl.Equal("moved", "0", scale="1", where="s - 999", tolerance=1e-10),
        "fitted": dl.Equal("residual", "0", scale="1", where="t - 4999", tolerance=1e-13),
        "place": dl.Check(dl.Equal("outside", "0.709998", where=LATE, tolerance=1e-6), [LONG]),
    },
    on=SPANS,
    false={
        "it finds w_mn": {"claim": "rows", "left": "w"},
        "what is off the rows decays": {"claim": "saturated", "left": "outside", "where": LATE},
        "nothing is ever off the rows": {"claim": "place", "right": "0", "scale": "1"},
        "a hundredth of the bound": {
            "claim": "bound",
            "left": "bound / 100",
            "where": "20 - t",
        },
    },
)
