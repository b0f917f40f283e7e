"""The mean energy of a pair of Gaussian neurons, in closed form.

The cosine x of two uniform directions has density (1 - x^2)^((d-3)/2) / B(1/2, (d-1)/2), and their
distance is sqrt(2 - 2 x). Hence, for s < d - 1,

    E |u - v|^-s = 2^(d-2-s) Gamma(d/2) Gamma((d-1-s)/2) / (sqrt(pi) Gamma(d-1-s/2)),

a Beta integral (energy of Liu et al. 2021, mean derived). Where 2 s >= d - 1 the variance is
infinite, so that averages have no standard error: there the integral is done by quadrature.
"""

import dynlens as dl

from . import algebra, cases

theorem = dl.Theorem(
    "Q5.T3",
    "the mean energy of Gaussian neurons",
    source="energy of liu2021orthogonal; mean derived",
    claims={
        "for all d and s": dl.Identities("the mean is a Beta integral", algebra.mean_energy),
        "integrated": dl.Check(dl.Equal("integral", "mean", tolerance=1e-11), [cases.INTEGRATED]),
        **{
            f"at d = {d}, s = {s:g}": dl.Check(
                dl.Equal("mean", value, tolerance=1e-14), [cases.Integrals(((d, s),))]
            )
            for (d, s), value in cases.VALUES.items()
        },
        "drawn": dl.Check(dl.Mean("energy", "mean"), cases.DRAWN),
    },
    false={
        "Gamma((d - s) / 2)": {"claim": "drawn", "value": "half_off"},
        "Gamma((d - s) / 2), by quadrature": {"claim": "integrated", "right": "half_off"},
        "pairs are orthogonal: 2^(-s/2)": {"claim": "drawn", "value": "2**(-s / 2)"},
    },
)
