"""Mean cosines of gradients by algebra: the Beta integral, Fourier coefficients, and the corner."""

import sympy as sp

z, r = sp.symbols("z r", positive=True)


def beta(a, b):
    """Euler's Beta function in Gamma functions."""
    return sp.gamma(a) * sp.gamma(b) / sp.gamma(a + b)


def flat():
    """Mean of |x| under the density (1 - x^2)^((k-3)/2) of a cosine, against the closed form."""
    k = sp.Symbol("k", positive=True)  # k + 1 dimensions
    half = sp.Rational(1, 2)
    mean = beta(1, k / 2) / beta(half, k / 2)
    closed = sp.gamma((k + 1) / 2) / (sp.sqrt(sp.pi) * sp.gamma((k + 2) / 2))
    return {"any number of dimensions": sp.gammasimp(mean / closed) - 1}


def two_values():
    """From angles to the closed form, each step an identity."""
    d = sp.Symbol("delta", real=True)
    w, m = sp.Symbol("w"), sp.Symbol("m", integer=True, positive=True)
    # With w = e^(2 i theta), i tan(theta) = (w - 1) / (w + 1); e^(2 i phi) likewise.
    i_tan = r * (w - 1) / (w + 1)
    doubled = (1 + i_tan) / (1 - i_tan)
    Z = (1 - r) / (1 + r)
    # |cos d| = 2/pi + (4/pi) sum (-1)^(m+1) / (4 m^2 - 1) cos(2 m d).
    fourier = (sp.integrate(sp.cos(d) * sp.cos(2 * k * d), (d, 0, sp.pi / 2)) for k in (0, 1, 2, 5))
    wanted = (1, *((-1) ** (k + 1) / sp.Integer(4 * k * k - 1) for k in (1, 2, 5)))
    # Coefficient of z^(2 m) in (z + 1/z) arctan z, from arctan z = sum (-1)^j z^(2j+1) / (2j+1).
    series = (-1) ** (m - 1) / (2 * m - 1) + (-1) ** m / (2 * m + 1)
    return {
        "tan phi = r tan theta maps the circle by Moebius": doubled - (w + Z) / (1 + Z * w),
        "so e^(2 i m phi) has its mean where w = 0: z^m": ((w + z) / (1 + z * w)).subs(w, 0) - z,
        **{f"Fourier {k}": a - b for k, (a, b) in enumerate(zip(fourier, wanted, strict=True))},
        "series": series * (4 * m**2 - 1) / (-1) ** (m + 1) - 2,
        "derivative": sp.diff(surrogate(z), z) - slope(z),
    }


def surrogate(z):
    """R of two singular values, z = (s1 - s2) / (s1 + s2)."""
    return 2 / sp.pi * (z + 1 / z) * sp.atan(z)


def slope(z):
    return 2 / sp.pi * ((1 - z**-2) * sp.atan(z) + 1 / z)


def corner(wanted=4 / sp.pi):
    """The limit of (1 - R) / (s2 / s1) as s2 tends to zero."""
    at = surrogate((1 - r) / (1 + r))
    return {"1 - R over the ratio": sp.limit((1 - at) / r, r, 0, "+") - wanted}


def wrong_corner():
    return corner(2 / sp.pi)


def gradient():
    """d|c|/dg for a positive c, of two gradients in the plane, against the formula."""
    g = sp.Matrix(sp.symbols("g1 g2", positive=True))
    h = sp.Matrix(sp.symbols("h1 h2", positive=True))
    norm, other = sp.sqrt(g.dot(g)), sp.sqrt(h.dot(h))
    c = g.dot(h) / norm / other
    stated = (h / other - c * g / norm) / norm
    return {f"in g{k + 1}": sp.diff(c, g[k]) - stated[k] for k in (0, 1)}
