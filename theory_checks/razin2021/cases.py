"""Where the theorems of Razin, Maman & Cohen (2021) are asserted: CP factorizations."""

import numpy as np

import dynlens as dl

MEAN = dl.SquaredLoss("mean")
SHAPES = ((5, 4), (4, 5, 3), (3, 3, 3, 3))


def completion(shape, components=6, loss=MEAN):
    """60 % of a random tensor of rank two, whose norm is a quarter of the root of its size."""
    size = float(np.prod(shape))
    target = dl.problems.low_rank_tensor(shape, rank=2, seed=len(shape), norm=size**0.5 / 4)
    seen = dl.Entries.sample(target, fraction=0.6, seed=len(shape))
    return dl.Problem(dl.CPFactorization(shape, components), loss, seen)


def along(shape, scale, kind="gaussian", t_end=30.0, **changes):
    start = dl.Start(scale, kind, seed=len(shape))
    return dl.Path(completion(shape), start, t_end, **changes)


def states(start, scale=1.0, shapes=(*SHAPES, (2,) * 5), components=6, loss=MEAN):
    return tuple(
        dl.RandomStates(
            dl.CPFactorization(shape, components), start, scale, loss=loss, fraction=0.6
        )
        for shape in shapes
    )


# -- conservation ----------------------------------------------------------------------------------

FLOWS = tuple(along(shape, scale) for shape in SHAPES for scale in (0.05, 0.3, 0.8))
ANYWHERE = tuple(
    case
    for loss in (MEAN, dl.HuberLoss(0.5), dl.SquaredLoss(half=False))
    for case in states("gaussian", shapes=(*SHAPES, (2,) * 6), components=4, loss=loss)
)
UNBALANCED = along((4, 5, 3), 0.8)
DESCENT = along((4, 5, 3), 0.8, eta=1e-2)


def squared_norms(samples):
    """Squared norms of all vectors, shape (S, modes, components)."""
    factors = samples.problem.factors(samples.theta)
    (squares,) = samples.problem.model.component_products(factors, factors)
    return squares


def norm_differences(samples):
    return np.diff(np.sqrt(squared_norms(samples)), axis=-2)


def across_components(samples):
    return np.diff(squared_norms(samples), axis=-1)


# -- growth ----------------------------------------------------------------------------------------

BALANCED = (*(along(shape, 0.3, "balanced") for shape in SHAPES), *states("balanced"))
SCATTERED = states("gaussian") + states("gaussian", 0.3)
SPREAD = tuple(along(shape, scale) for shape in SHAPES for scale in (0.3, 0.8)) + SCATTERED
# Vectors of norm near 2 at N = 3, and the unbalanced matrix case.
LONG_VECTORS = (
    dl.RandomStates(dl.CPFactorization((4, 4, 4), 2), "balanced", 1.0),
    along((5, 4), 0.8),
)


def sharper_high(samples):
    """|gamma| ((m + eps)^(N-1) + (N - 1) m (m + eps)^(N-2)), m = min_n |w^n|^2."""
    low, order = squared_norms(samples).min(axis=-2), int(samples.read("order"))
    high = low + samples.read("unbalancedness")[:, None]
    size = np.abs(samples.read("component_alignments"))
    return size * (high ** (order - 1) + (order - 1) * low * high ** (order - 2))


# -- components that are zero ----------------------------------------------------------------------

SUM = completion((4, 5, 3), components=4, loss=dl.SquaredLoss())
FIRST = {"first": dl.Reading("component_norms", where=(0,))}


def start(seed, *, zero=(), kind="balanced", scale=0.6):
    """A random start whose component 0 has zeros for its vectors of the modes in `zero`."""
    factors = SUM.model.unravel(SUM.init(scale, kind=kind, seed=seed))
    for mode in zero:
        factors[mode][:, 0] = 0.0
    return SUM.model.ravel(factors)


def through_zero():
    """A start whose first component meets zero: one short vector, driven against itself."""
    factors = [factor.copy() for factor in SUM.model.unravel(start(0))]
    gradient = SUM.model.unravel(SUM.gradient(SUM.model.ravel(factors)))
    factors[0][:, 0] = 0.05 * gradient[0][:, 0] / np.linalg.norm(gradient[0][:, 0])
    return SUM.model.ravel(factors)


def flow(theta):
    return dl.Path(SUM, tuple(theta.tolist()), 5.0)


ZEROS = tuple(flow(start(seed, zero=(0, 1, 2))) for seed in (0, 1, 2))
NONZERO = tuple(flow(start(seed, scale=scale)) for seed, scale in ((0, 0.6), (1, 1.5), (2, 0.2)))
ONE_VECTOR_ZERO = flow(start(0, zero=(1,), kind="gaussian"))  # the component is zero at first only
THROUGH_ZERO = flow(through_zero())
