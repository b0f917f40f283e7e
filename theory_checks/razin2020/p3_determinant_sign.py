"""A product of random square matrices has positive determinant with probability one half.

Razin & Cohen (2020), on random starts. The entries of one factor are independent with continuous
distributions symmetric about zero: negating its first row changes the determinant's sign, and no
probability. So at every scale half of all starts meet the theorem's condition on the determinant.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import Case, Check, DeepLinear, Equal, Frequency, Full, Problem, SquaredLoss, Theorem
from dynlens.cases.base import ModelSamples

ENTRIES = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "uniform": lambda rng, shape: rng.uniform(-1, 1, shape),
    "of many sizes": lambda rng, shape: rng.standard_normal(shape) * np.logspace(-4, 2, shape[-1]),
    "positive": lambda rng, shape: rng.exponential(size=shape),
    "near the identity": lambda rng, shape: np.eye(shape[-1]) + rng.standard_normal(shape),
}


@dataclass(frozen=True)
class Products(Case):
    """Random square factors, the entries of each of its own kind."""

    kinds: tuple[str, ...]
    size: int = 2
    count: int = 200_000
    seed: int = 0

    def samples(self):
        rng, d = np.random.default_rng(self.seed), self.size
        model = DeepLinear((d,) * (len(self.kinds) + 1))
        factors = [ENTRIES[kind](rng, (self.count, d, d)) for kind in self.kinds]
        problem = Problem(model, SquaredLoss(), Full(np.zeros((d, d))))
        return ModelSamples(problem, model.ravel(factors))


def determinant_of_mirror_image(samples):
    """After negating the first row of W_1."""
    first, *others = samples.problem.factors(samples.theta)
    mirrored = np.concatenate([-first[:, :1], first[:, 1:]], axis=1)
    return np.prod([np.linalg.det(factor) for factor in (mirrored, *others)], axis=0)


def positive_with(probability):
    return Frequency(event="determinant", probability=probability)


symmetric = (
    Products(("normal",)),
    Products(("normal", "normal")),
    Products(("normal", "normal", "normal")),
    Products(("normal",), size=4, count=50_000),
    Products(("cauchy", "uniform")),
    Products(("of many sizes", "of many sizes"), size=3),
)
one_symmetric_factor = (Products(("normal", "positive")), Products(("near the identity", "cauchy")))
# Not symmetric, but exchanging two rows does what negating one does.
exchangeable = (Products(("positive",)),)
shifted = (Products(("near the identity",)),)

theorem = Theorem(
    id="P1.P3",
    title="the determinant of a random product is positive with probability 1/2",
    source="razin2020implicit, on random starts",
    checks=(
        Check(positive_with(1 / 2), symmetric + one_symmetric_factor + exchangeable),
        Check(Equal(left=determinant_of_mirror_image, right="-determinant"), symmetric[2:4]),
        # det(I + G) > 0 if a noncentral chi-square variable exceeds an independent central one.
        Check(positive_with(1 - np.exp(-1 / 2) / 2), shifted),
    ),
    controls={
        "symmetry dropped": Check(positive_with(1 / 2), shifted),
        "probability 2^-L": Check(positive_with(1 / 4), symmetric[1:2]),
    },
)
