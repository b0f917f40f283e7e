"""Within a component of a CP factorization all squared norms grow alike.

Razin, Maman & Cohen (2021), in the proof of Theorem 1: |w_r^n|^2 - |w_r^m|^2 is constant for every
component r and modes n, m, because W is linear in each w_r^n, so that d/dt |w_r^n|^2 / 2 is
gamma_r sigma_r whatever n.
"""

from functools import reduce
from itertools import product

import numpy as np
import sympy as sp

from dynlens import (
    Check,
    Conserved,
    CPFactorization,
    Entries,
    Equal,
    HuberLoss,
    Identities,
    Path,
    Problem,
    RandomStates,
    RateLaw,
    SquaredLoss,
    Start,
    Theorem,
    low_rank_tensor,
)
from dynlens.symbolic import along_flow

MEAN = SquaredLoss("mean")
SHAPES = ((5, 4), (4, 5, 3), (3, 3, 3, 3))


def completion(shape, components=6, loss=MEAN):
    """60 % of a random tensor of rank two, whose norm is a quarter of the root of its size."""
    size = float(np.prod(shape))
    target = low_rank_tensor(shape, rank=2, seed=len(shape), norm=size**0.5 / 4)
    seen = Entries.sample(target, fraction=0.6, seed=len(shape))
    return Problem(CPFactorization(shape, components), loss, seen)


def along(shape, scale, kind="gaussian", t_end=30.0, **changes):
    return Path(completion(shape), Start(scale, kind, seed=len(shape)), t_end, **changes)


def for_any_gradient(order, components=2, size=2):
    """Rates of the differences where the loss has an arbitrary gradient G."""
    vectors = {
        (r, n): sp.symbols(f"w{r}{n}_:{size}") for r in range(components) for n in range(order)
    }
    places = list(product(range(size), repeat=order))
    W = {
        place: sum(
            reduce(lambda x, y: x * y, (vectors[r, n][i] for n, i in enumerate(place)))
            for r in range(components)
        )
        for place in places
    }
    slope = sum(sp.Symbol("g" + "".join(map(str, place))) * W[place] for place in places)
    fields = {w: -sp.diff(slope, w) for vector in vectors.values() for w in vector}
    squares = {key: sum(w**2 for w in vector) for key, vector in vectors.items()}
    return {
        f"N = {order}, r = {r}, n = {n}": along_flow(squares[r, n] - squares[r, 0], fields)
        for r in range(components)
        for n in range(1, order)
    }


def derivation():
    return for_any_gradient(2) | for_any_gradient(3) | for_any_gradient(4)


def squared_norms(samples):
    """Squared norms of all vectors, shape (S, modes, components)."""
    factors = samples.problem.factors(samples.theta)
    (squares,) = samples.problem.model.component_products(factors, factors)
    return squares


def keeps_its_start(quantity):
    def at_the_start(samples):
        return quantity(samples)[:1]

    return Equal(left=quantity, right=at_the_start, scale="parameter_norm**2", tolerance=1e-8)


def norm_differences(samples):
    return np.diff(np.sqrt(squared_norms(samples)), axis=-2)


def across_components(samples):
    return np.diff(squared_norms(samples), axis=-1)


flows = tuple(along(shape, scale) for shape in SHAPES for scale in (0.05, 0.3, 0.8))
anywhere = tuple(
    RandomStates(CPFactorization(shape, components=4), "gaussian", loss=loss, fraction=0.6)
    for shape in (*SHAPES, (2,) * 6)
    for loss in (MEAN, HuberLoss(0.5), SquaredLoss(half=False))
)
unbalanced = (along((4, 5, 3), 0.8),)

theorem = Theorem(
    id="P2.L1",
    title="differences of squared norms within a component are conserved",
    source="razin2021implicit, in the proof of Theorem 1",
    checks=(
        Check(Conserved(of="imbalances"), flows),
        Check(RateLaw(of="imbalances", rate=0, scale="parameter_norm * gradient_norm"), anywhere),
        Check(Identities("d/dt (|w^n|^2 - |w^m|^2) = 0 for every gradient", derivation)),
    ),
    controls={
        "norms instead of their squares": Check(keeps_its_start(norm_differences), unbalanced),
        "across components": Check(keeps_its_start(across_components), unbalanced),
        "conserved by gradient descent": Check(
            Conserved(of="imbalances"), (along((4, 5, 3), 0.8, eta=1e-2),)
        ),
    },
)
