"""Depth 2 from a positive definite start under full observation is a matrix Riccati equation.

W' = W* W + W W* - 2 W^2, solved in closed form; a case of Arora et al. (2018).
"""

import numpy as np
from scipy.linalg import expm

from dynlens import (
    Check,
    ClosedForm,
    DeepLinear,
    Full,
    Path,
    Problem,
    RateLaw,
    SquaredLoss,
    Theorem,
)

rng = np.random.default_rng(0)


def definite(scale):
    """A random symmetric positive definite 3 x 3 matrix."""
    root = rng.standard_normal((3, 3))
    return scale * (root @ root.T / 3 + 0.2 * np.eye(3))


GOAL, START = definite(1.0), definite(0.1)
model = DeepLinear((3, 3, 3))
path = Path(
    Problem(model, SquaredLoss(), Full(GOAL)),
    tuple(model.ravel(model.balanced_factors(START)).tolist()),
    3.0,
    rtol=1e-12,
    atol=1e-14,
)


def riccati(samples):
    """Right-hand side W* W + W W* - 2 W^2."""
    W = samples.read("end_to_end")
    return GOAL @ W + W @ GOAL - 2 * W @ W


def solution(inner=2.0, factor=1.0):
    """e^{W* t} (W_0^{-1} + W*^{-1} (e^{2 W* t} - I))^{-1} e^{W* t}."""

    def closed_form(samples):
        W0 = samples.read("end_to_end")[0]
        inverse, found = np.linalg.inv(GOAL), []
        for t in samples.t:
            outer, grown = expm(GOAL * t), expm(inner * GOAL * t) - np.eye(3)
            middle = np.linalg.inv(W0) + factor * inverse @ grown
            found.append(outer @ np.linalg.solve(middle, outer))
        return np.array(found)

    inside = f"W_0^-1 + {factor:g} W*^-1 (e^({inner:g} W* t) - I)"
    closed_form.__name__ = f"e^(W* t) ({inside})^-1 e^(W* t)"
    return ClosedForm(left="end_to_end", right=closed_form, tolerance=1e-8)


theorem = Theorem(
    id="CF5",
    title="matrix Riccati equation at depth 2",
    source="arora2018optimization, end-to-end dynamics; solved",
    checks=(
        Check(RateLaw(of="end_to_end", rate=riccati), (path,)),
        Check(solution(), (path,)),
    ),
    controls={
        "exp(W* t) inside instead of exp(2 W* t)": Check(solution(inner=1.0), (path,)),
        "2 W*^{-1}": Check(solution(factor=2.0), (path,)),
    },
)
