"""The dimension of what linearized training can reach (Alexander & Hirschowitz).

The lazy class of Wang et al. (2020) is the tangent space of a secant variety of Veronese's: for
generic vectors its dimension is min(d m, N), but one less for four (d, l, m), and in order 2.
Trained coefficients add nothing, since u^l lies in the class itself.
"""

from dataclasses import dataclass

import numpy as np

from dynlens import Check, Equal, Measurement, Theorem
from dynlens.theory.lazy_tensors import (
    lazy_dimension,
    symmetric_coordinates,
    symmetric_dimension,
    tangent_columns,
)

# (d, l, m)
EXCEPTIONAL = ((5, 3, 7), (3, 4, 5), (4, 4, 9), (5, 4, 14), (6, 2, 3))
REGULAR = ((4, 3, 4), (4, 3, 5), (6, 3, 9), (5, 3, 6), (5, 4, 13), (3, 5, 4))


@dataclass(frozen=True)
class Ranks(Measurement):
    """Ranks of the tangent columns at random vectors, and what formulas say."""

    cases: tuple[tuple[int, int, int], ...]
    seed: int = 0

    def measure(self, fine):
        ranks, widened, gaps = [], [], []
        for d, l, m in self.cases:
            u = np.random.default_rng(self.seed).standard_normal((m, d))
            columns = tangent_columns(u, l)
            more = np.concatenate([columns, symmetric_coordinates(u, l).T], axis=1)
            threshold = 1e-8 if fine else 1e-10
            ranks.append(self.rank(columns, threshold))
            widened.append(self.rank(more, threshold))
            gaps.append(np.linalg.norm(columns @ u.ravel() - more[:, m * d :].sum(axis=1)))
        d, l, m = np.array(self.cases).T
        N = np.array([symmetric_dimension(*case[:2]) for case in self.cases])
        return {
            "rank": ranks,
            "theorem": [lazy_dimension(*case) for case in self.cases],
            "expected": np.minimum(d * m, N),
            "less_radial": np.minimum((d - 1) * m, N),
            "widened": widened,
            "with_coefficients": np.minimum((d + 1) * m, N),
            "euler": gaps,
        }

    def rank(self, columns, threshold):
        values = np.linalg.svd(columns, compute_uv=False)
        return int((values > threshold * values[0]).sum())


def exactly(left, right):
    return Equal(left, right, scale="1", tolerance=0.0)


cases = (Ranks(EXCEPTIONAL), Ranks(REGULAR), Ranks(EXCEPTIONAL, seed=1))
theorem = Theorem(
    id="Q1.T1",
    title="the dimension of the linearized class",
    source="alexander1995polynomial; wang2020beyond",
    checks=(
        Check(exactly("rank", "theorem"), cases),
        Check(exactly("widened", "rank"), cases),
        # The derivative of u^l along u is l u^l: Euler's identity.
        Check(Equal("euler", "0", scale="1", tolerance=1e-10), cases),
    ),
    controls={
        "always min(d m, N)": Check(exactly("rank", "expected"), (Ranks(EXCEPTIONAL[:1]),)),
        "min((d - 1) m, N)": Check(exactly("rank", "less_radial"), (Ranks(((6, 3, 9),)),)),
        "trained coefficients add m": Check(
            exactly("widened", "with_coefficients"), (Ranks(((4, 3, 4),)),)
        ),
    },
)
