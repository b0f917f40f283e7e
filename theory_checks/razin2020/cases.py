"""Where the theorems of Razin & Cohen (2020) are asserted: flows, solutions, random matrices."""

from dataclasses import dataclass, replace

import numpy as np

import dynlens as dl
from dynlens.cases.base import ModelSamples

S = "sqrt(2 * loss)"  # norm of the residuals
NAMES = {
    "w11": dl.Reading("end_to_end", where=(0, 0)),
    "quasi_norm": dl.Reading("schatten_norm", parameters=(("p", 0.5),)),
}
CONDITIONS = (dl.BALANCED, dl.POSITIVE_DETERMINANT)
POSITIVE_START = dl.Assumption("det W(0) > 0", "determinant", low=0.0)


def positive(left, right, **changes):
    """``left >= right`` for balanced factors with det W > 0."""
    return dl.AtLeast(left, right, **{"assumptions": CONDITIONS, "readings": NAMES} | changes)


def equal(left, right, **changes):
    """``left = right`` for balanced factors with det W > 0."""
    return dl.Equal(left, right, **{"assumptions": CONDITIONS, "readings": NAMES} | changes)


def grows(after, tolerance=1e-4, **changes):
    """|W_11| s -> 1: the bound 1 - s^2 is attained but for |det W|, which vanishes.

    W_11 W_22 = W_12 W_21 + det W, where W_22 is s and W_12, W_21 are 1 - s^2, to higher order.
    """
    limit = {"after": after, "tolerance": tolerance} | changes
    return equal(f"Abs(w11) * {S}", "1 + Abs(determinant) - 2 * loss", **limit)


def flow(problem, t_end, seed=0, *, scale=0.3, kind="balanced", determinant=1):
    """A flow from a start whose determinant has the given sign."""
    numerics = {"rtol": 1e-11} if t_end < 100 else {"method": "LSODA", "rtol": 1e-9}
    start = dl.Start(scale, kind, seed, determinant)
    return dl.Path(problem, start, t_end, saves="log", **numerics)


def completion(depth, t_end, seed=0, **changes):
    return flow(dl.completion_problem(depth), t_end, seed, **changes)


# At depth 2, det W ~ exp(-1.65 t^(2/3)) is soon lost to rounding, hence short runs.
SHALLOW = tuple(completion(2, 40.0, seed, scale=0.1) for seed in (0, 1, 2))
DEEP = tuple(completion(depth, 1e3, seed) for depth in (3, 4) for seed in (0, 1, 2))
FLOWS = SHALLOW + DEEP
LONG = tuple(completion(depth, 1e5) for depth in (3, 4))
NEGATIVE = (completion(3, 20.0, seed=3, determinant=-1),)


def random_matrices(count=200_000, determinant=1, size=2, observed=(1.0, 1.0, 0.0)):
    """They come closer to the bounds than any flow does: flows explore a benign corner."""
    problem = dl.completion_problem(1, size=size, observed=observed)
    return dl.RandomMatrices(problem, count, seed=0, determinant=determinant)


# -- the solutions W_12 = W_21 = 1, W_22 = 0 -------------------------------------------------------

W = {f"w{i + 1}{j + 1}": dl.Reading("end_to_end", where=(i, j)) for i in (0, 1) for j in (0, 1)}
SOLUTIONS = dl.States(
    dl.completion_problem(1),
    tuple(
        (x, 1.0, 1.0, 0.0)
        for x in (1.0, 2.0, 0.0, 30.0, 1e3, 5.0, 0.5, 0.1, 1e-3, -0.3, -2.0, -1e3)
    ),
)


def of_solutions(left, right, where="1"):
    """``left >= right`` in names of the entries."""
    return dl.AtLeast(left, right, where=where, readings=W)


def schatten(p):
    """Names for W_11 and for the Schatten-p norm."""
    return NAMES | {"norm": dl.Reading("schatten_norm", parameters=(("p", p),))}


# -- perturbed observations ------------------------------------------------------------------------

Z, Z_PRIME = -2.0, 0.5  # the values of the paper's experiments


def perturbed(depth, eps, seed=0, determinant=-1, t_end=300.0):
    problem = dl.completion_problem(depth, observed=(Z, Z_PRIME, eps))
    return flow(problem, t_end, seed, determinant=determinant)


def sizes(z, z_prime, eps):
    """|z|, |z'|, |eps| and the sign of z z' (the side det W is on), for formulas."""
    return {"z": abs(z), "zp": abs(z_prime), "eps": abs(eps), "side": np.sign(z * z_prime)}


def perturbed_matrices(z, z_prime, eps):
    """Random ones, and nearly singular ones, where the bounds on W_11 and D are nearly attained."""
    problem = dl.completion_problem(1, observed=(z, z_prime, eps))
    corners = [eps + (s if eps >= 0 else -s) for s in (1e-1, 1e-2, 1e-3, 1e-4)]
    tight = tuple((z * z_prime / b * (1 + 1e-6), z, z_prime, b) for b in corners)
    drawn = random_matrices(400_000, int(np.sign(z * z_prime)), observed=(z, z_prime, eps))
    return drawn, dl.States(problem, tight)


# W_22 starts negative: with eps < 0 the flow fits and W_11 -> 10, with eps > 0 it never does.
FITS, NEVER_FITS = perturbed(3, -0.1, seed=3), perturbed(3, 0.1, seed=3)
MATRICES_NEAR = perturbed_matrices(Z, Z_PRIME, 0.1)
MATRICES_AT = perturbed_matrices(1.0, 1.0, 0.0)
# Depth 2 stops where the determinant is still known, unless it stays away from zero.
PERTURBED = (
    *(
        (sizes(Z, Z_PRIME, eps), (perturbed(2, eps, t_end=30.0), perturbed(3, eps)))
        for eps in (0.0, 0.01, 0.05, 0.1, 0.5)
    ),
    (sizes(Z, Z_PRIME, 0.1), (FITS, NEVER_FITS)),
    (sizes(Z, Z_PRIME, 0.1), MATRICES_NEAR),
    (sizes(1.0, 1.0, 0.0), MATRICES_AT),
)

# -- larger matrices -------------------------------------------------------------------------------

LARGE = {d: flow(dl.completion_problem(3, size=d), 3e4) for d in (3, 4)}
LARGE_MATRICES = {d: random_matrices(100_000, size=d) for d in (3, 4)}
LARGE_NEGATIVE = flow(dl.completion_problem(3, size=3), 1e4, determinant=-1)


def last_negative():
    """The 3 by 3 problem with b_33 = -1, whose solutions have determinant +1."""
    problem = dl.completion_problem(3, size=3)
    seen = problem.observations
    flipped = dl.Entries(seen.shape, seen.indices, (*seen.values[:-1], -1))
    return flow(replace(problem, observations=flipped), 1e4)


LAST_NEGATIVE = last_negative()

# -- products of random matrices -------------------------------------------------------------------

ENTRIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "of many sizes": lambda rng, shape: rng.standard_normal(shape) * np.logspace(-4, 2, shape[-1]),
    "positive": lambda rng, shape: rng.exponential(size=shape),
    "near the identity": lambda rng, shape: np.eye(shape[-1]) + rng.standard_normal(shape),
}


@dataclass(frozen=True)
class Products(dl.Case):
    """Random square factors, the entries of each of its own kind."""

    kinds: tuple[str, ...]
    size: int = 2
    count: int = 200_000
    seed: int = 0

    def samples(self):
        rng, d = np.random.default_rng(self.seed), self.size
        model = dl.DeepLinear((d,) * (len(self.kinds) + 1))
        factors = [ENTRIES[kind](rng, (self.count, d, d)) for kind in self.kinds]
        problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(np.zeros((d, d))))
        return ModelSamples(problem, model.ravel(factors))


def determinant_of_mirror_image(samples):
    """After negating the first row of W_1."""
    first, *others = samples.problem.factors(samples.theta)
    mirrored = np.concatenate([-first[:, :1], first[:, 1:]], axis=1)
    return np.prod([np.linalg.det(factor) for factor in (mirrored, *others)], axis=0)


SYMMETRIC = (
    Products(("normal",)),
    Products(("normal", "normal")),
    Products(("normal", "normal", "normal")),
    Products(("normal",), size=4, count=50_000),
    Products(("cauchy", "uniform")),
    Products(("of many sizes", "of many sizes"), size=3),
)
ONE_SYMMETRIC_FACTOR = (Products(("normal", "positive")), Products(("near the identity", "cauchy")))
EXCHANGEABLE = Products(("positive",))  # not symmetric, but exchanging two rows does as well
SHIFTED = Products(("near the identity",))
