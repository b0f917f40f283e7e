"""Runs of preconditioned descent: where each method ends, and its way off the rows."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.regression import (
    adagrad,
    constant,
    diagonal_adagrad,
    interpolator,
    plain,
    preconditioned_descent,
)

from .cases import instance, least_norm

EPSILON = 1.0  # what rounding leaves of a gradient off the rows is multiplied by EPSILON^(-1/2)
METHODS = ("plain", "constant", "in span", "adagrad", "diagonal")


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
class Ends(dl.Measurement):
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

    def measure(self, numerics):
        rows = [self.ended(seed, numerics) for seed in range(self.count)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def ended(self, seed, numerics):
        X, y, w0, D = instance(seed, self.n, self.d)
        X, w0 = numerics.start(X), w0 * self.started
        largest = np.linalg.norm(X @ D @ X.T if self.method == "constant" else X @ X.T, 2)
        preconditioner, eta = {
            "plain": (plain, 1 / largest),
            "constant": (constant(D), 1 / largest),
            "in span": (in_span(X), 1.5 / largest),
            "adagrad": (adagrad(EPSILON), 1.0),
            "diagonal": (diagonal_adagrad(EPSILON), 0.3),
        }[self.method]
        run = preconditioned_descent(X, y, preconditioner, eta=eta, steps=self.steps, w0=w0)
        P, w_mn = least_norm(X, y)
        return {
            "w": run[-1],
            "projected": P @ run[-1],
            "w_mn": w_mn,
            "w_mn_shifted": w_mn + w0 - P @ w0,
            "nearest_D": interpolator(X, y, w0=w0, D=D),
            "nearest_inverse_D": interpolator(X, y, w0=w0, D=np.linalg.inv(D)),
        }


@dataclass(frozen=True)
class Spans(dl.Measurement):
    """Diagonal AdaGrad between every two of some steps: the way off the rows, and its bound."""

    seed: int = 0
    steps: tuple[int, ...] = (0, 1, 2, 5, 10, 20, 50, 100, 1000, 5000)
    epsilon: float = 1e-8
    eta: float = 0.3

    def measure(self, numerics):
        X, y, _, _ = instance(self.seed)
        X = numerics.start(X)
        method = diagonal_adagrad(self.epsilon)
        w = preconditioned_descent(X, y, method, eta=self.eta, steps=self.steps[-1])
        outside = np.eye(X.shape[1]) - least_norm(X, y)[0]
        residuals = w @ X.T - y
        # D_q as they were, from the gradients along the path.
        scales = 1 / np.sqrt(np.cumsum((residuals @ X) ** 2, axis=0) + self.epsilon)
        early = slice(0, 200)  # later the residuals are rounding: their part is bounded as a whole
        norms = np.linalg.norm(outside @ (scales[early, :, None] * X.T), 2, axis=(1, 2))
        later = np.full(len(w) - len(norms), np.linalg.norm(scales[-1, :, None] * X.T, 2))
        steps = self.eta * np.append(norms, later) * np.linalg.norm(residuals, axis=1)
        bounds = np.append(0.0, np.cumsum(steps))
        off = w @ outside
        s, t = np.array([(s, t) for s in self.steps for t in self.steps if s < t]).T
        return {
            "s": s,
            "t": t,
            "moved": np.linalg.norm(off[t] - off[s], axis=1),
            "bound": bounds[t] - bounds[s],
            "outside": np.linalg.norm(off[t], axis=1),
            "residual": np.linalg.norm(residuals[t], axis=1),
        }


LONG = Spans(steps=(0, 1, 2, 5, 10, 20, 50, 100, 1000, 5000, 20_000))
SPANS = (LONG, Spans(seed=1), Spans(seed=2))
CONSTANT = (Ends("constant", steps=6000), Ends("constant", started=True, steps=6000))
