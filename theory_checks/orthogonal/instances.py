"""Losses of turned neurons: Procrustes' problem, and a two-layer network of turned neurons."""

from dataclasses import dataclass

import numpy as np
from scipy.integrate import solve_ivp

from dynlens.theory.orthogonal import parameter_gradient, rotation_of, skew
from dynlens.theory.spheres import hyperspherical_energy

NAMES = ("procrustes", "net")


def orthogonal(rng, d, sign=1):
    """A random orthogonal matrix of this determinant."""
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    Q = Q * np.sign(np.diag(R))
    Q[:, 0] *= sign * np.sign(np.linalg.det(Q))
    return Q


@dataclass(frozen=True)
class Instance:
    """A loss of QV, V the neurons as columns, with its gradient with respect to Q."""

    name: str
    V: np.ndarray
    target: np.ndarray
    inputs: np.ndarray
    signs: np.ndarray
    scale: float = 1.0

    @classmethod
    def of(cls, name, *, d=5, n=8, seed=1, scale=1.0):
        rng = np.random.default_rng(seed)
        V = rng.standard_normal((d, n))
        target = orthogonal(rng, d) @ V + 0.3 * rng.standard_normal((d, n))
        inputs, signs = rng.standard_normal((d, 30)), rng.standard_normal(n)
        if name == "net":
            target = rng.standard_normal(30)
        return cls(name, V, target, inputs, signs, scale)

    def loss(self, Q):
        if self.name == "procrustes":
            return self.scale * np.sum((Q @ self.V - self.target) ** 2) / 2
        return self.scale * np.mean((self._outputs(Q)[1] - self.target) ** 2) / 2

    def _outputs(self, Q):
        hidden = np.tanh((Q @ self.V).T @ self.inputs)
        return hidden, self.signs @ hidden

    def gradient(self, Q):
        if self.name == "procrustes":
            return self.scale * (Q @ self.V - self.target) @ self.V.T
        hidden, out = self._outputs(Q)
        back = self.signs[:, None] * (1 - hidden**2) * (out - self.target) / 30
        return self.scale * self.inputs @ back.T @ self.V.T

    def turn(self, Q):
        """M, of which the Riemannian velocity is the negative."""
        return skew(self.gradient(Q) @ Q.T)

    def energy(self, Q, s=1.0):
        return hyperspherical_energy((Q @ self.V).T, s)


def flowed(field, start, t_end, rtol, times=None):
    """The end of a matrix flow, or the states at some times."""

    def rates(t, x):
        return field(x.reshape(start.shape)).ravel()

    settings = {"rtol": rtol, "atol": rtol / 100, "t_eval": times}
    run = solve_ivp(rates, (0, t_end), start.ravel(), "DOP853", **settings)
    states = run.y.T.reshape(-1, *start.shape)
    return states[-1] if times is None else states


def parameter_flow(instance, kind):
    """The field -d loss / dP of a parameterization."""
    return lambda P: -parameter_gradient(kind, P, instance.gradient(rotation_of(kind, P)))


def differenced(of, at, way, step=1e-3):
    """Derivative of a function along a way, by differences of order six."""
    ends = [of(at + k * step * way) - of(at - k * step * way) for k in (1, 2, 3)]
    return (45 * ends[0] - 9 * ends[1] + ends[2]) / (60 * step)


def gradient_by_differences(of, at, step=1e-3):
    """The gradient of a number, entry by entry."""
    ways = np.eye(at.size).reshape(-1, *at.shape)
    return np.array([differenced(of, at, way, step) for way in ways]).reshape(at.shape)
