"""Networks with quadratic activation: trained from small random starts, and at random states."""

import numpy as np

import dynlens as dl
from dynlens.theory.lazy_networks import network_risk

RAMP = np.diag(np.linspace(0.1, 2.0, 20))
INDEFINITE = np.diag([2.0, 1.0, 0.5, -0.7, -1.5])
SAVES = (0.0, 1.0, 2.0, 5.0)


def network(B, neurons, signs=None):
    """A network that fits B; its loss |A - B|^2 is half the population risk."""
    model = dl.QuadraticNetwork(len(B), neurons, signs)
    return dl.Problem(model, dl.SquaredLoss(half=False), dl.Full(B))


def descent(B, neurons, signs=None, *, seed=0, steps=20_000):
    saves = (*SAVES, 0.01 * steps)
    start = dl.Start(0.1, "gaussian", seed=seed)
    return dl.Path(network(B, neurons, signs), start, saves[-1], eta=0.01, saves=saves)


def flow(B, neurons, signs=None, *, seed=0, t_end=100.0):
    start = dl.Start(0.1, "gaussian", seed=seed)
    return dl.Path(network(B, neurons, signs), start, t_end, saves=(*SAVES, t_end))


def scattered(B, neurons, signs=None, count=200):
    """Random states, from near zero to far from the target."""
    model, rng = dl.QuadraticNetwork(len(B), neurons, signs), np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(0.05), np.log(2.0), (count, 1)))
    theta = sizes * rng.standard_normal((count, model.parameters))
    return dl.States(network(B, neurons, signs), tuple(map(tuple, theta.tolist())))


def target(samples):
    """B, and its eigenvalues by decreasing size."""
    model, seen = samples.problem.model, samples.problem.observations
    B = seen.data.reshape(model.tensor_shape)
    values = np.linalg.eigvalsh(B)
    return B, values[np.argsort(-np.abs(values))]


def least_with_these_signs(samples):
    """What neurons with the second layer's signs lose at least, at every state."""
    model, (B, values) = samples.problem.model, target(samples)
    a, _ = model.layers(samples.problem.factors(samples.theta))
    plus = np.broadcast_to((a > 0).sum(axis=-1), len(samples))
    lost = {p: network_risk(B, model.neurons, positive=int(p)) for p in set(plus.tolist())}
    return np.array([lost[p] for p in plus.tolist()]) * np.sum(values**2)


def sum_of_squares_beyond_N(samples):
    """Sum of lambda_i^2 over i > N: the least of any signs."""
    values = target(samples)[1][samples.problem.model.neurons :]
    return np.full(len(samples), np.sum(values**2))


def sum_of_sizes_beyond_N(samples):
    values = target(samples)[1][samples.problem.model.neurons :]
    return np.full(len(samples), np.sum(np.abs(values)))


def drift_of(factor):
    """Formula for the change of factor a^2 - |w|^2 since the start of the path."""

    def drift(samples):
        a, W = samples.problem.factors(samples.theta)
        balance = factor * a**2 - (W**2).sum(axis=-1)
        return balance - balance[:1]

    drift.__name__ = f"change of {factor:g} a^2 - |w|^2"
    return drift


DESCENTS = {  # with what is lost at the end
    "the ramp, N = 3": ("17.85", descent(RAMP, 3, (1,) * 3)),
    "the ramp, N = 8": ("6.5", descent(RAMP, 8, (1,) * 8)),
    "the ramp, N = 15": ("0.55", descent(RAMP, 15, (1,) * 15)),
    "mixed signs, ++ fixed": ("2.99", descent(INDEFINITE, 2, (1, 1))),
    "mixed signs, ends as -+": ("1.74", descent(INDEFINITE, 2, seed=0)),
    "mixed signs, ends as ++": ("2.99", descent(INDEFINITE, 2, seed=1)),
    "mixed signs, from -- to +-": ("1.74", descent(INDEFINITE, 2, seed=4)),
    "mixed signs, ends as --": ("5.25", descent(INDEFINITE, 2, seed=5)),
}
FLOWS = {
    "the ramp, N = 8, flow": ("6.5", flow(RAMP, 8, (1,) * 8)),
    "mixed signs, ++ fixed, flow": ("2.99", flow(INDEFINITE, 2, (1, 1))),
}
ENDS = DESCENTS | FLOWS
PATHS = tuple(path for _, path in ENDS.values())
STATES = (
    scattered(RAMP, 8, (1,) * 8),
    scattered(INDEFINITE, 2, (1, 1)),
    scattered(INDEFINITE, 2),
)
FREE_SIGNS = flow(INDEFINITE, 2, seed=1)
