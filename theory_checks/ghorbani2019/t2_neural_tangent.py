"""The neural tangent class misses a target on the complement of the features' span.

Ghorbani et al. (2019), neural tangent with w_i ~ N(0, I / d). The first layer, linearized, makes
the matrices A with P A P = 0, P the projection onto the complement, of rank k = d - N. So

    risk = |P B P|^2 / |B|^2,    E risk = k/d - d C + C (tr B)^2 / |B|^2,
    C = k (d - k) / (d (d - 1) (d + 2)),

exactly, by the second moments of a random projection; in the limit N = rho d, with
tau = (tr B)^2 / (d |B|^2), it is (1 - rho)^2 (1 - tau) + (1 - rho) tau for rho < 1. For B >= 0
networks of as many neurons do better; for B of mixed signs they may do worse.
"""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    Equal,
    Identities,
    Mean,
    Measurement,
    QuadraticNetwork,
    Theorem,
)
from dynlens.theory.lazy_networks import (
    network_risk,
    random_features_risk,
    tangent_limit,
    tangent_mean,
    tangent_risk,
    trace_share,
)
from theory_checks.ghorbani2019.t1_random_features import NUDGE, TARGETS


@dataclass(frozen=True)
class Tangents(Measurement):
    """First layers drawn again and again, for one target."""

    target: str
    d: int
    share: float
    count: int
    seed: int = 0

    @cache  # noqa: B019 - frozen, and a handful of them
    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        B, N = np.diag(TARGETS[self.target](self.d)), round(self.share * self.d)
        rng = np.random.default_rng([self.seed, self.d, N])
        drawn = rng.standard_normal((self.count, N, self.d)) * nudge
        numbers = {
            "exact": tangent_mean(B, N),
            "limit": tangent_limit(N / self.d, trace_share(B)),
            "network": network_risk(B, N),
            "rho": N / self.d,
            "d": self.d,
        }
        return {"risk": np.array([tangent_risk(B, W) for W in drawn])} | {
            name: np.full(self.count, float(value)) for name, value in numbers.items()
        }


def left_over(B, images):
    """Relative squared distance of B to the span of some matrices, by least squares."""
    columns = images.reshape(len(images), -1).T
    weights = np.linalg.lstsq(columns, B.ravel(), rcond=1e-12)[0]
    return np.sum((B.ravel() - columns @ weights) ** 2) / np.sum(B**2)


@dataclass(frozen=True)
class Linearized(Measurement):
    """Networks linearized at random: what either layer can do, by least squares and by formula."""

    d: int
    neurons: int
    count: int = 10
    seed: int = 0

    def measure(self, fine):
        nudge = NUDGE if fine else 1.0
        rng = np.random.default_rng([self.seed, self.d, self.neurons])
        model, rows = QuadraticNetwork(self.d, self.neurons), []
        for _ in range(self.count):
            B = rng.standard_normal((self.d, self.d))
            B = B + B.T
            a, W = rng.standard_normal(self.neurons), rng.standard_normal((self.neurons, self.d))
            steps = model.unravel(np.eye(model.parameters))
            repeated = tuple(
                np.broadcast_to(f * nudge, (model.parameters, *f.shape)) for f in (a, W)
            )
            images = model.pushforward(repeated, steps)
            N = self.neurons
            rows.append(
                [
                    random_features_risk(B, W),
                    left_over(B, images[:N]),
                    tangent_risk(B, W),
                    left_over(B, images[N:]),
                ]
            )
        names = ("features", "second_layer", "tangent", "first_layer")
        return dict(zip(names, np.array(rows).T, strict=True))


def moments():
    """E[P_ij P_kl] = A d_ij d_kl + C (d_ik d_jl + d_il d_jk), by invariance; A and C by traces."""
    d, k, A, C = sp.symbols("d k A C", positive=True)
    traces = [A * d**2 + 2 * C * d - k**2, A * d + C * (d**2 + d) - k]  # (tr P)^2 and tr P^2
    found = sp.solve(traces, [A, C], dict=True)[0]
    stated = k * (d - k) / (d * (d - 1) * (d + 2))
    # E tr(P B P B), contracted entry by entry for a general symmetric matrix of size three.
    n, delta = 3, sp.KroneckerDelta
    entries = sp.symbols("b:6")
    B = sp.Matrix(n, n, lambda i, j: entries[max(i, j) * (max(i, j) + 1) // 2 + min(i, j)])
    contracted = 0
    for i, j, m, p in itertools.product(range(n), repeat=4):
        crossed = delta(i, m) * delta(j, p) + delta(i, p) * delta(j, m)
        contracted += (A * delta(i, j) * delta(m, p) + C * crossed) * B[j, m] * B[p, i]
    square, trace = (B * B).trace(), B.trace()
    return {
        "C": found[C] - stated,
        "A": found[A] - (k / d - (d + 1) * stated),
        "E |P B P|^2": sp.expand(contracted - (A + C) * square - C * trace**2),
        "A + C": found[A] + found[C] - (k / d - d * stated),
    }


def limit():
    """(tr B)^2 = tau d |B|^2 and k = (1 - rho) d, for d to infinity."""
    d, rho, tau = sp.symbols("d rho tau", positive=True)
    k = (1 - rho) * d
    C = k * (d - k) / (d * (d - 1) * (d + 2))
    mean = sp.limit(sp.simplify(k / d - d * C + C * tau * d), d, sp.oo)
    return {"limit": sp.expand(mean - (1 - rho) ** 2 * (1 - tau) - (1 - rho) * tau)}


shares = (0.25, 0.5, 0.75)
draws = tuple(Tangents(target, 80, share, 60) for target in TARGETS for share in shares)
small = (Tangents("ramp", 6, 0.5, 1000), Tangents("traceless", 6, 0.5, 1000))
ramp = draws[1:2]
definite, mixed = draws[:3] + draws[6:], draws[3:6]
layers = (Linearized(6, 2), Linearized(6, 5), Linearized(8, 10))

theorem = Theorem(
    id="Q3.T2",
    title="the risk of the neural tangent class",
    source="ghorbani2019limitations, neural tangent; mean at finite d derived",
    checks=(
        Check(Identities("E |P B P|^2 from the moments of a random projection", moments)),
        Check(Identities("limit of many dimensions", limit)),
        Check(Mean("risk", "exact"), draws + small),
        Check(AtLeast("2 / d", "Abs(exact - limit)"), draws + small),
        # Eigenvalues of P B P interlace: for B >= 0 no draw is better than the best network.
        Check(AtLeast("risk", "network"), definite),
        # The class has matrices of rank 2 N, which pays where signs are mixed.
        Check(AtLeast("network", "exact"), mixed),
        # The classes are the model's own derivatives, by the layer.
        Check(Equal("features", "second_layer", scale="1"), layers),
        Check(Equal("tangent", "first_layer", scale="1"), layers),
    ),
    controls={
        "1 - rho": Check(Mean("risk", "1 - rho"), ramp),
        "(1 - rho)^2": Check(Mean("risk", "(1 - rho)**2"), ramp),
        "exact at finite d": Check(Mean("risk", "limit"), small),
        "networks do no better": Check(AtLeast("network", "risk"), ramp),
        "networks always do better": Check(AtLeast("risk", "network"), mixed),
        "the class is rank <= N": Check(Mean("risk", "network"), draws),
        "the tangent class is the features'": Check(Equal("features", "first_layer"), layers[:1]),
    },
)
