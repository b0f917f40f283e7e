"""One run of P1.E1, from its start to the last level of the loss, in the quantities drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.cases import SystemPath
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.events import Event, loss_below
from dynlens.dynamics.flow import gradient_flow
from dynlens.dynamics.times import log_times
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.instances import completion_problem
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

EXACT_RTOL = 1e-11  # in the exact coordinates
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
