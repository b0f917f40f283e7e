"""The deflation staircase of Ge et al. (2021): directions of a target are fitted one by one.

Notation: orthonormal e_k with coefficients a_k that fall by a constant ratio, |a| = 1; penalty
lambda, K_k = a_k - lambda / 2; m components of order l start at length delta in random directions.
"""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.problems.instances import coefficients
from dynlens.theory.closed_forms import vanilla_time, winner


def half_times(run, limits):
    """When each direction has fitted half of its limit, shape (r,)."""
    share = np.clip(run.values("fitted_coefficients") / limits, 1e-300, 1 - 1e-9)
    logit = np.log(share / (1 - share))  # linear in time where growth is logistic
    return np.array([np.interp(0.0, column, run.t) for column in logit.T])


@dataclass(frozen=True)
class Staircase(dl.Measurement):
    """Half-fit times along the flow (or descent, with eta), and what theories predict."""

    scale: float
    penalty: float = 0.0
    order: int = 4
    dimension: int = 10
    rank: int = 5
    components: int = 50
    ratio: float = 1.2
    seed: int = 0
    eta: float | None = None

    @property
    def a(self):
        return coefficients(self.rank, self.ratio)

    @property
    def problem(self):
        target = dl.RankOneSum.orthogonal(self.a, dimension=self.dimension, order=self.order)
        model = dl.SymmetricTensor(self.dimension, self.order, self.components, degree=2)
        return dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(self.penalty))

    @property
    def directions(self):
        rng = np.random.default_rng(self.seed)
        drawn = rng.standard_normal((self.components, self.dimension))
        return drawn / np.linalg.norm(drawn, axis=1)[:, None]

    @property
    def start(self):
        return self.scale * self.directions.ravel()

    def path(self, t_end, **numerics):
        """Return the flow as a case of its own."""
        return dl.Path(self.problem, tuple(self.start), t_end, saves=201, **numerics)

    def run(self, numerics, t_end):
        start = numerics.start(self.start)
        if self.eta is not None:
            steps = round(t_end / self.eta)
            return dl.gradient_descent(
                self.problem, start, eta=self.eta, steps=steps, saves=steps + 1
            )
        grid, atol = np.linspace(0.0, t_end, 1001), 1e-8 * self.scale
        return dl.gradient_flow(self.problem, start, grid, rtol=numerics.rtol(1e-8), atol=atol)

    def predicted(self, eta=None):
        given = {"scale": self.scale, "penalty": self.penalty, "eta": eta}
        return dl.theory.fitting_times(self.directions, self.a, self.order, **given)

    def measure(self, numerics):
        predicted = self.predicted(self.eta)
        run = self.run(numerics, 1.1 * predicted.max() + 2)
        observed = half_times(run, self.a - self.penalty / 2)
        return {
            "observed": observed,
            "predicted": predicted,
            "place": observed.argsort().argsort(),
            "rank": np.arange(self.rank),
            "flow": self.predicted(),
            **self.false_theories(),
        }

    def false_theories(self):
        a, padded = self.a, np.append(self.a, np.zeros(self.dimension - self.rank))
        K, parts = a - self.penalty / 2, []
        for p in self.directions:
            k = winner(p, padded, self.order)
            if k is not None:
                lag = dl.theory.FrozenResidual(tuple(p), tuple(padded), self.order).lag
                parts.append((k, abs(p[k]), lag))

        def times(power=4 / self.order, lags=1.0, limit=K, rate=4.0):
            masses = np.zeros(self.rank)
            for k, x, lag in parts:
                masses[k] += self.scale**2 * x**power * np.exp(-4 * a[k] * lags * lag)
            return np.log(limit / masses - 1) / (rate * limit)

        most = np.abs(self.directions[:, : self.rank]).max(axis=0)
        return {
            "no_lag": times(lags=0.0),
            "half_lag": times(lags=0.5),
            "no_factor": times(power=0.0),
            "squared_factor": times(power=8 / self.order),
            "neither": times(power=0.0, lags=0.0),
            "whole_a": times(limit=a),
            "less_penalty": times(limit=a - self.penalty),
            "half_rate": times(rate=2.0),
            "overlap": np.argsort(np.argsort(-most)),
            "linear": 1 / self.scale * a[0] / a,
        }


@dataclass(frozen=True)
class Plateaus(dl.Measurement):
    """Squared residual half-way between fitting times, from so small a start that stairs are flat.

    Those times are as far apart as ln(1 / delta) (1 / K_(j+1) - 1 / K_j) / 2.
    """

    scale: float = 1e-40

    def measure(self, numerics):
        case = Staircase(self.scale)
        t, start = case.predicted(), numerics.start(case.start)
        middles = np.concatenate([[t[0] / 2], (t[:-1] + t[1:]) / 2, [1.2 * t[-1]]])
        rtol, atol = numerics.rtol(1e-9), 1e-9 * self.scale
        run = dl.gradient_flow(case.problem, start, middles, rtol=rtol, atol=atol)
        left = np.cumsum(np.append(case.a**2, 0.0)[::-1])[::-1]
        return {
            "squared": run.values("residual_norm") ** 2,
            "left": left,
            "linear": 1 - np.append(0.0, np.cumsum(case.a)) / case.a.sum(),
            "even": 1 - np.arange(6) / 5,
            "late": np.append(1.0, left[:-1]),
        }


@dataclass(frozen=True)
class Separation(dl.Measurement):
    """Two equal aligned starts: how far the second is when the first is half fitted."""

    K1: float = 1.0
    K2: float = 0.7
    deltas: tuple[float, ...] = (1e-2, 1e-4, 1e-6, 1e-8)

    def measure(self, numerics):
        target = dl.RankOneSum.orthogonal([self.K1, self.K2], dimension=2, order=4)
        problem = dl.Problem(dl.SymmetricTensor(2, 4, 2, degree=2), dl.SquaredLoss(), target)
        delta, found = np.array(self.deltas), []
        for size in self.deltas:
            half = np.log(self.K1 / size**2 - 1) / (4 * self.K1)
            rtol, atol = numerics.rtol(1e-11), 1e-15 * size
            run = dl.gradient_flow(problem, size * np.eye(2).ravel(), [half], rtol=rtol, atol=atol)
            found.append(run.values("fitted_coefficients")[-1, 1] / self.K2)
        power = self.K2 / self.K1
        law = delta ** (2 * (1 - power)) * self.K1**power / self.K2
        return {"share": found, "law": law, "delta": delta}


@dataclass(frozen=True)
class Vanilla(dl.Measurement):
    """The same target fitted by sum w^4, one component on each axis."""

    delta: float = 0.1

    def measure(self, numerics):
        a = coefficients(5, 1.2)
        target = dl.RankOneSum.orthogonal(a, dimension=5, order=4)
        problem = dl.Problem(dl.SymmetricTensor(5, 4, 5), dl.SquaredLoss(), target)
        start, grid = self.delta * np.eye(5).ravel(), np.linspace(0.0, 45.0, 4501)
        run = dl.gradient_flow(problem, start, grid, method="DOP8", rtol=numerics.rtol(1e-10))
        return {
            "observed": half_times(run, a),
            "exact": [vanilla_time(self.delta, (x / 2) ** 0.25, x, 4) for x in a],
            "logarithmic": -np.log(self.delta) / (2 * a),
        }
