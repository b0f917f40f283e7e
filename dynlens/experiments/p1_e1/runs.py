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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dynlens.claims import BALANCED, POSITIVE_DETERMINANT, AtLeast, Path, Start, SystemPath
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.events import Event, loss_below
from dynlens.dynamics.flow import gradient_flow, log_times
from dynlens.dynamics.trajectory import Trajectory
from dynlens.experiments.lab import Lab, Runs
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
EXACT_RTOL = 1e-11  # in the exact coordinates
SATURATED = 1e-8  # loss at which |W11| has stopped growing, where it stops
STEPS = 100_000_000
T_END = 1e6


@dataclass(frozen=True, eq=False)
class Curve:
    """One run from start to the last level, in the quantities that are drawn.

    ``at[k]`` is the index of the state at the k-th level; ``flip`` the time at which the
    determinant becomes negative, or None. In the exact coordinates ``det`` is its logarithm.
    """

    t: Array
    loss: Array
    w11: Array
    det: Array
    norm: Array
    imbalance: Array
    at: tuple[int, ...]
    flip: float | None
    final: Array

    @property
    def scaled(self) -> Array:
        """``|W11| sqrt(2 loss)``, which tends to 1."""
        return np.abs(self.w11) * np.sqrt(2 * self.loss)

    @property
    def last(self) -> int:
        """Index of the state at the last level."""
        return self.at[-1]

    @property
    def end(self) -> float:
        """``|W11|`` of the last state."""
        return abs(float(self.w11[-1]))


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
    return problem.init(GAUSSIAN[_depth(problem)], kind="gaussian", seed=seed, determinant=1)


def by_descent(
    problem: Problem, theta0: Array, eta: float, levels: Sequence[float], *, between: int = 8
) -> Curve:
    """Descend from mark to mark; the state at a level is the first step at or below it.

    There are `between` marks in every decade of the loss, so that a curve is smooth in it.
    """
    runs, theta = [], theta0
    marks = _marks(problem, theta0, levels, between)
    for mark in marks:
        runs.append(
            gradient_descent(problem, theta, eta=eta, steps=STEPS, saves="log", stop_below=mark)
        )
        theta = runs[-1].final
    return _curve(runs, marks, levels, _first_negative(runs, eta))


def by_flow(
    problem: Problem,
    theta0: Array,
    levels: Sequence[float],
    method: str,
    rtol: float,
    *,
    between: int = 8,
) -> Curve:
    """Flow from mark to mark; each is located on the solver's dense output."""
    marks = _marks(problem, theta0, levels, between)
    numerics: dict[str, Any] = {"method": method, "rtol": rtol, "atol": 1e-3 * rtol, "strict": True}
    times = log_times(T_END, 401, first=1e-2)
    runs, theta = [], theta0
    for mark in marks:
        runs.append(gradient_flow(problem, theta, times, events=[loss_below(mark)], **numerics))
        theta = runs[-1].final
    return _curve(runs, marks, levels, _sign_change(runs, numerics))


def _marks(problem: Problem, theta0: Array, levels: Sequence[float], between: int) -> list[float]:
    """Losses to stop at: the levels, and some between."""
    decades = -np.log10(min(levels))
    grid = np.geomspace(0.98, min(levels), 1 + round(between * decades))[: -1 if between else 0]
    apart = [m for m in grid if min(abs(np.log(m / level)) for level in levels) > 0.05]
    first = float(problem.objective(theta0))
    return sorted((float(m) for m in (*apart, *levels) if m < first), reverse=True)


def _curve(
    runs: Sequence[Trajectory],
    marks: Sequence[float],
    levels: Sequence[float],
    flip: float | None,
) -> Curve:
    """Join runs that start where the one before ended."""
    ends = np.cumsum([0.0] + [run.t[-1] for run in runs])
    theta = np.concatenate([run.theta[k > 0 :] for k, run in enumerate(runs)])
    t = np.concatenate([run.t[k > 0 :] + ends[k] for k, run in enumerate(runs)])
    whole = Trajectory(runs[0].problem, t, theta)
    at = np.cumsum([len(run) - (k > 0) for k, run in enumerate(runs)]) - 1
    return Curve(
        t,
        whole.values("loss"),
        whole.values("end_to_end")[:, 0, 0],
        whole.values("determinant"),
        whole.values("frobenius_norm"),
        whole.values("unbalancedness"),
        tuple(int(at[marks.index(level)]) for level in levels),
        flip,
        runs[-1].final,
    )


def _first_negative(runs: Sequence[Trajectory], eta: float) -> float | None:
    """Time of the first step with a negative determinant: the saved ones, then one by one."""
    found = _last_positive(runs)
    if found is None:
        return None
    theta, passed, length = found
    steps = round(length / eta)
    every = gradient_descent(runs[0].problem, theta, eta=eta, steps=steps, saves=steps + 1)
    return passed + eta * int(np.argmax(every.values("determinant") < 0))


def _sign_change(runs: Sequence[Trajectory], numerics: dict[str, Any]) -> float | None:
    """Time at which the determinant of a flow vanishes: between saved times, then as an event."""
    found = _last_positive(runs)
    if found is None:
        return None
    theta, passed, length = found
    event = Event("determinant", 0.0, direction=-1, terminal=True)
    again = gradient_flow(runs[0].problem, theta, length, saves=2, events=[event], **numerics)
    return passed + float(again.t[-1])


def _last_positive(runs: Sequence[Trajectory]) -> tuple[Array, float, float] | None:
    """Last saved state before the determinant is negative, its time, and the time to the next."""
    passed = 0.0
    for run in runs:
        negative = np.flatnonzero(run.values("determinant") < 0)
        if len(negative):
            k = max(int(negative[0]), 1)
            return run.theta[k - 1], passed + float(run.t[k - 1]), float(run.t[k] - run.t[k - 1])
        passed += float(run.t[-1])
    return None


def in_exact_coordinates(theta0: Array, levels: Sequence[float]) -> Curve:
    r"""Flow of depth 2 from a balanced start, in coordinates that cannot lose the determinant.

    Balanced flow is :math:`\dot W = -(WW^\top)^{1/2}\nabla - \nabla(W^\top W)^{1/2}`, and for a
    two-by-two matrix with positive determinant :math:`(WW^\top)^{1/2} = (WW^\top + \det W) /
    (\sigma_1 + \sigma_2)`. With :math:`W_{22} = (\det W + W_{12}W_{21})/W_{11}` that is a system in
    three entries and :math:`\ln\det W`, good as long as :math:`W_{11}` is not zero.
    """
    from scipy.integrate import solve_ivp

    matrix = completion_problem(2).end_to_end(theta0)
    w22, det = "((exp(q) + b * c) / a)", "exp(q)"  # W = ((a, b), (c, w22)), q = log det W
    trace = f"sqrt(a**2 + b**2 + c**2 + {w22}**2 + 2 * {det})"  # sigma_1 + sigma_2
    # Entries 11, 12, 22 of W W^T + det and of W^T W + det; the gradient is ((0, b-1), (c-1, w22)).
    left = f"(a**2 + b**2 + {det})", f"(a * c + b * {w22})", f"(c**2 + {w22}**2 + {det})"
    right = f"(a**2 + c**2 + {det})", f"(a * b + c * {w22})", f"(b**2 + {w22}**2 + {det})"
    fields = {
        "a": f"-({left[1]} * (c - 1) + (b - 1) * {right[1]}) / {trace}",
        "b": f"-({left[0]} * (b - 1) + {left[1]} * {w22} + (b - 1) * {right[2]}) / {trace}",
        "c": f"-({left[2]} * (c - 1) + (c - 1) * {right[0]} + {w22} * {right[1]}) / {trace}",
        "q": f"-2 * ((b - c)**2 + {w22} * (a + {w22})) / {trace}",
    }
    y0 = dict(zip("abc", matrix.ravel()[:3].tolist(), strict=True))
    y0["q"] = float(np.linalg.slogdet(matrix)[1])
    field, jacobian = SystemPath(fields, y0, T_END).functions()

    def loss(y: Array) -> Any:
        a, b, c, q = y
        return 0.5 * ((b - 1) ** 2 + (c - 1) ** 2 + ((np.exp(q) + b * c) / a) ** 2)

    def crossing(level: float) -> Callable[[float, Array], float]:
        def height(t: float, y: Array) -> float:
            return float(loss(y) - level)

        height.terminal = level == levels[-1]  # type: ignore[attr-defined]
        return height

    found = solve_ivp(
        field,
        (0.0, T_END),
        list(y0.values()),
        method="LSODA",
        jac=jacobian,
        t_eval=log_times(T_END, 401, first=1e-2),
        events=[crossing(level) for level in levels],
        rtol=EXACT_RTOL,
        atol=1e-13,
    )
    marks = [(t[0], y[0]) for t, y in zip(found.t_events, found.y_events, strict=True)]
    t = np.concatenate([found.t, [time for time, _ in marks]])
    y = np.concatenate([found.y.T, [state for _, state in marks]])
    t, first = np.unique(t, return_index=True)
    y = y[first].T
    at = tuple(int(np.searchsorted(t, time)) for time, _ in marks)
    norm = np.sqrt(np.square(y[:3]).sum(axis=0) + ((np.exp(y[3]) + y[1] * y[2]) / y[0]) ** 2)
    return Curve(t, loss(y), y[0], y[3], norm, np.zeros_like(t), at, None, y[:, -1])


# -- the runs --------------------------------------------------------------------------------------


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


def _depth(problem: Problem) -> int:
    return len(problem.model.factor_shapes)
