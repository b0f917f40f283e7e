"""Steps on the orthogonal group: drift, distances, blocks, penalties, minimal energies."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import sympy as sp
from scipy.linalg import expm
from scipy.optimize import minimize

import dynlens as dl
from dynlens.theory.orthogonal import STEPS, skew, step_defect
from dynlens.theory.spheres import hyperspherical_energy

from .instances import Instance, flowed, orthogonal

EXACT = ("exponential", "cayley", "qr", "polar")
ORDERS = {0: 1, 1: 3, 2: 3, 3: 5, 4: 5}

# -- drift -----------------------------------------------------------------------------------------


def lengthening():
    """|p_k|^2 - 1 of p_0 = 1 + i theta, p_k+1 = 1 + (i theta / 2) (1 + p_k), k = 0, ..., 5."""
    theta = sp.Symbol("theta", positive=True)
    found, p = {}, 1 + sp.I * theta
    for k in range(6):
        length = sp.expand(sp.re(sp.expand(p)) ** 2 + sp.im(sp.expand(p)) ** 2)
        even = (-1) ** (k // 2) * theta ** (k + 2) / 2**k
        odd = (-1) ** ((k + 3) // 2) * theta ** (k + 3) / sp.Integer(2) ** (k + 1)
        leading = odd if k % 2 else even
        stated = (leading + theta ** (2 * k + 4) / sp.Integer(2) ** (2 * k + 2)) / (
            1 + theta**2 / 4
        )
        found[f"k = {k}"] = length - 1 - stated
        p = 1 + sp.I * theta / 2 * (1 + p)
    return found


@dataclass(frozen=True)
class Defects(dl.Measurement):
    """`step_defect` at theta = .3."""

    def measure(self, numerics):
        return {f"k{k}": step_defect(numerics.start(0.3), k) for k in range(6)}


STATED = (
    "9.0e-2",
    "2.025e-3",
    "-1.9794375e-3",
    "-4.453734375e-5",
    "4.4560409765625e-5",
    "1.0026092e-6",
)


@dataclass(frozen=True)
class Drift(dl.Measurement):
    """Defect of Q^T Q, energy, and distance to the flow after a run until t = 1, by step size."""

    name: str
    step: str
    counts: tuple[int, ...] = (20, 40, 80, 160)

    def measure(self, numerics):
        instance = Instance.of(self.name, scale=0.1 if self.name == "procrustes" else 1.0)
        start = numerics.start(orthogonal(np.random.default_rng(2), 5))
        gram, before = start.T @ start, instance.energy(start)
        exact = flowed(lambda Q: -instance.turn(Q) @ Q, start, 1.0, 1e-11)
        rows = []
        for count in self.counts:
            h, Q = 1 / count, start
            for _ in range(count):
                Q = STEPS[self.step](-h * instance.turn(Q), Q)
            change = Q.T @ Q - gram
            energy = instance.energy(Q) / before - 1
            rows.append(
                [
                    h,
                    np.linalg.norm(change),
                    abs(energy),
                    np.linalg.norm(Q - exact),
                    np.trace(change),
                ]
            )
        names = ("h", "defect", "energy", "distance", "trace")
        return dict(zip(names, np.transpose(rows), strict=True))


def drifts(k, names=("procrustes", "net"), **changes):
    return tuple(Drift(name, f"fixed_point_{k}", **changes) for name in names)


CALM = ("procrustes",)
ENERGIES = {k: drifts(k, CALM) for k in (0, 1, 2)}
# Of order five, they are rounding where steps are short, and not yet so where they are long.
ENERGIES |= {k: drifts(k, CALM, counts=(60, 70, 80, 90)) for k in (3, 4)}


KEPT = tuple(Drift(name, step) for name in ("procrustes", "net") for step in EXACT)

# -- retractions -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Retractions(dl.Measurement):
    """Distances of one step from I to exp(hA), |A| = 1, over the leading terms stated."""

    d: int = 5
    seed: int = 0

    def measure(self, numerics):
        A = skew(np.random.default_rng(self.seed).standard_normal((self.d, self.d)))
        A = numerics.start(A / np.linalg.norm(A))
        h, eye = np.array([0.1, 0.05, 0.025, 0.0125]), np.eye(self.d)
        cubes, upper = np.linalg.norm(A @ A @ A), np.triu(A @ A, 1)
        found = {
            name: np.array([np.linalg.norm(STEPS[name](x * A, eye) - expm(x * A)) for x in h])
            for name in ("cayley", "polar", "qr")
        }
        return found | {"h": h, "A3": cubes, "su": np.linalg.norm(skew(upper))}


RETRACTIONS = (Retractions(), Retractions(seed=1), Retractions(d=8, seed=2))

# -- blocks ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Blocks(dl.Measurement):
    """All blocks of p of d coordinates: means of A_J and of |A_J|^2."""

    d: int = 8
    p: int = 3
    seed: int = 0

    def measure(self, numerics):
        A = numerics.start(skew(np.random.default_rng(self.seed).standard_normal((self.d,) * 2)))
        blocks = []
        for chosen in combinations(range(self.d), self.p):
            inside = np.isin(np.arange(self.d), chosen)
            blocks.append(A * np.outer(inside, inside))
        return {
            "mean": np.mean(blocks, axis=0)[None],
            "A": A[None],
            "square": np.mean(np.sum(np.square(blocks), axis=(1, 2))),
            "whole": np.sum(A**2),
            "p": self.p,
            "d": self.d,
        }


@dataclass(frozen=True)
class Stochastic(dl.Measurement):
    """2000 steps of random blocks, and a full descent of as many steps as they are worth."""

    d: int = 8
    p: int = 3
    steps: int = 2000

    def measure(self, numerics):
        instance = Instance.of("procrustes", d=self.d, n=12, seed=2, scale=0.1)
        start = numerics.start(orthogonal(np.random.default_rng(2), self.d))
        rng, Q = np.random.default_rng(0), start
        for _ in range(self.steps):
            inside = np.isin(np.arange(self.d), rng.choice(self.d, self.p, replace=False))
            A = -0.01 * instance.turn(Q) * np.outer(inside, inside)
            Q = STEPS["cayley"](A, Q)
        share = self.p * (self.p - 1) / (self.d * (self.d - 1))
        full = start
        for _ in range(round(share * self.steps)):
            full = STEPS["cayley"](-0.01 * instance.turn(full), full)
        return {
            "gram": np.abs(Q.T @ Q - start.T @ start).max(),
            "energy": instance.energy(Q) / instance.energy(start) - 1,
            "loss": instance.loss(Q),
            "full": instance.loss(full),
            "begun": instance.loss(start),
        }


# -- penalties -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Penalties(dl.Measurement):
    """Minima with the squared penalty, and slopes of the other one at the constrained optimum."""

    strengths: tuple[float, ...] = (10.0, 100.0, 1000.0, 3000.0, 10000.0)

    def measure(self, numerics):
        instance = Instance.of("procrustes", scale=0.1)
        U, _, Vt = np.linalg.svd(-instance.gradient(np.zeros((5, 5))))
        best = U @ Vt  # of all orthogonal matrices: linear loss, since |QV| is constant
        pull = instance.gradient(best) @ best.T
        rows = []
        for strength in self.strengths:
            Q = self.minimum(instance, numerics.start(best), strength)
            off = Q @ Q.T - np.eye(5)
            needed = np.linalg.norm(instance.gradient(Q) @ np.linalg.inv(Q))
            energy = instance.energy(Q) / instance.energy(best) - 1
            rows.append([strength, np.linalg.norm(off), needed, abs(energy)])
        names = ("strength", "defect", "needed", "energy")
        star = np.linalg.norm(pull) / 2
        found = dict(zip(names, np.transpose(rows), strict=True))
        return found | {
            "limit": np.linalg.norm(pull),
            "weak": self.slope(instance, best, star / 2, -pull),
            "strong": min(self.slope(instance, best, 2 * star, S) for S in self.ways(pull)),
        }

    @staticmethod
    def ways(pull):
        rng = np.random.default_rng(0)
        return [-pull, pull, *rng.standard_normal((200, 5, 5))]

    @staticmethod
    def slope(instance, Q, strength, S, step=1e-6):
        """Rate at which loss and unsquared penalty change from Q along S Q."""
        moved = Q + step * S @ Q / np.linalg.norm(S)
        off = np.linalg.norm(moved @ moved.T - np.eye(5))
        return (instance.loss(moved) - instance.loss(Q) + strength * off) / step

    @staticmethod
    def minimum(instance, start, strength):
        """Newton's method from the constrained optimum."""

        def gradient(x):
            Q = x.reshape(5, 5)
            return (instance.gradient(Q) + strength * (Q @ Q.T - np.eye(5)) @ Q).ravel()

        x = start.ravel().copy()
        for _ in range(30):
            columns = [gradient(x + 1e-20j * way) for way in np.eye(25)]
            H = np.imag(columns).T / 1e-20
            x = x - np.linalg.lstsq(H, gradient(x), rcond=1e-12)[0]
        return x.reshape(5, 5)


# -- minimal energy --------------------------------------------------------------------------------

MINIMA = {12: "49.165253", 20: "150.881568", 50: "1055.182315"}


@dataclass(frozen=True)
class Charges(dl.Measurement):
    """Least energy found of n points on the sphere (unordered pairs, s = 1), and of random ones."""

    n: int
    starts: int = 12
    draws: int = 400

    def measure(self, numerics):
        rng = np.random.default_rng(self.n)
        least = min(
            self.relaxed(numerics.start(rng.standard_normal((self.n, 3))))
            for _ in range(self.starts)
        )
        drawn = rng.standard_normal((self.draws, self.n, 3))
        return {
            "least": least,
            "random": [hyperspherical_energy(V, 1.0) / 2 for V in drawn],
            "n": self.n,
        }

    def relaxed(self, V):
        i, j = np.triu_indices(self.n, 1)

        def energy(x):
            V = x.reshape(-1, 3)
            norms = np.linalg.norm(V, axis=1, keepdims=True)
            U = V / norms
            gaps = U[i] - U[j]
            inverse = 1 / np.linalg.norm(gaps, axis=1)
            pushes = -gaps * inverse[:, None] ** 3
            slope = np.zeros_like(U)
            np.add.at(slope, i, pushes)
            np.add.at(slope, j, -pushes)
            slope = (slope - U * np.sum(U * slope, axis=1, keepdims=True)) / norms
            return inverse.sum(), slope.ravel()

        options = {"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9}
        return minimize(energy, V.ravel(), jac=True, method="L-BFGS-B", options=options).fun


CHARGES = {n: Charges(n) for n in MINIMA}
