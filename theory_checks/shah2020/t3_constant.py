"""A constant preconditioner finds the solution nearest to the start in the norm of its inverse.

w_t - w_0 stays in the range of D X^T, so the limit is

    w_0 + D X^T (X D X^T)^-1 (y - X w_0) = argmin {|w - w_0|_{D^-1} : X w = y}

(derived; the choice of the norm by the optimizer is the subject of Vaswani et al. 2020).
"""

import dynlens as dl

from .cases import Rivals
from .descents import CONSTANT

theorem = dl.Theorem(
    "Q4.T3",
    "the limit under a constant preconditioner",
    source="vaswani2020each; derived",
    claims={
        "limit": dl.Check(dl.Equal("w", "nearest_D", tolerance=1e-11), CONSTANT),
        "of all": dl.Check(dl.AtLeast("others", "limit"), [Rivals()]),
        "of both": dl.Check(dl.AtLeast("nearest", "limit"), [Rivals()]),
    },
    false={
        "the inverse of D": {"claim": "limit", "right": "nearest_inverse_D"},
        "as gradient descent": {"claim": "limit", "right": "w_mn_shifted"},
        "nearest in the norm of D = I": {
            "claim": "of both",
            "left": "limit",
            "right": "nearest",
        },
    },
)
