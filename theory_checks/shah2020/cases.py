"""Where the theorems Q4 are asserted: Gaussian data, their solutions, and norms of these."""

from dataclasses import dataclass

import numpy as np
import scipy

import dynlens as dl
from dynlens.theory.regression import diagonal_adagrad, interpolator, preconditioned_descent


def instance(seed, n=10, d=30):
    """Gaussian X, y, a start, and a positive definite D."""
    rng = np.random.default_rng(seed)
    X, y, w0 = rng.standard_normal((n, d)), rng.standard_normal(n), rng.standard_normal(d)
    root = rng.standard_normal((d, d))
    return X, y, w0, root @ root.T / d + 0.5 * np.eye(d)


def least_norm(X, y):
    """P and w_mn by an orthonormal basis of the rows: exact to rounding however X is conditioned.

    By the pseudo-inverse X w_mn would differ from y by the condition of X times rounding.
    """
    basis, R = np.linalg.qr(X.T)
    return basis @ basis.T, basis @ scipy.linalg.solve_triangular(R, y, trans="T")


def off_the_rows(v, P):
    """P_perp v, row by row: projected twice, for rounding in units of the result, not of v."""
    once = v - v @ P
    return once - once @ P


def scattered(rng, count, smallest, largest):
    """Random sizes, uniform in their logarithm, shape (count, 1)."""
    return np.exp(rng.uniform(np.log(smallest), np.log(largest), (count, 1)))


@dataclass(frozen=True)
class Interpolators(dl.Measurement):
    """Solutions at random, from near the least one to far; `off` of them fits the data no more."""

    n: int = 10
    d: int = 30
    count: int = 100
    off: float = 0.0
    seed: int = 0

    def measure(self, numerics):
        X, y, _, _ = instance(self.seed, self.n, self.d)
        X = numerics.start(X)
        rng = np.random.default_rng(self.seed + 1)
        P, w_mn = least_norm(X, y)
        sizes = scattered(rng, self.count, 1e-3, 1e2)
        w = w_mn + sizes * off_the_rows(rng.standard_normal((self.count, self.d)), P)
        w = w + self.off * least_norm(X, rng.standard_normal(self.n))[1]
        return {
            "projected": w @ P,
            "w": w,
            "w_mn": np.broadcast_to(w_mn, w.shape),
            "fitted": w @ X.T,
            "y": np.broadcast_to(y, (self.count, self.n)),
            "size": np.linalg.norm(w, axis=1),
            "least": np.full(self.count, np.linalg.norm(w_mn)),
        }


@dataclass(frozen=True)
class Rivals(dl.Measurement):
    """Squared distances |w - w_0|^2 in the norm of D^-1, of the limit and of other solutions."""

    count: int = 200
    seed: int = 0

    def measure(self, numerics):
        X, y, w0, D = instance(self.seed)
        y = numerics.start(y)
        rng = np.random.default_rng(self.seed + 1)
        inverse = np.linalg.inv(D)
        sizes = scattered(rng, self.count, 1e-3, 10)
        away = off_the_rows(rng.standard_normal((self.count, 30)), least_norm(X, y)[0])

        def squared(w):
            return np.einsum("...i,ij,...j->...", w - w0, inverse, w - w0)

        limit, nearest = interpolator(X, y, w0=w0, D=D), interpolator(X, y, w0=w0)
        return {
            "limit": squared(limit),
            "others": squared(limit + sizes * away),
            "nearest": squared(nearest),
        }


@dataclass(frozen=True)
class Norms(dl.Measurement):
    """Solutions with the norms made for them: some at random, and that of diagonal AdaGrad."""

    count: int = 20
    seed: int = 0

    def measure(self, numerics):
        X, y, _, _ = instance(self.seed)
        X = numerics.start(X)
        rng = np.random.default_rng(self.seed + 1)
        P, z = least_norm(X, y)
        sizes = np.linalg.norm(z) * scattered(rng, self.count, 0.1, 3)
        solutions = z + sizes * off_the_rows(rng.standard_normal((self.count, 30)), P)
        run = preconditioned_descent(X, y, diagonal_adagrad(1e-8), eta=0.3, steps=300)
        rows = [norm_of(X, y, z, w) for w in (run[-1], *solutions)]
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def norm_of(X, y, z, w):
    """The norm Q for which the solution w is the least, with what it says of w."""
    aside = np.eye(len(w)) - np.outer(w, w) / (w @ w)
    Q = aside + np.outer(z, z) / (z @ w)
    exchanged = np.eye(len(w)) - np.outer(z, z) / (z @ z) + np.outer(w, w) / (z @ w)
    return {
        "w": w,
        "w_mn": z,
        "found": interpolator(X, y, D=np.linalg.inv(Q)),
        "found_exchanged": interpolator(X, y, D=np.linalg.inv(exchanged)),
        "image": Q @ w,
        "least": np.linalg.eigvalsh(Q)[0],
        "least_without_z": np.linalg.eigvalsh(aside)[0],
        "c": np.linalg.norm(z) / np.linalg.norm(w),
    }


INTERPOLATORS = (Interpolators(), Interpolators(n=1, d=2), Interpolators(n=29, d=30))
NORMS = (Norms(), Norms(seed=1), Norms(seed=2))
