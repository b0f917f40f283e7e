"""CyRK: integrators in C++, given our compiled gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.bench.peers import Solve, failed
from dynlens.kernels.cache import load_source
from dynlens.kernels.gradient import KERNEL_HEAD
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

STEPS = 10**9
MEGABYTES = 8000


def cyrk(method: str, problem: Problem, theta0: Array) -> Solve:
    """Prepare one of CyRK's methods; it tells no number of gradients."""
    module = _module(problem)
    # Everything the gradient reads, and its work space, travel as one array of numbers.
    flat = [np.ascontiguousarray(part).reshape(-1).view(np.float64) for part in _data(problem)]
    arguments = np.concatenate(flat)
    address = module.callback.address

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, None]:
        times = np.array([0.0, t_end])
        final, fine = module.solve(
            address, times, theta0, method, arguments, rtol, atol, STEPS, MEGABYTES
        )
        return final if fine else failed(problem), None

    return solve


def _data(problem: Problem) -> tuple[Any, ...]:
    return problem.machine.data


def _module(problem: Problem) -> Any:
    """One generated module for a problem, whichever the method."""
    return load_source(callback_source(problem), name=f"cyrk_{problem.model.parameters}")


def callback_source(problem: Problem) -> str:
    """Source of the gradient as CyRK calls it, with pointers."""
    names, slices, start = "values, index, rows, weight, work, tensor, cotangent", [], 0
    for name, part in zip(names.split(", "), _data(problem), strict=True):
        view = ".view(np.int64)" if part.dtype == np.int64 else ""
        shape = f".reshape({part.shape})" if part.ndim > 1 else ""
        slices.append(f"{name} = given[{start} : {start + part.size}]{view}{shape}")
        start += part.size
    n, lines = problem.model.parameters, problem.machine.lines
    if lines is None:
        head = f"from {problem.machine.module.__name__} import field"
        body = [*slices, f"field(y, {names}, dy)"]
    else:  # a tiny gradient is pasted, as it is into our own loops
        head = problem.machine.loss_source
        theta, out = [f"x{i}" for i in range(n)], [f"y{i}" for i in range(n)]
        used = ("values", "weight")
        body = [line for line in slices if line.startswith(used)]
        body += [f"{name} = y[{i}]" for i, name in enumerate(theta)]
        body += lines(theta, out, "-")
        body += [f"dy[{i}] = {name}" for i, name in enumerate(out)]
    text = "\n    ".join(body)
    return f"""{KERNEL_HEAD}
from CyRK import cyjit, nbsolve2_ivp
from CyRK.nb.numba_solver import cyjit_sig
from numba import carray, cfunc

fastmath = {{"reassoc", "contract", "nsz"}}

{head}


@njit(fastmath=fastmath, error_model="numpy", forceinline=True)
def evaluate(dy, y, given):
    {text}


@cfunc(cyjit_sig, error_model="numpy")
def callback(dy, t, y, given):
    evaluate(carray(dy, ({n},)), carray(y, ({n},)), carray(given, ({start},)))


@njit
def solve(address, times, theta0, method, given, rtol, atol, steps, megabytes):
    answer = nbsolve2_ivp(
        address,
        (times[0], times[1]),
        theta0,
        method=method,
        t_eval=times,
        args=given,
        rtol=rtol,
        atol=atol,
        max_num_steps=steps,
        max_ram_MB=megabytes,
    )
    fine = answer.success
    final = answer.y[:, -1].copy() if answer.size > 0 else theta0 * np.nan
    answer.free()
    return final, fine
"""
