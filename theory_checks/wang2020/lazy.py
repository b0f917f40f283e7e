"""What the lazy class of Wang et al. (2020) reaches, and how random directions correlate.

The class of vectors u_1, ..., u_m is S_U = {sum_i sym(u_i^(l-1) d_i)}, spanned by tangent columns.
Means over u uniform on the sphere are exact: squared distances and correlations are quadratic in
u^l, whose second moments M = E u^l (u^l)^T are known rationals.
"""

from dataclasses import dataclass
from functools import cache
from math import factorial, prod

import numpy as np

import dynlens as dl
from dynlens.theory.lazy_tensors import (
    harmonic_spectrum,
    lazy_dimension,
    lazy_error_bound,
    second_moment,
    symmetric_coordinates,
    symmetric_dimension,
    tangent_columns,
)


def directions(count, d, seed):
    """Unit vectors, shape (count, d)."""
    u = np.random.default_rng(seed).standard_normal((count, d))
    return u / np.linalg.norm(u, axis=1)[:, None]


def orthonormal(columns, reach=1e-10):
    """Orthonormal columns that span the same, to within `reach` of the largest."""
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, values > reach * values[0]]


def lazy_basis(u, l, numerics):
    """Orthonormal columns that span the lazy class of u."""
    columns = tangent_columns(u, l)
    return orthonormal(numerics.pick(columns, columns[:, ::-1]))


@dataclass(frozen=True)
class Ranks(dl.Measurement):
    """Ranks of the tangent columns at random vectors, and what formulas say."""

    cases: tuple[tuple[int, int, int], ...]  # (d, l, m)
    seed: int = 0

    def measure(self, numerics):
        reach, ranks, widened, gaps = numerics.pick(1e-10, 1e-8), [], [], []
        for d, l, m in self.cases:
            u = np.random.default_rng(self.seed).standard_normal((m, d))
            columns, powers = tangent_columns(u, l), symmetric_coordinates(u, l).T
            ranks.append(orthonormal(columns, reach).shape[1])
            widened.append(orthonormal(np.hstack([columns, powers]), reach).shape[1])
            gaps.append(np.linalg.norm(columns @ u.ravel() - powers.sum(axis=1)))
        d, l, m = np.array(self.cases).T
        return {
            "rank": ranks,
            "theorem": [lazy_dimension(*case) for case in self.cases],
            "widened": widened,
            "euler": gaps,
            "N": [symmetric_dimension(*case[:2]) for case in self.cases],
            "d": d,
            "m": m,
        }


@dataclass(frozen=True)
class Distances(dl.Measurement):
    """Mean squared distances of random u^l to the lazy class of m random vectors."""

    order: int
    sizes: tuple[tuple[int, int], ...]  # (d, m)
    seed: int = 0

    def measure(self, numerics):
        rows = []
        for d, m in self.sizes:
            basis = lazy_basis(directions(m, d, self.seed), self.order, numerics)
            N, rank = basis.shape
            mean = 1 - np.trace(basis.T @ second_moment(d, self.order) @ basis)
            rows.append((mean, float(lazy_error_bound(d, self.order, rank)), 1 - rank / N))
        return dict(zip(("mean", "bound", "isotropic"), np.transpose(rows), strict=True))


@dataclass(frozen=True)
class Harmonic(dl.Measurement):
    """Distances of unit u^3 to the span of x_k |x|^2, the same for every u."""

    dimension: int

    def measure(self, numerics):
        d = self.dimension
        # sym(e_k x I) = mean over axes of tangent columns e_i^2 x e_k
        axes = tangent_columns(np.eye(d), 3).reshape(-1, d, d).sum(axis=1)
        u = numerics.start(directions(50, d, 1))
        inside = symmetric_coordinates(u, 3) @ np.linalg.qr(axes)[0]
        return {"distance": 1 - np.square(inside).sum(axis=1), "d": float(d)}


@cache
def quarter_width(d, l, seed):
    """How many random components leave a quarter of a random u^l in the mean, interpolated."""
    M, basis, left = second_moment(d, l), np.zeros((symmetric_dimension(d, l), 0)), [1.0]
    for u in directions(len(M), d, seed):
        columns = tangent_columns(u[None], l)
        for _ in range(2):  # once more for what rounding left
            columns = columns - basis @ (basis.T @ columns)
        fresh = orthonormal(columns, 1e-9)
        basis = np.hstack([basis, fresh])
        left.append(left[-1] - np.sum(fresh * (M @ fresh)))
        if left[-1] <= 0.25:
            break
    return len(left) - 2 + (left[-2] - 0.25) / (left[-2] - left[-1])


@dataclass(frozen=True)
class Widths(dl.Measurement):
    """Mean of `quarter_width` over eight draws of the components, whose spread is a percent."""

    order: int
    dimensions: tuple[int, ...]
    draws: int = 8

    def measure(self, numerics):
        d, l, seeds = np.array(self.dimensions, dtype=float), self.order, range(self.draws)
        return {
            "m": [np.mean([quarter_width(k, l, seed) for seed in seeds]) for k in self.dimensions],
            "full": np.array([symmetric_dimension(k, l) for k in self.dimensions]) / d,
            "d": d,
        }


@dataclass(frozen=True)
class LazyMeans(dl.Measurement):
    """Mean over random targets of the squared distance to one lazy class, over sum c_j^2.

    Targets are c_1 v_1^3 + ... with independent directions v_j; means carry a standard error.
    """

    components: tuple[int, ...] = (4, 12, 24)
    coefficients: tuple[float, ...] = (1.0, -0.8, 0.6)
    dimension: int = 15
    draws: int = 2000

    def measure(self, numerics):
        c, d, rows = np.array(self.coefficients), self.dimension, []
        v = directions(self.draws * len(c), d, 0).reshape(self.draws, len(c), d)
        targets = np.einsum("j,njk->nk", c, symmetric_coordinates(v, 3))
        for m in self.components:
            basis = lazy_basis(directions(m, d, 100), 3, numerics)
            left = np.square(targets).sum(axis=1) - np.square(targets @ basis).sum(axis=1)
            left, (N, rank) = left / (c @ c), basis.shape
            error = left.std() / np.sqrt(self.draws)
            rows.append((left.mean(), error, float(lazy_error_bound(d, 3, rank)), 1 - rank / N))
        return dict(zip(("mean", "error", "bound", "isotropic"), np.transpose(rows), strict=True))


def least_correlation(r, l):
    """Bound l! / (r (r+2) ... (r+2l-2)) of E R(u^l)^2 for a symmetric R of norm one."""
    return factorial(l) / prod(r + 2 * k for k in range(l))


@dataclass(frozen=True)
class RandomResiduals(dl.Measurement):
    """Mean squared correlations of random directions with random R of norm one."""

    dimension: int
    order: int
    count: int = 50
    seed: int = 1

    def measure(self, numerics):
        r, l = self.dimension, self.order
        R = directions(self.count, symmetric_dimension(r, l), self.seed)
        return {
            "mean": np.einsum("ca,ab,cb->c", R, second_moment(r, l), R),
            "bound": least_correlation(r, l),
            "least": float(harmonic_spectrum(r, l)[-1].value),
        }


@dataclass(frozen=True)
class HarmonicResiduals(dl.Measurement):
    """The same for R = Re (x_1 + i x_2)^l / 2^((l-1)/2), of norm one, over several r.

    The mean is integrated over the plane of x_1 and x_2, where x_1^2 + x_2^2 follows a beta law,
    by a rule that is exact for polynomials of this degree.
    """

    order: int
    dimensions: tuple[int, ...] = (16, 32, 64, 128)

    def measure(self, numerics):
        l, r = self.order, np.array(self.dimensions, dtype=float)
        bound = np.array([least_correlation(d, l) for d in self.dimensions])
        return {
            "mean": [self.mean(d, numerics.count(l + 1)) for d in self.dimensions],
            "bound": bound,
            "rank_one": bound * prod(range(1, 2 * l, 2)) / factorial(l),
            "r": r,
            "l": float(l),
        }

    def mean(self, r, nodes):
        from scipy.special import roots_jacobi

        x, weights = roots_jacobi(nodes, (r - 4) / 2, 0.0)
        angles = 2 * np.pi * np.arange(4 * nodes) / (4 * nodes)
        points = np.sqrt((1 + x) / 2)[:, None] * np.exp(1j * angles)
        squares = (points**self.order).real ** 2 / 2 ** (self.order - 1)
        return weights @ squares.mean(axis=1) / weights.sum()
