"""Directions of gradients that disagree prove a separation rank.

Let f(x_P, x_Q) have separation rank K between two regions, the rest fixed. The gradients in x_P at
one x_P, for m contents x_Q of the other region, lie in a space of K dimensions, so that

    (1/m^2) sum_ij |cos_ij|  >=  (1/m^2) sum_ij cos_ij^2  >=  1/K

(Welch's bound; derived). A small mean proves a large K: K >= 1/R. The pairs i = j belong to it,
and the contents must be drawn independently of x_P, from one distribution: the batch estimate of
the regularizer of Razin, Maman & Cohen (2022) is no certificate, the mean over all pairs is.
"""

import dynlens as dl

from . import gradients

theorem = dl.Theorem(
    "L.T3",
    "directions of gradients certify a separation rank",
    source="surrogate of razin2022implicit (code); derived",
    claims={
        "squares": dl.AtLeast("squared", "1 / K"),
        "absolute": dl.AtLeast("absolute", "squared"),
        "sharp": dl.Check(dl.Equal("squared", "1 / K", tolerance=1e-14), gradients.TIGHT),
        "rank one": dl.Check(dl.Equal("absolute", "1", tolerance=1e-14), gradients.CERTIFIED[:1]),
        "population": dl.Check(dl.AtLeast("flat", "1 / K"), [gradients.Flat()]),
    },
    on=gradients.CERTIFIED,
    false={
        "K^(-1/2) for the flat spectrum": {"claim": "population", "right": "K**(-1 / 2)"},
        "pairs of two alone": {
            "claim": "squares",
            "left": "without_itself",
            "on": gradients.TIGHT[1:2],
        },
        "replacements of another distribution": {
            "claim": "squares",
            "left": "absolute",
            "on": [gradients.Dependent()],
        },
    },
)
