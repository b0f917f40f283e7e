"""What flows and descents of orthogonal training keep, and what they do not."""

from dataclasses import dataclass
from functools import reduce

import numpy as np

import dynlens as dl
from dynlens.theory.orthogonal import parameter_gradient, rotation_of, skew
from dynlens.theory.spheres import householder, hyperspherical_energy

from .instances import NAMES, Instance, flowed, orthogonal, parameter_flow

SLOW = {"procrustes": 0.1, "net": 1.0}  # factors of the losses: Gram and Schmidt's flow is stiff


def parameter():
    """A rotation plus Gaussian numbers, of those from which Gram and Schmidt's flow goes on.

    Their last row does not move. Where the others turn until it depends on them, P is singular
    after finite time, the rotation jumps, and the flow ends: so it is from about half of all
    starts.
    """
    rng = np.random.default_rng(3)
    return orthogonal(rng, 5) + 0.3 * rng.standard_normal((5, 5))


def largest(change):
    return np.abs(change).max()


@dataclass(frozen=True)
class Turning(dl.Measurement):
    """Changes of Q^T Q and of the energy along Q' = AQ, and along other forms of the same field."""

    name: str
    off: float = 0.1
    t_end: float = 2.0

    def measure(self, numerics):
        instance, rtol = Instance.of(self.name), numerics.rtol(1e-10)
        rng = np.random.default_rng(3)
        start = orthogonal(rng, 5) + self.off * rng.standard_normal((5, 5))
        start = numerics.start(start)

        def left(Q):
            return -instance.turn(Q) @ Q

        def right(Q):
            return -Q @ skew(Q.T @ instance.gradient(Q))

        def projected(Q):
            G = instance.gradient(Q)
            return -(G - Q @ G.T @ Q) / 2

        found = {}
        for way, field in (("left", left), ("right", right), ("projected", projected)):
            # Off the group the last form runs away.
            end = flowed(field, start, self.t_end / (8 if way == "projected" else 1), rtol)
            found[f"gram_{way}"] = largest(end.T @ end - start.T @ start)
            for s in (0.0, 1.0, 2.0):
                before = instance.energy(start, s)
                found[f"energy{s:.0f}_{way}"] = instance.energy(end, s) / before - 1
        half = instance.V.copy()
        half[:, :4] = orthogonal(rng, 5) @ half[:, :4]
        found["half"] = (
            hyperspherical_energy(half.T, 1) / hyperspherical_energy(instance.V.T, 1) - 1
        )
        return found | self.descended(instance, orthogonal(np.random.default_rng(3), 5))

    def descended(self, instance, Q):
        """Plain descent on Q, 100 steps of .01 on a tenth of the loss."""
        before = instance.energy(Q)
        for _ in range(100):
            Q = Q - 0.01 * 0.1 * instance.gradient(Q)
        return {
            "gram_plain": largest(Q.T @ Q - np.eye(5)),
            "energy_plain": instance.energy(Q) / before - 1,
        }


def reflections_gradient(V, G):
    """Gradient with respect to the rows v_k of `householder`, from that with respect to Q."""
    reflections = [householder(v[None]) for v in V]
    found = np.zeros_like(V)
    for k, v in enumerate(V):
        before = reduce(np.matmul, reflections[:k], np.eye(len(G)))
        after = reduce(np.matmul, reflections[k + 1 :], np.eye(len(G)))
        N = before.T @ G @ after.T
        square = v @ v
        found[k] = -2 * ((N + N.T) @ v / square - 2 * v * (v @ N @ v) / square**2)
    return found


@dataclass(frozen=True)
class Kept(dl.Measurement):
    """Changes along gradient flow of the parameters until t = 3, relative to their size."""

    name: str
    t_end: float = 3.0

    def measure(self, numerics):
        instance, rtol = Instance.of(self.name, scale=SLOW[self.name]), numerics.rtol(1e-10)
        P = numerics.start(parameter())
        found = {}
        for kind in ("gram_schmidt", "lowdin"):
            end = flowed(parameter_flow(instance, kind), P, self.t_end, rtol)
            found[f"{kind}_rows"] = largest(np.linalg.norm(end, axis=1) - np.linalg.norm(P, axis=1))
            found[f"{kind}_columns"] = largest(
                np.linalg.norm(end, axis=0) - np.linalg.norm(P, axis=0)
            )
            values = np.linalg.svd(end, compute_uv=False) - np.linalg.svd(P, compute_uv=False)
            found[f"{kind}_values"] = largest(values)
            found[f"{kind}_itself"] = largest(end - P)
        V = P[:4]

        def field(V):
            return -reflections_gradient(V, instance.gradient(householder(V)))

        end = flowed(field, V, self.t_end, rtol)
        found["householder_norms"] = largest(
            np.linalg.norm(end, axis=1) - np.linalg.norm(V, axis=1)
        )
        found["householder_det"] = np.linalg.det(householder(end))
        return found


@dataclass(frozen=True)
class Grown(dl.Measurement):
    """Squared norms after 500 steps of .01, less those before, and what the steps add up to."""

    name: str
    steps: int = 500
    eta: float = 0.01

    def measure(self, numerics):
        instance = Instance.of(self.name, scale=SLOW[self.name])
        begun = numerics.start(parameter())
        found = {}
        for kind in ("lowdin", "gram_schmidt"):
            P, added = begun, np.zeros(5)
            for _ in range(self.steps):
                g = parameter_gradient(kind, P, instance.gradient(rotation_of(kind, P)))
                P, added = P - self.eta * g, added + self.eta**2 * np.sum(g * g, axis=1)
            rows = np.sum(P * P, axis=1) - np.sum(begun * begun, axis=1)
            found[kind], found[f"{kind}_added"] = rows, added
            values = np.linalg.svd(P, compute_uv=False) - np.linalg.svd(begun, compute_uv=False)
            found[f"{kind}_values"] = values
        for part in ("lowdin", "lowdin_added"):  # as a whole, not row by row
            found[f"{part}_whole"] = np.full(5, found[part].sum())
        V, added = begun[:4], np.zeros(4)
        for _ in range(self.steps):
            g = reflections_gradient(V, instance.gradient(householder(V)))
            V, added = V - self.eta * g, added + self.eta**2 * np.sum(g * g, axis=1)
        grown = np.sum(V * V, axis=1) - np.sum(begun[:4] ** 2, axis=1)
        return found | {
            "householder": np.append(grown, 0.0),
            "householder_added": np.append(added, 0.0),
        }


OFF = tuple(Turning(name) for name in NAMES)
ON = tuple(Turning(name, off=0.0, t_end=1.0) for name in NAMES)
KEPT = tuple(Kept(name) for name in NAMES)
GROWN = tuple(Grown(name) for name in NAMES)
