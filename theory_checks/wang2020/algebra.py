"""Derivations for the theorems of Wang et al. (2020): identities that sympy reduces to zero."""

from fractions import Fraction

import sympy as sp

from dynlens.theory.lazy_tensors import harmonic_spectrum

KNOWN_SPECTRA = {  # (order, dimension)
    (3, 4): ("1/8", "1/32"),
    (4, 4): ("1/8", "1/16", "1/80"),
    (4, 7): ("1/21", "4/231", "8/3003"),
    (2, 7): ("1/7", "2/63"),
}


def spectrum(change=lambda j, l, d: 1):
    """Eigenvalues of E u^l (u^l)^T: known values, sum one, and squares from exact moments.

    Each eigenvalue, of degree j, is multiplied by `change(j, l, d)`, one but for false variants.
    """

    def levels(d, l):
        return [
            (sp.Rational(*x.value.as_integer_ratio()) * change(x.degree, l, d), x.multiplicity)
            for x in harmonic_spectrum(d, l)
        ]

    found = {}
    for (l, d), values in KNOWN_SPECTRA.items():
        pairs = zip(levels(d, l), values, strict=True)
        found[f"l = {l}, d = {d}"] = sum(abs(value - sp.Rational(x)) for (value, _), x in pairs)
    for l in range(2, 7):
        for d in (2, 3, 5, 10):
            found[f"trace, l = {l}, d = {d}"] = sum(x * n for x, n in levels(d, l)) - 1
            # tr M^2 = E (u . v)^(2l) = E u_1^(2l)
            moment = sp.prod(sp.Rational(2 * k + 1, d + 2 * k) for k in range(l))
            found[f"square, l = {l}, d = {d}"] = sum(x**2 * n for x, n in levels(d, l)) - moment
    return found


def smaller_first():
    """Two thirds of the largest eigenvalue."""
    return spectrum(lambda j, l, d: Fraction(2, 3) if j < 2 else 1)


def factor_forgotten():
    """The least eigenvalue without its last factor, d + 4 at order three."""
    return spectrum(lambda j, l, d: d + 2 * l - 2 if j == l else 1)


def escape_times():
    """Antiderivatives of 1 / (l (1 - u^l) u^(l-1)), and order 4 with any coefficient."""
    u, v, a = sp.symbols("u v a", positive=True)
    third = (
        -sp.log(1 - u) / 9
        + sp.log(u**2 + u + 1) / 18
        - sp.sqrt(3) / 9 * sp.atan((2 * u + 1) / sp.sqrt(3))
        - 1 / (3 * u)
    )
    fourth = sp.log((1 + u**2) / (1 - u**2)) / 16 - 1 / (8 * u**2)
    logarithm = sp.log((sp.sqrt(a) + v) / (sp.sqrt(a) - v))
    general = -1 / (8 * a * v) + logarithm / (16 * a ** sp.Rational(3, 2))
    # v = u^2 moves at 2 u times the speed of u: 8 (a - v^2) v^2 at order 4
    return {
        "order 3": sp.simplify(sp.diff(third, u) - 1 / (3 * (1 - u**3) * u**2)),
        "order 4": sp.simplify(sp.diff(fourth, u) - 1 / (4 * (1 - u**4) * u**3)),
        "order 4, any a": sp.simplify(sp.diff(general, v) - 1 / (8 * (a - v**2) * v**2)),
    }


def projected_flow():
    """The vanilla flow on its own clock; at order 4, with x_k = u_k^2 of a unit u, projected."""
    l, p, a, tau = sp.symbols("l p a tau", positive=True)
    base = p ** (2 - l) - l * (l - 2) * a * tau
    rate = sp.diff(base ** (-1 / (l - 2)), tau) / (l * a * base ** (-(l - 1) / (l - 2)))
    # order 4, two directions: d/dt of 1/(x_k N^2) = -8 a_k / N^2
    x, y, b, n = sp.symbols("x y b n", positive=True)
    sigma = a * x**2 + b * y**2
    x_dot = 8 * x * (a * x - sigma)
    n_dot = 4 * n * sigma
    moved = -x_dot / (x**2 * n**2) - 2 * n_dot / (x * n**3)
    return {"vanilla flow": sp.powsimp(rate - 1, force=True), "order 4": moved + 8 * a / n**2}
