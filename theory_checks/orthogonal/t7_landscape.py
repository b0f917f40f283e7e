"""The gap of the wrong determinant is twice the least eigenvalue.

For l = tr B - tr(BQ), B positive definite: on det Q = 1 every other critical point is a saddle, and
flows reach Q = I. On det Q = -1 the best is I - 2 u u^T, u of the least eigenvalue, with the gap
2 b_min (derived; standard). So the authors' Householder, whose determinant is (-1)^(d-1), cannot
reach a rotation for even d (O.T6).
"""

import dynlens as dl

from . import closed_forms
from .closed_forms import Reflections

even, odd = [Reflections(4)], [Reflections(5)]
near = {"scale": "1", "tolerance": 1e-6}

theorem = dl.Theorem(
    "O.T7",
    "the gap of the wrong determinant is 2 b_min",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        "rotations": dl.Check(dl.Equal("gap", "0", **near), closed_forms.RIGHT),
        "others": dl.Check(dl.Equal("gap", "2 * b_min", **near), closed_forms.WRONG),
        "where": dl.Check(dl.Equal("far", "0", scale="1", tolerance=1e-3), closed_forms.WRONG),
        "three reflections": dl.Check(dl.Equal("gap", "2 * b_min", **near), even),
        "four reflections": dl.Check(dl.Equal("gap", "0", **near), odd),
    },
    false={
        "gap b_min": {"claim": "others", "right": "b_min"},
        "every determinant reaches the optimum": {"claim": "rotations", "on": closed_forms.WRONG},
        "Householder reaches every optimum": {"claim": "four reflections", "on": even},
    },
)
