"""Gradient descent on an over-parameterized regression keeps what it started with off the rows.

Gradients lie in the row space of X, so w_t - w_0 does: with P = X^+ X the limit is

    w = w_mn + (I - P) w_0,    w_mn = X^+ y,

the solution nearest to the start, of least norm from w_0 = 0 (Shah et al. 2020; classical).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from dynlens import Check, Equal, Measurement, Theorem
from dynlens.theory.regression import (
    adagrad,
    constant,
    diagonal_adagrad,
    interpolator,
    plain,
    preconditioned_descent,
)

NUDGE = 1 + 2.0**-52
EPSILON = 1.0  # what rounding leaves of a gradient off the rows is multiplied by EPSILON^(-1/2)
METHODS = ("plain", "constant", "in span", "adagrad", "diagonal")


def instance(seed, n=10, d=30):
    """Gaussian X, y, a start, and a positive definite D."""
    rng = np.random.default_rng(seed)
    X, y, w0 = rng.standard_normal((n, d)), rng.standard_normal(n), rng.standard_normal(d)
    root = rng.standard_normal((d, d))
    return X, y, w0, root @ root.T / d + 0.5 * np.eye(d)


def in_span(X, seed=0):
    """D_t = P M_t P + Q N_t Q, Q = I - P, with M_t and N_t of eigenvalues 1/2 and 1, drawn anew."""
    P = np.linalg.pinv(X) @ X

    def half(g, v):
        return (g + v * (v @ g) / (v @ v)) / 2

    def direction(t, g, S):
        u, v = np.random.default_rng([seed, t]).standard_normal((2, len(P)))
        inside = P @ g
        outside = g - inside
        turned = half(outside, v)
        return P @ half(inside, u) + turned - P @ turned

    return direction


@dataclass(frozen=True)
class Ends(Measurement):
    """Where descent ends, on several instances, with the limits that have been claimed."""

    method: str
    started: bool = False
    steps: int = 2500
    count: int = 2
    n: int = 10
    d: int = 30

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"`method` must be one of {METHODS}, got {self.method!r}.")

    @cache  # noqa: B019 - frozen, and a handful of them
    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        rows = [self.ended(seed, nudge) for seed in range(self.count)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def ended(self, seed, nudge):
        X, y, w0, D = instance(seed, self.n, self.d)
        X, w0 = X * nudge, w0 * self.started
        largest = np.linalg.norm(X @ D @ X.T if self.method == "constant" else X @ X.T, 2)
        preconditioner, eta = {
            "plain": (plain, 1 / largest),
            "constant": (constant(D), 1 / largest),
            "in span": (in_span(X), 1.5 / largest),
            "adagrad": (adagrad(EPSILON), 1.0),
            "diagonal": (diagonal_adagrad(EPSILON), 0.3),
        }[self.method]
        run = preconditioned_descent(X, y, preconditioner, eta=eta, steps=self.steps, w0=w0)
        P = np.linalg.pinv(X) @ X
        return {
            "w": run[-1],
            "kept": P @ run[-1],
            "w_mn": np.linalg.pinv(X) @ y,
            "shifted": np.linalg.pinv(X) @ y + w0 - P @ w0,
            "with_D": interpolator(X, y, w0=w0, D=D),
            "with_inverse_D": interpolator(X, y, w0=w0, D=np.linalg.inv(D)),
        }


def is_limit(name, tolerance=1e-11):
    """Entry by entry, against the largest of the solution."""
    return Equal("w", name, tolerance=tolerance)


theorem = Theorem(
    id="Q4.T1",
    title="gradient descent keeps its start off the row space",
    source="shah2020generalization; derived",
    checks=(
        Check(is_limit("shifted"), (Ends("plain", started=True),)),
        Check(is_limit("w_mn"), (Ends("plain"),)),
    ),
    controls={
        "the solution of least norm from any start": Check(
            is_limit("w_mn", 0.5), (Ends("plain", started=True),)
        ),
        "the start counts for the norm of D": Check(
            is_limit("with_D"), (Ends("plain", started=True),)
        ),
    },
)
