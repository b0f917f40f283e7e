"""Where the theorems of Ghorbani et al. (2019) on lazy training are asserted: drawn features."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.lazy_networks import (
    directions,
    network_risk,
    random_features_limit,
    random_features_risk,
    tangent_limit,
    tangent_mean,
    tangent_risk,
    trace_share,
)

TARGETS = {
    "ramp": lambda d: np.linspace(0.2, 1.8, d),
    "traceless": lambda d: np.resize([1.0, -1.0], d),
    "rank 3": lambda d: np.append([1.0, 1.0, 1.0], np.zeros(d - 3)),
}
COVARIANCES = {"identity": np.ones, "uneven": lambda d: np.linspace(0.5, 1.5, d)}
SHARES = (0.25, 0.5, 0.75)


def features(target, d, share, count, covariance="identity", seed=0):
    """Random features drawn again and again for one target: what they leave of it, and more.

    `beta` is the share of the identity that is explained, `gram` the sum of <u_i, u_j>^2 over all
    pairs of directions, `limit` the risk for many dimensions, `network` that of networks.
    """
    B, Gamma, N = np.diag(target), np.diag(COVARIANCES[covariance](d)), round(share * d)
    rng = np.random.default_rng([seed, d, N])
    rows = rng.standard_normal((count, N, d)) * np.sqrt(np.diag(Gamma) / d)
    found = {
        "risk": [random_features_risk(B, W) for W in rows],
        "beta": [1 - random_features_risk(np.eye(d), W) for W in rows],
        "gram": [np.sum((u @ u.T) ** 2) for u in (directions(W, d) for W in rows)],
    }
    numbers = {
        "N": N,
        "d": d,
        "tau": trace_share(B),
        "limit": random_features_limit(B, N, Gamma),
        "network": network_risk(B, N),
    }
    return {k: np.array(v) for k, v in found.items()} | {
        k: np.full(count, float(v)) for k, v in numbers.items()
    }


@dataclass(frozen=True)
class Features(dl.Measurement):
    """Draws of several sizes (d, rho) for one target, one after the other."""

    target: str
    sizes: tuple[tuple[int, float], ...] = ((20, 0.5), (20, 1.5), (40, 0.25), (40, 0.75))
    count: int = 60
    seed: int = 0

    def measure(self, numerics):
        drawn = [
            features(numerics.start(TARGETS[self.target](d)), d, rho, self.count, seed=self.seed)
            for d, rho in self.sizes
        ]
        return {name: np.concatenate([one[name] for one in drawn]) for name in drawn[0]}


@dataclass(frozen=True)
class Dimensions(dl.Measurement):
    """Means over draws, in growing dimension."""

    target: str
    share: float
    covariance: str = "identity"
    dimensions: tuple[int, ...] = (20, 40, 80, 160)

    def measure(self, numerics):
        drawn = [
            features(
                numerics.start(TARGETS[self.target](d)), d, self.share, 800 // d, self.covariance
            )
            for d in self.dimensions
        ]
        return {name: np.array([one[name].mean() for one in drawn]) for name in drawn[0]}


@dataclass(frozen=True)
class Tangents(dl.Measurement):
    """First layers drawn again and again, for one target."""

    target: str
    d: int
    share: float
    count: int
    seed: int = 0

    def measure(self, numerics):
        B, N = np.diag(TARGETS[self.target](self.d)), round(self.share * self.d)
        rng = np.random.default_rng([self.seed, self.d, N])
        rows = numerics.start(rng.standard_normal((self.count, N, self.d)))
        return {
            "risk": [tangent_risk(B, W) for W in rows],
            "exact": tangent_mean(B, N),
            "limit": tangent_limit(N / self.d, trace_share(B)),
            "network": network_risk(B, N),
            "rho": N / self.d,
            "d": self.d,
        }


def left_over(B, images):
    """Relative squared distance of B to the span of some matrices, by least squares."""
    columns = images.reshape(len(images), -1).T
    weights = np.linalg.lstsq(columns, B.ravel(), rcond=1e-12)[0]
    return np.sum((B.ravel() - columns @ weights) ** 2) / np.sum(B**2)


@dataclass(frozen=True)
class Linearized(dl.Measurement):
    """Networks linearized at random: what either layer can do, by least squares and by formula."""

    d: int
    neurons: int
    count: int = 10
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng([self.seed, self.d, self.neurons])
        model, N, found = dl.QuadraticNetwork(self.d, self.neurons), self.neurons, []
        for _ in range(self.count):
            B = rng.standard_normal((self.d, self.d))
            B = B + B.T
            a, W = rng.standard_normal(N), rng.standard_normal((N, self.d))
            steps = model.unravel(np.eye(model.parameters))
            repeated = tuple(
                np.broadcast_to(numerics.start(f), (model.parameters, *f.shape)) for f in (a, W)
            )
            images = model.pushforward(repeated, steps)
            by_formula = random_features_risk(B, W), tangent_risk(B, W)
            found.append((*by_formula, left_over(B, images[:N]), left_over(B, images[N:])))
        names = ("features", "tangent", "second_layer", "first_layer")
        return dict(zip(names, np.array(found).T, strict=True))


FEATURES = tuple(Features(target) for target in TARGETS)
GROWING = {target: tuple(Dimensions(target, share) for share in SHARES) for target in TARGETS}
UNEVEN = tuple(Dimensions("ramp", share, "uneven") for share in SHARES)
TANGENTS = {
    target: tuple(Tangents(target, 80, share, 60) for share in SHARES) for target in TARGETS
}
FEW_DIMENSIONS = (Tangents("ramp", 6, 0.5, 4000), Tangents("traceless", 6, 0.5, 4000))
DEFINITE, MIXED = TANGENTS["ramp"] + TANGENTS["rank 3"], TANGENTS["traceless"]
LINEARIZED = (Linearized(6, 2), Linearized(6, 5), Linearized(8, 10))
