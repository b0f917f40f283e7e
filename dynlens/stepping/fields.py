"""What a loop is told of a problem: where its field lies, or the field itself.

A loop compiled once for all problems calls the field by its address: see `loops.field`. A tiny
gradient is worth a loop of its own, with the gradient pasted in; but that takes seconds to compile.
"""

from __future__ import annotations

from typing import Any

from dynlens.kernels.gradient import KERNEL_HEAD
from dynlens.problems.problem import Problem

# Generated: straight lines that only the problem can write.
_PASTED = """{head}

{loss}

from numba import types

from dynlens.stepping.loops.basics import VECTOR, machine, part

N = {n}
FIELD = types.UniTuple(VECTOR, 2)  # see `field_data`


def _size(typing_context, field):
    def generate(context, builder, signature, arguments):
        return context.get_constant(types.intp, N)

    return types.intp(field), generate


@machine(_size)
def size(field):
    return N


@part
def call(field, theta, out):
    values, weight = field
    {lines}
    return weight[0] * total
"""


def pasted(problem: Problem) -> str:
    """Text of the field of a tiny problem, to stand in for `loops.field`."""
    n, lines = problem.model.parameters, problem.machine.lines
    assert lines is not None
    theta, out = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
    body = [f"{name} = theta[{i}]" for i, name in enumerate(theta)]
    body += lines(theta, out, "-")
    body += [f"out[{i}] = {name}" for i, name in enumerate(out)]
    text = "\n    ".join(body)
    return _PASTED.format(head=KERNEL_HEAD, loss=problem.machine.loss_source, n=n, lines=text)


def field_data(problem: Problem, data: tuple[Any, ...], *, own: bool) -> tuple[Any, ...]:
    """Return what a loop calls ``field``.

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
