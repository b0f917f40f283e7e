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
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import Order
from dynlens.comparison import bounds
from dynlens.problems.curvature import curvature_range
from theory_checks.flow_and_descent.f3_quadratics import quadratic


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


def apart(bound):
    """The distance is at most the bound; at time 0 both are zero but for rounding."""
    return AtLeast(bound, distance, after=1e-3)


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


TWO = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))
valley = ladder(TWO, (1.7, 0.3), 3.0, 0.005)
saddle = ladder(TWO, (0.05, 0.1), 6.0, 0.005)
completion = ladder(completion_problem(2), Start(0.5, seed=0), 3.0, 0.005)
convex = ladder(quadratic(0.2, 1.0, 3.0), (1.0, -1.0, 0.5), 4.0, 0.01)
cases = (valley, saddle, completion, convex)
# Out of a saddle along its unstable direction, where H = -1: the error grows like t exp(t).
unstable = ladder(TWO, (0.01, 0.01), 4.0, 0.005)
# Out of a saddle that is flat at the start, where the curvature is -.02, and -.6 on the way.
THREE = Problem(DeepLinear((1, 1, 1, 1)), SquaredLoss(), Full([[1.0]]))
flat = ladder(THREE, (0.01, 0.01, 0.01), 104.0, 0.01)
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
        Check(apart(tube()), (valley, saddle, convex, flat)),
        Check(Order(expected=1.0), (valley,)),
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
        "F5.2 without the exponential": Check(apart(tube(exponent=np.zeros_like)), (unstable,)),
        "F5.2 with the curvature of the start": Check(apart(tube(exponent=at_the_start)), (flat,)),
        "F5.2 with eta^2": Check(apart(tube(power=2)), cases),
        "the distance is of order 1/2": Check(Order(expected=0.5), (valley,)),
        "the distance is of order 2": Check(Order(expected=2.0), (valley,)),
        "no exponential growth: t/2 |theta(0)|": Check(AtLeast(linear, leading_error), (unstable,)),
    },
)
