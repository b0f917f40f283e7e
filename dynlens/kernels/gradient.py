"""The gradient of one problem, compiled: its source, its arrays, its addresses, its check.

A kernel is put together from parts, those of the model, of the observations, of the loss and of the
penalty, and compared with the reference at a random state before it is used. Loops of other kinds
are written around it, or are told at run time where it lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.cache import load_source
from dynlens.kernels.sources import linked, source_of
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array

Lines = Callable[[Sequence[str], Sequence[str], str], list[str]]
KERNEL_HEAD = source_of("dynlens.kernels.loops.head")
# Written from a loss's two expressions.
LOSS = """@inlined
def loss_value(z):
    return {value}


@inlined
def loss_derivative(z):
    return {derivative}
"""


@dataclass(frozen=True)
class KernelParts:
    """What a compiled gradient is made of, besides the loss of one residual.

    Parameters
    ----------
    sources : tuple of str
        Texts of the functions of the model and of the observations, and of ``loss_gradient``, which
        calls them.
    values, index, rows : ndarray
        What they read.
    work, predictions : int
        Sizes of the work space and of what ``loss_gradient`` measures.
    lines : callable, optional
        Of a tiny gradient: ``lines(theta, out, sign)`` returns its source without a loop, to be
        pasted where it is needed (see `dynlens.kernels.unrolled`).
    """

    sources: tuple[str, ...]
    values: Array
    index: NDArray[np.int64]
    rows: Array
    work: int
    predictions: int
    lines: Lines | None = None


@dataclass(frozen=True)
class Reference:
    """What a kernel must equal.

    Parameters
    ----------
    title : str
        Whose it is.
    probe : ndarray, shape (P,)
        A random state.
    gradient, objective : callable
        Of a state, shape (P,), in numpy.
    """

    title: str
    probe: Array
    gradient: Callable[[Array], Array]
    objective: Callable[[Array], Array]


class Gradient:
    """The compiled gradient of one problem.

    Parameters
    ----------
    parts : KernelParts
    loss : tuple of str
        Python source of ``l(z)`` and ``l'(z)``.
    weight : float
        Factor in front of the sum of all losses.
    penalty : float or None
        Rate of the penalty: its gradient is this times the parameters.
    reference : Reference
    """

    def __init__(
        self,
        parts: KernelParts,
        loss: tuple[str, str],
        weight: float,
        penalty: float | None,
        reference: Reference,
    ) -> None:
        self.parts, self.weight, self.penalty = parts, weight, penalty
        self.reference, self.size = reference, reference.probe.size
        self.loss_source = LOSS.format(value=loss[0], derivative=loss[1])
        self.checked: set[str] = set()  # names of the loops whose field has been checked
        self.loops: dict[str, Any] = {}

    @property
    def probe(self) -> Array:
        """The state at which kernels are compared with the reference."""
        return self.reference.probe

    # -- its code ---------------------------------------------------------------------------------

    @cached_property
    def module(self) -> Any:
        """Generated module: ``gradient(theta, *data, out) -> objective``, and ``field``.

        Raises
        ------
        KernelError
            If it does not equal the reference: a wrong kernel, or code that was wrongly compiled.
        """
        with self.explained():
            module = load_source(self.source, name="gradient")
        out = np.empty(self.size)
        self.check(out, module.gradient(self.probe, *self.data, out))
        return module

    @cached_property
    def source(self) -> str:
        """Source of the `module`."""
        return linked(self.gradient_source, source_of("dynlens.kernels.loops.field"))

    @cached_property
    def gradient_source(self) -> str:
        """The part of it that loops of other kinds are written around."""
        gradient = "plain" if self.penalty is None else "penalized"
        last = source_of(f"dynlens.kernels.loops.{gradient}")
        return linked(KERNEL_HEAD, self.loss_source, *self.parts.sources, last)

    @property
    def lines(self) -> Lines | None:
        """Source of a tiny gradient, to be pasted into another loop; None for all others."""
        return self.parts.lines if self.penalty is None else None

    def loop(self, name: str, source: Callable[[], str]) -> Any:
        """Return a generated loop around this kernel, made only once."""
        made = self.loops.get(name)
        if made is None:
            with self.explained():
                made = self.loops[name] = load_source(source(), name=f"{name}_{self.size}")
        return made

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Where code around this kernel is compiled: say whose it is if that fails.

        Raises
        ------
        KernelError
        """
        from numba.core.errors import NumbaError

        try:
            yield
        except (NumbaError, SyntaxError, NameError, ValueError) as error:
            # Numba's text has many lines; the one that names what is wrong mentions an error.
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            why = next((line for line in lines if "rror" in line), lines[0] if lines else "")
            raise KernelError(
                f"The kernel of {self.reference.title} does not compile ({why[:200]}); mend the "
                "source that `kernel` returns, or let it return None to do without."
            ) from error

    def check(self, gradient: Array, value: float) -> None:
        """Compare a kernel's gradient and objective at the `probe` with the reference.

        Raises
        ------
        KernelError
            If they differ by more than rounding.
        """
        exact = self.reference
        expected = np.append(exact.gradient(self.probe), exact.objective(self.probe))
        with np.errstate(invalid="ignore", divide="ignore"):
            gap = np.abs(np.append(gradient, value) - expected).max() / np.abs(expected).max()
        if not np.all(np.isfinite(expected)) or not np.any(expected):
            return
        if not gap < 1e-9:
            raise KernelError(
                f"The compiled gradient of {exact.title} is off by {gap:.1e} at a random state; "
                "use the reference, by `method='DOP853', compiled=False` or `backend='numpy'`, and "
                "report it unless the kernel is your own."
            )

    # -- its arrays -------------------------------------------------------------------------------

    @cached_property
    def data(self) -> tuple[Any, ...]:
        """Arrays the compiled gradient reads, in the order of its arguments, with work space.

        All are flat, contiguous and writeable, whatever they were: a loop compiled for these
        types then serves every problem.
        """
        parts, weight = self.parts, np.array([self.weight, self.penalty or 0.0])
        weight = np.append(weight, -weight)  # all is linear in it, so that these give the field
        scratch = _aligned([max(size, 1) for size in (parts.work, *[parts.predictions] * 2)])
        index, rows = np.array(parts.index).reshape(-1), np.array(parts.rows).reshape(-1)
        return (np.array(parts.values), index, rows, weight, *scratch)

    def private_data(self) -> tuple[Any, ...]:
        """`data` with work space of its own, for a thread or a loop of its own."""
        shared, scratch = self.data[:4], self.data[4:]
        return (*shared, *_aligned([part.size for part in scratch]))

    # -- where they lie ---------------------------------------------------------------------------

    @cached_property
    def address(self) -> int:
        """Where the compiled vector field ``field(theta, *data, out) -> objective`` lies.

        Machine code under numba's own calling convention, for loops that are told at run time
        what to call. It stays as long as `module` does.
        """
        return address_of(self.module.field)

    def pointers(self, data: tuple[Any, ...]) -> NDArray[np.int64]:
        """Address and size of each array of `private_data`, one after the other."""
        found = self._pointers.copy()
        found[8::2] += data[4].ctypes.data - found[8]  # the work space is one piece of memory
        return found

    @cached_property
    def _pointers(self) -> NDArray[np.int64]:
        pairs = [number for part in self.data for number in (part.ctypes.data, part.size)]
        return np.array(pairs, dtype=np.int64)


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
