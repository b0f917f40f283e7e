"""Bounds on the distance of gradient descent to the flow, from classical to sharp.

With E = theta_n - theta(t), t = n eta, and H on the segments between the two (Hairer, Norsett &
Wanner 1993, I.7 and II.3, for the field -g):

    F4.1  |E| <= eta/2 max |Hg| (exp(Lambda t) - 1) / Lambda    if |H| <= Lambda;
    F4.2  |E| <= eta/2 max |Hg| (1 - (1 - eta mu)^n) / mu       if H >= mu, eta (mu + Lambda) <= 2;
    F4.3  |e| <= 1/2 int |Hg| exp(-int_s^t m)                   for e of F2.1, m = lambda_min(H);
    F5.2  |E| <= eta int beta gamma exp(-int_s^t m)             on a tube around the flow

with beta >= |H|, gamma >= |g|, m <= lambda_min on the tube (Elkabetz & Cohen 2021; constants
derived). Maxima over segments and tubes are sampled here, not certified.
"""

import numpy as np

from dynlens import (
    AtLeast,
    Check,
    DeepLinear,
    Equal,
    Full,
    Problem,
    SquaredLoss,
    Start,
    Theorem,
    completion_problem,
)
from dynlens.claims.orders import DescentCase
from theory_checks.f3_quadratics import quadratic

BETWEEN = np.linspace(0.0, 1.0, 5)  # of a segment
TUBE = 48  # points of the tube looked at, at every time


def spectra(problem, points):
    """Least and largest eigenvalue of the Hessian at points (..., P)."""
    flat = points.reshape(-1, points.shape[-1])
    values = np.array([np.linalg.eigvalsh(problem.hessian(point))[[0, -1]] for point in flat])
    return values.reshape(*points.shape[:-1], 2)


def Hg(problem, points):
    return problem.hessian_vector_product(points, problem.gradient(points))


def norms(vectors):
    return np.linalg.norm(vectors, axis=-1)


def finest(samples):
    """The smallest step, its descent (T, P), and the flow (T, P)."""
    return samples.etas[-1], samples.descents[-1], samples.theta


def distance(samples):
    _, descent, flow = finest(samples)
    return norms(descent - flow)


def segments(samples):
    _, descent, flow = finest(samples)
    return flow + BETWEEN[:, None, None] * (descent - flow)


def classical(samples):
    eta, _, flow = finest(samples)
    most = norms(Hg(samples.problem, flow)).max()
    Lambda = np.abs(spectra(samples.problem, segments(samples))).max()
    return eta / 2 * most * np.expm1(Lambda * samples.t) / Lambda


def one_sided(samples):
    """F4.2, whatever eta (mu + Lambda) is."""
    eta, _, flow = finest(samples)
    most = norms(Hg(samples.problem, flow)).max()
    mu = spectra(samples.problem, segments(samples))[..., 0].min()
    n = np.round(samples.t / eta)
    return eta / 2 * most * (1 - (1 - eta * mu) ** n) / mu


def integrated(samples, force, m):
    """int_0^t force(s) exp(-int_s^t m) ds at every time, by the trapezoidal rule."""
    t = samples.t
    step = np.diff(t)
    decay = np.concatenate([[0.0], np.cumsum((m[1:] + m[:-1]) / 2 * step)])
    grown = force * np.exp(decay)
    inside = np.concatenate([[0.0], np.cumsum((grown[1:] + grown[:-1]) / 2 * step)])
    return inside * np.exp(-decay)


def apart(bound):
    """The distance is at most the bound; at time 0 both are zero but for rounding."""
    return AtLeast(bound, distance, after=1e-3)


def leading_error(samples):
    return norms(samples.first_order(1.0, 0.5))


def sharp(factor=0.5, sign=1.0):
    def bound(samples):
        m = sign * spectra(samples.problem, samples.theta)[:, 0]
        # Trapezoids: off by less than a tenth of a percent on these grids.
        return 1.001 * factor * integrated(samples, norms(Hg(samples.problem, samples.theta)), m)

    return bound


def tube(exponential=True):
    """F5.2 on the tube of radius 1.05 times the largest distance."""

    def bound(samples):
        eta, _, flow = finest(samples)
        problem, rng = samples.problem, np.random.default_rng(0)
        offsets = rng.standard_normal((TUBE, *flow.shape))
        offsets *= 1.05 * distance(samples).max() / norms(offsets)[..., None]
        points = np.concatenate([flow[None], flow + offsets])
        low, high = np.moveaxis(spectra(problem, points), -1, 0)
        beta = np.maximum(np.abs(low), np.abs(high)).max(axis=0)
        gamma = norms(problem.gradient(points)).max(axis=0)
        m = low.min(axis=0) if exponential else np.zeros(len(flow))
        return eta * integrated(samples, beta * gamma, m)

    return bound


def ladder(problem, start, t_end, eta, points=150):
    return DescentCase(problem, start, t_end, (4 * eta, 2 * eta, eta), points=points)


TWO = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
valley = ladder(TWO, (1.7, 0.3), 3.0, 0.005)
saddle = ladder(TWO, (0.05, 0.1), 6.0, 0.005)
completion = ladder(completion_problem(2), Start(0.5, seed=0), 3.0, 0.005)
convex = ladder(quadratic(0.2, 1.0, 3.0), (1.0, -1.0, 0.5), 4.0, 0.01)
cases = (valley, saddle, completion, convex)
# Out of a saddle along its unstable direction, where H = -1: the error grows like t exp(t).
unstable = ladder(TWO, (0.01, 0.01), 4.0, 0.005)
# eta (mu + Lambda) = 2.3: the step condition of F4.2 does not hold.
coarse = DescentCase(quadratic(1.0, 0.01), (1.0, 1.0), 46.0, (9.2, 4.6, 2.3), points=5)


def escaping(samples):
    """t/2 exp(t) |theta(0)|, the growth of the leading error near the saddle."""
    return samples.t / 2 * np.exp(samples.t) * norms(samples.theta[0])


def linear(samples):
    return samples.t / 2 * norms(samples.theta[0])


theorem = Theorem(
    id="F4",
    title="a priori bounds on the distance of descent to the flow",
    source="hairer1993solving, I.7 and II.3; elkabetz2021continuous; constants derived",
    checks=(
        Check(apart(classical), cases),
        Check(apart(one_sided), cases),
        Check(AtLeast(sharp(), leading_error), cases),
        Check(apart(tube()), (valley, saddle, convex)),
        # F4.3 is sharp, and exponential growth cannot be avoided.
        Check(Equal(left=sharp(), right=leading_error, after=1.0, tolerance=0.05), (unstable,)),
        Check(
            Equal(left=escaping, right=leading_error, where="2.5 - t", after=0.5, tolerance=0.05),
            (unstable,),
        ),
    ),
    controls={
        "F4.2 without its condition on the step": Check(apart(one_sided), (coarse,)),
        "F4.3 with 1/4": Check(AtLeast(sharp(factor=0.25), leading_error), cases),
        "F4.3 with exp(+int m)": Check(AtLeast(sharp(sign=-1.0), leading_error), (unstable,)),
        "F5.2 without the exponential": Check(apart(tube(exponential=False)), (unstable,)),
        "no exponential growth: t/2 |theta(0)|": Check(AtLeast(linear, leading_error), (unstable,)),
    },
)
