"""How parameterizations turn Q: velocities against differences, and flows beside each other."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.orthogonal import (
    householder_qr,
    parameter_gradient,
    rotation_of,
    velocity,
)
from dynlens.theory.spheres import gram_schmidt

from .instances import (
    NAMES,
    Instance,
    differenced,
    flowed,
    gradient_by_differences,
    orthogonal,
    parameter_flow,
)

KINDS = ("lowdin", "gram_schmidt", "cayley")


def wrong_lowdin(P, M, half_squares):
    """With (h_i^2 + h_j^2) / 2 in the denominator, or half of the velocity."""
    vectors, h, _ = np.linalg.svd(P)
    sums = 2 * np.add.outer(h**2, h**2) if half_squares else 2 * np.add.outer(h, h) ** 2
    return vectors @ (-4 * (vectors.T @ M @ vectors) / sums) @ vectors.T


def wrong_gram_schmidt(P, M):
    """With K = (L L^T)^-1."""
    L = P @ rotation_of("gram_schmidt", P).T
    upper = np.triu(np.linalg.solve(L @ L.T, np.triu(M, 1)), 1)
    return -2 * (upper - upper.T)


def wrong_cayley(P, M):
    """With the root of K."""
    S = np.triu(P, 1) - np.triu(P, 1).T
    values, vectors = np.linalg.eigh(np.eye(len(S)) - S @ S)
    root = (vectors / np.sqrt(values)) @ vectors.T
    return -8 * root @ M @ root


@dataclass(frozen=True)
class Velocities(dl.Measurement):
    """The velocity A of a parameterization, and Q'Q^T by differences along its gradient flow."""

    name: str
    kind: str
    count: int = 5

    def measure(self, numerics):
        rows = [self.once(seed, numerics) for seed in range(self.count)]
        return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}

    def once(self, seed, numerics):
        instance, kind, rng = Instance.of(self.name), self.kind, np.random.default_rng(seed)
        P = numerics.start(orthogonal(rng, 5) + 0.3 * rng.standard_normal((5, 5)))
        Q = rotation_of(kind, P)
        g = parameter_gradient(kind, P, instance.gradient(Q))
        way = g / np.linalg.norm(g)  # so that one step of differences suits all
        step = numerics.pick(1e-3, 2e-3)
        moved = differenced(lambda P: rotation_of(kind, P), P, -way, step) * np.linalg.norm(g)
        M = instance.turn(Q)
        wrong = {
            "lowdin": lambda: wrong_lowdin(P, M, True),
            "gram_schmidt": lambda: wrong_gram_schmidt(P, M),
            "cayley": lambda: wrong_cayley(P, M),
        }[kind]()

        def loss(P):
            return instance.loss(rotation_of(kind, P))

        found = {
            "A": velocity(kind, P, M),
            "turned": moved @ Q.T,
            "wrong": wrong,
            "half": velocity(kind, P, M) / 2,
            "gradient": g,
            "differences": gradient_by_differences(loss, P, step),
        }
        return {name: value[None] for name, value in found.items()}


@dataclass(frozen=True)
class SideBySide(dl.Measurement):
    """Flows of parameters from P = c Q and the Riemannian flow, on its clock and on another."""

    name: str
    c: float
    t: float = 0.5

    def measure(self, numerics):
        instance, rtol, c = Instance.of(self.name, scale=0.1), numerics.rtol(1e-10), self.c
        Q = orthogonal(np.random.default_rng(5), 5)
        start = numerics.start(c * Q)

        def riemannian(time):
            return flowed(lambda Q: -instance.turn(Q) @ Q, Q, time, rtol)

        def parameters(kind, time):
            return flowed(parameter_flow(instance, kind), start, time, rtol)

        early, late = 0.02, 0.2
        schmidt = {
            t: rotation_of("gram_schmidt", parameters("gram_schmidt", t)) - riemannian(2 * t / c**2)
            for t in (early, late)
        }
        return {
            "lowdin": parameters("lowdin", self.t)[None],
            "riemannian": c * riemannian(self.t / c**2)[None],
            "on_its_own_clock": c * riemannian(self.t)[None],
            "schmidt": rotation_of("gram_schmidt", parameters("gram_schmidt", late))[None],
            "riemannian_twice": riemannian(2 * late / c**2)[None],
            # The distance grows with t^2: it only starts alike.
            "order": np.log10(np.linalg.norm(schmidt[late]) / np.linalg.norm(schmidt[early])),
        }


@dataclass(frozen=True)
class Reflected(dl.Measurement):
    """The authors' Householder beside Gram and Schmidt on the same columns."""

    d: int
    count: int = 20

    def measure(self, numerics):
        rows = []
        for seed in range(self.count):
            P = numerics.start(np.random.default_rng([self.d, seed]).standard_normal((self.d,) * 2))
            Q, columns = householder_qr(P), gram_schmidt(P)
            signed = columns.copy()
            signed[:, -1] *= (-1) ** (self.d - 1) * np.sign(np.linalg.det(columns))
            rows.append({"Q": Q, "signed": signed, "columns": columns, "det": np.linalg.det(Q)})
        found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return found | {"stated": (-1.0) ** (self.d - 1)}


VELOCITIES = {kind: tuple(Velocities(name, kind) for name in NAMES) for kind in KINDS}
SIDE_BY_SIDE = tuple(SideBySide(name, c) for name in NAMES for c in (1.0, 2.0))
REFLECTED = tuple(Reflected(d) for d in (3, 4, 5, 6))
