"""A step of descent and its thresholds: quantities and runs of F3."""

import numpy as np

import dynlens as dl

from .cases import TWO_LAYERS, descent, quadratic


def predicted_change(samples):
    """-eta |g|^2 + eta^2/2 g^T H g at every step."""
    problem, theta = samples.problem, samples.theta
    g = problem.gradient(theta)
    eta = samples.t[1] - samples.t[0]
    curved = (g * problem.hessian_vector_product(theta, g)).sum(axis=1)
    return -eta * np.square(g).sum(axis=1) + eta**2 / 2 * curved


def along_gradient(problem, theta):
    g = problem.gradient(theta)
    return (g * problem.hessian_vector_product(theta, g)).sum(axis=1) / np.square(g).sum(axis=1)


def sharpness(problem, theta):
    return np.full(len(theta), np.linalg.eigvalsh(problem.hessian(theta[0]))[-1])


def agreement(measure):
    """Product of the sign of the loss's change and of eta times a curvature less 2."""

    def predicted(samples):
        eta, loss = samples.t[1] - samples.t[0], samples.read("loss")
        excess = eta * measure(samples.problem, samples.theta) - 2
        return np.append(np.sign(np.diff(loss)) * excess[:-1], 0.0)

    predicted.__name__ = f"sign(change of the loss) * (eta * {measure.__name__} - 2)"
    return predicted


def final_sharpness(samples):
    return np.array([np.linalg.eigvalsh(samples.problem.hessian(row))[-1] for row in samples.theta])


ELLIPSE = tuple(descent(quadratic(1.0, 4.0), (1.0, 1.0), eta, 1) for eta in (0.4, 0.52, 0.6))
QUADRATICS = (
    dl.BackwardError(quadratic(3.0), (1.0,), (0.3, 0.1, 0.05), 0.6),
    dl.BackwardError(quadratic(0.5, 1.0, 3.0), (1.0, -2.0, 0.5), (0.3, 0.1), 0.6),
)


def parabola(eta, steps=200):
    return descent(quadratic(1.0), (1.0,), eta, steps)


def parabolas(*etas):
    return tuple(map(parabola, etas))


PARABOLAS = parabolas(0.5, 1.5, 1.99, 2.01)


def settled(eta, steps=4000):
    """The start of a descent of two scalar layers, and what it comes to."""
    return dl.Path(TWO_LAYERS, (3.0, 0.35), eta * steps, eta=eta, saves=(0.0, eta * steps))
