r"""Radau IIA of order 9 for stiff flows of few parameters, in one compiled loop for all problems.

The algorithm is that of Hairer & Wanner (1999), *Stiff differential equations solved by Radau
methods*, with five stages throughout. The long tail of a gradient flow is smooth, so that at equal
error it takes a third of the steps that order five takes. What differs from theirs:

* A gradient flow's Jacobian is minus a symmetric Hessian, which is reduced to tridiagonal form
  once: see `radau`. A change of the step then costs next to nothing.
* The Hessian is a central difference of the compiled gradient, symmetrized. Its error of about
  1e-10 costs nothing, because Newton's iteration corrects it.
* What limits the steps late in a tail is Newton's iteration, whose matrix is that of the start
  while the stiff directions turn. A step at which it failed is remembered, and approached by a
  tenth at a time; otherwise every step would be tried too long first, and half of the work lost.
"""

from __future__ import annotations

from dynlens.kernels.sources import source_of
from dynlens.problems.problem import Problem
from dynlens.stepping.integrators import integrator
from dynlens.stepping.layout import HITS
from dynlens.stepping.radau import coefficients
from dynlens.stepping.stepper import CompiledStepper, framed
from dynlens.support.typing import Array

NAME = "Radau9"


@integrator(NAME, order=9, kind="implicit")
class Implicit(CompiledStepper):
    """One integration by Radau IIA with five stages.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try; chosen by Hairer's rule unless given.
    watchful : bool
        Return when the steps have become so short that an explicit method could take them.
    """

    root = 1 / 4

    def __init__(
        self,
        problem: Problem,
        theta0: Array,
        t_end: float,
        *,
        t: float = 0.0,
        rtol: float,
        atol: float,
        step: float | None = None,
        watchful: bool = False,
    ) -> None:
        limits = (rtol, atol, 1.0 if watchful else 0.0)
        # Vectors, then the Hessian and the basis in which it is tridiagonal.
        n = problem.model.parameters
        super().__init__(problem, NAME, implicit_source, theta0, 41 + 2 * n, t, t_end, limits)
        self.counts[HITS] = 2  # see `WANTED` in `loops.implicit`
        self.begin(step)


def implicit_source(field: str = "") -> str:
    """Text of the loop."""
    algebra = source_of("dynlens.stepping.loops.radau_algebra", RADAU=coefficients())
    return framed(field, algebra, source_of("dynlens.stepping.loops.implicit"))
