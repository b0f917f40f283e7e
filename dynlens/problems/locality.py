"""The regularizer that discourages locality, on the end-to-end tensor of an arithmetic circuit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.problems.observations import frozen
from dynlens.problems.penalties import TensorPenalty
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Locality(TensorPenalty):
    r"""How little the gradient in one region depends on what another region holds.

    .. math:: \lambda R(W), \qquad R = \frac1n \sum_i
        \bigl|\cos(\nabla_{x_P} f(x^i), \nabla_{x_P} f(\tilde x^i))\bigr|, \qquad
        f(x) = \langle W, x_1 \otimes \dots \otimes x_N \rangle,

    where :math:`\tilde x^i` is the input :math:`x^i` with the locations Q of the next one,
    :math:`x^{i+1}`, the first following on the last. R lies in [0, 1], and is 1 where the rank
    between P and Q is one: minimizing it asks for dependence between regions.

    Parameters
    ----------
    shape : tuple of int
        Of the tensor: a location for each mode.
    first, second : sequence of int
        The regions P and Q: modes counted from zero, none of them common.
    strength : float
        :math:`\lambda \ge 0`; with the default 1 the value is R itself.
    inputs : int or sequence of array_like, shape (n, D_k) for each mode k
        Representations of n inputs; or how many Gaussian ones to draw.
    seed : int
        Of drawn inputs.
    power : {1, 2}
        Of the cosines: 1, as in the authors' code, or 2, which is smooth.

    Notes
    -----
    The absolute value has a corner where a cosine is zero, and minimizing R leads there: gradient
    flow then slides along the corner, and integrators take ever smaller steps. With ``power=2`` it
    does not, and what R certifies holds all the same. Gradient descent takes either.

    R does not change when W is multiplied by a number, so :math:`\langle \nabla R, W \rangle = 0`,
    and it is undefined (NaN) where a gradient in P is zero. With g and :math:`\tilde g` the two
    gradients, of units u and :math:`\tilde u`, and c the cosine, :math:`\partial |c| / \partial g
    = \operatorname{sign}(c) (\tilde u - c u) / |g|`.

    What R certifies: :math:`K \ge 1/R` for the separation rank K between P and Q, if R is the mean
    over *all pairs* of replacements for the same rest, see `dynlens.theory.least_separation_rank`.
    The mean over single pairs, as here, is an estimate of it. R does not say that K is one.

    The gradients are linear in W, by a matrix of 2 n (sum of D_p for p in P) rows and as many
    columns as the tensor has entries, which is kept.

    References
    ----------
    razin2022implicit

    Examples
    --------
    A rank-one matrix is as local as can be, the identity is not:

    >>> R = Locality((2, 2), (0,), (1,), inputs=1000)
    >>> float(R.value(np.ones((2, 2))).round(12)), bool(abs(R.value(np.eye(2)) - 2 / np.pi) < 0.02)
    (1.0, True)
    """

    shape: tuple[int, ...]
    first: tuple[int, ...]
    second: tuple[int, ...]
    strength: float = 1.0
    inputs: Any = 40
    seed: int = 0
    power: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", validation.sizes("shape", self.shape))
        strength = validation.positive("strength", self.strength, allow_zero=True)
        object.__setattr__(self, "strength", strength)
        for name in ("first", "second"):
            object.__setattr__(self, name, self._region(name, getattr(self, name)))
        common = sorted({*self.first} & {*self.second})
        if common:
            raise ValueError(f"`first` and `second` both have mode {common[0]}; keep them apart.")
        validation.seed_of(self.seed)
        if self.power not in (1, 2):
            raise ValueError(f"`power` must be 1 or 2, got {self.power!r}.")
        if isinstance(self.inputs, (Sequence, np.ndarray)):
            object.__setattr__(self, "inputs", self._given(self.inputs))
        else:
            validation.count("inputs", self.inputs, least=2)

    def _region(self, name: str, modes: Any) -> tuple[int, ...]:
        listed = validation.sequence(name, modes, "for example (0, 1).")
        region = tuple(validation.count(name, mode, least=0) for mode in listed)
        if not region or len({*region}) < len(region) or max(region) >= len(self.shape):
            raise ValueError(
                f"`{name}` must be one or more of the modes 0 to {len(self.shape) - 1}, each once, "
                f"got {modes!r}."
            )
        return region

    def _given(self, inputs: Sequence[Any] | NDArray[Any]) -> Any:
        if len(inputs) != len(self.shape):
            raise ValueError(
                f"`inputs` has {len(inputs)} arrays, but there are {len(self.shape)} modes; pass "
                "one of shape (n, D) for each."
            )
        count = len(np.asarray(inputs[0]))
        if count < 2:
            raise ValueError("`inputs` must be two or more, since each is mixed with another.")
        return tuple(
            frozen(validation.real_array("inputs", part, shape=(count, size)))
            for part, size in zip(inputs, self.shape, strict=True)
        )

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self.shape

    @cached_property
    def vectors(self) -> tuple[Array, ...]:
        """Representations of the inputs, shape (n, D_k) for each mode k."""
        if isinstance(self.inputs, tuple):
            return tuple(np.array(part) for part in self.inputs)
        rng = np.random.default_rng(self.seed)
        return tuple(rng.standard_normal((self.inputs, size)) for size in self.shape)

    @cached_property
    def maps(self) -> Array:
        """The gradients as linear functions of the tensor, shape (2, n, d, entries of W)."""
        mixed = tuple(
            np.roll(part, -1, axis=0) if mode in self.second else part
            for mode, part in enumerate(self.vectors)
        )
        return np.stack([self._maps_at(vectors) for vectors in (self.vectors, mixed)])

    def _maps_at(self, vectors: tuple[Array, ...]) -> Array:
        count = len(vectors[0])
        parts = []
        for place in self.first:
            size = self.shape[place]
            found = np.ones((count, size, 1))
            for mode, part in enumerate(vectors):
                eye = np.broadcast_to(np.eye(size), (count, size, size))
                factor = eye if mode == place else part[:, None, :]
                found = (found[..., :, None] * factor[..., None, :]).reshape(count, size, -1)
            parts.append(found)
        return np.concatenate(parts, axis=1)

    @cached_property
    def _flat(self) -> Array:
        """`maps` as one matrix."""
        return self.maps.reshape(-1, prod(self.shape))

    def _gradients(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """Gradients in P of both kinds of inputs, shape (..., 2, n, d)."""
        batch = tensor.shape[: tensor.ndim - len(self.shape)]
        moved = tensor.reshape(*batch, -1) @ self._flat.T
        return moved.reshape(*batch, 2, -1, sum(self.shape[mode] for mode in self.first))

    def value(self, tensor: NDArray[Any]) -> Array:
        c = _cosines(self._gradients(tensor))[-1]
        sizes = c * c if self.power == 2 else c * _sign(c)
        return self.strength * sizes.mean(axis=-1)

    def gradient(self, tensor: NDArray[Any]) -> Array:
        norms, units, cosines = _cosines(self._gradients(tensor))
        others = namespace(tensor).stack([units[..., 1, :, :], units[..., 0, :, :]], axis=-3)
        slope = 2 * cosines if self.power == 2 else _sign(cosines)
        c, slope = cosines[..., None, :, None], slope[..., None, :, None]
        weight = self.strength / cosines.shape[-1]
        turned = weight * slope * (others - c * units) / norms[..., None]
        batch = turned.shape[:-3]
        return (turned.reshape(*batch, -1) @ self._flat).reshape(*batch, *self.shape)


def _cosines(gradients: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Norms (..., 2, n), units (..., 2, n, d), and cosines (..., n)."""
    norms = namespace(gradients).sqrt((gradients * gradients).sum(axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):  # a gradient of zero has no direction
        units = gradients / norms[..., None]
    return norms, units, (units[..., 0, :, :] * units[..., 1, :, :]).sum(axis=-1)


def _sign(c: NDArray[Any]) -> NDArray[Any]:
    """1 or -1, for numbers with a small imaginary part too."""
    return namespace(c).where(c.real < 0, -1.0, 1.0)
