"""Trained networks with quadratic activation learn the largest eigenvalues, one for each neuron.

Ghorbani et al. (2019), networks: N neurons make the matrices of rank N at most (Eckart & Young), so

    risk = sum over i > N of lambda_i^2 / |B|^2,    eigenvalues by decreasing size,

and if the second layer is fixed, only as many eigenvalues of each sign as it has signs. Gradient
descent gets there from small random starts, on these instances; a second layer that is trained
along ends with the signs it began with, as a rule, and at the risk that goes with its last signs:
2 a^2 - |w|^2 is conserved, and where it is positive, a sign of the second layer is kept.
"""

import dynlens as dl

from . import algebra, networks
from .cases import Tangents

least, beyond_N = networks.least_with_these_signs, networks.sum_of_squares_beyond_N
late = {"after": 99.0, "tolerance": 1e-12}
kept = {"scale": "parameter_norm**2", "tolerance": 1e-8}

theorem = dl.Theorem(
    "Q3.T3",
    "networks learn the largest eigenvalues",
    source="ghorbani2019limitations, trained networks; signs derived",
    claims={
        "risk": dl.Identities("the risk is twice the squared distance", algebra.risks),
        "ends": dl.Check(dl.Equal("loss", least, **late), networks.PATHS),
        **{
            name: dl.Check(dl.Equal("loss", lost, **late), [path])
            for name, (lost, path) in networks.ENDS.items()
        },
        "least": dl.AtLeast("loss", least),
        "least of all": dl.AtLeast("loss", beyond_N),
        "lazy": dl.Check(dl.AtLeast("risk", "network"), [Tangents("ramp", 80, 0.5, 20)]),
        "kept": dl.Check(dl.Equal(networks.drift_of(2), "0", **kept), [networks.FREE_SIGNS]),
    },
    on=[*networks.STATES, *networks.PATHS],
    false={
        "tail without squares": {
            "claim": "the ramp, N = 8",
            "right": networks.sum_of_sizes_beyond_N,
        },
        "whatever the signs": {"claim": "mixed signs, ++ fixed", "right": beyond_N},
        "networks are no better than their tangent class": {
            "claim": "lazy",
            "left": "network",
            "right": "risk",
        },
        "a second layer that is trained takes any sign": {
            "claim": "mixed signs, ends as ++",
            "right": beyond_N,
        },
        "a^2 - |w|^2": {"claim": "kept", "left": networks.drift_of(1)},
    },
)
