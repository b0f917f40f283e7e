"""Depth 2 from a positive definite start under full observation is a matrix Riccati equation.

W' = W* W + W W* - 2 W^2, a case of Arora et al. (2018), solved in closed form by

    W(t) = e^(W* t) (W_0^-1 + W*^-1 (e^(2 W* t) - I))^-1 e^(W* t).
"""

import dynlens as dl

from . import cases

theorem = dl.Theorem(
    "CF5",
    "matrix Riccati equation at depth 2",
    source="arora2018optimization, end-to-end dynamics; solved",
    claims=[
        dl.RateLaw("end_to_end", cases.riccati),
        dl.ClosedForm("end_to_end", cases.riccati_solution(), tolerance=1e-8),
    ],
    on=[cases.RICCATI],
    false={
        "exp(W* t) inside instead of exp(2 W* t)": {"right": cases.riccati_solution(inner=1.0)},
        "2 W*^{-1}": {"right": cases.riccati_solution(factor=2.0)},
    },
)
