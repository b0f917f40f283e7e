"""Gradients in one region for many contents of another, and the mean cosines between them."""

from dataclasses import dataclass

import numpy as np

import dynlens as dl
from dynlens.theory.locality import flat_cosine, mean_cosines, two_value_cosine

from .partitions import columns

# -- what R certifies ------------------------------------------------------------------------------


def separable(rng, rank, m, d=8):
    """Gradients of sum_k tanh(a_k . x) h_k at one x, for m draws of the contents h; (m, d)."""
    a, x, h = rng.standard_normal((rank, d)), rng.standard_normal(d), rng.standard_normal((m, rank))
    return (h * (1 - np.tanh(a @ x) ** 2)) @ a


@dataclass(frozen=True)
class Certified(dl.Measurement):
    """Means over all pairs for functions of known separation rank."""

    rank: int
    draws: int = 50
    m: int = 40
    seed: int = 0

    def measure(self, numerics):
        rows = []
        for draw in range(self.draws):
            rng = np.random.default_rng([self.seed, self.rank, draw])
            absolute, squared = mean_cosines(numerics.start(separable(rng, self.rank, self.m)))
            rows.append({"absolute": absolute, "squared": squared, "K": self.rank})
        return columns(rows)


@dataclass(frozen=True)
class Orthonormal(dl.Measurement):
    """Orthonormal gradients, equally often: Welch's bound is met."""

    rank: int
    times: int = 2

    def measure(self, numerics):
        units = numerics.start(np.tile(np.eye(self.rank), (self.times, 1)))
        m, (absolute, squared) = len(units), mean_cosines(units)
        return {
            "absolute": absolute,
            "squared": squared,
            "K": self.rank,
            "without_itself": (m * m * squared - m) / (m * (m - 1)),
        }


@dataclass(frozen=True)
class Dependent(dl.Measurement):
    """A replacement that is no draw of what it replaces: e_1 always, then e_2; K = 2."""

    def measure(self, numerics):
        e = numerics.start(np.eye(2))
        return {"absolute": np.abs(e[0] @ e[1]), "K": 2}


CERTIFIED = tuple(Certified(rank) for rank in (1, 2, 3, 4, 6))
TIGHT = (Orthonormal(2), Orthonormal(4), Orthonormal(8))

# -- what R does not say ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Additive(dl.Measurement):
    """|cos| of gradients in x for functions of u = a . x and v, of rank above one."""

    count: int = 200
    d: int = 6
    seed: int = 0

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        a, x = numerics.start(rng.standard_normal((2, self.count, self.d)))
        u, v, w = np.sum(a * x, axis=1), *rng.standard_normal((2, self.count))

        def cosine(slope):
            g, h = slope(u, v)[:, None] * a, slope(u, w)[:, None] * a
            return (
                np.abs(np.sum(g * h, axis=1))
                / np.linalg.norm(g, axis=1)
                / np.linalg.norm(h, axis=1)
            )

        return {
            "sum": cosine(lambda u, v: 1 + 0 * v),  # a . x + b(v), of rank two
            "tanh": cosine(lambda u, v: 1 - np.tanh(u + v) ** 2),  # of no finite rank
            # x^T C v with C of rank two: linear in x, so that R = 1 means rank one.
            "rank_two": _bilinear(rng, self.count),
        }


def _bilinear(rng, count):
    """|cos| between C x and C y for C the identity of two dimensions."""
    g, h = rng.standard_normal((2, count, 2))
    return np.abs(np.sum(g * h, axis=1)) / np.linalg.norm(g, axis=1) / np.linalg.norm(h, axis=1)


# -- closed forms ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn(dl.Measurement):
    """|cos| between C x and C y, x and y Gaussian, C with these singular values."""

    values: tuple[float, ...]
    count: int = 400_000
    seed: int = 1

    def measure(self, numerics):
        rng = np.random.default_rng(self.seed)
        s = numerics.start(np.array(self.values))
        g, h = s * rng.standard_normal((2, self.count, len(s)))
        cosines = np.sum(g * h, axis=1) / np.sqrt(np.sum(g * g, axis=1) * np.sum(h * h, axis=1))
        return {
            "absolute": np.abs(cosines),
            "flat": flat_cosine(len(s)),
            "flat_two": flat_cosine(2),
        }


@dataclass(frozen=True)
class Averaged(Drawn):
    """The average of these, less or more by five standard errors."""

    def measure(self, numerics):
        found = super().measure(numerics)
        absolute = found.pop("absolute")
        error = 5 * absolute.std() / len(absolute) ** 0.5
        return {**found, "low": absolute.mean() - error, "high": absolute.mean() + error}


@dataclass(frozen=True)
class Flat(dl.Measurement):
    """The surrogate of k equal singular values, k = 1, 2, ..."""

    most: int = 50

    def measure(self, numerics):
        ranks = np.arange(1, self.most + 1)
        return {"flat": [flat_cosine(k) for k in ranks], "K": ranks}


FLAT = tuple(Drawn((1.0,) * k) for k in (1, 2, 3, 4, 9))
UNEVEN = Averaged((1.0, *[0.02] * 8))


@dataclass(frozen=True)
class Integrated(dl.Measurement):
    """R of two singular values, as a double integral over the angles of x and y."""

    ratios: tuple[float, ...] = (1.0, 0.5, 0.1, 0.01, 0.001)

    def measure(self, numerics):
        ratios = np.array(self.ratios)
        z = (1 - ratios) / (1 + ratios)
        return {
            "integral": [integral(r, numerics.pick(0.25, 0.2)) for r in self.ratios],
            "closed": two_value_cosine(1.0, ratios),
            "without_the_inverse": 2 / np.pi * z * np.arctan(z),
            "flat": flat_cosine(2),
            "z": z,
        }


def integral(r, step, ends=80):
    """Mean of |cos| over both angles, whose tangents are e^v and +-e^w.

    In p = v + w and q = v - w the integrand is analytic but for the corner where cos is zero, at
    p = -2 ln r, and it decays exponentially: Gauss' rule on panels of p, trapezoids in q.
    """
    nodes, weights = np.polynomial.legendre.leggauss(12)
    corner = -2 * np.log(r)
    cuts = np.union1d(np.arange(-ends, ends + 1.0), corner)
    half = np.diff(cuts) / 2
    p = (cuts[:-1] + half + half * nodes[:, None]).ravel()[:, None]
    weight = (half * weights[:, None]).ravel()[:, None]
    q = np.arange(-ends, ends + step / 2, step)
    v, w = (p + q) / 2, (p - q) / 2
    density = 1 / (np.cosh(v) * np.cosh(w))
    sizes = np.sqrt((1 + (r * np.exp(v)) ** 2) * (1 + (r * np.exp(w)) ** 2))
    cosines = (1 + np.exp(p - corner) + np.abs(1 - np.exp(p - corner))) / (2 * sizes)
    return np.sum(weight * density * cosines) * step / 2 / np.pi**2


RATIOS = {1.0: "0.636619772", 0.5: "0.682775882", 0.1: "0.890736272"}
RATIOS |= {0.01: "0.987465502", 0.001: "0.998728758"}
