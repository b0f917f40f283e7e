"""Claims about gradient descent: closed forms, every step, stability, orders in the step."""

from __future__ import annotations

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind, pairs
from dynlens.calibration.kinds.paths import SCALAR, planted
from dynlens.cases.backward_error import BackwardError
from dynlens.cases.base import Start
from dynlens.cases.descents import DescentCase
from dynlens.cases.paths import Path
from dynlens.claims.equations import AtLeast, ClosedForm
from dynlens.claims.limits import PowerLaw
from dynlens.claims.orders import LeadingError, Order, Recursion
from dynlens.problems.instances import completion_problem
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem


def line(goal: float) -> Problem:
    """One number, fitted to another: the curvature is one."""
    return Problem(SCALAR[1], SquaredLoss(), Full([[goal]]))


@kind
def long_descents(draw: Draw) -> Stated:
    """Closed forms of descent after up to 1e6 steps; false: the factor of a step is off."""
    eta, steps = draw.spread(1e-6, 0.5), round(draw.spread(10, 1e6))
    steps = min(steps, max(10, round(20 / eta)))
    goal, start = draw.uniform(0.2, 2.0), draw.uniform(0.2, 3.0)
    path = Path(line(goal), (start,), eta * steps, eta=eta, saves=21)
    # The factor of a step to the power of a million must not be rounded beforehand.
    off = "" if draw.true else f" * (1 + {draw.error!r} * h)"
    form = f"{goal!r} + ({start!r} - {goal!r}) * ((1 - h){off})**(t / h)"
    claim = ClosedForm("end_to_end[0, 0]", form, given=pairs(h=eta), tolerance=draw.tolerance(1e-9))
    return Stated(claim, path, 0.0 if draw.true else 0.9 * planted(claim, path))


@kind
def recursions(draw: Draw) -> Stated:
    """What every step of descent does; false: the factor of a step is off."""
    steps, eta = draw.whole(5, 300), draw.uniform(0.01, 0.3)
    if draw.sometimes(0.5):
        goal = draw.uniform(0.2, 2.0)
        path = Path(line(goal), (draw.uniform(0.2, 3.0),), eta * steps, eta=eta, saves=steps + 1)
        factor, of = "1 - eta", f"end_to_end[0, 0] - {goal!r}"
    else:
        problem = Problem(SCALAR[2], SquaredLoss(), Full([[1.0]]))
        start = (draw.uniform(0.3, 0.6), draw.uniform(1.2, 1.8))
        eta = min(eta, 0.15)
        path = Path(problem, start, eta * steps, eta=eta, saves=steps + 1)
        factor, of = "1 - 2 * eta**2 * loss", "imbalances"
    claim = Recursion(of, factor=f"{draw.factor} * ({factor})", tolerance=draw.tolerance(1e-11))
    return Stated(claim, path, 0.5 * abs(draw.error))


@kind
def stability(draw: Draw) -> Stated:
    """Steps on either side of 2 / curvature, 1e-1 to 1e-12 away from it."""
    away, steps = draw.size, draw.whole(10, 2000)
    stable = draw.sometimes(0.5)
    eta = 2 - 2 * away if stable else 2 + 2 * away
    goal = draw.one_of((0.0, 0.5))
    path = Path(line(goal), (goal + draw.uniform(0.5, 2.0),), eta * steps, eta=eta, saves=11)
    falls = stable == draw.true
    claim = AtLeast("loss_0", "loss") if falls else AtLeast("loss", "loss_0")
    # The loss is multiplied by (1 - eta)^2 at every step.
    return Stated(claim, path, 0.9 * float(np.tanh(2 * away * steps)))


LADDERS = tuple(
    DescentCase(completion_problem(depth), Start(scale, kind_, seed=seed), 2.0, etas)
    for depth, kind_, scale, seed, etas in (
        (2, "gaussian", 0.5, 0, (0.02, 0.01, 0.005)),
        (2, "balanced", 0.3, 1, (0.01, 0.005, 0.0025)),
        (3, "gaussian", 0.6, 0, (0.01, 0.005, 0.0025)),
        (2, "gaussian", 0.7, 3, (0.02, 0.01, 0.005, 0.0025)),
    )
)


@kind
def orders(draw: Draw) -> Stated:
    """Orders in the step of the distance to the flow; false: another order or equation."""
    case = draw.one_of(LADDERS)
    what = draw.whole(0, 2)
    if what == 0:
        off = 0.0 if draw.true else draw.uniform(0.2, 1.0) * draw.one_of((-1, 1))
        quantity = draw.one_of(("theta", "end_to_end", "loss"))
        return Stated(Order(expected=max(0.1, 1.0 + off), quantity=quantity), case, abs(off))
    linear, forcing = draw.one_of(((1.0, -0.5), (0.0, 0.5), (1.0, 1.0), (1.0, 0.4)))
    if draw.true:
        linear, forcing = 1.0, 0.5
    if what == 1:
        claim = Order(expected=2.0, band=0.1, remainder=True, linear=linear, forcing=forcing)
        return Stated(claim, case, 0.5)
    off = 0.0 if draw.true else 0.1
    return Stated(LeadingError(linear=linear, forcing=forcing), case, off)


STEPS = tuple(
    BackwardError(completion_problem(2), Start(0.6, "gaussian", seed=seed), (0.02, 0.01, 0.005))
    for seed in (0, 1)
)


@kind
def modified_flows(draw: Draw) -> Stated:
    """Orders in one step of the distance to modified flows; false: another order."""
    of, exponent = draw.one_of((("to_flow", 2), ("to_first", 3), ("to_second", 4)))
    off = 0.0 if draw.true else draw.one_of((-1.0, 1.0, 0.5, -0.5))
    return Stated(PowerLaw(of, "eta", exponent + off), draw.one_of(STEPS), abs(off))
