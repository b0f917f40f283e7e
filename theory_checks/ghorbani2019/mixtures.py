"""Two Gaussians with covariances I -+ Delta, and what classes of matrices tell of them."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.lazy_networks import (
    mixture_risk,
    network_risk,
    random_features_risk,
    tangent_risk,
)

SHAPES = {
    "signs": lambda d: np.resize([1.0, -1.0], d),
    "ramp": lambda d: np.linspace(-1.0, 1.0, d) + 0.2,
    "ones": np.ones,
}
MISSED = {  # share of Delta that a class does not see
    "all": lambda Delta, W: 0.0,
    "features": random_features_risk,
    "tangent": tangent_risk,
}


def span(kind, W):
    """Orthonormal matrices that span a class, shape (n, d, d)."""
    N, d = W.shape
    eye = np.eye(d)
    if kind == "all":
        images = np.array([np.outer(eye[i], eye[j]) for i in range(d) for j in range(i + 1)])
    else:
        model = dl.QuadraticNetwork(d, N)
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
class Mixtures(dl.Measurement):
    """Differences of several sizes, one shape, with first layers drawn at random."""

    kind: str
    shape: str
    d: int = 10
    neurons: int = 4
    sizes: tuple[float, ...] = (0.4, 0.2, 0.1, 0.05)
    seed: int = 0

    def __post_init__(self):
        if self.kind not in MISSED:
            raise ValueError(f"`kind` must be one of {tuple(MISSED)}, got {self.kind!r}.")

    def measure(self, numerics):
        W = np.random.default_rng(self.seed).standard_normal((self.neurons, self.d))
        basis = span(self.kind, W)
        rows = []
        for size in self.sizes:
            Delta = numerics.start(size * np.diag(SHAPES[self.shape](self.d)))
            share, h = 1 - MISSED[self.kind](Delta, W), best(Delta, basis)
            rows.append(
                {
                    "h": h,
                    "risk": 1 / (1 + h / 2),
                    "limit": mixture_risk(Delta, share),
                    "seen": share * np.sum(Delta**2),
                    "all": np.sum(Delta**2),
                    "op": np.abs(np.diag(Delta)).max(),
                }
            )
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Networks(dl.Measurement):
    """Matrices of rank N at random, some of them near the best for small differences."""

    shape: str
    size: float
    d: int = 10
    neurons: int = 3
    count: int = 500
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        Delta = numerics.start(self.size * np.diag(SHAPES[self.shape](self.d)))
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
class Instance(dl.Measurement):
    """Delta = .1 diag(+-1), d = 60, all quadratics: M Delta = (1 + .1^2) Delta."""

    d: int = 60
    size: float = 0.1

    def measure(self, numerics):
        size = numerics.start(self.size)
        Delta = size * np.diag(SHAPES["signs"](self.d))
        h = np.sum(Delta**2) / (1 + size**2)
        return {"risk": 1 / (1 + h / 2), "limit": mixture_risk(Delta, 1.0), "op": size}


LINEAR = tuple(Mixtures(kind, shape) for kind in MISSED for shape in SHAPES)
NETWORKS = tuple(Networks(shape, size) for shape in SHAPES for size in (0.4, 0.1))
INSTANCE = (Instance(),)
