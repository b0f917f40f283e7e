"""No linearized class of dimension k fits random rank-one tensors better than an exact bound.

Wang et al. (2020) show that lazy training needs on the order of d^(l-1) components; derived in
sharp form: E dist(u^l, S)^2 is at least one less the k largest eigenvalues of E u^l (u^l)^T, which
are known exactly. The lowest harmonics attain it, at every u. Observed of random components: less
is left than the share 1 - k/N of an isotropic tensor, and the width m at which a quarter is left
grows like N / d = (d + 1) ... (d + l - 1) / l!, whose local exponents are .95, 1.70 and 2.50 here.
"""

import dynlens as dl

from . import algebra
from .lazy import Distances, Harmonic, Widths

sizes = ((6, 6), (8, 8), (10, 5), (10, 10))
inside, grows = [Distances(3, sizes)], [Distances(3, ((6, 6), (8, 8), (10, 10)))]
third, fourth = [Widths(3, (6, 8, 10, 12))], [Widths(4, (8, 10, 12))]

theorem = dl.Theorem(
    "Q1.T2",
    "an exact lower bound for linearized training",
    source="wang2020beyond; derived",
    claims={
        "spectrum": dl.Identities(
            "eigenvalues, their sum and their squares, in rationals", algebra.spectrum
        ),
        "bound": dl.Check(
            dl.AtLeast("mean + 1e-12", "bound"),
            [Distances(3, (*sizes, (10, 22))), Distances(4, ((5, 4), (6, 6)))],
        ),
        "not isotropic": dl.Check(dl.AtLeast("isotropic", "mean"), inside),
        "width": dl.Check(
            dl.Equal("m / m_0", "full / full_0", tolerance=0.03),
            [Widths(2, (12, 16, 24, 32)), *third, *fourth],
        ),
        "sharp": dl.Check(
            dl.Equal("distance", "(d - 1) / (d + 2)", tolerance=1e-12), [Harmonic(6), Harmonic(10)]
        ),
    },
    false={
        "residual at least 1 - k / N": {"right": "isotropic", "on": inside},
        "m ~ d^(l-2) suffices: no growth with d at m = d": {
            "left": "mean_0",
            "right": "mean",
            "on": grows,
        },
        "width d^(l-1), order 3": {"claim": "width", "right": "(d / d_0)**2", "on": third},
        "width d^(l-1), order 4": {"claim": "width", "right": "(d / d_0)**3", "on": fourth},
        "width d^(l-2), order 3": {"claim": "width", "right": "d / d_0", "on": third},
        "width d^(l-2), order 4": {"claim": "width", "right": "(d / d_0)**2", "on": fourth},
        "two thirds of the first eigenvalue": {"derive": algebra.smaller_first},
        "the factor d + 4 forgotten": {"derive": algebra.factor_forgotten},
    },
)
