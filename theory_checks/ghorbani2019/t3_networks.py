"""Trained networks with quadratic activation learn the largest eigenvalues, one for each neuron.

Ghorbani et al. (2019), networks: N neurons make the matrices of rank N at most (Eckart & Young), so

    risk = sum over i > N of lambda_i^2 / |B|^2,    eigenvalues by decreasing size,

and if the second layer is fixed, only as many eigenvalues of each sign as it has signs. Gradient
descent gets there from small random starts, on these instances; a second layer that is trained
along ends with the signs it began with, as a rule, and at the risk that goes with its last signs.
"""

import numpy as np
import sympy as sp

from dynlens import (
    AtLeast,
    Check,
    Conserved,
    Equal,
    Full,
    Identities,
    Path,
    Problem,
    QuadraticNetwork,
    SquaredLoss,
    Start,
    States,
    Theorem,
)
from dynlens.theory.lazy_networks import network_risk
from theory_checks.ghorbani2019.t2_neural_tangent import Tangents

RISK = SquaredLoss(half=False)  # |A - B|^2, half the population risk
RAMP = np.diag(np.linspace(0.1, 2.0, 20))
INDEFINITE = np.diag([2.0, 1.0, 0.5, -0.7, -1.5])


def network(B, neurons, signs=None):
    return Problem(QuadraticNetwork(len(B), neurons, signs), RISK, Full(B))


def target(samples):
    model, seen = samples.problem.model, samples.problem.observations
    return seen.data.reshape(model.tensor_shape)


def least(samples):
    """What neurons with these signs lose at least, at every state."""
    model, B = samples.problem.model, target(samples)
    a, _ = model.layers(samples.problem.factors(samples.theta))
    plus = np.broadcast_to((a > 0).sum(axis=-1), len(samples))
    lost = {p: network_risk(B, model.neurons, positive=int(p)) for p in set(plus.tolist())}
    return np.array([lost[p] for p in plus.tolist()]) * np.sum(B**2)


def without_squares(samples):
    B, N = target(samples), samples.problem.model.neurons
    return np.full(len(samples), np.sort(np.abs(np.linalg.eigvalsh(B)))[::-1][N:].sum())


def whatever_the_signs(samples):
    B, N = target(samples), samples.problem.model.neurons
    return np.full(len(samples), network_risk(B, N) * np.sum(B**2))


def another_balance(samples):
    a, W = samples.problem.factors(samples.theta)
    return a**2 - (W**2).sum(axis=-1)


def another_balance_0(samples):
    return another_balance(samples)[:1]


def descent(B, neurons, signs=None, *, seed=0, steps=20_000):
    start = Start(0.1, "gaussian", seed=seed)
    return Path(
        network(B, neurons, signs),
        start,
        0.01 * steps,
        eta=0.01,
        saves=(0.0, 1.0, 2.0, 5.0, 0.01 * steps),
    )


def flow(B, neurons, signs=None, *, seed=0, t_end=100.0):
    return Path(
        network(B, neurons, signs),
        Start(0.1, "gaussian", seed=seed),
        t_end,
        saves=(0.0, 1.0, 2.0, 5.0, t_end),
    )


def scattered(B, neurons, signs=None, count=200):
    """Random states, from near zero to far from the target."""
    model, rng = QuadraticNetwork(len(B), neurons, signs), np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(0.05), np.log(2.0), (count, 1)))
    theta = sizes * rng.standard_normal((count, model.parameters))
    return States(network(B, neurons, signs), tuple(map(tuple, theta.tolist())))


def ends_at(loss):
    return Equal("loss", loss, after=99.0, tolerance=1e-12)


def risks():
    """E[(x^T M x - tr M)^2] = 2 |M|^2, from the moments 1 and 3 of a normal variable, squared."""
    x = sp.symbols("x:3")
    entries = sp.symbols("m:6")
    M = sp.Matrix(3, 3, lambda i, j: entries[max(i, j) * (max(i, j) + 1) // 2 + min(i, j)])
    v = sp.Matrix(x)
    square = sp.Poly(sp.expand(((v.T * M * v)[0] - M.trace()) ** 2), *x)
    normal = {0: 1, 2: 1, 4: 3}  # odd moments are zero
    mean = sum(
        c * sp.prod([normal.get(power, 0) for power in powers]) for powers, c in square.terms()
    )
    return {"variance": sp.expand(mean - 2 * (M * M).trace())}


ramps = tuple(descent(RAMP, N, (1,) * N) for N in (3, 8, 15))
plus = descent(INDEFINITE, 2, (1, 1))
# Second layers that end as -+, ++, +- (from a start with --) and --.
trained = tuple(descent(INDEFINITE, 2, seed=seed) for seed in (0, 1, 4, 5))
flows = (flow(RAMP, 8, (1,) * 8), flow(INDEFINITE, 2, (1, 1)))
paths = (*ramps, plus, *trained, *flows)
ENDS = ("17.85", "6.5", "0.55", "2.99", "1.74", "2.99", "1.74", "5.25", "6.5", "2.99")
states = (
    scattered(RAMP, 8, (1,) * 8),
    scattered(INDEFINITE, 2, (1, 1)),
    scattered(INDEFINITE, 2),
)

theorem = Theorem(
    id="Q3.T3",
    title="networks learn the largest eigenvalues",
    source="ghorbani2019limitations, trained networks; signs derived",
    checks=(
        Check(Identities("the risk is twice the squared distance", risks)),
        Check(ends_at(least), paths),
        *(Check(ends_at(value), (path,)) for value, path in zip(ENDS, paths, strict=True)),
        Check(AtLeast("loss", least), states + paths),
        Check(AtLeast("loss", whatever_the_signs), states + paths),
        # 2 a^2 - |w|^2 is conserved: where it is positive, a sign of the second layer is kept.
        Check(Conserved("imbalances"), (flow(INDEFINITE, 2, seed=1),)),
    ),
    controls={
        "tail without squares": Check(ends_at(without_squares), ramps[1:2]),
        "whatever the signs": Check(ends_at(whatever_the_signs), (plus,)),
        "networks are no better than their tangent class": Check(
            AtLeast("network", "risk"), (Tangents("ramp", 80, 0.5, 20),)
        ),
        "a second layer that is trained takes any sign": Check(
            ends_at(whatever_the_signs), trained[1:2]
        ),
        "a^2 - |w|^2": Check(
            Equal(another_balance, another_balance_0, scale="parameter_norm**2"),
            (flow(INDEFINITE, 2, seed=1),),
        ),
    },
)
