"""The authors' Householder is Gram and Schmidt but for the sign of the last column.

QR by d - 1 reflections, each to a positive multiple of e_1, has determinant (-1)^(d-1) whatever the
matrix: it is Gram and Schmidt's Q with the last column's sign set accordingly (code of Liu et al.
2021; derived). For even d it is never a rotation, for odd d always.
"""

import dynlens as dl

from . import velocities

theorem = dl.Theorem(
    "O.T6",
    "Householder's determinant is fixed",
    source="liu2021orthogonal, code; derived",
    claims={
        "columns": dl.Equal("Q", "signed", scale="1", tolerance=1e-11),
        "determinant": dl.Equal("det", "stated", tolerance=1e-12),
    },
    on=velocities.REFLECTED,
    false={
        "equal to Gram and Schmidt": {"claim": "columns", "right": "columns"},
        "always a rotation": {"claim": "determinant", "right": "1"},
    },
)
