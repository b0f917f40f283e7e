"""The mean energy of a pair of neurons as a Beta integral, for general d and s."""

import sympy as sp


def beta(a, b):
    """Euler's Beta function in Gamma functions."""
    return sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b)


def mean_energy():
    """The integral of the energy over the density of the cosine, against the closed form."""
    n, s = sp.symbols("n s", positive=True)  # d - 1 = n + s, so that all arguments are positive
    d = n + s + 1
    whole = beta(sp.Rational(1, 2), (d - 1) / 2)
    integral = 2 ** (d - 2 - s) * beta((d - 1 - s) / 2, (d - 1) / 2) / whole
    closed = 2 ** (d - 2 - s) * sp.gamma(d / 2) * sp.gamma((d - 1 - s) / 2)
    closed /= sp.sqrt(sp.pi) * sp.gamma(d - 1 - s / 2)
    return {"mean": sp.gammasimp(integral / closed) - 1, "logarithm": mean_logarithm()}


def mean_logarithm():
    """At s = 0 the mean is 1, and minus its logarithmic derivative is the mean of the log."""
    d, s = sp.Symbol("d", positive=True), sp.Symbol("s")
    log_mean = (
        (d - 2 - s) * sp.log(2)
        + sp.loggamma(d / 2)
        + sp.loggamma((d - 1 - s) / 2)
        - sp.loggamma(d - 1 - s / 2)
    )
    stated = sp.digamma(d - 1) / 2 - sp.digamma((d - 1) / 2) / 2 - sp.log(2)
    return sp.simplify(sp.diff(log_mean, s).subs(s, 0) - stated)
