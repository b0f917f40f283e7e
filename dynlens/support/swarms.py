"""Several maximizations side by side, without gradients: evolution with an adapted covariance.

Each *swarm* is a Gaussian cloud from which points are drawn; it moves to the best of them and
learns their covariance (CMA-ES; N. Hansen, *The CMA evolution strategy: a tutorial*, 2016, whose
symbols and constants are used here). Only the order of the values counts, so that kinks, flat
regions and values of all sizes do no harm. All swarms are advanced at once, by array operations.
"""

from __future__ import annotations

import numpy as np

from dynlens.support.typing import Array, Mask

SMALLEST = 1e-14  # a cloud of this size beside its middle has converged
LARGEST = 1e12


def offspring(n: int) -> int:
    """How many points a cloud in n dimensions draws at once."""
    return 8 + int(3 * np.log(n))


class Swarms:
    """K clouds in n dimensions.

    Parameters
    ----------
    starts : ndarray, shape (K, n)
        Where they are centred.
    spread : ndarray, shape (K, n)
        Their standard deviations along the axes.
    rng : numpy.random.Generator

    Attributes
    ----------
    best : ndarray, shape (K,)
        The best value that each was told since its start.
    """

    def __init__(self, starts: Array, spread: Array, rng: np.random.Generator) -> None:
        self.rng = rng
        self.count, self.n = starts.shape
        n = self.n
        self.offspring = offspring(n)
        mu = self.offspring // 2
        weights = np.log(self.offspring / 2 + 0.5) - np.log(np.arange(1, mu + 1))
        self.weights = weights / weights.sum()
        self.mu_eff = 1 / np.sum(self.weights**2)
        m = self.mu_eff
        self.c_sigma = (m + 2) / (n + m + 5)
        self.damping = 1 + 2 * max(0.0, np.sqrt((m - 1) / (n + 1)) - 1) + self.c_sigma
        self.c_c = (4 + m / n) / (n + 4 + 2 * m / n)
        self.c_1 = 2 / ((n + 1.3) ** 2 + m)
        self.c_mu = min(1 - self.c_1, 2 * (m - 2 + 1 / m) / ((n + 2) ** 2 + m))
        self.usual = np.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n))
        self.patience = 12 + 30 * n // self.offspring
        self.mean, self.sigma = starts.copy(), np.ones(self.count)
        self.covariance = np.zeros((self.count, n, n))
        self.path_sigma, self.path_c = np.zeros((2, self.count, n))
        self.best = np.full(self.count, -np.inf)
        self.waited = np.zeros(self.count, dtype=int)
        for k in range(self.count):
            self.restart(k, starts[k], spread[k])

    def restart(self, k: int, start: Array, spread: Array) -> None:
        """Begin the k-th anew."""
        self.mean[k], self.sigma[k] = start, 1.0
        self.covariance[k] = np.diag(spread**2)
        self.path_sigma[k], self.path_c[k] = 0.0, 0.0
        self.best[k], self.waited[k] = -np.inf, 0

    def ask(self) -> Array:
        """Draw points to be evaluated, shape (K, offspring, n)."""
        values, vectors = np.linalg.eigh(self.covariance)
        floor = SMALLEST**2 * values[:, -1:] + 1e-300
        self._root = np.sqrt(np.maximum(values, floor))
        self._vectors = vectors
        z = self.rng.standard_normal((self.count, self.offspring, self.n))
        steps = (z * self._root[:, None, :]) @ vectors.mT
        return np.asarray(self.mean[:, None, :] + self.sigma[:, None, None] * steps)

    def tell(self, points: Array, values: Array) -> None:
        """Move all, given the points (where they were evaluated) and their values."""
        order = np.argsort(-values, axis=1, kind="stable")[:, : len(self.weights)]
        chosen = np.take_along_axis(points, order[:, :, None], axis=1)
        steps = (chosen - self.mean[:, None, :]) / self.sigma[:, None, None]
        moved = np.einsum("i,kij->kj", self.weights, steps)
        self.mean = self.mean + self.sigma[:, None] * moved
        white = np.einsum("kji,kj->ki", self._vectors, moved) / self._root
        white = np.einsum("kij,kj->ki", self._vectors, white)
        c, m = self.c_sigma, self.mu_eff
        self.path_sigma = (1 - c) * self.path_sigma + np.sqrt(c * (2 - c) * m) * white
        length = np.linalg.norm(self.path_sigma, axis=1) / self.usual
        steady = (length < 1.4 + 2 / (self.n + 1)).astype(float)[:, None]
        c = self.c_c
        self.path_c = (1 - c) * self.path_c + steady * np.sqrt(c * (2 - c) * m) * moved
        along = self.path_c[:, :, None] * self.path_c[:, None, :]
        spread = np.einsum("i,kij,kil->kjl", self.weights, steps, steps)
        kept = 1 - self.c_1 - self.c_mu
        self.covariance = kept * self.covariance + self.c_1 * along + self.c_mu * spread
        grown = np.exp(np.clip((self.c_sigma / self.damping) * (length - 1), -1, 0.6))
        self.sigma = self.sigma * grown
        top = values.max(axis=1)
        better = top > self.best
        self.best = np.where(better, top, self.best)
        self.waited = np.where(better, 0, self.waited + 1)

    @property
    def stalled(self) -> Mask:
        """Which have converged, run away, or found nothing better for long."""
        with np.errstate(all="ignore"):
            size = self.sigma * np.sqrt(np.trace(self.covariance, axis1=1, axis2=2))
            beside = np.linalg.norm(self.mean, axis=1)
        lost = ~np.isfinite(size) | (size > LARGEST)
        return lost | (size < SMALLEST * (1e-3 + beside)) | (self.waited > self.patience)
