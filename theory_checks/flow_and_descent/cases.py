"""Problems on which descent is compared with the flow, and the runs, at several steps."""

import numpy as np

import dynlens as dl
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import step_imbalances

TWO_LAYERS, THREE_LAYERS = (
    dl.Problem(dl.DeepLinear((1,) * (depth + 1)), dl.SquaredLoss(), dl.Full([[1.0]]))
    for depth in (2, 3)
)


def quadratic(*spectrum):
    """Half of sum lambda_i theta_i^2."""
    roots = np.diag(np.sqrt(spectrum))[:, None, :]
    n = len(spectrum)
    return dl.Problem(dl.DeepLinear((n, 1)), dl.SquaredLoss(), dl.Sensing(roots, np.zeros(n)))


def descent(problem, start, eta, steps):
    """A run of descent with every step saved."""
    return dl.Path(problem, start, eta * steps, eta=eta, saves=steps + 1)


def pair(start, eta, steps):
    return descent(TWO_LAYERS, start, eta, steps)


def layers(problem, eta=0.05, steps=400):
    return descent(problem, dl.Start(0.5, "gaussian", seed=0), eta, steps)


# -- F2.1: descent at several steps ----------------------------------------------------------------

ETAS = (0.01, 0.005, 0.0025, 0.00125)
FINE = (0.005, 0.0025, 0.00125, 0.000625)
COMPLETIONS = tuple(
    DescentCase(dl.completion_problem(depth), dl.Start(scale, kind, seed=seed), 4.0, ETAS)
    for depth, kind, scale, seed in (
        (2, "gaussian", 0.5, 0),
        (2, "balanced", 0.3, 1),
        (3, "gaussian", 0.6, 0),
        (3, "balanced", 0.3, 1),
    )
)
RECTANGULAR = dl.Entries.sample(
    dl.problems.low_rank_matrix((3, 4), rank=2, seed=0), fraction=0.7, seed=0
)
MEAN = dl.Problem(dl.DeepLinear((4, 3, 3)), dl.SquaredLoss("mean", half=False), RECTANGULAR)
SADDLE = DescentCase(TWO_LAYERS, (0.05, 0.1), 4.0, ETAS)  # H is indefinite on the way out
LADDERS = (
    *COMPLETIONS,
    SADDLE,
    DescentCase(TWO_LAYERS, (1.7, 0.3), 3.0, FINE),
    DescentCase(MEAN, dl.Start(0.5, "gaussian", seed=0), 10.0, (0.04, 0.02, 0.01, 0.005)),
)

# -- F6: every step of descent ---------------------------------------------------------------------

# The parameters are (b, a): the first layer first.
PAIRS = (pair((0.4, 2.0), 0.05, 400), pair((0.9, 2.5), 0.1, 50))
HUBER = dl.Problem(dl.DeepLinear((4, 3, 5, 3)), dl.HuberLoss(0.5), RECTANGULAR)
NETWORKS = (*(layers(dl.completion_problem(depth)) for depth in (2, 3, 4)), layers(HUBER))


def doubled(samples):
    return 2 * step_imbalances(samples)


def subtracted(samples):
    return -step_imbalances(samples)
