"""Test errors of the interpolators of regressions with features of uneven size."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.regression import interpolator


@dataclass(frozen=True)
class Risks(dl.Measurement):
    """Relative risks of AdaGrad's solution and of the one of least norm, and their norms.

    Features have deviations sigma_j, from 3 to .1 geometrically; the signal is w*_j = s_j
    sigma_j^power, s_j a random sign. Risks are (w - w*)^T Sigma (w - w*) / w*^T Sigma w*.
    """

    power: float
    count: int = 20
    n: int = 20
    d: int = 60

    def measure(self, numerics):
        rows = [self.solved(seed, numerics) for seed in range(self.count)]
        found = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        return found | {f"mean_{name}": values.mean() for name, values in found.items()}

    def solved(self, seed, numerics):
        rng = np.random.default_rng(seed)
        sigma = np.geomspace(3, 0.1, self.d)
        X = numerics.start(rng.standard_normal((self.n, self.d)) * sigma)
        signal = rng.choice([-1.0, 1.0], self.d) * sigma**self.power
        y = X @ signal
        found = {"mn": interpolator(X, y), "adagrad": self.descended(X, y)}
        whole = np.sum((sigma * signal) ** 2)
        risks = {f"risk_{k}": np.sum((sigma * (w - signal)) ** 2) / whole for k, w in found.items()}
        norms = {f"norm_{k}": np.linalg.norm(w) for k, w in found.items()}
        fitted = np.abs(X @ found["adagrad"] - y).max() / np.abs(y).max()
        return {**risks, **norms, "residual": fitted}

    def descended(self, X, y):
        """AdaGrad from zero to a residual of rounding."""
        seen = dl.Sensing(X[:, None, :], y)
        problem = dl.Problem(dl.DeepLinear((self.d, 1)), dl.SquaredLoss(), seen)
        start = np.zeros(problem.model.parameters)
        floor = 0.5 * (1e-10 * np.linalg.norm(y)) ** 2
        run = dl.gradient_descent(
            problem, start, eta=0.1, steps=200_000, saves=2, method="adagrad", stop_below=floor
        )
        return problem.end_to_end(run.final).ravel()


SMALL_FEATURES, LARGE_FEATURES = Risks(-1.0), Risks(1.0)
