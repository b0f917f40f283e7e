r"""Stabilized Runge-Kutta methods, for stiff flows of many parameters.

With m stages they are stable for :math:`h \rho` in proportion to :math:`m^2`, where an ordinary
method with as many stages gains no more than in proportion to m. The curvature :math:`\rho` is
found by the power method on differences of the gradient, whose direction is kept from one estimate
to the next. A step of order two is in `loops.rkc`, one of order four in `loops.rock`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dynlens.kernels.sources import source_of
from dynlens.problems.problem import Problem
from dynlens.stepping import rock
from dynlens.stepping.integrators import integrator
from dynlens.stepping.stepper import CompiledStepper, framed
from dynlens.support.typing import Array

RKC, ROCK = "RKC2", "ROCK4"
BLOCKS = {RKC: 8, ROCK: 12}


class Stabilized(CompiledStepper):
    """One integration by a stabilized method.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    name : {"RKC2", "ROCK4"}
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try.
    watchful : bool
        Return when the steps have become so short that an ordinary method could take them.
    """

    def __init__(
        self,
        problem: Problem,
        theta0: Array,
        name: str,
        t_end: float,
        *,
        t: float = 0.0,
        rtol: float,
        atol: float,
        step: float | None = None,
        watchful: bool = False,
    ) -> None:
        limits = (rtol, atol, 1.0 if watchful else 0.0)
        source = partial(stabilized_source, name)
        super().__init__(problem, name, source, theta0, BLOCKS[name], t, t_end, limits)
        self.begin(step)  # the loop chooses the first step by the curvature


@integrator(RKC, order=2, kind="stabilized")
def rkc2(problem: Problem, theta0: Array, t_end: float, **options: Any) -> Stabilized:
    """Return the method of Sommeijer, Shampine & Verwer, about to take its first step."""
    return Stabilized(problem, theta0, RKC, t_end, **options)


@integrator(ROCK, order=4, kind="stabilized")
def rock4(problem: Problem, theta0: Array, t_end: float, **options: Any) -> Stabilized:
    """Return the method of Abdulle, about to take its first step."""
    return Stabilized(problem, theta0, ROCK, t_end, **options)


def stabilized_source(name: str, field: str = "") -> str:
    """Text of the loop."""
    if name == ROCK:
        method = source_of("dynlens.stepping.loops.rock", ROCK=rock.coefficients())
    else:
        method = source_of("dynlens.stepping.loops.rkc")
    return framed(field, method, source_of("dynlens.stepping.loops.stabilized"))
