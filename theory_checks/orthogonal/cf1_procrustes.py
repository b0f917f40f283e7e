"""Procrustes' flow in closed form.

For l = tr B - tr(BQ), which |QV - T|^2 / 2 is up to a rotation, with B positive definite,
Q' = (B - QBQ) / 2 is a matrix Riccati equation with the solution

    Q(t) = (C Q_0 + D) (D Q_0 + C)^-1,    C = cosh(Bt/2), D = sinh(Bt/2)

(derived).
"""

import dynlens as dl

from . import closed_forms

theorem = dl.Theorem(
    "O.CF1",
    "Procrustes' flow in closed form",
    source="derived",
    claims=[dl.Equal("Q", "closed", tolerance=1e-10)],
    on=closed_forms.RICCATI,
    false={"Bt in the place of Bt/2": {"right": "twice"}},
)
