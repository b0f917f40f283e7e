"""Two and three layers from starts that are not balanced."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import solve_ivp

import dynlens as dl
from dynlens.cases.base import ModelSamples

M = np.array([[0.0, 1.0], [1.0, 0.0]])  # -grad l(0)


@dataclass(frozen=True)
class Swarm(dl.Case):
    """Where the flow of two layers has taken Gaussian starts with det W > 0 by one time."""

    scale: float
    count: int
    t_end: float

    def samples(self):
        problem = dl.completion_problem(2)
        starts = [dl.Start(self.scale, "gaussian", k, 1).theta(problem) for k in range(self.count)]

        def field(t, states):
            return problem.vector_field(t, states.reshape(np.shape(starts))).ravel()

        def ends(rtol):
            settings = {"method": "DOP853", "rtol": rtol, "atol": 1e-12 * self.scale}
            run = solve_ivp(field, (0, self.t_end), np.ravel(starts), **settings)
            return ModelSamples(problem, run.y[:, -1].reshape(np.shape(starts)))

        return replace(ends(1e-8), twins=(ends(1e-10),))

    def simpler(self):
        if self.count > 1:
            yield replace(self, count=1)


def growing_mode(samples, sign=1, rate=2):
    """e^(2t) M X^T X with X = (W_1 + W_2^T M)(0) / 2."""
    below, above = samples.problem.factors(samples.theta[:1])
    X = (below + sign * above.mT @ M) / 2
    return np.exp(rate * samples.t)[:, None, None] * (M @ X.mT @ X)


def rate_one(samples):
    return growing_mode(samples, rate=1)


def other_sign_in_X(samples):
    return growing_mode(samples, sign=-1)


def det_X(samples):
    below, above = samples.problem.factors(samples.theta)
    return np.linalg.det(below + above.mT @ M) / 4


def along(depth, scale, seed=0, t_end=250.0, **numerics):
    problem = dl.completion_problem(depth)
    return dl.Path(problem, dl.Start(scale, "gaussian", seed, 1), t_end, **numerics)


EARLY = (Swarm(1e-3, 100, 4.0), Swarm(1e-6, 100, 6.0))
LATE = (Swarm(1.0, 200, 40.0), Swarm(0.05, 100, 40.0), Swarm(1e-3, 12, 40.0))
TINY = tuple(along(2, 1e-6, seed, 6.0, atol=1e-20) for seed in (0, 1, 2))
THREE_LAYERS = tuple(along(3, 8e-3, seed, rtol=1e-8) for seed in (4, 5))
