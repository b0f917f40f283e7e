"""The separation rank of the circuit's function is the rank of a matricization.

Cohen & Shashua (2017), as used by Razin, Maman & Cohen (2022): the least number K of terms in
f(x) = sum_k g_k(x_I) h_k(x_J), J the complement of I, is rank [[W; I]] for linearly independent
representations. It is measured on the matrix of values f(x_I, x_J) at random points, from the
circuit and not from W. At a node of the tree it is at most the width of the parent; elsewhere not.
"""

import dynlens as dl

from . import circuits
from .circuits import at_nodes, separation

theorem = dl.Theorem(
    "P3.T4",
    "separation rank is matricization rank",
    source="cohen2017inductive; razin2022implicit, Section 6",
    claims={
        "equal": dl.Equal(separation, circuits.matricized),
        "expected": dl.Equal(separation, circuits.expected),
        "parents": dl.AtLeast(circuits.widths_of_parents, at_nodes),
        "own": dl.AtLeast(circuits.own_widths, at_nodes),
        "root": dl.AtLeast(circuits.width_of_root, circuits.at_the_roots_children),
    },
    on=circuits.WIDTHS,
    false={
        "rank at a node equals its width": {
            "claim": "expected",
            "left": at_nodes,
            "right": circuits.own_widths,
        },
        "the root's width bounds a set that is no node": {
            "claim": "root",
            "right": circuits.across,
        },
    },
)
