"""The flow of beta is a mirror flow, from every start and for every loss of beta.

With c = u v, which is conserved: d/dt arcsinh(beta / 2 c) = -4 slope, the slope of the loss in
beta; equivalently d/dt beta = -4 sqrt(beta^2 + 4 c^2) slope.
"""

import dynlens as dl

from .cases import STATES

theorem = dl.Theorem(
    "N3.4",
    "a diagonal linear network follows a mirror flow",
    source="woodworth2020kernel, Section 4, for every start",
    claims={
        "beta": dl.RateLaw("beta", "-4 * sqrt(beta^2 + 4 * (u * v)^2) * slope"),
        "mirror": dl.RateLaw("asinh(beta / (2 * u * v))", "-4 * sign(u * v) * slope"),
    },
    on=[STATES],
    false={
        "2 for 4": {"rate": "-2 * sqrt(beta^2 + 4 * (u * v)^2) * slope"},
        "c for 2 c": {"rate": "-4 * sqrt(beta^2 + (u * v)^2) * slope"},
        "the loss's own slope": {"rate": "-slope"},
        "signs of the start left out": {"claim": "mirror", "rate": "-4 * slope"},
    },
)
