"""A problem: a model to be fitted to observations under a loss.

The numpy methods read as the formulas and are the reference. `Problem.compiled` is the same
gradient as one numba kernel, generated for this model, loss and kind of observation, kept on
disk, and equal to the reference to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.cache import load_source
from dynlens.models.base import Model
from dynlens.models.deep_linear import DeepLinear
from dynlens.problems.losses import Loss, Ridge
from dynlens.problems.objectives import KernelParts, Lines, Route, route_between
from dynlens.problems.observations import Observations
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

    # -- the loss as a function of the tensor ---------------------------------------------------

    def tensor_loss(self, tensor: NDArray[Any]) -> Array:
        """``l(W)``, shape (...)."""
        z = self.observations.measure(tensor) - self.observations.data
        return self.route.weight * self.loss.value(z).sum(axis=-1)

    def tensor_gradient(self, tensor: NDArray[Any]) -> Array:
        """Gradient of ``l`` with respect to the tensor W, shape (..., *tensor_shape)."""
        z = self.observations.measure(tensor) - self.observations.data
        return self.observations.adjoint(self.route.weight * self.loss.derivative(z))

    # -- the objective as a function of theta ---------------------------------------------------

    @cached_property
    def route(self) -> Route:
        """The way from factors to the loss: through the tensor, or past it where cheaper."""
        return route_between(self.model, self.loss, self.observations)

    @cached_property
    def _theta_shape(self) -> tuple[int]:
        return (self.model.size,)

    def _misshapen(self, theta: NDArray[Any]) -> ValueError:
        return ValueError(
            f"`theta` has shape {theta.shape}, but {self.model!r} has {self.model.size} "
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
        loss = self.route.value(self.factors(theta))
        return loss if self.penalty is None else loss + self.penalty.value(theta)

    def gradient(self, theta: NDArray[Any]) -> Array:
        """Gradient of the objective, shape (..., P)."""
        gradient = self.model.ravel(self.route.gradient(self.factors(theta)))
        return gradient if self.penalty is None else gradient + self.penalty.rate * theta

    def value_and_gradient(self, theta: NDArray[Any]) -> tuple[Array, Array]:
        """Objective, shape (...), and its gradient, shape (..., P), with nothing computed twice."""
        value, parts = self.route.value_and_gradient(self.factors(theta))
        gradient = self.model.ravel(parts)
        if self.penalty is None:
            return value, gradient
        return value + self.penalty.value(theta), gradient + self.penalty.rate * theta

    def vector_field(self, t: float, theta: NDArray[Any]) -> Array:
        """Right-hand side of gradient flow, ``-gradient(theta)``; `t` is not used."""
        return -self.gradient(theta)

    def hessian_vector_product(self, theta: NDArray[Any], v: NDArray[Any]) -> Array:
        """``H(theta) v``, exact to rounding: the chain rule through model and loss."""
        moved = self.route.gradient_derivative(self.factors(theta), self.factors(v))
        product = self.model.ravel(moved)
        return product if self.penalty is None else product + self.penalty.rate * v

    def hessian(self, theta: NDArray[Any]) -> Array:
        """Hessian at one state, shape (P, P), symmetrized."""
        theta = validation.real_array("theta", theta, shape=(self.model.size,))
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
        if not isinstance(self.model, DeepLinear):
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
        if vector.shape != (self.model.size,):
            raise ValueError(
                f"`{name}` has shape {vector.shape}, but {self.model!r} has {self.model.size} "
                "parameters; use `problem.init(scale, kind=..., seed=...)` or "
                "`model.ravel(factors)`."
            )
        return vector

    # -- compiled ---------------------------------------------------------------------------------

    @cached_property
    def compiled(self) -> Any:
        """Generated numba module: ``gradient(theta, *data, out) -> objective``, and ``data``.

        Raises
        ------
        KernelError
            If it does not equal the reference: a wrong kernel, or code that was wrongly compiled.
        """
        module = load_source(self.kernel_source, name="gradient")
        theta, out = self.probe, np.empty(self.model.size)
        self.check_kernel(out, module.gradient(theta, *self.kernel_data, out))
        return module

    @cached_property
    def probe(self) -> Array:
        """A random state at which kernels are compared with the reference."""
        return 0.5 * np.random.default_rng(0).standard_normal(self.model.size)

    def check_kernel(self, gradient: Array, value: float) -> None:
        """Compare a kernel's gradient and objective at the `probe` with the reference."""
        expected = np.append(self.gradient(self.probe), self.objective(self.probe))
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.abs(np.append(gradient, value) - expected).max() / np.abs(expected).max()
        if not np.all(np.isfinite(expected)) or not np.any(expected):
            return
        if not gap < 1e-9:
            raise KernelError(
                f"The compiled gradient of {self.model!r} is off by {gap:.1e} at a random state; "
                "use the reference, by `method='DOP853', compiled=False` or `backend='numpy'`, and "
                "report it unless the kernel is your own."
            )

    @cached_property
    def _kernel(self) -> KernelParts:
        return self.route.kernel()

    @cached_property
    def loss_source(self) -> str:
        """Source of the compiled loss of one residual and its derivative."""
        value, derivative = self.loss.kernel
        return _LOSS.replace("VALUE", value).replace("DERIVATIVE", derivative)

    @cached_property
    def kernel_source(self) -> str:
        """Source of the compiled module (see `compiled`)."""
        return "\n\n".join((self.gradient_source, _FIELD))

    @cached_property
    def gradient_source(self) -> str:
        """The part of it that loops of other kinds are written around."""
        gradient = _PLAIN if self.penalty is None else _PENALIZED
        return "\n\n".join((KERNEL_HEAD, self.loss_source, self._kernel.source, gradient))

    @property
    def kernel_lines(self) -> Lines | None:
        """Source of a tiny gradient, to be pasted into another loop; None for all others."""
        return self._kernel.lines if self.penalty is None else None

    def loop(self, name: str, source: Callable[[], str]) -> Any:
        """Return a generated loop around this problem's kernel, made only once."""
        made = self._loops.get(name)
        if made is None:
            made = self._loops[name] = load_source(source(), name=f"{name}_{self.model.size}")
        return made

    @cached_property
    def _loops(self) -> dict[str, Any]:
        return {}

    @cached_property
    def checked(self) -> set[str]:
        """Names of the loops in which the field has been compared with the reference."""
        return set()

    @cached_property
    def kernel_data(self) -> tuple[Any, ...]:
        """Arrays the compiled gradient reads, in the order of its arguments, with work space.

        All are flat, contiguous and writeable, whatever they were: a loop compiled for these
        types then serves every problem.
        """
        rate = 0.0 if self.penalty is None else self.penalty.rate
        parts, weight = self._kernel, np.array([self.route.weight, rate])
        weight = np.append(weight, -weight)  # all is linear in it, so that these give the field
        scratch = _aligned([max(size, 1) for size in (parts.work, *[parts.predictions] * 2)])
        index, rows = np.array(parts.index).reshape(-1), np.array(parts.rows).reshape(-1)
        return (np.array(parts.values), index, rows, weight, *scratch)

    @cached_property
    def address(self) -> int:
        """Where the compiled vector field ``field(theta, *data, out) -> objective`` lies.

        Machine code under numba's own calling convention, for loops that are told at run time
        what to call. It stays as long as `compiled` does.
        """
        return address_of(self.compiled.field)

    def private_data(self) -> tuple[Any, ...]:
        """`kernel_data` with work space of its own, for a thread or a loop of its own."""
        shared, scratch = self.kernel_data[:4], self.kernel_data[4:]
        return (*shared, *_aligned([part.size for part in scratch]))

    def pointers(self, data: tuple[Any, ...]) -> NDArray[np.int64]:
        """Address and size of each array of `private_data`, one after the other."""
        found = self._pointers.copy()
        found[8::2] += data[4].ctypes.data - found[8]  # the work space is one piece of memory
        return found

    @cached_property
    def _pointers(self) -> NDArray[np.int64]:
        pairs = [number for part in self.kernel_data for number in (part.ctypes.data, part.size)]
        return np.array(pairs, dtype=np.int64)

    @cached_property
    def compiled_field(self) -> Callable[[float, Array], Array]:
        """Return the compiled ``-gradient(theta)``, with the signature SciPy's solvers expect."""
        kernel, data, shape = self.compiled.field, self.kernel_data, self._theta_shape

        def field(t: float, theta: Array) -> Array:
            if theta.shape != shape:  # the kernel would read and write past the end
                raise self._misshapen(theta)
            out = np.empty_like(theta)
            kernel(theta, *data, out)
            return out

        return field


def _aligned(sizes: list[int]) -> list[Array]:
    """Zeros that begin where cache lines do: a vector then lies in one."""
    line = 8  # numbers
    space = np.zeros(sum(size + line for size in sizes))
    begin, arrays = -space.ctypes.data // space.itemsize % line, []
    for size in sizes:
        arrays.append(space[begin : begin + size])
        begin += -(-size // line) * line
    return arrays


def address_of(kernel: Any) -> int:
    """Where a compiled ``field(theta, *data, out) -> float``, of one signature, lies."""
    from numba import float64

    (made,) = kernel.overloads.values()
    if made.signature.return_type != float64:
        raise TypeError("The compiled objective is no float64.")
    return int(made.library.get_pointer_to_function(made.fndesc.llvm_func_name))


KERNEL_HEAD = '''"""Compiled gradient of one problem; generated, do not edit."""

import math

import numpy as np
from numba import njit, types

vector, numbers = types.float64[::1], types.int64[::1]
KERNEL = (vector, vector, numbers, *[vector] * 6)
# Neither is called from C: that wrapper would take as long to compile as a small function.
compiled = njit(cache=True, no_cfunc_wrapper=True)
# Sums may be taken in any order, hence several terms at a time; infinities and NaNs stay.
reordered = njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, no_cfunc_wrapper=True)
# A call costs more than a loss does, and LLVM's own choice is to call.
inlined = njit(cache=True, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)'''

_LOSS = """@inlined
def loss_value(z):
    return VALUE


@inlined
def loss_derivative(z):
    return DERIVATIVE"""

_PLAIN = "gradient = loss_gradient"

_PENALIZED = """@compiled
def gradient(theta, values, index, rows, weight, work, tensor, cotangent, out):
    total = loss_gradient(theta, values, index, rows, weight, work, tensor, cotangent, out)
    for i in range(out.size):
        out[i] += weight[1] * theta[i]
        total += 0.5 * weight[1] * theta[i] * theta[i]
    return total"""

_FIELD = """@njit(KERNEL, cache=True, no_cfunc_wrapper=True)
def field(theta, values, index, rows, weight, work, tensor, cotangent, out):
    return -gradient(theta, values, index, rows, weight[2:], work, tensor, cotangent, out)
"""
