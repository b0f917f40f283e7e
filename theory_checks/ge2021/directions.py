"""Where single components go, for the theorems of Ge et al. (2021).

Directions follow from residuals alone: components are so short here that they fit nothing, or grow
so slowly that only their directions are seen.
"""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.closed_forms import alignment_time, basin_edge, winner
from theory_checks.wang2020.frozen import COEFFICIENTS, START, small_flow

OTHER = 0.7  # residual of the direction that is not fitted
SLOW = 1e-3  # kappa: lengths hardly grow, and directions do not depend on it


@dataclass(frozen=True)
class Clock(dl.Measurement):
    """Flow time of a component under a constant residual at several s: by quadrature, by formula.

    The elementary time, of order 4, is the sum of an active and a lost part.
    """

    s: tuple[float, ...] = (0.1, 1.0, 5.0, 20.0, 60.0)

    def measure(self, numerics):
        path = dl.theory.FrozenResidual(tuple(numerics.start(np.array(START))), COEFFICIENTS, 4)
        p, a, s = np.array(START) / np.linalg.norm(START), np.array(COEFFICIENTS), np.array(self.s)
        g = a * p**2
        tau, active = 1 / (8 * g.max()), a > 0
        # ln beta = -s + ln(1 + (1 - rho) (e^s - 1)) keeps its digits
        log_beta = -s[:, None] + np.log1p((1 - g / g.max()) * np.expm1(s)[:, None])
        return {
            "clock": [path.time(x) for x in self.s],
            "active": -(log_beta[:, active] / (8 * a[active])).sum(axis=1),
            "lost": (p[~active] ** 2).sum() * tau * -np.expm1(-s),
        }


@dataclass(frozen=True)
class Fresh(dl.Measurement):
    """Fresh components beside `fitted` converged ones: where they end, and where rules say so.

    They begin at length 1e-30, and are followed in the model itself.
    """

    fitted: int
    coefficients: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7)
    penalty: float = 0.6
    dimension: int = 6
    count: int = 60
    seed: int = 0
    t_end: float = 55.0

    def measure(self, numerics):
        a, half, j = np.array(self.coefficients), self.penalty / 2, self.fitted
        rng = np.random.default_rng(self.seed)
        drawn = rng.standard_normal((self.count, self.dimension))
        drawn /= np.linalg.norm(drawn, axis=1)[:, None]
        target = dl.RankOneSum.orthogonal(a, dimension=self.dimension, order=4)
        model = dl.SymmetricTensor(self.dimension, 4, self.count + j, degree=2)
        problem = dl.Problem(model, dl.SquaredLoss(), target, dl.Ridge(self.penalty))
        done = np.sqrt(a[:j] - half)[:, None] * np.eye(self.dimension)[:j]
        start = np.concatenate([done, 1e-30 * drawn]).ravel()
        settings = {"method": "DOP8", "rtol": numerics.rtol(1e-8), "atol": 1e-38, "strict": True}
        run = dl.gradient_flow(problem, start, [self.t_end], **settings)

        def rule(left):
            """Winners if that is left of the fitted directions."""
            values = np.zeros(self.dimension)
            values[: len(a)] = np.where(np.arange(len(a)) < j, left, a)
            return np.array([winner(x, values, 4) for x in drawn])

        return {
            "end": np.square(run.values("target_cosines")[-1, j:]).argmax(axis=1),
            "rule": rule(half),
            "whole": rule(a),
            "nothing_left": rule(0.0),
            "penalty_left": rule(self.penalty),
            "overlap": np.square(drawn[:, : len(a)]).argmax(axis=1),
        }


def second_cosines(order, penalty, share, times, numerics, rtol=1e-12):
    """Cosine with e_2 from the given share of it, under residuals lambda / 2 and OTHER."""
    start = (np.sqrt(1 - share), np.sqrt(share))
    u = small_flow(start, (penalty / 2, OTHER), order, times, numerics, SLOW, rtol=rtol)
    return u[:, 1] / np.linalg.norm(u, axis=1)


@dataclass(frozen=True)
class Edges(dl.Measurement):
    """Where components end, in e_1 (0) or e_2 (1), that start on either side of the edge."""

    order: int
    penalties: tuple[float, ...] = (0.02, 0.1, 0.4)

    def measure(self, numerics):
        rows = []
        for penalty in self.penalties:
            edge = basin_edge(penalty / 2, OTHER, self.order)
            for share in (0.97 * edge, 1.03 * edge, 1.2 * edge):
                times = [40 / (self.order * penalty)]
                last = second_cosines(self.order, penalty, share, times, numerics, 1e-8)[-1]
                rows.append((share, last**2, penalty, edge))
        share, end, penalty, edge = np.transpose(rows)
        sides = {"edge": edge, "twice": penalty / (penalty + OTHER), "fixed": edge[0]}
        return {"end": end} | {name: 1.0 * (share >= sides[name]) for name in sides}


@dataclass(frozen=True)
class Rates(dl.Measurement):
    """Rate at which the cosine with e_2 decays near e_1."""

    order: int
    penalties: tuple[float, ...] = (0.02, 0.1, 0.4)

    def measure(self, numerics):
        rates = []
        for penalty in self.penalties:
            times = np.array([1.0, 5.0]) / penalty
            # So close that the other direction's pull is beyond the ninth digit.
            w = second_cosines(self.order, penalty, 1e-28, times, numerics)
            rates.append(-np.log(w[1] / w[0]) / (times[1] - times[0]))
        return {"rate": rates, "penalty": self.penalties, "order": float(self.order)}


@dataclass(frozen=True)
class Best(dl.Measurement):
    """Largest share of m random directions along one axis, times d / (2 ln m); alignment times."""

    dimensions: tuple[int, ...] = (100, 300, 1000)
    counts: tuple[int, ...] = (100, 1000, 10_000)
    draws: int = 200
    seed: int = 0

    def measure(self, numerics):
        rows = []
        for d in self.dimensions:
            for m in self.counts:
                rng = np.random.default_rng([self.seed, d, m])
                # The share of one axis is Beta(1/2, (d - 1)/2).
                best = rng.beta(0.5, (d - 1) / 2, (self.draws, m)).max(axis=1)
                ratio = best * d / (2 * np.log(m))
                error = ratio.std() / np.sqrt(self.draws)
                time = np.mean([alignment_time(1.0, x) for x in best])
                rows.append((d, m, ratio.mean(), error, time))
        return dict(zip(("d", "m", "ratio", "error", "time"), np.transpose(rows), strict=True))


@dataclass(frozen=True)
class Pairs(dl.Measurement):
    """From near the mean of two directions: where a component ends, as a share of the way to v_1.

    Its lengths hardly grow, so that only directions are seen.
    """

    order: int
    offsets: tuple[float, ...] = (-0.05, -0.01, 0.01, 0.05)
    t_end: float = 400.0

    def measure(self, numerics):
        l = self.order
        dots = (l - 2) / l + np.array(self.offsets)
        found = np.array([self.follow(dot, numerics) for dot in dots])
        tilts, pulls = found.T
        return {"tilt": tilts, "pull": pulls, "dot": dots, "own": 1 + dots**l, "order": float(l)}

    def follow(self, dot, numerics):
        l, phi = self.order, np.arccos(dot) / 2
        v = [[np.cos(phi), np.sin(phi)], [np.cos(phi), -np.sin(phi)]]
        target = dl.RankOneSum((1.0, 1.0), v, l)
        model = dl.SymmetricTensor(2, l, 1, degree=2)
        problem = dl.Problem(model, dl.SquaredLoss(), target)
        run = dl.gradient_flow(
            problem,
            numerics.start(1e-30 * np.array([np.cos(1e-3 * phi), np.sin(1e-3 * phi)])),
            [self.t_end],
            method="DOP853",
            rtol=numerics.rtol(1e-10),
            atol=1e-42,
            field=dl.dynamics.frozen_scalar_field(problem, SLOW),
        )
        x, y = run.final / np.linalg.norm(run.final)
        return abs(np.arctan2(y, x)) / phi, np.sum((target.v @ [x, y]) ** l)
