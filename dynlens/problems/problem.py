"""A problem: a model to be fitted to observations under a loss.

All reads as the formulas, in numpy, and is the reference. `Problem.machine` is the same gradient as
one numba kernel, generated for this model, loss and kind of observation, kept on disk, and equal to
the reference to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.gradient import Gradient, KernelParts, Reference
from dynlens.models.base import Model
from dynlens.models.capabilities import Balancing
from dynlens.problems.losses import Loss, Ridge
from dynlens.problems.objectives import Objective, objective_of
from dynlens.problems.observations import Observations
from dynlens.problems.penalties import PlusPenalty, TensorPenalty
from dynlens.problems.probing import probe_gradient
from dynlens.support import validation
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array, Factors


@dataclass(frozen=True)
class Problem:
    r"""Minimize :math:`\phi(\theta) = \ell(W(\theta)) + \rho(\theta)` over the factors of a model.

    Parameters
    ----------
    model : Model
    loss : Loss
    observations : Observations
    penalty : Ridge, optional
        What :math:`\rho` is, on the parameters themselves; nothing unless given.
    tensor_penalty : TensorPenalty, optional
        A function of the end-to-end tensor that is added to :math:`\ell`, such as `Locality`: all
        that is said of the loss is then said of the sum. No compiled kernel knows it.

    Notes
    -----
    :math:`\ell(W) = c \sum_i l(\langle A_i, W\rangle - y_i)` with ``c = 1`` or ``1/n`` as the loss
    says. Every method takes ``theta`` of shape (..., P); leading axes are batch axes.

    Examples
    --------
    >>> from dynlens import DeepLinear, Entries, SquaredLoss
    >>> seen = Entries((2, 2), [(0, 1), (1, 0), (1, 1)], [1, 1, 0])
    >>> problem = Problem(DeepLinear((2, 2, 2)), SquaredLoss(), seen)
    >>> theta = problem.init(0.5, kind="identity")
    >>> problem.end_to_end(theta).round(12).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    >>> float(problem.objective(theta))
    1.125
    """

    model: Model
    loss: Loss
    observations: Observations
    penalty: Ridge | None = None
    tensor_penalty: TensorPenalty | None = None

    def __post_init__(self) -> None:
        validation.instance("model", self.model, Model, "for example `DeepLinear((2, 2, 2))`.")
        validation.instance("loss", self.loss, Loss, "for example `SquaredLoss()`.")
        validation.instance(
            "observations", self.observations, Observations, "for example `Entries(...)`."
        )
        if self.penalty is not None:
            validation.instance("penalty", self.penalty, Ridge, "for example `Ridge(0.1)`.")
        if self.model.tensor_shape != self.observations.tensor_shape:
            raise ValueError(
                f"`observations` are of a tensor of shape {self.observations.tensor_shape}, but "
                f"{self.model!r} makes shape {self.model.tensor_shape}; change one of them."
            )
        if self.tensor_penalty is not None:
            remedy = "for example `Locality((2, 2), (0,), (1,))`."
            validation.instance("tensor_penalty", self.tensor_penalty, TensorPenalty, remedy)
            if self.tensor_penalty.tensor_shape not in (None, self.model.tensor_shape):
                raise ValueError(
                    f"`tensor_penalty` is of tensors of shape {self.tensor_penalty.tensor_shape}, "
                    f"but {self.model!r} makes shape {self.model.tensor_shape}."
                )

    @property
    def parts(self) -> tuple[Any, ...]:
        """What it is made of, that others may have written: the penalty on the tensor if any."""
        parts = (self.model, self.loss, self.observations)
        return parts if self.tensor_penalty is None else (*parts, self.tensor_penalty)

    # -- the loss as a function of the tensor ---------------------------------------------------

    def tensor_loss(self, tensor: NDArray[Any]) -> Array:
        """``l(W)``, shape (...)."""
        z = self.observations.measure(tensor) - self.observations.data
        loss = self.of_factors.weight * self.loss.value(z).sum(axis=-1)
        return loss if self.tensor_penalty is None else loss + self.tensor_penalty.value(tensor)

    def tensor_gradient(self, tensor: NDArray[Any]) -> Array:
        """Gradient of ``l`` with respect to the tensor W, shape (..., *tensor_shape)."""
        z = self.observations.measure(tensor) - self.observations.data
        gradient = self.observations.adjoint(self.of_factors.weight * self.loss.derivative(z))
        if self.tensor_penalty is None:
            return gradient
        return gradient + self.tensor_penalty.gradient(tensor)

    # -- the objective as a function of theta ---------------------------------------------------

    @cached_property
    def of_factors(self) -> Objective:
        """The loss as a function of factors: through the tensor, or past it where cheaper."""
        plain = objective_of(self.model, self.loss, self.observations)
        return plain if self.tensor_penalty is None else PlusPenalty.of(plain, self.tensor_penalty)

    @cached_property
    def _theta_shape(self) -> tuple[int]:
        return (self.model.parameters,)

    def _misshapen(self, theta: NDArray[Any]) -> ValueError:
        return ValueError(
            f"`theta` has shape {theta.shape}, but {self.model!r} has {self.model.parameters} "
            "parameters; make them its last axis."
        )

    def factors(self, theta: NDArray[Any]) -> Factors:
        """Cut ``theta`` into the model's factors."""
        if theta.shape[-1:] != self._theta_shape:
            raise self._misshapen(theta)
        return self.model.unravel(theta)

    def end_to_end(self, theta: NDArray[Any]) -> Array:
        """End-to-end tensor W(theta), shape (..., *tensor_shape)."""
        return self.model.end_to_end(self.factors(theta))

    def objective(self, theta: NDArray[Any]) -> Array:
        """``phi(theta)``: the loss and, where there is one, the penalty, shape (...)."""
        loss = self.of_factors.value(self.factors(theta))
        return loss if self.penalty is None else loss + self.penalty.value(theta)

    def gradient(self, theta: NDArray[Any]) -> Array:
        """Gradient of the objective, shape (..., P).

        Raises
        ------
        ValueError
            If a model, loss or observation of one's own has another one, as a probe finds.
        """
        self._probed  # noqa: B018 - once
        return self.unprobed_gradient(theta)

    @cached_property
    def _probed(self) -> bool:
        probe_gradient(self)
        return True

    def unprobed_gradient(self, theta: NDArray[Any]) -> Array:
        """`gradient`, as the formulas of the parts have it."""
        gradient = self.model.ravel(self.of_factors.gradient(self.factors(theta)))
        return gradient if self.penalty is None else gradient + self.penalty.rate * theta

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[Array, Array]:
        """Objective, shape (...), and its gradient, shape (..., P), with nothing computed twice."""
        self._probed  # noqa: B018 - once
        value, parts = self.of_factors.value_and_gradient(self.factors(theta))
        gradient = self.model.ravel(parts)
        if self.penalty is None:
            return value, gradient
        return value + self.penalty.value(theta), gradient + self.penalty.rate * theta

    def vector_field(self, t: float, theta: NDArray[Any]) -> Array:
        """Right-hand side of gradient flow, ``-gradient(theta)``; `t` is not used."""
        return -self.gradient(theta)

    def hessian_vector_product(self, theta: NDArray[Any], v: NDArray[Any]) -> Array:
        """``H(theta) v``, exact to rounding: the chain rule through model and loss."""
        moved = self.of_factors.gradient_derivative(self.factors(theta), self.factors(v))
        product = self.model.ravel(moved)
        return product if self.penalty is None else product + self.penalty.rate * v

    def hessian(self, theta: NDArray[Any]) -> Array:
        """Hessian at one state, shape (P, P), symmetrized."""
        theta = validation.real_array("theta", theta, shape=(self.model.parameters,))
        rows = self.hessian_vector_product(np.tile(theta, (theta.size, 1)), np.eye(theta.size))
        return 0.5 * (rows + rows.T)

    # -- starts -----------------------------------------------------------------------------------

    def init(
        self,
        scale: float,
        *,
        kind: str = "gaussian",
        seed: int | None = None,
        determinant: int | None = None,
    ) -> Array:
        """Draw a start ``theta``, shape (P,).

        Parameters
        ----------
        scale : float
            Of `DeepLinear`: standard deviation of the factors' entries (``"gaussian"``), of the
            end-to-end matrix's entries (``"balanced"``), or the multiple of the identity that
            the end-to-end matrix is (``"identity"``). Other models say what it is in their Notes.
        kind : {"gaussian", "balanced", "identity"}
        seed : int
            Needed by the random kinds.
        determinant : {1, -1}, optional
            Sign demanded of the end-to-end determinant; Gaussian factors are redrawn until they
            have it, balanced ones are built from the matrix with its first two rows swapped.
        """
        if determinant is None:
            return self.model.init(scale, kind=kind, seed=seed)
        self.check_determinant(determinant)
        rows = self.model.tensor_shape[0]
        validation.positive("scale", scale)
        if kind == "gaussian":
            return self._redrawn(scale, determinant, validation.seed_of(seed))
        theta = self.model.init(scale, kind=kind, seed=seed)
        if self._has_sign(theta, determinant):
            return theta
        if not isinstance(self.model, Balancing):
            raise ValueError(f"`determinant` has no meaning for {self.model!r}; leave it out.")
        swapped = self.end_to_end(theta)[[1, 0, *range(2, rows)]] if rows > 1 else -scale
        return self.model.ravel(self.model.balanced_factors(np.reshape(swapped, (rows, rows))))

    def _redrawn(self, scale: float, determinant: int, seed: int) -> Array:
        """Gaussian factors, redrawn until the determinant has the sign asked for."""
        for attempt in range(1000):
            draw = np.random.default_rng([seed, attempt] if attempt else seed)
            theta = self.model.ravel(self.model.draw(scale, "gaussian", draw))
            if self._has_sign(theta, determinant):
                return theta
        raise ValueError(
            f"`determinant` is never {determinant} for {self.model!r} (1000 draws); leave it out."
        )

    def _has_sign(self, theta: Array, sign: int) -> bool:
        return bool(sign * np.linalg.slogdet(self.end_to_end(theta))[0] > 0)

    def check_determinant(self, sign: Any, name: str = "determinant") -> None:
        """Refuse what is no sign, or a model whose determinant has none."""
        if sign not in (1, -1):
            raise ValueError(f"`{name}` must be 1 or -1 (its sign), got {sign!r:.80}.")
        shape = self.model.tensor_shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"`{name}` needs a square end-to-end matrix, got {shape}.")
        draw = self.model.draw(1.0, "gaussian", np.random.default_rng(0))
        rank = int(np.linalg.matrix_rank(self.model.end_to_end(draw)))
        if rank < shape[0]:
            raise ValueError(
                f"`{name}` is always 0 for {self.model!r}, which makes matrices of rank at most "
                f"{rank}; widen the model."
            )

    def check_theta(self, theta: Any, name: str = "theta0") -> Array:
        """Return `theta` as a finite float64 vector of the right length."""
        vector = validation.real_array(name, theta)
        if vector.shape != (self.model.parameters,):
            raise ValueError(
                f"`{name}` has shape {vector.shape}, but {self.model!r} has "
                f"{self.model.parameters} parameters; use `problem.init(scale, kind=..., "
                "seed=...)` or `model.ravel(factors)`."
            )
        return vector

    # -- compiled ---------------------------------------------------------------------------------

    @cached_property
    def probe(self) -> Array:
        """A random state at which kernels are compared with the reference."""
        return 0.5 * np.random.default_rng(0).standard_normal(self.model.parameters)

    @cached_property
    def fitting_size(self) -> float:
        """Size of the parameters whose tensor is as large as the target.

        Infinite if the target is zero, or if nothing is told by how the tensor grows.
        """
        data = np.abs(self.observations.data).max(initial=0.0)
        small, large = (
            np.abs(self.observations.measure(self.end_to_end(scale * self.probe))).max(initial=0.0)
            for scale in (1.0, 2.0)
        )
        if not (data > 0 and 0 < small < large < np.inf):
            return float("inf")
        degree = np.log2(large / small)
        return float(np.abs(self.probe).max() * (data / small) ** (1 / degree))

    @cached_property
    def without_kernel(self) -> str:
        """Why the reference alone can compute this problem, in a sentence; empty if a kernel can.

        A run by the reference that was not asked for says so in ``attrs["reference"]``.
        """
        if self.loss.kernel is not None and self._parts is not None:
            return ""
        silent = self.loss if self.loss.kernel is None else self.tensor_penalty or self.model
        return f"{silent!r} states no kernel: computed by the numpy reference."

    @cached_property
    def _parts(self) -> KernelParts | None:
        return self.of_factors.kernel()

    @cached_property
    def machine(self) -> Gradient:
        """The same gradient, compiled.

        Raises
        ------
        KernelError
            If the model or the loss states no kernel; see `without_kernel`.
        """
        if self.loss.kernel is None or self._parts is None:
            raise KernelError(self.without_kernel)
        reference = Reference(repr(self.model), self.probe, self.gradient, self.objective)
        penalty = None if self.penalty is None else self.penalty.rate
        weight = self.of_factors.weight
        return Gradient(self._parts, self.loss.kernel, weight, penalty, reference)

    @cached_property
    def compiled_field(self) -> Callable[[float, Array], Array]:
        """Return the compiled ``-gradient(theta)``, with the signature SciPy's solvers expect."""
        kernel, data, shape = self.machine.module.field, self.machine.data, self._theta_shape

        def field(t: float, theta: Array) -> Array:
            if theta.shape != shape:  # the kernel would read and write past the end
                raise self._misshapen(theta)
            out = np.empty_like(theta)
            kernel(theta, *data, out)
            return out

        return field
