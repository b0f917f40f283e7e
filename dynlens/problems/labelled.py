"""Losses of predictions with labels: of margins, and of classes.

A margin is a label, 1 or -1, times its prediction, and a class is told by its score less the
others'. Both are linear in the predictions, so that labels are a kind of observation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.formulas.functions import FUNCTIONS
from dynlens.problems.losses import Loss
from dynlens.problems.observations import Observations, frozen
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Margins(Observations):
    """Every prediction times its label.

    Parameters
    ----------
    labels : array_like of 1 and -1
        Of the predictions' shape.

    Examples
    --------
    >>> Margins([1, -1]).measure(np.array([0.5, 2.0])).tolist()
    [0.5, -2.0]
    """

    labels: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", frozen(signs(self.labels)))

    @cached_property
    def _signs(self) -> Array:
        return np.array(self.labels, dtype=np.float64)

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self._signs.shape

    @cached_property
    def data(self) -> Array:
        return np.zeros(self._signs.size)

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        whole = tensor * self._signs
        return whole.reshape((*whole.shape[: whole.ndim - self._signs.ndim], self._signs.size))

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        return weights.reshape((*weights.shape[:-1], *self._signs.shape)) * self._signs

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        return np.empty(0, dtype=np.int64), self._signs

    @property
    def loops(self) -> str:
        return "margins"


@dataclass(frozen=True)
class Classes(Observations):
    """Scores of classes, sample by sample: that of the sample's own class first.

    Parameters
    ----------
    labels : sequence of int, length n
        Class of each sample, counted from 0.
    classes : int
        The tensor has shape (n, classes).

    Examples
    --------
    >>> Classes((1, 0), 2).measure(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [2.0, 1.0, 3.0, 4.0]
    """

    labels: tuple[int, ...]
    classes: int

    def __post_init__(self) -> None:
        classes = validation.count("classes", self.classes, least=2)
        labels = np.asarray(self.labels)
        if labels.ndim != 1 or labels.size == 0 or labels.dtype.kind not in "iu":
            raise TypeError(
                f"`labels` must be a list of classes, as integers, got {self.labels!r:.60}."
            )
        if labels.min() < 0 or labels.max() >= classes:
            wrong = labels[(labels < 0) | (labels >= classes)][0]
            raise ValueError(
                f"`labels` has {wrong}, but {classes} classes are counted from 0 to {classes - 1}."
            )
        object.__setattr__(self, "labels", frozen(labels))

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return len(self.labels), self.classes

    @cached_property
    def data(self) -> Array:
        return np.zeros(prod(self.tensor_shape))

    @cached_property
    def _flat(self) -> NDArray[np.int64]:
        own = np.array(self.labels)[:, None]
        others = np.arange(self.classes - 1)
        rows = np.concatenate([own, others + (others >= own)], axis=1)
        return (rows + self.classes * np.arange(len(own))[:, None]).reshape(-1).astype(np.int64)

    def measure(self, tensor: NDArray[Any]) -> NDArray[Any]:
        flat = tensor.reshape((*tensor.shape[:-2], self._flat.size))
        return namespace(tensor).take(flat, self._flat, axis=-1)

    def adjoint(self, weights: NDArray[Any]) -> NDArray[Any]:
        tensor = namespace(weights).zeros_like(weights)
        tensor[..., self._flat] = weights
        return tensor.reshape((*weights.shape[:-1], *self.tensor_shape))

    @property
    def kernel_data(self) -> tuple[NDArray[np.int64], Array]:
        return self._flat, np.empty((0, 0))


def signs(labels: Any) -> Array:
    """Return labels that are 1 or -1, or say which is not."""
    array = validation.real_array("labels", labels)
    wrong = array[(array != 1) & (array != -1)]
    if wrong.size or array.ndim == 0:
        found = f"{wrong.flat[0]:g}" if wrong.size else "a single number"
        raise ValueError(
            f"`labels` must be 1 or -1, one for each prediction, got {found}; pass `2 * y - 1` if "
            "yours are 0 and 1."
        )
    return array


@dataclass(frozen=True)
class MarginLoss(Loss):
    """A decreasing function of the margin, which is what its residual is.

    Parameters
    ----------
    reduction : {"sum", "mean"}
        Sum or mean over the observations.
    """

    reduction: str = "sum"

    def __post_init__(self) -> None:
        validation.one_of("reduction", self.reduction, ("sum", "mean"))

    def observations(self, labels: Any, shape: tuple[int, ...]) -> Observations:
        found = signs(labels)
        if found.shape != shape:
            raise ValueError(
                f"`labels` have shape {found.shape}, but the predictions {shape}; give one each."
            )
        return Margins(frozen(found))


@dataclass(frozen=True)
class LogisticLoss(MarginLoss):
    r""":math:`\log(1 + e^{-z})` of the margin z.

    Parameters
    ----------
    reduction : {"sum", "mean"}

    Notes
    -----
    Large margins neither overflow nor lose digits: at z = 700 the loss is 1e-304.

    Examples
    --------
    >>> float(LogisticLoss().value(np.array(0.0)) / np.log(2))
    1.0
    >>> f"{LogisticLoss().value(np.array(700.0)):.3g}"
    '9.86e-305'
    """

    def value(self, z: Array) -> Array:
        return _softplus(-z)

    def derivative(self, z: Array) -> Array:
        return -_sigmoid(-z)

    def second_derivative(self, z: Array) -> Array:
        return _sigmoid(z) * _sigmoid(-z)

    @property
    def kernel(self) -> tuple[str, str]:
        small = "math.exp(-abs(z))"
        return (
            f"(-z if z < 0 else 0.0) + math.log1p({small})",
            f"-np.divide({small} if z > 0 else 1.0, 1.0 + {small})",
        )


@dataclass(frozen=True)
class ExponentialLoss(MarginLoss):
    r""":math:`e^{-z}` of the margin z.

    Parameters
    ----------
    reduction : {"sum", "mean"}
    """

    def value(self, z: Array) -> Array:
        return namespace(z).exp(-z)

    def derivative(self, z: Array) -> Array:
        return -namespace(z).exp(-z)

    def second_derivative(self, z: Array) -> Array:
        return namespace(z).exp(-z)

    @property
    def kernel(self) -> tuple[str, str]:
        return "math.exp(-z)", "-math.exp(-z)"


@dataclass(frozen=True)
class SmoothHingeLoss(MarginLoss):
    r"""Zero from the margin 1 on, :math:`(1 - z)^2 / 2` down to 0, and linear below.

    Parameters
    ----------
    reduction : {"sum", "mean"}

    Notes
    -----
    The second derivative jumps at 0 and 1, where the values from inside (1) are returned.
    """

    def value(self, z: Array) -> Array:
        xp = namespace(z)
        short = xp.where(z < 1, 1 - z, xp.zeros_like(z))
        return xp.where(z < 0, 0.5 - z, 0.5 * short * short)

    def derivative(self, z: Array) -> Array:
        return -namespace(z).clip(1 - z, 0.0, 1.0)

    def second_derivative(self, z: Array) -> Array:
        xp = namespace(z)
        return xp.where((z >= 0) & (z <= 1), xp.ones_like(z), xp.zeros_like(z))

    @property
    def kernel(self) -> tuple[str, str]:
        value = "(0.5 - z if z < 0 else 0.5 * (1.0 - z) * (1.0 - z) if z < 1 else 0.0)"
        return value, "-min(max(1.0 - z, 0.0), 1.0)"


@dataclass(frozen=True)
class CrossEntropy(Loss):
    r"""Minus the logarithm of the softmax share of a sample's own class.

    Parameters
    ----------
    classes : int
    reduction : {"sum", "mean"}
        Sum or mean over the samples.

    Notes
    -----
    Its residuals come in groups: the scores of a sample, that of its own class first, as `Classes`
    observes them. :math:`\ell = \log\bigl(1 + \sum_{k \ne y} e^{z_k - z_y}\bigr)` neither
    overflows nor loses digits where it is small.

    Examples
    --------
    >>> z = np.array([3.0, 3.0, 800.0, -800.0])  # two samples of two classes
    >>> (CrossEntropy(2).value(z) / np.log(2)).tolist()
    [1.0, 0.0]
    """

    classes: int
    reduction: str = "sum"

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", validation.count("classes", self.classes, least=2))
        validation.one_of("reduction", self.reduction, ("sum", "mean"))

    def observations(self, labels: Any, shape: tuple[int, ...]) -> Observations:
        if len(shape) != 2 or shape[1] != self.classes:
            raise ValueError(
                f"the predictions have shape {shape}, but cross-entropy of {self.classes} classes "
                f"needs (samples, {self.classes})."
            )
        found = Classes(labels, self.classes)
        if found.tensor_shape != shape:
            raise ValueError(f"`labels` are {len(found.labels)}, but {shape[0]} are predicted.")
        return found

    def weight(self, observations: int) -> float:
        return 1.0 if self.reduction == "sum" else self.classes / observations

    @property
    def group(self) -> int:
        return self.classes

    def _parts(self, z: Array) -> tuple[Any, Array, Array, Array]:
        """How far each other score is above the own, as exponentials of a shift."""
        xp = namespace(z)
        rows = z.reshape((*z.shape[:-1], -1, self.classes))
        above = rows[..., 1:] - rows[..., :1]
        top = xp.max(xp.real(above) if xp is np else above, axis=-1, keepdims=True)
        top = 0.5 * (top + xp.abs(top))  # at least zero
        return xp, above, top, xp.exp(above - top)

    def value(self, z: Array) -> Array:
        xp, _, top, shares = self._parts(z)
        rest = xp.expm1(-top) + shares.sum(axis=-1, keepdims=True)
        log1p = FUNCTIONS["log1p"].numpy if xp is np else xp.log1p
        return (top + log1p(rest))[..., 0]

    def _shares(self, z: Array) -> tuple[Any, Array]:
        xp, _, top, shares = self._parts(z)
        return xp, shares / (xp.exp(-top) + shares.sum(axis=-1, keepdims=True))

    def derivative(self, z: Array) -> Array:
        xp, others = self._shares(z)
        own = -others.sum(axis=-1, keepdims=True)
        return xp.concat([own, others], axis=-1).reshape(z.shape)

    def derivative_along(self, z: Array, moved: Array) -> Array:
        xp, others = self._shares(z)
        rows = moved.reshape((*moved.shape[:-1], -1, self.classes))
        above = rows[..., 1:] - rows[..., :1]
        turned = others * (above - (others * above).sum(axis=-1, keepdims=True))
        own = -turned.sum(axis=-1, keepdims=True)
        return xp.concat([own, turned], axis=-1).reshape(z.shape)

    def second_derivative(self, z: Array) -> Array:
        xp, others = self._shares(z)
        own = others.sum(axis=-1, keepdims=True)
        return xp.concat([own * (1 - own), others * (1 - others)], axis=-1).reshape(z.shape)

    @property
    def kernel(self) -> tuple[str, str]:
        return "z", "1.0"  # of a residual; `by_classes` makes the loss of them


def _softplus(x: Array) -> Array:
    xp = namespace(x)
    if xp is np:
        return np.asarray(FUNCTIONS["softplus"].numpy(x))
    return 0.5 * (x + xp.abs(x)) + xp.log1p(xp.exp(-xp.abs(x)))


def _sigmoid(x: Array) -> Array:
    xp = namespace(x)
    if xp is np:
        return np.asarray(FUNCTIONS["sigmoid"].numpy(x))
    small = xp.exp(-xp.abs(x))
    return xp.where(x < 0, small, xp.ones_like(x)) / (1 + small)
