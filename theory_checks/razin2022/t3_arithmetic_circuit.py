"""A hierarchical factorization is a convolutional arithmetic circuit.

Razin, Maman & Cohen (2022), Section 2, after Cohen, Sharir & Shashua (2016): representations
x_1, ..., x_N of the inputs pass, level by level, through a linear map of each location's channels
(1 x 1, weights not shared) and product pooling over siblings; a linear output follows. The output
is the inner product of the end-to-end tensor with x_1 (x) ... (x) x_N.
"""

import dynlens as dl

from . import circuits

theorem = dl.Theorem(
    "P3.T3",
    "a hierarchical factorization is a convolutional arithmetic circuit",
    source="razin2022implicit, Section 2",
    claims=[
        dl.Equal(circuits.circuit, circuits.contracted, tolerance=1e-13),
        dl.Equal(circuits.circuit_of_one_hot, circuits.entries, tolerance=1e-13),
    ],
    on=circuits.ANY,
    false={
        "sum pooling": {"left": circuits.sum_pooling},
        "pooling before the linear map": {
            "left": circuits.pooling_before_the_map,
            "on": [circuits.EVEN],
        },
    },
)
