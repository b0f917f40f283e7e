"""Integrators that bring their own gradient: heyoka, diffrax, torchdiffeq."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from dynlens.bench.peers import Solve, failed
from dynlens.bench.portable import portable_field
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def heyoka(problem: Problem, theta0: Array) -> Solve:
    """Taylor series of the expressions, compiled for each tolerance."""
    import heyoka as hy

    names = [hy.make_vars(f"x{i}") for i in range(problem.model.parameters)]
    vector = np.empty(len(names), dtype=object)
    vector[:] = names
    field = portable_field(problem, lambda a: a, np.concatenate)(vector)
    system = list(zip(names, field, strict=True))
    made: dict[float, Any] = {}

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, int]:
        loop = made.get(rtol)
        if loop is None:
            loop = made[rtol] = hy.taylor_adaptive(system, theta0.copy(), tol=rtol)
        loop.time = 0.0
        loop.state[:] = theta0
        steps = loop.propagate_until(t_end)[3]
        # Not gradients, but as many coefficients as the series has.
        return loop.state.copy(), int(steps) * int(loop.order)

    return solve


def diffrax(problem: Problem, theta0: Array) -> Solve:
    """Tsit5, compiled by XLA together with the gradient."""
    jax, one = by_diffrax(problem)
    run, start = jax.jit(one), jax.numpy.asarray(theta0)

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, int]:
        final, steps = run(start, t_end, rtol, atol)
        return np.asarray(final), 6 * int(steps)

    return solve


def by_diffrax(problem: Problem) -> tuple[Any, Callable[..., Any]]:
    """Return jax, and ``one(theta, t_end, rtol, atol) -> last state, steps``."""
    # Read once, when jax first compiles: on one core, handing work to threads costs a tenth or two.
    os.environ.setdefault("XLA_FLAGS", ONE_THREAD)
    import diffrax as dx
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    field = portable_field(problem, jnp.asarray, jnp.concatenate)
    term, method = dx.ODETerm(lambda t, theta, args: field(theta)), dx.Tsit5()

    def one(theta: Any, t_end: Any, rtol: Any, atol: Any) -> Any:
        answer = dx.diffeqsolve(
            term,
            method,
            0.0,
            t_end,
            None,
            theta,
            stepsize_controller=dx.PIDController(rtol=rtol, atol=atol),
            saveat=dx.SaveAt(t1=True),
            max_steps=None,
            adjoint=dx.ForwardMode(),
            throw=False,
        )
        return answer.ys[-1], answer.stats["num_steps"]

    return jax, one


def torchdiffeq(problem: Problem, theta0: Array) -> Solve:
    """Dormand and Prince's method of order eight, called from Python."""
    import torch
    import torchdiffeq as td

    torch.set_num_threads(1)
    field = portable_field(problem, torch.tensor, torch.cat)
    count = 0

    def counted(t: Any, theta: Any) -> Any:
        nonlocal count
        count += 1
        return field(theta)

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, int]:
        nonlocal count
        count = 0
        times = torch.tensor([0.0, t_end], dtype=torch.float64)
        try:
            with torch.no_grad():
                answer = td.odeint(
                    counted, torch.tensor(theta0), times, rtol=rtol, atol=atol, method="dopri8"
                )
        except AssertionError:  # a first step so long that it overflows is not taken back
            return failed(problem), count
        return answer[-1].numpy(), count

    return solve
