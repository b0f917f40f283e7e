"""A fresh component goes to the direction with the largest residual times overlap squared.

Ge et al. (2021), order 4, derived (Q1.T6): the winner is argmax r_k w_k(0)^2, with the residual r_k
of direction k, which is a_k before it is fitted, and lambda / 2 afterwards (Q2.T5).
"""

import dynlens as dl

from .directions import Fresh

theorem = dl.Theorem(
    "Q2.T2",
    "which direction a fresh component finds",
    source="ge2021understanding; derived",
    claims=[dl.Equal("end", "rule", scale="1", tolerance=0.0)],
    on=[Fresh(fitted=0), Fresh(fitted=1), Fresh(fitted=2), Fresh(fitted=2, seed=1)],
    false={
        "the largest overlap": {"right": "overlap"},
        "fitted directions keep their coefficient": {"right": "whole"},
        "nothing is left of fitted directions": {"right": "nothing_left"},
        "the whole penalty is left of them": {"right": "penalty_left"},
    },
)
