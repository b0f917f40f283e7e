"""Rotations of the plane by an angle phi, b = b_1 + b_2.

The Riemannian flow has tan(phi/2) = tan(phi_0/2) e^(-bt/2). Cayley's, in s = tan(phi/2), has
s' = -4 b s / (1 + s^2)^2, so that F = ln s + s^2 + s^4/4 falls at the rate 4b: from near half a
turn it takes a time of about s_0^4 / (16 b), the Riemannian flow (2/b) ln s_0 (derived).
"""

import dynlens as dl

from . import closed_forms

times = [closed_forms.HalfTurn()]

theorem = dl.Theorem(
    "O.CF2",
    "rotations of the plane",
    source="parameterizations of liu2021orthogonal; derived",
    claims={
        "riemannian": dl.Equal("phi", "2 * atan(tan(phi_0 / 2) * exp(-b * t / 2))", tolerance=1e-9),
        "cayley": dl.Equal("F_0 - F", "4 * b * t", where="t", tolerance=1e-8),
        "time of cayley": dl.Check(
            dl.Equal("cayley", "(log(s0) + s0**2 + s0**4 / 4 - 5 / 4) / (4 * b)", tolerance=1e-7),
            times,
        ),
        "time of the other": dl.Check(
            dl.Equal("riemannian", "2 / b * log(s0)", tolerance=1e-7), times
        ),
        "in numbers": dl.Check(dl.Equal("cayley", "1885", tolerance=3e-4), times),
        "of the other": dl.Check(dl.Equal("riemannian", "4.06", tolerance=1e-3), times),
    },
    on=closed_forms.PLANE,
    false={
        "rate 2b": {"claim": "cayley", "right": "2 * b * t"},
        "s_0^2": {"claim": "time of cayley", "right": "s0**2 / (16 * b)"},
        "the same order of time": {"claim": "time of cayley", "right": "riemannian"},
    },
)
