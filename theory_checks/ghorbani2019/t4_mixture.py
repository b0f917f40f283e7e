"""Telling two Gaussians apart: the same classes, applied to the difference of their covariances.

Ghorbani et al. (2019), mixture: labels y = +-1, x ~ N(0, I -+ Delta), squared loss. A quadratic
<x, A x> has covariance -<A, Delta> with the label and variance 2 <A, M A> + <A, Delta>^2, where
M A = A + Delta A Delta. So the least risk over a class V is

    (1 + h / 2)^-1,    h = max over A in V of <A, Delta>^2 / <A, M A>,

and h tends to |P_V Delta|^2 as |Delta|_op does to 0: the eigenvalues of M are within
1 +- |Delta|_op^2, which bounds h from both sides.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Identities,
    Measurement,
    PowerLaw,
    QuadraticNetwork,
    Theorem,
)
from dynlens.theory.lazy_networks import (
    mixture_risk,
    network_risk,
    random_features_risk,
    tangent_risk,
)
from theory_checks.ghorbani2019.t1_random_features import NUDGE

SHAPES = {
    "signs": lambda d: np.resize([1.0, -1.0], d),
    "ramp": lambda d: np.linspace(-1.0, 1.0, d) + 0.2,
    "ones": np.ones,
}
CLASSES = ("all", "features", "tangent")


def span(kind, W):
    """Orthonormal matrices that span a class, shape (n, d, d)."""
    N, d = W.shape
    eye = np.eye(d)
    if kind == "all":
        images = np.array([np.outer(eye[i], eye[j]) for i in range(d) for j in range(i + 1)])
    else:
        model = QuadraticNetwork(d, N)
        chosen = slice(N) if kind == "features" else slice(N, None)
        steps = model.unravel(np.eye(model.parameters)[chosen])
        at = tuple(np.broadcast_to(f, (len(steps[0]), *f.shape)) for f in (np.ones(N), W))
        images = model.pushforward(at, steps)
    flat = (images + images.mT).reshape(len(images), -1)
    _, sizes, rows = np.linalg.svd(flat, full_matrices=False)
    return rows[sizes > 1e-10 * sizes[0]].reshape(-1, d, d)


def best(Delta, basis):
    """h, by the normal equations in an orthonormal basis of the class."""
    seen = np.sum(basis * Delta, axis=(1, 2))
    moved = basis + Delta @ basis @ Delta
    M = np.einsum("aij,bij->ab", basis, moved)
    return seen @ np.linalg.solve(M, seen)


@dataclass(frozen=True)
class Mixtures(Measurement):
    """Differences of several sizes, one shape, with first layers drawn at random."""

    kind: str
    shape: str
    d: int = 10
    neurons: int = 4
    sizes: tuple[float, ...] = (0.4, 0.2, 0.1, 0.05)
    seed: int = 0

    def __post_init__(self):
        if self.kind not in CLASSES:
            raise ValueError(f"`kind` must be one of {CLASSES}, got {self.kind!r}.")

    @cache  # noqa: B019 - frozen, and a handful of them
    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        W = np.random.default_rng(self.seed).standard_normal((self.neurons, self.d))
        basis, rows = span(self.kind, W), []
        for size in self.sizes:
            Delta = size * np.diag(SHAPES[self.shape](self.d)) * nudge
            share = {
                "all": lambda Delta: 1.0,
                "features": lambda Delta: 1 - random_features_risk(Delta, W),
                "tangent": lambda Delta: 1 - tangent_risk(Delta, W),
            }[self.kind](Delta)
            h = best(Delta, basis)
            rows.append(
                {
                    "h": h,
                    "risk": 1 / (1 + h / 2),
                    "limit": mixture_risk(Delta, share),
                    "seen": share * np.sum(Delta**2),
                    "op": np.abs(np.diag(Delta)).max(),
                }
            )
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Networks(Measurement):
    """Matrices of rank N at random, some of them near the best for small differences."""

    shape: str
    size: float
    d: int = 10
    neurons: int = 3
    count: int = 500
    seed: int = 0

    def measure(self, fine):
        rng = np.random.default_rng(self.seed)
        Delta = self.size * np.diag(SHAPES[self.shape](self.d)) * (NUDGE if fine else 1.0)
        top = np.argsort(-np.abs(np.diag(Delta)))[: self.neurons]
        away = np.exp(rng.uniform(np.log(1e-3), np.log(10), (self.count, 1, 1)))
        W = np.eye(self.d)[top] + away * rng.standard_normal((self.count, self.neurons, self.d))
        W[0] = np.eye(self.d)[top]
        a = np.diag(Delta)[top] * np.exp(0.3 * away[:, 0] * rng.standard_normal((self.count, 1)))
        A = W.mT @ (a[..., None] * W)
        ratio = np.sum(A * Delta, axis=(1, 2)) ** 2 / np.sum(A * (A + Delta @ A @ Delta), (1, 2))
        share = 1 - network_risk(Delta, self.neurons)
        return {"h": ratio, "seen": share * np.sum(Delta**2), "op": np.abs(Delta).max()}


@dataclass(frozen=True)
class Instance(Measurement):
    """Delta = .1 diag(+-1), d = 60, all quadratics: M Delta = (1 + .1^2) Delta."""

    d: int = 60
    size: float = 0.1

    def measure(self, fine):
        size = self.size * (NUDGE if fine else 1.0)
        Delta = size * np.diag(SHAPES["signs"](self.d))
        h = np.sum(Delta**2) / (1 + size**2)
        return {"exact": 1 / (1 + h / 2), "limit": mixture_risk(Delta, 1.0)}


def covariances():
    """Both moments for two inputs, Wick's formula applied to general A and Delta."""
    A = sp.Matrix([[sp.Symbol("a"), sp.Symbol("b")], [sp.Symbol("b"), sp.Symbol("c")]])
    D = sp.Matrix([[sp.Symbol("p"), sp.Symbol("q")], [sp.Symbol("q"), sp.Symbol("r")]])
    mean, second = {}, {}
    for y in (1, -1):
        cov = sp.eye(2) - y * D
        pairs = [(i, j) for i in range(2) for j in range(2)]
        mean[y] = sum(A[i, j] * cov[i, j] for i, j in pairs)
        second[y] = sum(
            A[i, j]
            * A[m, n]
            * (cov[i, j] * cov[m, n] + cov[i, m] * cov[j, n] + cov[i, n] * cov[j, m])
            for i, j in pairs
            for m, n in pairs
        )
    overlap = (A * D).trace()
    variance = (second[1] + second[-1]) / 2 - ((mean[1] + mean[-1]) / 2) ** 2
    form = (A * (A + D * A * D)).trace()
    h, s = sp.symbols("h s", positive=True)
    # Of all multiples of A the best leaves 1 - cov^2 / var; s = <A, Delta>^2, h = s / <A, M A>.
    return {
        "covariance": sp.expand((mean[1] - mean[-1]) / 2 + overlap),
        "variance": sp.expand(variance - 2 * form - overlap**2),
        "least risk": sp.simplify(1 - s / (2 * s / h + s) - 1 / (1 + h / 2)),
    }


linear = tuple(Mixtures(kind, shape) for kind in CLASSES for shape in SHAPES)
networks = tuple(Networks(shape, size) for shape in SHAPES for size in (0.4, 0.1))
page = (Instance(),)

theorem = Theorem(
    id="Q3.T4",
    title="telling two Gaussians apart",
    source="ghorbani2019limitations, mixture of Gaussians; bounds at finite size derived",
    checks=(
        Check(Identities("covariance with the label and variance", covariances)),
        Check(AtLeast("h", "seen / (1 + op**2)"), linear),
        Check(AtLeast("seen / (1 - op**2)", "h"), (*linear, *networks)),
        Check(PowerLaw("1 - h / seen", "op", 2, band=0.1), linear),
        Check(Equal("exact", "1 / (1 + 0.3 / 1.01)", tolerance=1e-14), page),
        Check(Equal("limit", "1 / 1.3", tolerance=1e-14), page),
        Check(AtLeast("3e-3", "exact / limit - 1"), page),
    ),
    controls={
        "(1 + |Delta|^2)^-1": Check(Equal("exact", "1 / 1.6", tolerance=3e-3), page),
        "h = |P_V Delta|^2 exactly": Check(Equal("h", "seen"), linear),
        "h is always at its lower bound": Check(Equal("h", "seen / (1 + op**2)"), linear[1:2]),
        "the class does not matter": Check(
            AtLeast("h", f"{float(10 * 0.4**2)!r} / (1 + op**2)"),
            (Mixtures("features", "signs", sizes=(0.4,)),),
        ),
    },
)
