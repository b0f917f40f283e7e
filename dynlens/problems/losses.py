"""Losses of the residuals at the observed places.

A loss is a scalar function ``l(z)`` of one residual ``z = prediction - observation`` with two
derivatives, and a convention for adding up: the *sum* or the *mean* over observations.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from dynlens.problems.observations import Full, Observations
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array


@dataclass(frozen=True)
class Loss(ABC):
    """A loss of the residuals: ``weight * sum_i l(z_i)``."""

    @abstractmethod
    def value(self, z: Array) -> Array:
        """``l(z)``, elementwise."""

    @abstractmethod
    def derivative(self, z: Array) -> Array:
        """``l'(z)``, elementwise."""

    @abstractmethod
    def second_derivative(self, z: Array) -> Array:
        """``l''(z)``, elementwise (where it exists)."""

    @property
    def kernel(self) -> tuple[str, str] | None:
        """Python source of ``l(z)`` and ``l'(z)`` for the compiled field; None to do without."""
        return None

    @property
    def group(self) -> int:
        """How many residuals one value is made of; 1 of a function of each."""
        return 1

    @property
    def quadratic(self) -> bool:
        """Whether the loss of one residual is a multiple of its square."""
        return False

    def derivative_along(self, z: Array, moved: Array) -> Array:
        """Derivative of `derivative` along a change of the residuals."""
        return self.second_derivative(z) * moved

    def observations(self, labels: Any, shape: tuple[int, ...]) -> Observations:
        """Return what is seen of predictions of this shape, by their labels."""
        return Full(validation.real_array("labels", labels, shape=shape))

    @property
    @abstractmethod
    def reduction(self) -> str:
        """``"sum"`` or ``"mean"`` over the observations."""

    def weight(self, observations: int) -> float:
        """Factor in front of the sum over `observations` residuals."""
        return 1.0 if self.reduction == "sum" else 1.0 / observations


@dataclass(frozen=True)
class SquaredLoss(Loss):
    r"""Squared residuals, in any of the papers' conventions.

    Parameters
    ----------
    reduction : {"sum", "mean"}
        Sum (Razin & Cohen 2020) or mean (Razin, Maman & Cohen 2021) over the observations.
    half : bool
        With the factor ½ (default) or without it.

    Notes
    -----
    With the defaults :math:`\ell = \tfrac12 \sum_i z_i^2`. Dropping the ½ doubles the clock;
    the mean slows it down by the number of observations.

    Examples
    --------
    >>> float(SquaredLoss().value(3.0)), float(SquaredLoss(half=False).value(3.0))
    (4.5, 9.0)
    """

    reduction: str = "sum"
    half: bool = True

    def __post_init__(self) -> None:
        validation.one_of("reduction", self.reduction, ("sum", "mean"))
        validation.instance("half", self.half, bool, "pass True (½ z²) or False (z²).")

    @property
    def _scale(self) -> float:
        return 1.0 if self.half else 2.0

    def value(self, z: Array) -> Array:
        return 0.5 * self._scale * z * z

    def derivative(self, z: Array) -> Array:
        return self._scale * z

    def second_derivative(self, z: Array) -> Array:
        return namespace(z).full_like(z, self._scale)

    @property
    def quadratic(self) -> bool:
        return True

    @property
    def kernel(self) -> tuple[str, str]:
        return f"{0.5 * self._scale!r} * z * z", f"{self._scale!r} * z"


@dataclass(frozen=True)
class HuberLoss(Loss):
    r"""Quadratic near zero, linear beyond `threshold`.

    Parameters
    ----------
    threshold : float
        :math:`\delta_h > 0`, where the loss turns from quadratic to linear.
    reduction : {"sum", "mean"}
        Sum or mean over the observations.

    Notes
    -----
    :math:`\ell(z) = z^2/2` for :math:`|z| \le \delta_h`, and
    :math:`\delta_h (|z| - \delta_h/2)` otherwise. The second derivative jumps at
    :math:`|z| = \delta_h`, where the value from inside (1) is returned.

    References
    ----------
    razin2021implicit
    """

    threshold: float = 1.0
    reduction: str = "sum"

    def __post_init__(self) -> None:
        threshold = validation.positive("threshold", self.threshold)
        object.__setattr__(self, "threshold", threshold)
        validation.one_of("reduction", self.reduction, ("sum", "mean"))

    def value(self, z: Array) -> Array:
        xp, delta = namespace(z), self.threshold
        size = xp.abs(z)
        return xp.where(size <= delta, 0.5 * z * z, delta * (size - 0.5 * delta))

    def derivative(self, z: Array) -> Array:
        return namespace(z).clip(z, -self.threshold, self.threshold)

    def second_derivative(self, z: Array) -> Array:
        xp = namespace(z)
        return xp.where(xp.abs(z) <= self.threshold, xp.ones_like(z), xp.zeros_like(z))

    @property
    def kernel(self) -> tuple[str, str]:
        d = float(self.threshold)
        value = f"(0.5 * z * z if abs(z) <= {d!r} else {d!r} * (abs(z) - {0.5 * d!r}))"
        return value, f"min(max(z, {-d!r}), {d!r})"


@dataclass(frozen=True)
class LinearLoss(Loss):
    """The residual itself: for a prediction that is an objective, or a frozen gradient.

    Parameters
    ----------
    reduction : {"sum", "mean"}
        Sum or mean over the observations.

    Notes
    -----
    With ``Sensing`` of one tensor G and the value 0 the loss is ``<G, W>``: its gradient with
    respect to the end-to-end tensor is G, wherever W is.
    """

    reduction: str = "sum"

    def __post_init__(self) -> None:
        validation.one_of("reduction", self.reduction, ("sum", "mean"))

    def value(self, z: Array) -> Array:
        return z

    def derivative(self, z: Array) -> Array:
        return namespace(z).ones_like(z)

    def second_derivative(self, z: Array) -> Array:
        return namespace(z).zeros_like(z)

    @property
    def kernel(self) -> tuple[str, str]:
        return "z", "1.0"


@dataclass(frozen=True)
class Ridge:
    r"""Weight decay: a penalty on the squares of all parameters.

    Parameters
    ----------
    strength : float
        :math:`\lambda \ge 0`.
    half : bool
        :math:`\tfrac{\lambda}{2}\|\theta\|^2` (default), or :math:`\lambda\|\theta\|^2` without
        the ½. Give it the `half` of the `SquaredLoss` it is added to, and both conventions of the
        literature have the same minimizers.

    Examples
    --------
    >>> import numpy as np
    >>> float(Ridge(0.1).value(np.array([3.0, 4.0]))), Ridge(0.1, half=False).rate
    (1.25, 0.2)
    """

    strength: float
    half: bool = True

    def __post_init__(self) -> None:
        strength = validation.positive("strength", self.strength, allow_zero=True)
        object.__setattr__(self, "strength", strength)
        validation.instance("half", self.half, bool, "pass True (½ λ θ²) or False (λ θ²).")

    @property
    def rate(self) -> float:
        """The gradient is this times the parameters."""
        return self.strength if self.half else 2 * self.strength

    def value(self, theta: Array) -> Array:
        """Return the penalty, shape (...)."""
        return 0.5 * self.rate * (theta * theta).sum(axis=-1)
