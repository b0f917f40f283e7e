"""How a compiled loop calls the vector field: at one block of a flat array, into another.

A loop compiled once for all problems calls it by its address. A tiny gradient is worth a loop of
its own, with the gradient pasted in; but that takes seconds to compile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dynlens.kernels.gradient import KERNEL_HEAD
from dynlens.problems.problem import Problem

FAST = """import math

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

# Sums may be taken in any order; infinities and NaNs stay what they are.
options = {
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
    "no_cfunc_wrapper": True,
}
vector, numbers, scalar, place = types.float64[::1], types.int64[::1], types.float64, types.intp


def fast(*kinds):
    # What Python calls lets other threads run, and is compiled as soon as the module is there.
    return njit(kinds, **options, nogil=True)


seldom = njit(**options, nogil=True)  # Python calls it in tests, or at events: compiled then
# Never called from Python either: a wrapper takes as long to compile as the function.
hidden = {**options, "no_cpython_wrapper": True}
inner = njit(**hidden)
# One copy of each, whoever calls it: the same bits whether compiled now or loaded from the cache.
part = njit(**hidden, forceinline=True)


def _view(context, builder, kind, flat, start, n):
    pointer = context.make_array(kind)(context, builder, flat).data
    made = context.make_array(kind)(context, builder)
    size = context.get_constant(types.intp, 8)
    data = builder.gep(pointer, [start])
    populate_array(made, data=data, shape=[n], strides=[size], itemsize=size, meminfo=None)
    return made._getvalue()


@intrinsic
def stretch(typing_context, w, start, n):
    \"\"\"n numbers from a place on: no copy, no count of references, no sign to be checked.\"\"\"

    def generate(context, builder, signature, arguments):
        return _view(context, builder, w, *arguments)

    return types.float64[::1](w, types.intp, types.intp), generate


@intrinsic
def block(typing_context, w, j, n):
    \"\"\"Block j of n numbers.\"\"\"

    def generate(context, builder, signature, arguments):
        flat, j, n = arguments
        return _view(context, builder, w, flat, builder.mul(j, n), n)

    return types.float64[::1](w, types.intp, types.intp), generate
""".replace('\\"', '"')

# `Problem.address` and `Problem.pointers` are made for each other, and for this.
POINTED = """


GIVEN = (place, place, numbers)  # see `field_data`
FIELD = (vector, vector, numbers, *[vector] * 6)


@intrinsic
def call(typing_context, address, theta, pointers, out):
    \"\"\"Call the compiled ``field(theta, *data, out)`` at an address.\"\"\"

    def generate(context, builder, signature, arguments):
        address, theta, pointers, out = arguments
        places = context.make_array(numbers)(context, builder, pointers).data

        def array_at(k, kind):
            made = context.make_array(kind)(context, builder)
            pointer, size = (
                builder.load(cgutils.gep_inbounds(builder, places, 2 * k + m)) for m in range(2)
            )
            eight = context.get_constant(types.intp, 8)
            data = builder.inttoptr(pointer, made.data.type)
            populate_array(
                made, data=data, shape=[size], strides=[eight], itemsize=eight, meminfo=None
            )
            return made._getvalue()

        convention = context.call_conv
        kind = convention.get_function_type(types.float64, FIELD)
        function = builder.inttoptr(address, kind.as_pointer())
        data = [array_at(k, kind) for k, kind in enumerate(FIELD[1:-1])]
        status, loss = convention.call_function(
            builder, function, types.float64, FIELD, (theta, *data, out)
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return loss

    return types.float64(types.intp, vector, numbers, vector), generate


"""


@dataclass(frozen=True)
class Field:
    """What a loop needs of the field.

    Parameters
    ----------
    head : str
        Source to begin a module with.
    n : str
        The number of parameters: a number, or ``"n"`` where it is an argument.
    arguments : str
        Names of what else the expression reads; see `field_data`.
    """

    head: str
    n: str
    arguments: str

    def call(self, at: Any, to: Any) -> str:
        """Source that evaluates the field at one block of ``w`` into another: the objective."""
        theta, out = (f"block(w, {j}, {self.n})" for j in (at, to))
        if self.own:
            return f"call({theta}, values, weight, {out})"
        return f"call(address, {theta}, pointers, {out})"

    @property
    def own(self) -> bool:
        """Whether the gradient is pasted into the loop."""
        return self.n != "n"


SHARED = Field(f"{FAST}{POINTED}", "n", "n, address, pointers")


def pasted(problem: Problem) -> Field:
    """Return the field of a tiny problem, for a loop of its own."""
    n, lines = problem.model.parameters, problem.machine.lines
    assert lines is not None
    theta, out = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    body = [f"{name} = theta[{i}]" for i, name in enumerate(theta)]
    body += lines(theta, out, "-")
    body += [f"out[{i}] = {name}" for i, name in enumerate(out)]
    body += ["return weight[0] * total"]
    field = "\n    ".join(["@part", "def call(theta, values, weight, out):"][1:] + body)
    given = "GIVEN = (vector, vector)  # see `field_data`"
    head = "\n\n".join(
        (KERNEL_HEAD, problem.machine.loss_source, FAST, given, f"@part\n{field}\n\n")
    )
    return Field(head, str(n), "values, weight")


def field_data(problem: Problem, data: tuple[Any, ...], *, own: bool) -> tuple[Any, ...]:
    """Return what the call needs, in the order of its arguments.

    Parameters
    ----------
    problem : Problem
    data : tuple of ndarray
        `Problem.private_data`, to be kept as long as the call is made: only addresses are passed.
    own : bool
        Whether the gradient is pasted into the loop.
    """
    if own:
        return data[0], data[3]
    return problem.model.parameters, problem.machine.address, problem.machine.pointers(data)
