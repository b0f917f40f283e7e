"""Derivations for the theorems of Ge et al. (2021): identities that sympy reduces to zero."""

import sympy as sp

from dynlens.symbolic import solves_ode


def logistic_curve():
    """The solution of a' = 4 a (K - a), and when it is half of K."""
    t, K, m0, m = sp.symbols("t K m_0 m", positive=True)
    curve = K / (1 + (K / m0 - 1) * sp.exp(-4 * K * t))
    half = sp.log(K / m0 - 1) / (4 * K)
    found = solves_ode(curve, 4 * m * (K - m), m, t, initial=(0, m0))
    return found | {"half fitted": sp.simplify(curve.subs(t, half) - K / 2)}


def across_the_mean():
    """Second derivative of D(u^l) across the mean of two directions, and where it changes sign."""
    theta, phi, l, c = sp.symbols("theta phi l c", positive=True)
    pull = sp.cos(theta - phi) ** l + sp.cos(theta + phi) ** l
    bent = sp.diff(pull, theta, 2).subs(theta, 0)
    law = (l - 1) * sp.sin(phi) ** 2 - sp.cos(phi) ** 2
    # cos^2 phi = (1 + c) / 2 with c = v_1 . v_2
    at = law.subs({sp.sin(phi): sp.sqrt((1 - c) / 2), sp.cos(phi): sp.sqrt((1 + c) / 2)})
    change = sp.expand(bent / sp.cos(phi) ** (l - 2)) - sp.expand(2 * l * law)
    return {
        "second derivative": sp.simplify(change),
        "threshold": sp.simplify(at.subs(c, (l - 2) / l)),
    }
