"""Symmetric tensor decomposition: a sum of powers of vectors, over-parameterized or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.products import Kernel
from dynlens.kernels.sources import source_of
from dynlens.models.base import Model, Number
from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Array, Factors


@dataclass(frozen=True)
class SymmetricTensor(Model):
    r"""Sum of symmetric rank-one tensors, :math:`W = \sum_i c_i \|u_i\|^{p - l} u_i^{\otimes l}`.

    The first factor has shape (components, dimension); its row i is :math:`u_i`. A second one holds
    the coefficients where these are trained.

    Parameters
    ----------
    dimension : int
        Length d of the vectors.
    order : int
        :math:`l \ge 2`.
    components : int
        Number m of summands.
    degree : int or tuple of int, optional
        :math:`p \ge 2`, the power of its length in which a component grows. `order` (the default)
        is the vanilla parameterization; 2 is the *2-homogeneous* one, in which
        :math:`W = \sum_i c_i \|u_i\|^2 \bar u_i^{\otimes l}` with :math:`\bar u = u / \|u\|`. A
        tuple gives each component its own.
    coefficients : float, tuple of float, or None
        Fixed :math:`c_i`, such as signs, one for all or each its own; None to train them.

    Notes
    -----
    Not multilinear. Initializations: ``"gaussian"`` draws all entries with standard deviation
    `scale`; ``"sphere"`` draws each vector uniformly from the sphere of radius `scale`, and trained
    coefficients as :math:`\pm` `scale` :math:`/ \sqrt p`, in the balance that gradient flow keeps:
    :math:`\|u_i\|^2 - p\, c_i^2` is conserved whatever the loss.

    With p < l the map is once differentiable at :math:`u_i = 0`, where its derivative is zero.

    References
    ----------
    wang2020beyond, ge2021understanding

    Examples
    --------
    >>> model = SymmetricTensor(dimension=3, order=4, components=5, degree=2)
    >>> model.factor_shapes, model.parameters, model.tensor_shape
    (((5, 3),), 15, (3, 3, 3, 3))
    """

    numbers = (
        Number("order", "number of modes", "N"),
        Number("components", "number of rank-one components"),
    )

    dimension: int
    order: int
    components: int
    degree: int | tuple[int, ...] | None = None
    coefficients: float | tuple[float, ...] | None = 1.0

    def __post_init__(self) -> None:
        for name in ("dimension", "components"):
            object.__setattr__(self, name, validation.count(name, getattr(self, name)))
        object.__setattr__(self, "order", validation.count("order", self.order, least=2))
        degree = self.order if self.degree is None else self.degree
        if np.ndim(degree):
            remedy = "for example (2, 4)."
            listed = validation.sequence("degree", degree, remedy)
            self._one_each("degree", listed)
            degree = tuple(validation.count("degree", p, least=2) for p in listed)
        else:
            degree = validation.count("degree", degree, least=2)
        object.__setattr__(self, "degree", degree)
        fixed: Any = self.coefficients
        if fixed is not None and np.ndim(fixed):
            self._one_each("coefficients", fixed)
            fixed = tuple(validation.real_array("coefficients", fixed, ndim=1).tolist())
        elif fixed is not None:
            fixed = validation.finite("coefficients", fixed)
        object.__setattr__(self, "coefficients", fixed)

    def _one_each(self, name: str, values: Any) -> None:
        if len(values) != self.components:
            raise ValueError(
                f"`{name}` has {len(values)} entries, but there are {self.components} components; "
                "pass one for each, or one number for all."
            )

    @property
    def trained(self) -> bool:
        """Whether the coefficients are parameters."""
        return self.coefficients is None

    @cached_property
    def exponents(self) -> Array:
        """:math:`p` of each component, shape (m,)."""
        return np.broadcast_to(np.array(self.degree, dtype=float), (self.components,))

    @cached_property
    def _fixed(self) -> Array:
        values = 0.0 if self.coefficients is None else self.coefficients
        return np.broadcast_to(np.array(values, dtype=float), (self.components,))

    @property
    def degrees(self) -> tuple[int, ...] | None:
        if np.any(self.exponents != self.order):
            return None  # roots of squares
        return (self.order, 1) if self.trained else (self.order,)

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        vectors = (self.components, self.dimension)
        return (vectors, (self.components,)) if self.trained else (vectors,)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return (self.dimension,) * self.order

    # -- the components ---------------------------------------------------------------------------

    def polar(self, factors: Factors) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Lengths and unit vectors (zero for zero), and the coefficients.

        Returns
        -------
        lengths : ndarray, shape (..., m)
        units : ndarray, shape (..., m, d)
        coefficients : ndarray, shape (..., m) or (m,)
        """
        u, xp = factors[0], namespace(factors[0])
        lengths = xp.sqrt((u * u).sum(axis=-1))
        units = u / xp.where(lengths == 0, 1.0, lengths)[..., None]
        return lengths, units, factors[1] if self.trained else self._fixed

    def masses(self, factors: Factors) -> NDArray[Any]:
        r"""Signed masses :math:`c_i \|u_i\|^p` of the components, shape (..., m)."""
        lengths, _, c = self.polar(factors)
        return c * lengths**self.exponents

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        units, masses = self.polar(factors)[1], self.masses(factors)
        # The first mode as rows, all others as columns.
        matrix = (masses[..., None] * units).mT @ powers(units, self.order - 1)
        return matrix.reshape(*matrix.shape[:-2], *self.tensor_shape)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        # Mode by mode: the cotangent C contracted with the unit vectors on all other modes.
        batch, units = cotangent.shape[: cotangent.ndim - self.order], self.polar(factors)[1]
        slope: Any = 0.0
        for k in range(self.order):
            left, right = powers(units, k), powers(units, self.order - 1 - k)
            halved = left @ cotangent.reshape(*batch, left.shape[-1], -1)
            cut = halved.reshape(*halved.shape[:-1], self.dimension, right.shape[-1])
            slope = slope + (cut * right[..., None, :]).sum(axis=-1)
        return self._from_slopes(factors, slope / self.order)

    def _from_slopes(self, factors: Factors, slopes: NDArray[Any]) -> Factors:
        r"""Gradient of :math:`\langle D, W\rangle` from slopes :math:`D(\bar u_i^{l-1}, \cdot)`."""
        lengths, units, c = self.polar(factors)
        p, along = self.exponents, (units * slopes).sum(axis=-1)
        radial = (p - self.order) * along
        inner = radial[..., None] * units + self.order * slopes
        vectors = (c * lengths ** (p - 1))[..., None] * inner
        return (vectors, lengths**p * along) if self.trained else (vectors,)

    # -- against a sum of powers, without either tensor -------------------------------------------

    def residual_slopes(
        self, factors: Factors, c: Array, v: Array
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        r"""Where the residual :math:`D = \sum_j c_j v_j^{\otimes l} - W` pulls each component.

        Parameters
        ----------
        factors : tuple of ndarray
        c, v : ndarray, shapes (r,) and (r, d)
            Coefficients and unit vectors of the target.

        Returns
        -------
        slopes : ndarray, shape (..., m, d)
            :math:`D(\bar u_i^{l-1}, \cdot)`.
        target : ndarray, shape (..., m)
            :math:`W^*(\bar u_i^l)`.
        """
        units, masses = self.polar(factors)[1], self.masses(factors)
        overlaps, gram = units @ v.T, units @ units.mT
        pulled = overlaps ** (self.order - 1) * c
        slopes = pulled @ v - (gram ** (self.order - 1) * masses[..., None, :]) @ units
        return slopes, (pulled * overlaps).sum(axis=-1)

    def distance(self, factors: Factors, c: Array, v: Array) -> NDArray[Any]:
        r"""Return :math:`\|W - \sum_j c_j v_j^{\otimes l}\|^2`, shape (...)."""
        slopes, target = self.residual_slopes(factors, c, v)
        along = (self.polar(factors)[1] * slopes).sum(axis=-1)
        own = c @ (v @ v.T) ** self.order @ c
        return own - (self.masses(factors) * (along + target)).sum(axis=-1)

    def distance_gradient(self, factors: Factors, c: Array, v: Array) -> Factors:
        """Gradient of `distance`."""
        slopes, _ = self.residual_slopes(factors, c, v)
        return tuple(-2 * part for part in self._from_slopes(factors, slopes))

    # -- compiled ---------------------------------------------------------------------------------

    def kernel(self) -> Kernel:
        """The written-out tensor, for few entries."""
        text = source_of(
            "dynlens.kernels.loops.dense",
            SIZE=self.dimension,
            ORDER=self.order,
            COUNT=self.components,
            TRAINED=self.trained,
            COEFFICIENTS=tuple(self._fixed.tolist()),
            EXPONENTS=tuple(self.exponents.tolist()),
        )
        work = self.components * (self.dimension + 2) + self.dimension + self.order
        return Kernel(text, work=work)

    def gram_kernel(self, c: Array, v: Array) -> tuple[Kernel, Array]:
        """Kernel of `distance` and its gradient, and the numbers it reads besides the integers.

        Its text defines ``gram_gradient(theta, index, rows, work, out) -> distance``.
        """
        m, d, r = self.components, self.dimension, len(c)
        own = c @ (v @ v.T) ** self.order @ c
        rows = np.concatenate([self._fixed, self.exponents, c, v.reshape(-1), [own]])
        index = np.array([m, d, r, self.trained], dtype=np.int64)
        text = source_of("dynlens.kernels.loops.gram", ORDER=self.order)
        return Kernel(text, index, m * (2 * d + m + r + 3)), rows

    # -- the rest of a model ----------------------------------------------------------------------

    def imbalances(self, factors: Factors) -> NDArray[Any]:
        r""":math:`\|u_i\|^2 - p\, c_i^2` of each component, where the coefficients are trained."""
        if not self.trained:
            raise TypeError(f"{self!r} has fixed coefficients: gradient flow conserves nothing.")
        u, c = factors
        return (u * u).sum(axis=-1) - self.exponents * c**2

    def unbalancedness(self, factors: Factors) -> Array:
        xp = namespace(factors[0])
        return xp.max(xp.abs(self.imbalances(factors)), axis=-1)

    def simpler(self) -> Iterator[SymmetricTensor]:
        """One component, two dimensions."""
        uniform = not isinstance(self.degree, tuple) and not isinstance(self.coefficients, tuple)
        if self.components > 1 and uniform:
            yield replace(self, components=1)
            if self.components > 2:
                yield replace(self, components=2)
        if self.dimension > 2:
            yield replace(self, dimension=2)

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("gaussian", "sphere")

    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        factors = super().draw(scale, "gaussian", rng)
        if kind == "gaussian":
            return factors
        vectors = scale * self.polar(factors)[1]
        if not self.trained:
            return (vectors,)
        return vectors, scale * np.sign(factors[1]) / np.sqrt(self.exponents)


def powers(units: NDArray[Any], k: int) -> NDArray[Any]:
    """Rows ``u^(x k)``, flat: shape (..., m, d**k)."""
    result = full((*units.shape[:-1], 1), 1.0, units)
    for _ in range(k):
        pairs = result[..., :, None] * units[..., None, :]
        result = pairs.reshape(*units.shape[:-1], -1)
    return result
