"""On a quadratic: descent, the principal flow, and the thresholds 1 and 2 of eta times curvature.

Descent multiplies an eigencomponent by (1 - eta lambda) at each step; the principal flow is descent
itself while eta lambda < 1 (Rosca et al. 2023), the modified flow of Barrett & Dherin (2021) decays
at rate lambda + eta lambda^2 / 2, so that it cannot show the instability beyond eta lambda = 2. The
loss falls in a step exactly if eta times the curvature *along the gradient* is below 2. A minimizer
with lambda_max > 2 / eta is unstable for descent (Cohen et al. 2021).
"""

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    BackwardError,
    Check,
    ClosedForm,
    DeepLinear,
    Equal,
    Full,
    Identities,
    Path,
    Problem,
    Sensing,
    SquaredLoss,
    Theorem,
)
from dynlens.claims.orders import Recursion

# -- quadratics ------------------------------------------------------------------------------------


def quadratic(*spectrum):
    """Half of sum lambda_i theta_i^2."""
    roots = np.diag(np.sqrt(spectrum))[:, None, :]
    n = len(spectrum)
    return Problem(DeepLinear((n, 1)), SquaredLoss(), Sensing(roots, np.zeros(n)))


def descent(problem, start, eta, steps):
    return Path(problem, start, eta * steps, eta=eta, saves=steps + 1)


def one_step():
    """l(theta - eta g) - l(theta) for a general symmetric matrix of size two."""
    a, b, c, eta = sp.symbols("a b c eta")
    A, theta = sp.Matrix([[a, b], [b, c]]), sp.Matrix(sp.symbols("x y"))
    g = A * theta
    loss = lambda v: (v.T * A * v)[0] / 2  # noqa: E731
    change = loss(theta - eta * g) - loss(theta)
    return {"change": sp.expand(change + eta * g.dot(g) - eta**2 / 2 * g.dot(A * g))}


def predicted_change(samples):
    """-eta |g|^2 + eta^2/2 g^T H g at every step."""
    problem, theta = samples.problem, samples.theta
    g = problem.gradient(theta)
    eta = samples.t[1] - samples.t[0]
    curved = (g * problem.hessian_vector_product(theta, g)).sum(axis=1)
    return -eta * np.square(g).sum(axis=1) + eta**2 / 2 * curved


def increases(samples):
    """l after the step less l before, at every step but the last, where it is 0."""
    loss = samples.read("loss")
    return np.append(np.diff(loss), 0.0)


def beyond(measure):
    """eta times a curvature, less 2: positive where it predicts an increase."""

    def excess(samples):
        eta = samples.t[1] - samples.t[0]
        return eta * measure(samples.problem, samples.theta) - 2

    return excess


def along_gradient(problem, theta):
    g = problem.gradient(theta)
    return (g * problem.hessian_vector_product(theta, g)).sum(axis=1) / np.square(g).sum(axis=1)


def sharpness(problem, theta):
    return np.full(len(theta), np.linalg.eigvalsh(problem.hessian(theta[0]))[-1])


def predicts(measure):
    """The sign of the change is that of the excess."""
    excess = beyond(measure)

    def agreement(samples):
        change = increases(samples)
        return np.where(change == 0, 0.0, np.sign(change) * excess(samples))

    return AtLeast(agreement, "0")


ELLIPSE = quadratic(1.0, 4.0)
runs = tuple(descent(ELLIPSE, (1.0, 1.0), eta, 1) for eta in (0.4, 0.52, 0.6))
PARABOLA = quadratic(3.0)
single = BackwardError(PARABOLA, (1.0,), (0.3, 0.1, 0.05), 0.6)
several = BackwardError(quadratic(0.5, 1.0, 3.0), (1.0, -2.0, 0.5), (0.3, 0.1), 0.6)

# -- beyond the thresholds -------------------------------------------------------------------------


def parabola(eta, steps=200):
    return descent(quadratic(1.0), (1.0,), eta, steps)


def factor(text):
    return Recursion("end_to_end", factor=text)


# Two scalar layers: the curvature at a minimum is a^2 + b^2.
TWO = Problem(DeepLinear((1, 1, 1)), SquaredLoss(), Full([[1.0]]))


def final_sharpness(samples):
    return np.array([np.linalg.eigvalsh(samples.problem.hessian(row))[-1] for row in samples.theta])


def settled(eta, steps=4000):
    return Path(TWO, (3.0, 0.35), eta * steps, eta=eta, saves=(0.0, eta * steps))


def at_the_end(bound, eta, steps=4000):
    return AtLeast(f"{bound}", final_sharpness, after=eta * steps * 0.99)


theorem = Theorem(
    id="F3",
    title="quadratics, the principal flow, and stability",
    source="rosca2023continuous; barrett2021implicit; cohen2021gradient; derived",
    checks=(
        Check(Identities("change of the loss in one step", one_step)),
        Check(Recursion("loss", increment=predicted_change), runs),
        Check(predicts(along_gradient), runs),
        Check(AtLeast("1e-10", "to_principal", tolerance=0.0), (single, several)),
        Check(factor("1 - eta"), tuple(parabola(eta) for eta in (0.5, 1.5, 1.99, 2.01))),
        # Below 1 the loss falls monotonely and without a change of sign; below 2 it still falls.
        Check(AtLeast("end_to_end", "0"), (parabola(0.5), parabola(0.99))),
        Check(AtLeast("loss_0", "loss"), (parabola(1.5), parabola(1.99), parabola(2.0))),
        Check(at_the_end("2 / 0.2", 0.2), (settled(0.2),)),
        Check(at_the_end("2 / 0.35", 0.35), (settled(0.35),)),
    ),
    controls={
        "the principal flow with log(1 + eta lambda)": Check(
            ClosedForm("end_to_end", "end_to_end_0 * (1 + eta)**(-t / eta)", given={"eta": 0.5}),
            (parabola(0.5, 20),),
        ),
        "the principal flow is exact beyond quadratics": Check(
            AtLeast("1e-10", "to_principal", tolerance=0.0),
            (BackwardError(TWO, (1.7, 0.3), (0.1, 0.05)),),
        ),
        "the modified flow is exact": Check(AtLeast("1e-10", "to_first", tolerance=0.0), (single,)),
        # At eta lambda = 2.5 it contracts by exp(-5.6) a step where descent grows by 1.5.
        "the modified flow is unstable beyond 2": Check(
            ClosedForm("Abs(end_to_end)", "exp(-(1 + eta / 2) * t)", given={"eta": 2.5}),
            (parabola(2.5, 20),),
        ),
        "stable beyond 2": Check(AtLeast("loss_0", "loss"), (parabola(2.01),)),
        "no oscillation beyond 1": Check(AtLeast("end_to_end", "0"), (parabola(1.5),)),
        # eta lambda_max = 2.08 predicts an increase; the loss falls by .052.
        "the criterion with lambda_max": Check(predicts(sharpness), runs[1:2]),
        "converges with sharpness below 1 / eta": Check(
            at_the_end("1 / 0.2", 0.2), (settled(0.2),)
        ),
        "ends with sharpness 2 / eta": Check(
            Equal(left=final_sharpness, right=2 / 0.35, after=1300.0, tolerance=1e-2),
            (settled(0.35),),
        ),
    },
)
