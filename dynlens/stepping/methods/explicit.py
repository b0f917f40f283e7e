"""Explicit Runge-Kutta methods whose whole loop is compiled beside the gradient it calls.

There is one loop for all problems, which is told the number of parameters and the address of the
gradient, and one for a tiny problem alone, into which both are written. All stages lie in one flat
array, block after block.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dynlens.kernels.sources import source_of
from dynlens.problems.problem import Problem
from dynlens.stepping.integrators import integrator
from dynlens.stepping.stage_sums import constants, tables, unrolled_sums
from dynlens.stepping.stepper import CompiledStepper, framed
from dynlens.stepping.tableaus import TABLEAUS, Tableau
from dynlens.support.typing import Array


class Explicit(CompiledStepper):
    """One integration by an explicit method.

    Parameters
    ----------
    problem : Problem
    theta0 : ndarray, shape (P,)
    name : str
        Of a tableau in `TABLEAUS`.
    t, t_end : float
    rtol, atol : float
    step : float, optional
        First step to try; chosen by Hairer's rule unless given.
    watchful : bool
        Return when the problem has turned stiff (see Notes).
    own : bool
        Let a tiny problem have a loop of its own, which takes seconds to compile.

    Notes
    -----
    The step is stiff if it is as long as stability allows. Two states at the end of the step are
    compared, a trial one and the new one: the ratio of the distance of their slopes to their own
    distance never exceeds the largest curvature between them, so that it can miss stiffness but
    not invent it. It must be found in fifteen steps that are not interrupted by six others, as in
    Hairer's codes.
    """

    slope = 3

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
        own: bool = False,
    ) -> None:
        tableau = TABLEAUS[name]
        self.spare, self.root = 3 + tableau.count, 1 / tableau.estimate_order
        limits = (rtol, atol, tableau.stable if watchful else 0.0)
        source = partial(explicit_source, tableau)
        blocks = 6 + tableau.count + len(tableau.extra)
        super().__init__(problem, name, source, theta0, blocks, t, t_end, limits, own=own)
        self.begin(step)


def enter(tableau: Tableau) -> None:
    """Enter a method into the table of integrators, and for lanes."""
    name = tableau.name

    @integrator(name, order=tableau.order, kind="explicit", stages=tableau.count)
    def make(
        problem: Problem, theta0: Array, t_end: float, *, watchful: bool = False, **options: Any
    ) -> Explicit:
        # What watches is one method of several: it shares its loop, which is compiled once for all.
        own = not watchful
        return Explicit(problem, theta0, name, t_end, watchful=watchful, own=own, **options)

    TABLEAUS[name] = tableau


def explicit_source(tableau: Tableau, field: str = "") -> str:
    """Text of the loop of one method: for all problems, or around the `field` of a tiny one."""
    known = source_of("dynlens.stepping.loops.tableau", **constants(tableau))
    if field:
        begin = source_of("dynlens.stepping.loops.begin")
        return framed(field, known, unrolled_sums(tableau), begin)
    return framed(known, source_of("dynlens.stepping.loops.tabled", TABLES=tables(tableau)))


for _tableau in tuple(TABLEAUS.values()):
    enter(_tableau)
