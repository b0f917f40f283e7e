r"""P1.E1: fitting a deep matrix factorization drives :math:`|W_{11}|` to infinity.

Two-by-two completion, depths 2, 3 and 4, by gradient descent and by gradient flow, from unbalanced
Gaussian starts as in the paper and from balanced ones, until the loss is 1e-4. The law
:math:`|W_{11}| \approx 1/\sqrt{2\ell}` holds at depths 3 and 4; at depth 2 the curves saturate, for
three different reasons, which the experiment takes apart and measures.

References
----------
razin2020implicit
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dynlens.cases import Path, Start
from dynlens.claims import BALANCED, POSITIVE_DETERMINANT, AtLeast
from dynlens.experiments.lab import Lab, Runs
from dynlens.experiments.p1_e1.integration import (
    EXACT_RTOL,
    Curve,
    by_descent,
    by_flow,
    in_exact_coordinates,
)
from dynlens.problems.instances import completion_problem
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array
from dynlens.verdict import Verdict

LEVELS = (1e-1, 1e-2, 1e-3, 1e-4)
GAUSSIAN = {2: 1e-3, 3: 8e-3, 4: 1e-1}  # std of the entries of the factors; 3 as published
BALANCED_SCALE = 1e-3  # std of the entries of the end-to-end matrix
# 3e-3 as published. At depth 4 the sharpness reaches 594; 3e-3 would oscillate at the end.
ETA = {2: 3e-3, 3: 3e-3, 4: 1e-3}
SEEDS = (0, 1, 2)
CENSUS = {2: 100, 3: 12, 4: 12}  # unbalanced starts that are counted rather than drawn
HALVINGS = 7
TOLERANCES = (1e-6, 1e-8, 1e-10, 1e-12)
FLOW = ("LSODA", 1e-8), ("Radau", 1e-7)  # the curve, and the one its error is measured against
SATURATED = 1e-8  # loss at which |W11| has stopped growing, where it stops


@dataclass(frozen=True, eq=False)
class Run(Curve):
    """A curve, with the depth, kind and seed of its start and how it was computed.

    ``start`` is "balanced", "unbalanced" or "symmetric"; ``source`` is "descent", "flow", or
    "exact" for the flow in coordinates that cannot lose the sign of the determinant. ``precision``
    is the step of descent or the relative tolerance of the flow.
    """

    depth: int
    start: str
    seed: int
    source: str
    precision: float


class Measured(NamedTuple):
    """What the experiment measures.

    Parameters
    ----------
    levels : tuple of float
        Losses at which curves are compared.
    runs : Runs
        What is drawn: descent and flow from every start, and the flow in exact coordinates.
    twins : Runs
        The same flows by another integrator.
    census : Runs
        Descents from further unbalanced starts, which are counted.
    symmetric : Run
        Descent from a start whose balance it keeps.
    steps, tolerances : Runs
        Descents with smaller and smaller steps, and flows with smaller and smaller tolerances, from
        the balanced start of depth 2 to a loss at which all that stops has stopped.
    verdict : Verdict
        What a claim's check makes of that flow.
    """

    levels: tuple[float, ...]
    runs: Runs[Run]
    twins: Runs[Run]
    census: Runs[Run]
    symmetric: Run
    steps: Runs[Run]
    tolerances: Runs[Run]
    verdict: Verdict


def start(problem: Problem, kind: str, seed: int) -> Array:
    """Draw a start with positive determinant, as all starts here have."""
    if kind == "symmetric":
        return problem.init(BALANCED_SCALE, kind="identity")
    if kind == "balanced":
        return problem.init(BALANCED_SCALE, kind="balanced", seed=seed, determinant=1)
    depth = len(problem.model.factor_shapes)
    return problem.init(GAUSSIAN[depth], kind="gaussian", seed=seed, determinant=1)


def descent(
    depth: int,
    kind: str,
    seed: int,
    levels: Sequence[float],
    *,
    eta: float | None = None,
    between: int = 8,
) -> Run:
    """Descend from a start, with the depth's own step unless told."""
    problem, step = completion_problem(depth), ETA[depth] if eta is None else eta
    curve = by_descent(problem, start(problem, kind, seed), step, levels, between=between)
    return Run(**vars(curve), depth=depth, start=kind, seed=seed, source="descent", precision=step)


def flow(
    depth: int,
    kind: str,
    seed: int,
    levels: Sequence[float],
    method: str,
    rtol: float,
    *,
    between: int = 8,
) -> Run:
    """Flow from a start."""
    problem = completion_problem(depth)
    curve = by_flow(problem, start(problem, kind, seed), levels, method, rtol, between=between)
    return Run(**vars(curve), depth=depth, start=kind, seed=seed, source="flow", precision=rtol)


def exact(levels: Sequence[float]) -> Run:
    """The flow of depth 2 from the balanced start, in exact coordinates."""
    theta0 = start(completion_problem(2), "balanced", 0)
    curve, rtol = in_exact_coordinates(theta0, levels), EXACT_RTOL
    return Run(**vars(curve), depth=2, start="balanced", seed=0, source="exact", precision=rtol)


def horizon() -> Verdict:
    """What a verdict makes of the flow of depth 2: judged up to its horizon, undecided beyond."""
    claim = AtLeast(
        left="frobenius_norm",
        right="1 / sqrt(2 * loss) - 8",
        assumptions=(BALANCED, POSITIVE_DETERMINANT),
    )
    recipe = Start(BALANCED_SCALE, "balanced", seed=0, determinant=1)
    numerics: dict[str, Any] = {"method": "LSODA", "rtol": 1e-10, "atol": 1e-13}
    return claim.check(Path(completion_problem(2), recipe, 200.0, saves=401, **numerics))


def _jobs(quick: bool, levels: Sequence[float]) -> list[tuple[str, Callable[[], Run]]]:
    """Every run but the verdict's, each with the place it has in `Measured`."""
    seeds, few = SEEDS[:1] if quick else SEEDS, ("balanced", 0, (SATURATED,))
    jobs: list[tuple[str, Callable[[], Run]]] = []
    for depth in (2, 3) if quick else (2, 3, 4):
        for kind, seed in (("balanced", 0), *(("unbalanced", seed) for seed in seeds)):
            case = depth, kind, seed, levels
            jobs += [
                ("runs", partial(descent, *case)),
                ("runs", partial(flow, *case, *FLOW[0])),
                ("twins", partial(flow, *case, *FLOW[1], between=0)),
            ]
        for seed in range(len(seeds), 4 if quick else CENSUS[depth]):
            jobs.append(("census", partial(descent, depth, "unbalanced", seed, levels, between=0)))
    jobs += [
        ("runs", partial(exact, levels)),
        ("symmetric", partial(descent, 2, "symmetric", 0, levels)),
    ]
    for k in range(3 if quick else HALVINGS + 1):
        jobs.append(("steps", partial(descent, 2, *few, eta=ETA[2] / 2**k)))
    for rtol in TOLERANCES[: 2 if quick else None]:
        # Without a stop: what is lost is lost to rounding, not to starting anew.
        jobs.append(("tolerances", partial(flow, 2, *few, "LSODA", rtol, between=0)))
    return jobs


def measure(lab: Lab) -> Measured:
    """Run everything."""
    levels = LEVELS[:2] if lab.quick else LEVELS
    found = [(place, job()) for place, job in lab.each(_jobs(lab.quick, levels))]

    def of(place: str) -> Runs[Run]:
        return Runs(run for name, run in found if name == place)

    return Measured(
        levels=levels,
        runs=of("runs"),
        twins=of("twins"),
        census=of("census"),
        symmetric=of("symmetric")[0],
        steps=of("steps"),
        tolerances=of("tolerances"),
        verdict=horizon(),
    )


class Reading(NamedTuple):
    """A run at one level of the loss: a row of the table."""

    depth: int
    start: str
    seed: int
    source: str
    loss: float
    W11: float
    W11_error: float
    W11_sqrt_2loss: float
    time: float
    det: float
    min_det: float
    imbalance: float
    det_negative_from: float | None


def readings(measured: Measured) -> Runs[Reading]:
    """Every run that is drawn at every level; the error of a flow is its distance to its twin."""
    found = []
    for run in measured.runs:
        identity = {name: getattr(run, name) for name in ("depth", "start", "seed", "source")}
        twins = measured.twins.where(**identity)
        det = np.exp(run.det) if run.source == "exact" else run.det
        for n, (level, k) in enumerate(zip(measured.levels, run.at, strict=True)):
            errors = [float(abs(run.w11[k] - twin.w11[twin.at[n]])) for twin in twins]
            found.append(
                Reading(
                    **identity,
                    loss=level,
                    W11=abs(float(run.w11[k])),
                    W11_error=errors[0] if errors else np.nan,
                    W11_sqrt_2loss=float(run.scaled[k]),
                    time=float(run.t[k]),
                    det=float(det[k]),
                    min_det=float(det[: k + 1].min()),
                    imbalance=float(run.imbalance[k]),
                    det_negative_from=run.flip,
                )
            )
    return Runs(found)


def table(measured: Measured) -> list[dict[str, Any]]:
    """Rows of the table: one for each run that is drawn and each level."""
    return [reading._asdict() for reading in readings(measured)]


def lost(runs: Iterable[Curve]) -> bool:
    """Whether the determinant became negative in all of some runs."""
    return all(run.flip is not None for run in runs)


def linear_flip(seed: int) -> float:
    r"""First sign change of det W by the flow linearized at zero, from an unbalanced start.

    :math:`W = M (e^t X - e^{-t} Y)^\top (e^t X + e^{-t} Y)`, :math:`X, Y = (W_1 \pm W_2^\top M)/2`,
    so that det W vanishes where :math:`\det(e^{2t} X \pm Y) = 0`.
    """
    problem = completion_problem(2)
    first, second = problem.factors(start(problem, "unbalanced", seed))
    turned = second.T @ np.array([[0.0, 1.0], [1.0, 0.0]])
    x, y = (first + turned) / 2, (first - turned) / 2
    mixed = x[0, 0] * y[1, 1] + x[1, 1] * y[0, 0] - x[0, 1] * y[1, 0] - x[1, 0] * y[0, 1]
    roots = [np.roots([np.linalg.det(x), sign * mixed, np.linalg.det(y)]) for sign in (1.0, -1.0)]
    real = [r.real for r in np.concatenate(roots) if abs(r.imag) < 1e-12 and r.real > 1]
    return float(0.5 * np.log(min(real)))
