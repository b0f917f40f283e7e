"""The linear loss tr B - tr(BQ): closed forms, times, and gaps."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

import dynlens as dl
from dynlens.theory.orthogonal import procrustes_flow, skew
from dynlens.theory.spheres import householder

from .conservation import reflections_gradient
from .instances import flowed, orthogonal, parameter_flow

EIGENVALUES = (0.3, 0.7, 1.2, 1.8, 2.5)


def definite(rng, d):
    """A positive definite matrix of well separated eigenvalues."""
    U = orthogonal(rng, d)
    return (U * np.array(EIGENVALUES[:d])) @ U.T


@dataclass(frozen=True)
class Riccati(dl.Measurement):
    """Q' = (B - QBQ) / 2 by integration, and the closed form with Bt/2, and with Bt."""

    d: int = 4
    t_end: float = 3.0
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        B, Q0 = definite(rng, self.d), orthogonal(rng, self.d)
        Q0, times = numerics.start(Q0), np.linspace(0, self.t_end, 13)
        states = flowed(lambda Q: (B - Q @ B @ Q) / 2, Q0, self.t_end, numerics.rtol(1e-11), times)
        return {
            "Q": states,
            "closed": [procrustes_flow(B, Q0, t) for t in times],
            "twice": [procrustes_flow(B, Q0, 2 * t) for t in times],
        }


class Linear:
    """The loss, as `parameter_flow` wants it."""

    def __init__(self, B):
        self.B = B

    def gradient(self, Q):
        return -self.B.T

    def gap(self, Q):
        return np.trace(self.B) - np.trace(self.B @ Q)


def turned(angle):
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


@dataclass(frozen=True)
class Plane(dl.Measurement):
    """Rotations of the plane: the angle by the Riemannian flow, Cayley's s = tan(angle / 2)."""

    s0: float
    b: float = 1.3
    angle: float = 3.0

    def measure(self, numerics):
        B, rtol = np.diag([0.5, self.b - 0.5]), numerics.rtol(1e-11)
        linear, times = Linear(B), np.array([0.0, 1.0, 2.0, 5.0])
        start = numerics.start(turned(self.angle))
        states = flowed(lambda Q: skew(B @ Q.T) @ Q, start, 5.0, rtol, times)
        angles = np.arctan2(states[:, 0, 1], states[:, 0, 0])
        P = numerics.start(np.array([[0.0, self.s0], [0.0, 0.0]]))
        s = flowed(parameter_flow(linear, "cayley"), P, 5.0, rtol, times)[:, 0, 1]
        return {
            "t": times,
            "b": self.b,
            "phi": angles,
            "phi_0": angles[0],
            "F": np.log(s) + s**2 + s**4 / 4,
            "F_0": np.log(self.s0) + self.s0**2 + self.s0**4 / 4,
        }


@dataclass(frozen=True)
class HalfTurn(dl.Measurement):
    """Times from s_0 to s = 1, near half a turn to a quarter, by both flows."""

    s0: float = 14.0
    b: float = 1.3

    def measure(self, numerics):
        rtol = numerics.rtol(1e-10)

        def time(rate):
            def there(t, x):
                return x[0] - 1

            there.terminal = True
            settings = {"rtol": rtol, "atol": rtol, "events": there}
            return solve_ivp(rate, (0, 1e5), [self.s0], "LSODA", **settings).t_events[0][0]

        return {
            "cayley": time(lambda t, s: -4 * self.b * s / (1 + s**2) ** 2),
            "riemannian": time(lambda t, s: -self.b * s / 2),
            "s0": self.s0,
            "b": self.b,
        }


@dataclass(frozen=True)
class Gaps(dl.Measurement):
    """tr B - tr(BQ) where the flow from random starts has come to, by determinant."""

    d: int
    sign: int
    count: int = 5
    t_end: float = 60.0

    def measure(self, numerics):
        B = definite(np.random.default_rng(0), self.d)
        values, vectors = np.linalg.eigh(B)
        u = vectors[:, 0]
        gaps, far = [], []
        for seed in range(self.count):
            Q = numerics.start(orthogonal(np.random.default_rng([self.d, seed]), self.d, self.sign))
            end = flowed(lambda Q: skew(B @ Q.T) @ Q, Q, self.t_end, numerics.rtol(1e-9))
            gaps.append(Linear(B).gap(end))
            far.append(np.abs(end - np.eye(self.d) + 2 * np.outer(u, u)).max())
        return {"gap": gaps, "far": far, "b_min": values[0]}


@dataclass(frozen=True)
class Reflections(dl.Measurement):
    """The gap where the flow of d - 1 free reflections has come to."""

    d: int
    count: int = 3
    t_end: float = 60.0

    def measure(self, numerics):
        B, gaps = definite(np.random.default_rng(0), self.d), []
        for seed in range(self.count):
            V = np.random.default_rng([self.d, seed]).standard_normal((self.d - 1, self.d))
            end = flowed(
                lambda V: reflections_gradient(V, B.T), numerics.start(V), self.t_end,
                numerics.rtol(1e-8),
            )  # fmt: skip
            gaps.append(Linear(B).gap(householder(end)))
        return {"gap": gaps, "b_min": np.linalg.eigvalsh(B)[0]}


RICCATI = (Riccati(), Riccati(d=5, seed=1))
PLANE = (Plane(5.0), Plane(14.0))
RIGHT, WRONG = (tuple(Gaps(d, sign) for d in (4, 5)) for sign in (1, -1))
