"""Claims along the flow: closed forms, conservation, late times, and one time only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.calibration.kinds.statics import values
from dynlens.cases.base import Start
from dynlens.cases.formulas import compiled_formula
from dynlens.cases.paths import Path
from dynlens.claims.equations import AtLeast, ClosedForm, Conserved
from dynlens.models.base import Model
from dynlens.models.cp import CPFactorization
from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, binary_tree
from dynlens.models.quadratic import QuadraticNetwork
from dynlens.models.symmetric import SymmetricTensor
from dynlens.problems.instances import completion_problem
from dynlens.problems.losses import HuberLoss, SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem

SCALAR = {depth: DeepLinear((1,) * (depth + 1)) for depth in (1, 2, 3)}


@dataclass(frozen=True)
class Solved:
    """A flow that is known: the end-to-end number is ``form`` of ``t``, its start and constants.

    The constant called ``k`` is the rate of the form, in which errors are planted.
    """

    problem: Problem
    start: tuple[float, ...]
    form: str
    numbers: tuple[tuple[str, float], ...]
    t_end: float

    def path(self, t_end: float | None = None, **settings: Any) -> Path:
        """Follow it."""
        return Path(self.problem, self.start, t_end or self.t_end, **settings)

    def at(self, t: np.ndarray, **changed: float) -> np.ndarray:
        """Values of the form, with some of its numbers changed."""
        names, function = compiled_formula(self.form)
        first = float(self.problem.end_to_end(np.array(self.start)).ravel()[0])
        known = {"t": t, "w_0": first, **dict(self.numbers), **changed}
        return np.broadcast_to(function(*(known[name] for name in names)), t.shape)

    def text(self, **changed: float) -> str:
        """Return the form in names of quantities and in numbers."""
        found = self.form.replace("w_0", "x_0")
        for name, value in (dict(self.numbers) | changed).items():
            found = found.replace(name, f"({value!r})")
        return found


def solved(draw: Draw) -> Solved:
    """One of the flows of a number that are known in closed form."""
    goal, start = draw.uniform(0.3, 2.0), draw.uniform(0.1, 2.5)
    target = Full([[goal]])
    family = draw.whole(0, 6)
    half = draw.sometimes(0.7)
    loss, double = SquaredLoss(half=half), 1.0 if half else 2.0
    if family == 0:
        problem = Problem(SCALAR[1], loss, target)
        form, k = "M + (w_0 - M) * exp(-k * t)", double
        return Solved(problem, (start,), form, (("M", goal), ("k", k)), draw.uniform(1, 8))
    logistic = "M / (1 + (M / w_0 - 1) * exp(-k * t))"
    if family in (1, 2):
        model: Model = SCALAR[2] if family == 1 else CPFactorization((1, 1), 1)
        numbers = (("M", goal), ("k", 2 * goal * double))
        return Solved(Problem(model, loss, target), (start,) * 2, logistic, numbers,
                      draw.uniform(1, 5))  # fmt: skip
    if family == 3:  # w^2, whose gradient is twice that of a product
        problem = Problem(QuadraticNetwork(1, 1, (1,)), loss, target)
        numbers = (("M", goal), ("k", 4 * goal * double))
        return Solved(problem, (start,), logistic, numbers, draw.uniform(1, 3))
    if family == 4:
        problem = Problem(SCALAR[2], loss, Full([[0.0]]))
        form, t_end = "w_0 / (1 + k * w_0 * t)", draw.spread(1, 1e4)
        return Solved(problem, (start,) * 2, form, (("k", 2 * double),), t_end)
    # Far from the target Huber's gradient is constant.
    problem = Problem(SCALAR[family - 3], HuberLoss(0.7), Full([[1000.0]]))
    start = draw.uniform(0.3, 0.9)
    if family == 5:
        form, t_end = "w_0 * exp(k * t)", draw.uniform(0.5, 3)
        return Solved(problem, (start,) * 2, form, (("k", 1.4),), t_end)
    form = "(w_0**(-1/3) - k * t)**(-3)"
    return Solved(problem, (start,) * 3, form, (("k", 0.7),), draw.uniform(0.3, 0.9) / start / 0.7)


OF = ("{x}", "{x}**2", "log(1 + {x}**2)", "1 / (1 + {x})", "exp(-{x})")


def reading(shape: tuple[int, ...]) -> str:
    """Return the only entry of an end-to-end tensor."""
    return f"end_to_end[{', '.join('0' for _ in shape)}]"


def stated(draw: Draw, flow: Solved, path: Path, form: str, **settings: Any) -> ClosedForm:
    """A closed form of the number itself, or of a function of it."""
    x = reading(flow.problem.model.tensor_shape)
    form = form.replace("x_0", f"initial({x})")
    of = draw.one_of(OF)
    return ClosedForm(of.format(x=x), of.format(x=f"({form})"), **settings)


def planted(claim: ClosedForm, path: Path) -> float:
    """How far both sides of an equality are apart, relative to the larger: by brute force."""
    samples = path.samples()
    left, right = (claim.evaluate(side, samples) for side in claim.sides())
    share = np.abs(left - right) / np.maximum(np.abs(left), np.abs(right))
    return float(np.nanmax(share[claim.asserted(samples, share.shape)], initial=0.0))


@kind
def closed_forms(draw: Draw) -> Stated:
    """Closed forms along the flow; false: the rate in them is off."""
    flow = solved(draw)
    path = flow.path(saves=draw.one_of((31, "log", 101)))
    k = dict(flow.numbers)["k"]
    form = flow.text() if draw.true else flow.text(k=k * (1 + draw.error))
    claim = stated(draw, flow, path, form, tolerance=draw.tolerance(1e-7))
    # Known from the formulas; the flow is near enough to tell how large the error is.
    return Stated(claim, path, _size(draw, claim, path))


@kind
def at_one_time(draw: Draw) -> Stated:
    """Closed forms along the flow; false: off at one saved time only."""
    flow = solved(draw)
    flow = replace(flow, t_end=min(flow.t_end, 5.0))
    path = flow.path(saves=101)
    moment = float(path.trajectory.t[draw.whole(1, len(path.trajectory) - 1)])
    bell = f"exp(-((t - {moment!r}) / {1e-3 * flow.t_end!r})**2)"
    form = f"({flow.text()})"
    if not draw.true:
        form += f" * (1 + {draw.error!r} * {bell})"
    claim = stated(draw, flow, path, form, tolerance=draw.tolerance(1e-7))
    return Stated(claim, path, _size(draw, claim, path))


def _size(draw: Draw, claim: ClosedForm, path: Path) -> float:
    """Size of a planted error; below what the integrator resolves it is not worth a number."""
    return 0.0 if draw.true else 0.9 * planted(claim, path)


@kind
def late_times(draw: Draw) -> Stated:
    """Closed forms of what has decayed to rounding, or long after it has settled."""
    goal, start = draw.uniform(0.5, 2.0), draw.uniform(0.2, 3.0)
    t_end = draw.spread(20, 500)
    problem, k = (
        (Problem(SCALAR[1], SquaredLoss(), Full([[goal]])), 2.0)
        if draw.sometimes(0.6)
        else (Problem(SCALAR[1], SquaredLoss(half=False), Full([[goal]])), 4.0)
    )
    rate = k if draw.true else k * (1 + draw.error)
    after = draw.one_of((0.0, 0.5 * t_end, 0.9 * t_end))
    path = Path(problem, (start,), t_end, saves=draw.one_of((101, "log")))
    right = f"{(start - goal) ** 2 / 2 * (k / 2)!r} * exp(-{rate!r} * t)"
    claim: ClosedForm | AtLeast = ClosedForm("loss", right, after=after, tolerance=1e-6)
    if draw.sometimes(0.3):  # never wholly zero, says the exact flow
        claim = AtLeast("loss", f"({right}) / 2", after=after)
        return Stated(claim, path, 0.0) if draw.true else Stated(
            AtLeast(f"({right}) / 2", "loss", after=after), path, 1 / 3
        )  # fmt: skip
    return Stated(claim, path, 0.0 if draw.true else min(0.9, abs(draw.error)))


@kind
def lost_signs(draw: Draw) -> Stated:
    """The completion problem long after its determinant is lost to rounding.

    From alpha I the exact loss lies between (6 t)^(-2/3) / 8 and (6 t)^(-2/3) after t = 20.
    """
    alpha, t_end = draw.uniform(0.1, 1.0), draw.spread(1e3, 3e4)
    settings = draw.one_of(({}, {"after": t_end / 2}, {"where": f"t - {t_end / 2!r}"}))
    saves = draw.one_of((101, "log", (0.0, t_end)))
    path = Path(completion_problem(2), Start(alpha, "identity"), t_end, saves=saves)
    low, high = "(6 * t)**(-2/3) / 8", "(6 * t)**(-2/3)"
    if settings or isinstance(saves, tuple):
        choices: dict[bool, Any] = {
            True: (("loss", low), (high, "loss"), ("determinant", "0"), ("frobenius_norm", "2")),
            False: ((low, "loss"), ("loss", high), ("0", "determinant"), ("2", "frobenius_norm")),
        }
    else:
        choices = {
            True: (("determinant", "0"), ("loss_0", "loss"), ("loss", "1e-2 * (1 + t)**(-2/3)")),
            # Mostly one that is true until a third of the time is over.
            False: (*(("loss", f"0.6 * {6 * 0.4 * t_end!r}**(-2/3)"),) * 3, ("0.25", "loss")),
        }
    left, right = draw.one_of(choices[draw.true])
    if isinstance(saves, tuple) and not settings:
        settings = {"after": t_end / 2}
    return Stated(AtLeast(left, right, **settings), path)


MODELS = {
    "deep": DeepLinear((2, 3, 2)),
    "cp": CPFactorization((2, 2, 3), 2),
    "tree": HierarchicalTensor((2, 2, 2), binary_tree(3), widths=(2, 2)),
    "symmetric": SymmetricTensor(2, 3, 3, coefficients=None),
    "quadratic": QuadraticNetwork(2, 2),
}


def run(draw: Draw, t_end: float) -> Path:
    """The flow of some model from a random start, towards a random target."""
    model = MODELS[draw.one_of(tuple(MODELS))]
    target = Full(np.round(draw.rng.standard_normal(model.tensor_shape), 2))
    problem = Problem(model, SquaredLoss(), target)
    start = Start(draw.uniform(0.3, 0.9), "gaussian", seed=draw.whole(0, 10**6))
    return Path(problem, start, t_end, saves=draw.one_of((31, "log")))


@kind
def conservation(draw: Draw) -> Stated:
    """Imbalances along the flow of every model; false: a share of the loss is added."""
    path = run(draw, draw.spread(0.5, 20))
    of = draw.one_of(("imbalances", "imbalances[0]", "exp(imbalances[0])", "sum(imbalances)"))
    claim = Conserved(of if draw.true else f"{of} + {draw.error!r} * loss",
                      tolerance=draw.tolerance(1e-8))  # fmt: skip
    loss, size = values(path, "loss"), values(path, "squared_size")
    drift = np.max(np.abs(loss - loss[0]) / size)
    return Stated(claim, path, 0.95 * abs(draw.error) * float(drift))


@kind
def descent_of_the_loss(draw: Draw) -> Stated:
    """What falls along every flow; false: it must have fallen by a share at once."""
    path = run(draw, draw.spread(0.5, 20))
    share = abs(draw.error)
    claim = draw.one_of(
        (
            AtLeast(f"{1 - share!r} * loss_0", "loss", tolerance=draw.tolerance(1e-12)),
            AtLeast("0" if draw.true else f"-{1 + share!r} * gradient_norm**2", "d_loss"),
        )
    )
    return Stated(claim, path, share / 2.1)
