"""A surrogate of one does not say that the separation rank is one.

R = 1 for a(x_P) + b(x_Q), of rank two, and for every function of a scalar u(x_P) and x_Q, of any
rank: tanh(u + v), say. For f linear in x_P, as a circuit with one location in P, R = 1 almost
surely only at rank one. Nor does R fall as the rank rises: singular values 1, .02, ..., .02, of
rank nine, have a larger one than two equal values (derived).
"""

import dynlens as dl

from . import gradients

additive = [gradients.Additive()]

theorem = dl.Theorem(
    "L.T4",
    "a large surrogate says nothing of the rank",
    source="surrogate of razin2022implicit (code); derived",
    claims={
        "a sum, of rank two": dl.Check(dl.Equal("sum", "1", tolerance=1e-13), additive),
        "of no finite rank": dl.Check(dl.Equal("tanh", "1", tolerance=1e-13), additive),
        "rank nine above rank two": dl.Check(
            dl.AtLeast("low", "flat_two + 1 / 4"), [gradients.UNEVEN]
        ),
    },
    false={
        "R = 1 for every rank above one": {"claim": "a sum, of rank two", "left": "rank_two"},
        "the higher rank has the smaller R": {
            "claim": "rank nine above rank two",
            "left": "flat_two",
            "right": "high",
        },
    },
)
