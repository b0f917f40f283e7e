"""A random direction correlates with every residual: its mean square has an exact lower bound.

Second-moment core of a step in Wang et al. (2020), derived: for a symmetric R on R^r and u uniform
on the sphere, E R(u^l)^2 >= l! / (r (r+2) ... (r+2l-2)) |R|^2, with equality iff R is harmonic. The
bound is the least eigenvalue of Q1.T2. As r (r+2) ... (r+2l-2) is nearly (r + l - 1)^l, the root of
the mean square falls like r^(-l/2).
"""

import dynlens as dl

from .lazy import HarmonicResiduals, RandomResiduals

anything = [RandomResiduals(r, l) for r, l in ((3, 3), (5, 3), (4, 4))]
harmonic = [HarmonicResiduals(l) for l in (3, 4)]

theorem = dl.Theorem(
    "Q1.T9",
    "a fresh direction correlates with every residual",
    source="wang2020beyond; derived",
    claims={
        "eigenvalue": dl.Check(dl.Equal("bound", "least", tolerance=1e-13), anything),
        "bound": dl.Check(dl.AtLeast("mean", "bound"), anything),
        "attained": dl.Check(dl.Equal("mean", "bound", tolerance=1e-12), harmonic),
        "power": dl.Check(
            dl.PowerLaw("sqrt(mean)", "(r + l - 1)**(l / 2)", -1, band=0.02), harmonic
        ),
    },
    false={
        "the rank-one value (2l - 1)!!": {"claim": "bound", "right": "rank_one", "on": harmonic},
        "rms ~ r^-l": {"against": "(r + l - 1)**l", "on": harmonic[:1]},
        "rms ~ r^(-(l - 1) / 2)": {"against": "(r + l - 1)**((l - 1) / 2)", "on": harmonic[:1]},
    },
)
