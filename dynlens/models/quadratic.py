"""Two-layer network with quadratic activation: a symmetric matrix, as a sum of squares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.products import Kernel
from dynlens.kernels.sources import source_of
from dynlens.models.base import Model
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array, Factors


@dataclass(frozen=True)
class QuadraticNetwork(Model):
    r"""The network :math:`f(x) = \sum_i a_i \langle w_i, x\rangle^2 = \langle x, A x\rangle`.

    Its end-to-end matrix is :math:`A = \sum_i a_i w_i w_i^\top`. Factors are the second layer a, of
    shape (N,), unless it is fixed, and the first layer W, of shape (N, d), with rows
    :math:`w_i`.

    Parameters
    ----------
    inputs : int
        Dimension d of the inputs.
    neurons : int
        Number N of neurons.
    signs : tuple of {1, -1}, optional
        If given, the second layer is fixed at these; else it is trained.

    Notes
    -----
    For inputs :math:`x \sim N(0, I)` and a target :math:`\langle x, B x\rangle`, both centred, the
    population risk is :math:`2\|A - B\|_F^2`: twice the objective of a problem with
    ``Full(B)`` and ``SquaredLoss(half=False)``. The matrix is linear in a, quadratic in W.

    With a trained second layer gradient flow conserves :math:`2 a_i^2 - \|w_i\|^2`; with a fixed
    one nothing is known to be conserved.

    References
    ----------
    ghorbani2019limitations

    Examples
    --------
    >>> model = QuadraticNetwork(inputs=2, neurons=2, signs=(1, -1))
    >>> model.end_to_end((np.array([[1.0, 2.0], [0.0, 3.0]]),)).tolist()
    [[1.0, 2.0], [2.0, -5.0]]
    >>> QuadraticNetwork(inputs=2, neurons=3).factor_shapes
    ((3,), (3, 2))
    """

    inputs: int
    neurons: int
    signs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", validation.count("inputs", self.inputs))
        object.__setattr__(self, "neurons", validation.count("neurons", self.neurons))
        if self.signs is None:
            return
        remedy = "for example (1,) * neurons."
        signs = validation.sequence("signs", self.signs, remedy, (int, np.integer))
        if len(signs) != self.neurons or not set(signs) <= {1, -1}:
            raise ValueError(
                f"`signs` must be 1 or -1 for each of {self.neurons} neurons, got {signs!r:.80}; "
                "leave them out to train the second layer."
            )
        object.__setattr__(self, "signs", tuple(int(sign) for sign in signs))

    @property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        first = (self.neurons, self.inputs)
        return (first,) if self.signs else ((self.neurons,), first)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return (self.inputs, self.inputs)

    @property
    def degrees(self) -> tuple[int, ...]:
        return (2,) if self.signs else (1, 2)

    def layers(self, factors: Factors) -> tuple[NDArray[Any], NDArray[Any]]:
        """Second layer (..., N) and first layer (..., N, d), be the second trained or fixed."""
        return (self._fixed, factors[0]) if self.signs else (factors[0], factors[1])

    @cached_property
    def _fixed(self) -> Array:
        return np.array(self.signs, dtype=float)

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        a, W = self.layers(factors)
        return W.mT @ (a[..., None] * W)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        # dA = da_i w_i w_i^T + a_i (dw_i w_i^T + w_i dw_i^T)
        a, W = self.layers(factors)
        turned = W @ (cotangent + cotangent.mT)
        first = a[..., None] * turned
        return (first,) if self.signs else ((turned * W).sum(axis=-1) / 2, first)

    def imbalances(self, factors: Factors) -> NDArray[Any]:
        r""":math:`2 a_i^2 - \|w_i\|^2`, shape (..., N)."""
        if self.signs:
            return super().imbalances(factors)
        a, W = factors
        return 2 * a**2 - (W**2).sum(axis=-1)

    def unbalancedness(self, factors: Factors) -> Array:
        xp = namespace(factors[0])
        return xp.max(xp.abs(self.imbalances(factors)), axis=-1)

    def simpler(self) -> Iterator[QuadraticNetwork]:
        """One neuron, two inputs."""
        if self.neurons > 1:
            yield replace(self, neurons=1, signs=self.signs and self.signs[:1])
        if self.inputs > 2:
            yield replace(self, inputs=2)

    def kernel(self) -> Kernel:
        # Sizes are told by the arrays, and one sign stands for all if all are the same: one module
        # then serves networks of any size.
        signs = self.signs or (1,)
        text = source_of(
            "dynlens.kernels.loops.quadratic",
            SIGNS=signs if len(set(signs)) > 1 else signs[:1],
            FIXED=bool(self.signs),
        )
        return Kernel(text, work=self.inputs)
