"""No linearized class of dimension k fits random rank-one tensors better than an exact bound.

Wang et al. (2020) show that lazy training needs on the order of d^(l-1) components; derived in
sharp form: E dist(u^l, S)^2 is at least one less the k largest eigenvalues of E u^l (u^l)^T, which
are known exactly. Means over 4000 directions carry five standard errors: each inequality is refuted
by chance with probability 3e-7, all eleven together with at most 4e-6.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from dynlens import AtLeast, Check, Equal, Identities, Measurement, PowerLaw, Theorem
from dynlens.theory.lazy_tensors import (
    harmonic_spectrum,
    lazy_error_bound,
    symmetric_coordinates,
    symmetric_dimension,
    tangent_columns,
)

SIGMAS = 5.0
PAGE = {
    (3, 4): ("1/8", "1/32"),
    (4, 4): ("1/8", "1/16", "1/80"),
    (4, 7): ("1/21", "4/231", "8/3003"),
    (2, 7): ("1/7", "2/63"),
}


def moment(exponents, d):
    """E of the monomial with these even exponents on the sphere, exact."""
    value, total = Fraction(1), 0
    for e in exponents:
        for k in range(e // 2):
            value *= 2 * k + 1
        total += e
    for k in range(total // 2):
        value /= d + 2 * k
    return value


def exact():
    """Known values, trace one, and the trace of the square from exact moments."""
    found = {}
    for (l, d), values in PAGE.items():
        levels = harmonic_spectrum(d, l)
        found[f"l = {l}, d = {d}"] = sum(
            abs(level.value - Fraction(x)) for level, x in zip(levels, values, strict=True)
        )
    for l in range(2, 7):
        for d in (2, 3, 5, 10):
            levels = harmonic_spectrum(d, l)
            found[f"trace, l = {l}, d = {d}"] = sum(x.value * x.multiplicity for x in levels) - 1
            # tr M^2 = E (u . v)^(2l) = E u_1^(2l)
            square = sum(x.value**2 * x.multiplicity for x in levels)
            found[f"square, l = {l}, d = {d}"] = square - moment([2 * l], d)
    return {name: _zero(value) for name, value in found.items()}


def _zero(value):
    import sympy as sp

    return sp.Rational(value.numerator, value.denominator)


@dataclass(frozen=True)
class Distances(Measurement):
    """Mean squared distances of random u^l to the lazy class of m random vectors."""

    order: int
    sizes: tuple[tuple[int, int], ...]  # (d, m)
    draws: int = 4000
    seed: int = 0

    def measure(self, fine):
        means, errors, bounds, isotropic = [], [], [], []
        for d, m in self.sizes:
            rng = np.random.default_rng(self.seed)
            u = rng.standard_normal((m, d))
            columns = tangent_columns(u / np.linalg.norm(u, axis=1)[:, None], self.order)
            left, values, _ = np.linalg.svd(columns, full_matrices=False)
            basis = left[:, values > 1e-10 * values[0]]
            v = rng.standard_normal((self.draws, d))
            points = symmetric_coordinates(v / np.linalg.norm(v, axis=1)[:, None], self.order)
            found = 1 - np.square(points @ basis).sum(axis=1)
            means.append(found.mean())
            errors.append(found.std() / np.sqrt(self.draws))
            rank = basis.shape[1]
            bounds.append(float(lazy_error_bound(d, self.order, rank)))
            isotropic.append(1 - rank / symmetric_dimension(d, self.order))
        return {
            "mean": means,
            "error": errors,
            "bound": bounds,
            "isotropic": isotropic,
            "d": [d for d, _ in self.sizes],
        }


@dataclass(frozen=True)
class Harmonic(Measurement):
    """Distances of unit u^3 to the span of x_k |x|^2, the same for every u."""

    dimension: int

    def measure(self, fine):
        d = self.dimension
        rng = np.random.default_rng(1)
        v = rng.standard_normal((50, d))
        v /= np.linalg.norm(v, axis=1)[:, None]
        # sym(e_k x I) = mean over axes of tangent columns e_i^2 x e_k
        axes = tangent_columns(np.eye(d), 3).reshape(-1, d, d).sum(axis=1)
        basis = np.linalg.qr(axes)[0]
        found = 1 - np.square(symmetric_coordinates(v, 3) @ basis).sum(axis=1)
        return {"distance": found, "d": np.full(50, float(d))}


@dataclass(frozen=True)
class Widths(Measurement):
    """How many random components leave a quarter of a random u^l, interpolated, over several d."""

    order: int
    dimensions: tuple[int, ...]
    draws: int = 4000

    def measure(self, fine):
        widths = np.array([self.width(d) for d in self.dimensions])
        d = np.array(self.dimensions, dtype=float)
        full = np.array([symmetric_dimension(k, self.order) for k in self.dimensions]) / d
        return {"m": widths, "d": d, "share": widths / full}

    def width(self, d):
        last, m = 1.0, 0
        while True:
            found = Distances(self.order, ((d, m + 1),), self.draws).measure(False)["mean"][0]
            if found <= 0.25:
                return m + (last - 0.25) / (last - found)
            last, m = found, m + 1


rows = (Distances(3, ((6, 6), (8, 8), (10, 5), (10, 10), (10, 22))), Distances(4, ((5, 4), (6, 6))))
grows = (Distances(3, ((6, 6), (8, 8), (10, 10))),)
inside = (Distances(3, ((6, 6), (8, 8), (10, 5), (10, 10))),)

widths = (Widths(2, (9, 10, 11, 12)), Widths(3, (9, 10, 11, 12)), Widths(4, (5, 6, 7, 8)))

theorem = Theorem(
    id="Q1.T2",
    title="an exact lower bound for linearized training",
    source="wang2020beyond; derived",
    checks=(
        Check(Identities("eigenvalues, their sum and their squares, in rationals", exact)),
        Check(AtLeast(f"mean + {SIGMAS} * error + 1e-12", "bound"), rows),
        # Below what an isotropic tensor would leave.
        Check(AtLeast("isotropic", f"mean - {SIGMAS} * error"), inside),
        # So wide as N / d, whose local exponents are .91, 1.74 and 2.30 here.
        Check(PowerLaw("share", "d", 0, band=0.12), widths),
        # Sharp: the lowest harmonics attain it, for every u.
        Check(Equal("distance", "(d - 1) / (d + 2)", tolerance=1e-12), (Harmonic(6), Harmonic(10))),
    ),
    controls={
        "residual at least 1 - k / N": Check(
            AtLeast(f"mean + {SIGMAS} * error", "isotropic"), inside
        ),
        "m ~ d^(l-2) suffices: no growth with d at m = d": Check(
            AtLeast(f"mean_0 + {SIGMAS} * (error + error_0)", "mean"), grows
        ),
        "width d^(l-1), order 3": Check(PowerLaw("m", "d", 2, band=0.12), widths[1:2]),
        "width d^(l-1), order 4": Check(PowerLaw("m", "d", 3, band=0.12), widths[2:]),
        "width d^(l-2), order 3": Check(PowerLaw("m", "d", 1, band=0.12), widths[1:2]),
        "width d^(l-2), order 4": Check(PowerLaw("m", "d", 2, band=0.12), widths[2:]),
        "two thirds of the first eigenvalue": Check(
            Identities(
                "trace one",
                lambda: {
                    "trace": sum(
                        _zero(x.value) * x.multiplicity * (_zero(Fraction(2, 3)) if not k else 1)
                        for k, x in enumerate(harmonic_spectrum(4, 3))
                    )
                    - 1
                },
            )
        ),
        "the factor d + 4 forgotten": Check(
            Identities(
                "trace one",
                lambda: {
                    "trace": sum(
                        _zero(x.value) * x.multiplicity * (8 if k else 1)
                        for k, x in enumerate(harmonic_spectrum(4, 3))
                    )
                    - 1
                },
            )
        ),
    },
)
