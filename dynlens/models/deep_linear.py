"""Deep linear network, or deep matrix factorization: ``W = W_L ... W_1``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import Lines
from dynlens.kernels.matrix_products import HEAD, VECTORS, matrix_product
from dynlens.kernels.products import Kernel
from dynlens.kernels.unrolled import MOST, deep_linear_lines, multiplications
from dynlens.models.base import Model, Number
from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Array, ArrayLike, Factors


@dataclass(frozen=True)
class DeepLinear(Model):
    """Product of `depth` matrices, ``W = W_L ... W_1`` with ``W_j`` of shape (d_j, d_{j-1}).

    Parameters
    ----------
    widths : tuple of int
        ``(d_0, ..., d_L)``, from input to output; the product has shape (d_L, d_0).

    Examples
    --------
    >>> DeepLinear((2, 3, 4)).factor_shapes
    ((3, 2), (4, 3))
    >>> DeepLinear.of(shape=(5, 3), depth=3)
    DeepLinear(widths=(3, 3, 3, 5))
    """

    numbers = (Number("depth", "number of factors", "L"),)

    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        try:
            widths = tuple(self.widths)
        except TypeError as error:
            raise TypeError(
                f"`widths` must be a tuple of sizes (d_0, ..., d_L), got {self.widths!r:.80}."
            ) from error
        if len(widths) < 2:
            raise ValueError(f"`widths` must list at least two sizes (d_0, d_1), got {widths}.")
        checked = tuple(validation.count("widths", width) for width in widths)
        object.__setattr__(self, "widths", checked)

    @classmethod
    def of(cls, *, shape: tuple[int, int], depth: int, hidden: int | None = None) -> DeepLinear:
        """Return the network of given `depth` whose product has `shape` (rows, columns).

        The `hidden` width is ``min(shape)`` unless given, so that every matrix is expressible.
        """
        rows, columns = validation.sizes("shape", shape, order=2)
        layers = validation.count("depth", depth)
        inner = min(rows, columns) if hidden is None else validation.count("hidden", hidden)
        return cls((columns, *([inner] * (layers - 1)), rows))

    @property
    def depth(self) -> int:
        """Number of factors, L."""
        return len(self.widths) - 1

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(zip(self.widths[1:], self.widths[:-1], strict=True))

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return (self.widths[-1], self.widths[0])

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        return reduce(lambda product, factor: factor @ product, factors)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        # Layer j receives  W_{L:j+1}^T  C  W_{j-1:1}^T; nothing lies below the first.
        below = list(itertools.accumulate(factors[:-1], lambda product, factor: factor @ product))
        parts, above = [], cotangent
        for factor, product in zip(factors[:0:-1], below[::-1], strict=True):
            parts.append(above @ product.mT)
            above = factor.mT @ above
        return (above, *parts[::-1])

    def imbalances(self, factors: Factors) -> NDArray[Any]:
        r"""Entries of :math:`W_{j+1}^\top W_{j+1} - W_j W_j^\top` for all j."""
        parts = [
            above.mT @ above - below @ below.mT for below, above in itertools.pairwise(factors)
        ]
        batch = factors[0].shape[:-2]
        flat = [part.reshape(*batch, -1) for part in parts]
        return namespace(factors[0]).concat([full((*batch, 0), 0.0, factors[0]), *flat], axis=-1)

    def unbalancedness(self, factors: Factors) -> Array:
        xp, gaps = namespace(factors[0]), self.imbalances(factors)
        none = full((*gaps.shape[:-1], 1), 0.0, gaps)  # for a network of one layer
        return xp.max(xp.concat([none, xp.abs(gaps)], axis=-1), axis=-1)

    def simpler(self) -> Iterator[DeepLinear]:
        """Shallower and narrower networks."""
        if self.depth > 2:
            yield DeepLinear(self.widths[:-1])
        narrow = tuple(max(1, width - 1) for width in self.widths)
        for widths in ((1,) * len(self.widths), (2,) * len(self.widths), narrow):
            if widths < self.widths:
                yield DeepLinear(widths)

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("balanced", "gaussian", "identity")

    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        if kind == "identity":
            if min(self.widths) < min(self.tensor_shape):
                raise ValueError(
                    f"{self!r} makes no multiple of the identity, being {min(self.widths)} wide at "
                    "its narrowest; widen it, or start it 'balanced' or 'gaussian'."
                )
            return self.balanced_factors(scale * np.eye(self.widths[-1], self.widths[0]))
        if kind == "gaussian":
            return super().draw(scale, kind, rng)
        assert rng is not None
        matrix = scale * rng.standard_normal(self.tensor_shape)
        if min(self.widths) == min(self.tensor_shape):
            return self.balanced_factors(matrix)
        left, sigma, right = np.linalg.svd(matrix, full_matrices=False)
        return self._of_svd(left, sigma[: min(self.widths)], right)  # its nearest of lower rank

    def balanced_factors(self, matrix: ArrayLike) -> Factors:
        r"""Balanced factors whose product is `matrix`.

        With :math:`W = U \Sigma V^\top`: :math:`W_1 = \Sigma^{1/L} V^\top`,
        :math:`W_j = \Sigma^{1/L}`, :math:`W_L = U \Sigma^{1/L}`, padded with zeros.

        Raises
        ------
        ValueError
            If `matrix` has the wrong shape, or a rank larger than a hidden width.

        References
        ----------
        arora2019implicit
        """
        target = validation.real_array("matrix", matrix, shape=self.tensor_shape)
        if self.depth == 1:
            return (target,)
        left, sigma, right = np.linalg.svd(target, full_matrices=False)
        rank = int(np.count_nonzero(sigma > sigma[0] * 1e-15)) if sigma[0] > 0 else 0
        narrow = min(self.widths[1:-1])
        if rank > narrow:
            raise ValueError(
                f"`matrix` has rank {rank}, more than the narrowest hidden width {narrow}; "
                "widen the network or lower the rank."
            )
        return self._of_svd(left, sigma[:rank], right)

    def _of_svd(self, left: Array, sigma: Array, right: Array) -> Factors:
        """Balanced factors of the matrix with these singular values, in number its rank."""
        rank, root = len(sigma), sigma ** (1 / self.depth)
        factors = [np.zeros(shape) for shape in self.factor_shapes]
        factors[0][:rank] = root[:, None] * right[:rank]
        for middle in factors[1:-1]:
            middle[:rank, :rank] = np.diag(root)
        factors[-1][:, :rank] = left[:, :rank] * root
        return tuple(factors)

    def balanced(self, factors: Factors) -> Factors:
        """Balanced factors of the same product, or of its best approximation if they are narrow."""
        if self.depth == 1:
            return factors
        left, sigma, right = np.linalg.svd(self.end_to_end(factors), full_matrices=False)
        rank = min(self.widths)
        root = sigma[..., :rank] ** (1 / self.depth)
        found = [np.zeros((*sigma.shape[:-1], *shape)) for shape in self.factor_shapes]
        found[0][..., :rank, :] = root[..., None] * right[..., :rank, :]
        for middle in found[1:-1]:
            middle[..., range(rank), range(rank)] = root
        found[-1][..., :rank] = left[..., :rank] * root[..., None, :]
        return tuple(found)

    @property
    def in_words(self) -> str:
        first, same = self.widths[0], len(set(self.widths)) == 1
        shape = f"{first}×{first}" if same else "-".join(map(str, self.widths))
        return f"depth {self.depth}, {shape}"

    def entry_lines(self, places: Sequence[int]) -> Lines | None:
        if len(places) > MOST - multiplications(self.widths):
            return None
        return partial(deep_linear_lines, self.widths, places)

    def kernel(self) -> Kernel:
        """Straight loops with constant bounds: prefix products forward, cotangent backward.

        Text is generated, since which products there are, and how each is best made, depends on the
        widths.
        """
        offsets = np.cumsum([0, *(rows * columns for rows, columns in self.factor_shapes)])
        d, depth = self.widths, self.depth
        # `work` holds the prefix products W_j...W_1 for j = 2..L-1, two cotangents, a transpose.
        place, free = {}, 0
        for j in range(2, depth):
            place[j], free = free, free + d[j] * d[0]
        buffers = (free, free + max(d) * d[0])
        turned = free + 2 * max(d) * d[0]
        prefix = {1: ("theta", 0)} | {j: ("work", place[j]) for j in place}

        forward = ["@reordered", "def forward(theta, index, rows, work, tensor):"]
        if depth == 1:
            forward.append(f"    tensor[:] = theta[: {d[1] * d[0]}]")
        for j in range(2, depth + 1):
            out = ("tensor", 0) if j == depth else ("work", place[j])
            source = ("theta", int(offsets[j - 1]))
            forward += matrix_product(source, prefix[j - 1], out, (d[j], d[j - 1], d[0]), "NN")

        backward = ["@reordered", "def backward(theta, index, rows, work, cotangent, out):"]
        above: tuple[str, int] = ("cotangent", 0)
        for j in range(depth, 0, -1):
            part = ("out", int(offsets[j - 1]))
            if j == 1:
                size = d[1] * d[0]
                backward += [f"    for i in range({size}):"]
                backward += [f"        out[i] = {above[0]}[{above[1]} + i]"]
                break
            backward += matrix_product(
                above, prefix[j - 1], part, (d[j], d[0], d[j - 1]), "NT", turned
            )
            below = ("work", buffers[j % 2])
            weights = ("theta", int(offsets[j - 1]))
            backward += matrix_product(weights, above, below, (d[j - 1], d[j], d[0]), "TN")
            above = below
        text = "\n".join([HEAD, "", "", *forward, "", "", *backward, ""])
        if "load(" in text:
            text = f"{VECTORS}\n{text}"
        return Kernel(text, work=free + 3 * max(d) * d[0])
