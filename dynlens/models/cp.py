"""CP factorization: a sum of rank-one tensors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.products import Grower, ProductTree
from dynlens.models.base import Number, TensorModel, khatri_rao, products_of_others
from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Factors


@dataclass(frozen=True)
class CPFactorization(TensorModel):
    r"""Sum of rank-one tensors, :math:`W = \sum_{r=1}^R w_r^1 \otimes \dots \otimes w_r^N`.

    Factor n has shape (D_n, R); its column r is :math:`w_r^n`.

    Parameters
    ----------
    shape : tuple of int
        Sizes (D_1, ..., D_N) of the modes, N >= 2.
    components : int
        Number R of rank-one summands.

    Notes
    -----
    Initializations: ``"gaussian"`` draws all entries with standard deviation `scale`;
    ``"balanced"`` draws the same and then rescales the factors of each component to a common norm,
    the geometric mean of the norms they had, which leaves the component's own norm as it was.

    References
    ----------
    razin2021implicit

    Examples
    --------
    >>> model = CPFactorization((4, 3, 2), components=5)
    >>> model.factor_shapes
    ((4, 5), (3, 5), (2, 5))
    >>> factors = model.unravel(model.init(0.5, kind="balanced", seed=0))
    >>> model.entries(factors, np.array([[3, 2, 1]])).shape
    (1,)
    """

    numbers = (*TensorModel.numbers, Number("components", "number of rank-one components"))

    shape: tuple[int, ...]
    components: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", mode_sizes(self.shape))
        object.__setattr__(self, "components", validation.count("components", self.components))

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple((size, self.components) for size in self.shape)

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        # The first half of the modes as rows, the others as columns.
        half = (self.order + 1) // 2
        rows, columns = reduce(khatri_rao, factors[:half]), reduce(khatri_rao, factors[half:])
        matrix = rows @ columns.mT
        return matrix.reshape(*matrix.shape[:-2], *self.shape)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        # Mode n receives the cotangent times the vectors of all others: one half at a time.
        half, batch = (self.order + 1) // 2, cotangent.shape[: cotangent.ndim - self.order]
        rows, columns = reduce(khatri_rao, factors[:half]), reduce(khatri_rao, factors[half:])
        matrix = cotangent.reshape(*batch, rows.shape[-2], columns.shape[-2])
        return (
            *_of_others(factors[:half], matrix @ columns),
            *_of_others(factors[half:], matrix.mT @ rows),
        )

    def contract(self, rows: Factors, inner: Factors) -> NDArray[Any]:
        return reduce(mul, rows).sum(axis=-1)

    def contract_pullback(
        self, rows: Factors, inner: Factors, weights: NDArray[Any]
    ) -> tuple[Factors, Factors]:
        return tuple(weights[..., None] * others for others in products_of_others(rows)), ()

    def component_products(self, factors: Factors, others: Factors) -> list[NDArray[Any]]:
        pairs = zip(factors, others, strict=True)
        squares = [(factor * other).sum(axis=-2) for factor, other in pairs]
        return [namespace(squares[0]).stack(squares, axis=-2)]

    def simpler(self) -> Iterator[CPFactorization]:
        """One component, two modes, smaller modes."""
        if self.components > 1:
            yield CPFactorization(self.shape, 1)
        if self.order > 3:
            yield CPFactorization(self.shape[:3], self.components)
        if max(self.shape) > 2:
            yield CPFactorization(tuple(min(size, 2) for size in self.shape), self.components)
        if self.components > 2:
            yield CPFactorization(self.shape, 2)

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("balanced", "gaussian")

    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        factors = super().draw(scale, "gaussian", rng)
        return factors if kind == "gaussian" else self.balanced(factors)

    def balanced(self, factors: Factors) -> Factors:
        """Vectors of the same directions, those of a component of one norm."""
        norms = np.array([np.linalg.norm(factor, axis=-2) for factor in factors])
        with np.errstate(divide="ignore", invalid="ignore"):
            common = np.exp(np.log(norms).mean(axis=0))
            shares = np.where(norms > 0, common / norms, 0.0)
        return tuple(f * share[..., None, :] for f, share in zip(factors, shares, strict=True))

    @cached_property
    def product_tree(self) -> ProductTree:
        grower, starts = Grower(), np.cumsum([0, *self.shape]) * self.components
        return grower.tree(
            [
                grower.leaf(n, size, self.components, int(starts[n]))
                for n, size in enumerate(self.shape)
            ]
        )


def mode_sizes(value: Any) -> tuple[int, ...]:
    """Return the sizes of at least two modes, or say what is wrong with them."""
    try:
        sizes = tuple(value)
    except TypeError as error:
        raise TypeError(
            f"`shape` must be a tuple of sizes (D_1, ..., D_N), got {value!r:.80}."
        ) from error
    if len(sizes) < 2:
        raise ValueError(f"`shape` must have at least two modes, got {sizes}; try (4, 4, 4).")
    return tuple(validation.count("shape", size) for size in sizes)


def _of_others(factors: Factors, table: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """For each mode, contract ``table`` (..., sizes, R) with the vectors of all other modes."""
    sizes, one = [f.shape[-2] for f in factors], full((1, table.shape[-1]), 1.0, table)
    for n in range(len(factors)):
        before = reduce(khatri_rao, factors[:n], one)[..., :, None, None, :]
        after = reduce(khatri_rao, factors[n + 1 :], one)[..., None, None, :, :]
        cut = (prod(sizes[:n]), sizes[n], prod(sizes[n + 1 :]))
        cube = table.reshape(*table.shape[:-2], *cut, table.shape[-1])
        yield (before * cube * after).sum(axis=(-4, -2))
