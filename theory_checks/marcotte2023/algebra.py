"""Rates of candidate laws, along every gradient, expanded by sympy."""

from itertools import combinations_with_replacement

import sympy as sp


def trained(factor=None, order=3, dimension=2):
    """Rate of |u|^2 - factor c^2 along the gradients of the entries of c u^(x l); factor l."""
    u, c = sp.symbols(f"u:{dimension}"), sp.Symbol("c")
    law = sum(x**2 for x in u) - sp.sympify(order if factor is None else factor) * c**2
    entries = [c * sp.prod(entry) for entry in combinations_with_replacement(u, order)]
    return {str(entry): rate(law, entry, (*u, c)) for entry in entries}


def rate(law, entry, variables):
    return sum(sp.diff(law, x) * sp.diff(entry, x) for x in variables)


def with_momentum(growth=1, sign=-1):
    """Rate of the law of two 2x2 layers with friction tau, under any gradient of the product."""
    t, tau = sp.symbols("t tau")
    W1, W2, V1, V2, G = (
        sp.Matrix(2, 2, sp.symbols(f"{name}:4")) for name in ("a", "b", "p", "q", "g")
    )
    forces = (-tau * V1 - W2.T * G, -tau * V2 - G * W1.T)
    law = sp.exp(growth * tau * t) * (W2.T * V2 + sign * V2.T * W2 + W1 * V1.T + sign * V1 * W1.T)
    total = sp.diff(law, t)
    for place, speed in ((W1, V1), (W2, V2), (V1, forces[0]), (V2, forces[1])):
        for x, moved in zip(place, speed, strict=True):
            total += sp.diff(law, x) * moved
    return {"under any loss": total}
