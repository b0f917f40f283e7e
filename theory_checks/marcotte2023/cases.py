"""Counts of conservation laws, of several models at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import dynlens as dl


@dataclass(frozen=True)
class Laws(dl.Measurement):
    """Bounds on the number of laws of models, or of problems, each with numbers of its own.

    Parameters
    ----------
    asked : tuple of (model, numbers) pairs
        Numbers by name, in pairs, which formulas may use. With momentum there is ``plain`` besides,
        the laws without it, and of problems ``model``, those of their models.
    momentum : float, optional
    """

    asked: tuple[Any, ...]
    momentum: float | None = None

    def measure(self, numerics):
        rows = []
        for model, numbers in self.asked:
            found = dl.conservation_laws(model, momentum=self.momentum, seed=numerics.pick(0, 1))
            measured = {
                "most": found.most,
                "least": found.least,
                "stated": found.stated,
                "found": len(found.found),
            }
            if self.momentum is not None:
                measured["plain"] = dl.conservation_laws(model).most
            if isinstance(model, dl.Problem):
                measured["model"] = dl.conservation_laws(model.model).most
            rows.append(measured | dict(numbers))
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Ranks(dl.Measurement):
    """Orbits of two linear layers through points of every rank."""

    widths: tuple[int, int, int]

    def measure(self, numerics):
        n, r, m = self.widths
        rng = np.random.default_rng(numerics.pick(0, 1))
        ranks = range(min(r, n + m) + 1)
        rows = []
        for k in ranks:
            stacked = rng.integers(1, 9, (n + m, k)) @ rng.integers(1, 9, (k, r))
            found = dl.conservation_laws(
                dl.DeepLinear(self.widths), at=(stacked[:n].T, stacked[n:])
            )
            rows.append((k, found.at.orbit, found.at.gradients, found.at.missing, found.most))
        names = ("k", "orbit", "gradients", "missing", "laws")
        columns = np.array(rows, dtype=float).T
        sizes = {"N": n + m, "r": r, "dimension": r * (n + m)}
        return dict(zip(names, columns, strict=True)) | {
            name: np.full(len(rows), float(value)) for name, value in sizes.items()
        }


def two_layers(*all_widths):
    """Networks n-r-m with these numbers, k = min(r, n + m) and the entries of the Gram matrix."""
    return Laws(
        tuple(
            (dl.DeepLinear((n, r, m)), (("r", r), ("k", min(r, n + m)), ("gram", r * (r + 1) // 2)))
            for n, r, m in all_widths
        )
    )


WIDTHS = ((2, 1, 2), (2, 2, 2), (2, 2, 3), (1, 3, 1), (2, 3, 1), (2, 5, 2), (3, 3, 3), (3, 7, 2))
NARROW = two_layers(*(w for w in WIDTHS if w[1] <= 3 and w != (1, 3, 1)))
WIDE = two_layers((2, 5, 2), (3, 7, 2))
ONE_FIELD = two_layers((1, 3, 1))
POINTS = (Ranks((2, 5, 2)), Ranks((2, 3, 2)), Ranks((3, 3, 3)))


def square(*pairs):
    """Networks of L layers of width d."""
    return Laws(tuple((dl.DeepLinear((d,) * (L + 1)), (("d", d), ("L", L))) for d, L in pairs))


SQUARE = square((2, 2), (2, 3), (2, 4), (3, 2), (3, 3))
BOTTLENECK = Laws(((dl.DeepLinear((1, 2, 3, 1)), (("d", 1), ("L", 3))),))


def sums(*pairs):
    """Sums of R rank-one tensors of these shapes."""
    return Laws(
        tuple((dl.CPFactorization(shape, R), (("R", R), ("N", len(shape)))) for shape, R in pairs)
    )


SUMS = sums(
    ((2, 2, 2), 1), ((2, 2, 2), 4), ((2, 2, 1), 3), ((3, 3, 3), 3), ((2, 3, 4), 3), ((2,) * 4, 2)
)
MATRIX, NUMBERS = sums(((2, 2), 2)), sums(((1, 1, 1), 3))


def trees(*asked):
    """Trees with the number of their components' children."""
    models = [dl.HierarchicalTensor(*one) for one in asked]
    return Laws(
        tuple(
            (model, (("pairs", sum(n.width * len(n.children) for n in model.interior)),))
            for model in models
        )
    )


BINARY = ((0, 1), (2, 3))
TREES = trees(
    ((2, 2, 2), ((0, 1), 2), (2, 2)),
    ((2, 2, 2), ((0, 1), 2), (5, 2)),
    ((2, 2, 2), (0, 1, 2), 3),
    ((2,) * 4, BINARY, (2, 2, 2)),
    ((2,) * 4, (((0, 1), 2), 3), (2, 2, 2)),
    ((2,) * 4, BINARY, (3, 2, 2)),
)
NARROW_TREE = trees(((2,) * 4, BINARY, (1, 1, 2)))


def symmetric(*triples, coefficients=1.0):
    """Sums of m powers l of vectors of length d."""
    return Laws(
        tuple(
            (
                dl.SymmetricTensor(d, order, m, coefficients=coefficients),
                (("m", m), ("d", d), ("order", order)),
            )
            for d, order, m in triples
        )
    )


HIGH = symmetric((2, 3, 2), (2, 3, 4), (2, 3, 7), (2, 4, 3), (3, 3, 3), (3, 4, 3))
MATRICES, LINE = symmetric((2, 2, 3), (3, 2, 4)), symmetric((1, 3, 3))
TRAINED = symmetric((2, 3, 2), (2, 4, 3), (3, 3, 2), (2, 2, 2), coefficients=None)


def heavy(*all_widths):
    """Networks with momentum, with r (r - 1) / 2 and r (r + 1) / 2 over their hidden layers."""
    asked = []
    for widths in all_widths:
        pairs, both = (sum(r * (r + k) // 2 for r in widths[1:-1]) for k in (-1, 1))
        asked.append((dl.DeepLinear(widths), (("pairs", pairs), ("both", both))))
    return Laws(tuple(asked), momentum=1.0)


def seen(widths, places):
    """A problem of which some entries are observed."""
    model = dl.DeepLinear(widths)
    target = np.ones(model.tensor_shape)
    entries = dl.Entries.of(target, np.argwhere(target)[list(places)])
    return dl.Problem(model, dl.SquaredLoss(), entries), ()


CONNECTED = Laws(
    (
        seen((2, 2, 2), (1, 2, 3)),
        seen((2, 2, 2, 2), (1, 2, 3)),
        seen((3, 3, 3), (0, 1, 4, 5, 8)),
        seen((3, 3, 3, 3), (0, 1, 4, 5, 8)),
    )
)
DIAGONAL, ROW, ENTRY = (Laws((seen((2, 2, 2), places),)) for places in ((0, 3), (0, 1), (0,)))


@dataclass(frozen=True)
class Attention(dl.Measurement):
    """One head of width h in dimension d: W_Q^T W_K and W_O W_V."""

    sizes: tuple[tuple[int, int], ...]

    def measure(self, numerics):
        rows = []
        for d, h in self.sizes:
            found = dl.conservation_laws(
                lambda Q, K, V, O: (Q.T @ K, O @ V),
                shapes={"Q": (h, d), "K": (h, d), "V": (h, d), "O": (d, h)},
                seed=numerics.pick(0, 1),
            )
            rows.append((found.most, found.least, len(found.found), d, h, min(h, 2 * d)))
        names = ("most", "least", "found", "d", "h", "k")
        return dict(zip(names, np.array(rows, dtype=float).T, strict=True))


HEADS, THIN_HEAD = Attention(((2, 1), (2, 2), (3, 2), (1, 3))), Attention(((1, 3),))
