"""The bounds of F4 and what they bound, at the smallest of a case's step sizes."""

import numpy as np

import dynlens as dl
from dynlens.cases.descents import DescentCase
from dynlens.comparison import bounds
from dynlens.problems.curvature import curvature_range

from .cases import THREE_LAYERS, TWO_LAYERS, quadratic


def norms(vectors):
    return np.linalg.norm(vectors, axis=-1)


def finest(samples):
    """The smallest step, its descent (T, P), and the flow (T, P)."""
    return samples.etas[-1], samples.descents[-1], samples.theta


def distance(samples):
    _, descent, flow = finest(samples)
    return norms(descent - flow)


def force(samples):
    return bounds.curved_gradient(samples.problem, samples.theta)


def segments(samples):
    _, descent, flow = finest(samples)
    return bounds.on_segments(samples.problem, flow, descent)


def classical(samples):
    return bounds.classical(finest(samples)[0], samples.t, force(samples), segments(samples))


def one_sided(samples):
    """F4.2, whatever eta (mu + Lambda) is."""
    return bounds.one_sided(finest(samples)[0], samples.t, force(samples), segments(samples))


def leading_error(samples):
    return norms(samples.first_order(1.0, 0.5))


def sharp(factor=0.5, sign=1.0):
    def bound(samples):
        m = sign * curvature_range(samples.problem, samples.theta)[:, 0]
        # Trapezoids: off by less than a tenth of a percent on these grids.
        return 1.001 * factor * bounds.transported(samples.t, force(samples), m)

    return bound


def tube(exponent=np.asarray, power=1):
    """F5.2 on the tube of radius 1.05 times the largest distance."""

    def bound(samples):
        eta, _, flow = finest(samples)
        radius = bounds.WIDER * distance(samples).max()
        found = bounds.tube(samples.problem, eta, samples.t, flow, radius, exponent=exponent)
        return eta ** (power - 1) * found

    return bound


def at_the_start(m):
    return np.full_like(m, m[0])


def ladder(problem, start, t_end, eta, points=150):
    return DescentCase(problem, start, t_end, (4 * eta, 2 * eta, eta), points=points)


VALLEY = ladder(TWO_LAYERS, (1.7, 0.3), 3.0, 0.00125)
SADDLE = ladder(TWO_LAYERS, (0.05, 0.1), 6.0, 0.005)
COMPLETION = ladder(dl.completion_problem(2), dl.Start(0.5, seed=0), 3.0, 0.005)
CONVEX = ladder(quadratic(0.2, 1.0, 3.0), (1.0, -1.0, 0.5), 4.0, 0.01)
CASES = (VALLEY, SADDLE, COMPLETION, CONVEX)
# Out of a saddle along its unstable direction, where H = -1: the error grows like t exp(t).
UNSTABLE = ladder(TWO_LAYERS, (0.001, 0.001), 4.0, 0.005)
# Out of a saddle that is flat at the start, where the curvature is -.02, and -.6 on the way.
FLAT = ladder(THREE_LAYERS, (0.01, 0.01, 0.01), 104.0, 0.01)
# eta (mu + Lambda) = 2.3: the step condition of F4.2 does not hold.
COARSE = DescentCase(quadratic(1.0, 0.01), (1.0, 1.0), 46.0, (9.2, 4.6, 2.3), points=5)


def escaping(samples):
    """t/2 exp(t) |theta(0)|, the growth of the leading error near the saddle."""
    return samples.t / 2 * np.exp(samples.t) * norms(samples.theta[0])


def linear(samples):
    return samples.t / 2 * norms(samples.theta[0])
