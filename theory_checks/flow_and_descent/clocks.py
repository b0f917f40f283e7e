"""Times at which descent is late or early, beside the flow's: quantities of F2.2 and F2.4."""

import numpy as np

import dynlens as dl
from dynlens.cases.descents import DescentCase
from dynlens.cases.escapes import EscapeTimes

# -- F2.2 ------------------------------------------------------------------------------------------


def leading_error(samples):
    return samples.first_order(1.0, 0.5)


def ahead(sign=1.0, half=0.5):
    """-g/2 ln(|g(0)| / |g(t)|) along the flow; in controls with another factor or sign."""

    def closed_form(samples):
        g = samples.problem.gradient(samples.theta)
        size = np.linalg.norm(g, axis=1, keepdims=True)
        return -half * g * np.log((size[0] / size) ** sign)

    return closed_form


def equal_layers(depth, start):
    """Scalar layers that start equal, and stay so."""
    problem = dl.Problem(dl.DeepLinear((1,) * (depth + 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    return DescentCase(problem, (start,) * depth, 2.0, (0.04, 0.02, 0.01))


EQUAL_LAYERS = (equal_layers(2, 0.4), equal_layers(3, 0.5), equal_layers(2, 1.6))

# -- F2.4 ------------------------------------------------------------------------------------------


def escapes(matrix, direction, norm, eta):
    """From small multiples of a direction, near the saddle at zero of a network of depth two.

    The multiples are about a tenth apart, by whole steps of growth: descent then passes the norm at
    the same phase of a step from each of them, and how one reads its time between steps drops out.
    """
    problem = dl.Problem(dl.DeepLinear((len(matrix),) * 3), dl.SquaredLoss(), dl.Full(matrix))
    step = np.log1p(eta * np.linalg.norm(matrix, 2))
    decade = step * round(np.log(10) / step)
    alphas = tuple(float(np.exp(-decade * k)) for k in range(3, 9))
    return EscapeTimes(problem, direction, alphas, norm, eta=eta)


SCALAR = ([[1.0]], (1.0, 1.0), 0.5)
MATRIX = ([[2.0, 0.0], [0.0, 0.5]], (1.0, 0.3, -0.2, 0.7, 1.1, -0.4, 0.5, 0.8), 1.0)
ESCAPES = tuple(
    escapes(*one, eta)
    for one, etas in ((SCALAR, (0.1, 0.4)), (MATRIX, (0.05, 0.2)))
    for eta in etas
)


def nu(samples):
    """The curvature at zero is -s for a singular value s of the target."""
    problem = samples.problem
    return np.linalg.norm(problem.observations.data.reshape(problem.model.tensor_shape), 2)


def per_decade(name):
    """Time that the last decade of alpha adds, over ln 10: one over the rate of growth."""

    def slope(samples):
        added = np.diff(samples.read(name)) / -np.diff(np.log(samples.read("alpha")))
        return np.full(len(samples), added[-1])

    return slope


def late(samples):
    return samples.read("eta") / np.log1p(samples.read("eta") * nu(samples))


def uncorrected(samples):
    return np.full(len(samples), 1 / nu(samples))


def early(samples):
    return -samples.read("eta") / np.log1p(-samples.read("eta") * nu(samples))


def without_half(samples):
    return 1 / nu(samples) + samples.read("eta")
