"""A product of random square matrices has positive determinant with probability one half.

Razin & Cohen (2020), on random starts. The entries of one factor are independent with continuous
distributions symmetric about zero: negating its first row changes the determinant's sign, and no
probability. So at every scale half of all starts meet the theorem's condition on the determinant.
If G is Gaussian, det(I + G) > 0 where a noncentral chi-square variable exceeds an independent
central one, with probability 1 - e^(-1/2) / 2.
"""

import numpy as np

import dynlens as dl

from . import cases

HALF = (*cases.SYMMETRIC, *cases.ONE_SYMMETRIC_FACTOR, cases.EXCHANGEABLE)

theorem = dl.Theorem(
    "P1.P3",
    "the determinant of a random product is positive with probability 1/2",
    source="razin2020implicit, on random starts",
    claims=[
        dl.Check(dl.Frequency("determinant", 1 / 2), HALF),
        dl.Check(dl.Equal(cases.determinant_of_mirror_image, "-determinant"), cases.SYMMETRIC[2:4]),
        dl.Check(dl.Frequency("determinant", 1 - np.exp(-1 / 2) / 2), (cases.SHIFTED,)),
    ],
    false={
        "symmetry dropped": {"claim": 0, "on": [cases.SHIFTED]},
        "probability 2^-L": {"claim": 0, "probability": 1 / 4, "on": cases.SYMMETRIC[1:2]},
    },
)
