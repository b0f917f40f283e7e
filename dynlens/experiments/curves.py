"""Runs of which only observables are kept, in bounded memory, whatever their length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.flow import gradient_flow
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

Observe = Callable[[Problem, Array], Mapping[str, Array]]
Row = dict[str, Array]
CHUNK = 16  # saves between looks at the loss: what a run holds in memory
COARSE, FINE = 0.2, 0.05  # largest change from one save to the next, and one that is too small


@dataclass(frozen=True, eq=False)
class Curves:
    """What is kept along a run, a row for each look at it; rows that were not needed are NaN.

    ``time`` is the method's clock and ``flow_time`` the flow's. ``values`` are the largest values
    of what is looked at, in decreasing order along the last axis, and ``error`` is the relative
    distance to the target.
    """

    time: Array
    flow_time: Array
    loss: Array
    values: Array
    error: Array

    @property
    def looks(self) -> int:
        """Number of rows that are no padding."""
        return int(np.isfinite(self.time).sum())

    @property
    def end(self) -> int:
        """Index of the last look."""
        return self.looks - 1


@dataclass
class Record:
    """Observables at chosen times, at most `capacity` of them, whatever the length of the run.

    When it is full, the row is dropped that is missed least: its neighbours are the nearest, in
    ``values`` (relative to the largest) and in time.
    """

    capacity: int
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take the observables of a later state."""
        self.rows.append(row)
        if len(self.rows) > self.capacity:
            t = np.array([row["time"] for row in self.rows])
            values = np.stack([np.ravel(row["values"]) for row in self.rows])
            gap = np.abs(values[2:] - values[:-2]).max(axis=1) / max(np.abs(values).max(), 1e-300)
            del self.rows[1 + int(np.argmin(gap + (t[2:] - t[:-2]) / t[-1]))]

    def arrays(self) -> dict[str, Array]:
        """Stack what is kept, padded with NaN to the capacity."""
        found = {}
        for name in self.rows[0]:
            values = np.stack([np.asarray(row[name], dtype=float) for row in self.rows])
            table = np.full((self.capacity, *values.shape[1:]), np.nan)
            table[: len(values)] = values
            found[name] = table
        return found


def descend(
    problem: Problem,
    theta0: Array,
    observe: Observe,
    *,
    eta: float,
    steps: int,
    stop_below: float,
    every: int = 10,
    capacity: int = 200,
    backend: str = "numba",
) -> tuple[dict[str, Array], Array]:
    """Run GroupRMSprop and keep observables; return the curves and the final state.

    Curves have ``time`` (eta times steps), ``flow_time`` (the sum of the actual steps), ``loss``,
    and what `observe` returns: ``values``, and whatever else. It is looked at every `every` steps,
    and less often where ``values`` and the loss hardly change.
    """
    settings: dict[str, Any] = {"eta": eta, "method": "grouprmsprop", "backend": backend}

    def advance(theta: Array, memory: Any, passed: float, spacing: float) -> Any:
        taken = round(passed / eta)
        wanted = min(CHUNK * round(spacing), steps - taken)
        marks = np.unique([*range(0, wanted, round(spacing)), wanted])
        run = gradient_descent(
            problem,
            theta,
            steps=wanted,
            saves=marks,
            stop_below=stop_below,
            memory=memory,
            **settings,
        )
        times = eta * (taken + np.round(run.t / eta))
        clocks = zip(times, run.attrs["flow_time"], strict=True)
        return list(zip(clocks, run.theta, strict=True))[1:], run.attrs["memory"], run.complete

    end = eta * steps
    return _walk(problem, theta0, observe, advance, float(every), end, stop_below, capacity)


def follow(
    problem: Problem,
    theta0: Array,
    observe: Observe,
    *,
    first: float,
    t_end: float,
    stop_below: float,
    rtol: float,
    method: str = "RK23",
    capacity: int = 200,
    compiled: bool = True,
) -> tuple[dict[str, Array], Array]:
    """Integrate the flow and keep observables; return the curves and the final state.

    It is looked at every `first` time units, and less often where ``values`` and the loss hardly
    change; it ends at the first look at a loss below the threshold. ``flow_time`` is ``time``.
    """
    atol = 1e-3 * rtol * float(np.abs(theta0).max())
    settings: dict[str, Any] = {"method": method, "rtol": rtol, "atol": atol, "compiled": compiled}

    def advance(theta: Array, memory: Any, passed: float, spacing: float) -> Any:
        times = spacing * np.arange(1.0, CHUNK + 1)
        times = np.unique(np.minimum(times, t_end - passed))
        run = gradient_flow(problem, theta, times, strict=True, **settings)
        clocks = [(passed + t, passed + t) for t in run.t]
        return list(zip(clocks, run.theta, strict=True)), None, True

    return _walk(problem, theta0, observe, advance, first, t_end, stop_below, capacity)


def _walk(
    problem: Problem,
    theta: Array,
    observe: Observe,
    advance: Callable[..., Any],
    first: float,
    end: float,
    stop_below: float,
    capacity: int,
) -> tuple[dict[str, Array], Array]:
    """Advance by chunks of saves; one in which too much happens is done again, more finely."""

    def row(state: Array, t: float, flow_time: float) -> Row:
        # Through the tensor, which costs less than numpy's way along thousands of entries.
        loss = problem.tensor_loss(problem.end_to_end(state))
        clocks = {"time": t, "flow_time": flow_time, "loss": loss}
        named = {name: np.asarray(value) for name, value in clocks.items()}
        return named | dict(observe(problem, state))

    record, memory, spacing = Record(capacity), np.zeros(3), first
    last, going = row(theta, 0.0, 0.0), True
    record.add(last)
    while going and last["time"] < end * (1 - 1e-12) and last["loss"] > stop_below:
        states, left, going = advance(theta, memory, float(last["time"]), spacing)
        rows = [row(state, *clocks) for clocks, state in states]
        change = _change([last, *rows])
        if change > COARSE and spacing > first:
            spacing, going = max(first, spacing // 4), True
            continue
        for found, (_, state) in zip(rows, states, strict=True):
            last, theta = found, state
            record.add(found)
            if found["loss"] <= stop_below:
                break
        memory = left
        spacing *= 2 if change < FINE else 1
    return record.arrays(), theta


def _change(rows: Sequence[Row]) -> float:
    """Largest change from row to row: of values, relative to the largest, and of the loss.

    Halving the loss counts as much as a fifth of the largest value.
    """
    values = np.stack([np.ravel(row["values"]) for row in rows])
    scale = np.maximum(np.abs(values).max(axis=1), 1e-300)
    moved = np.abs(np.diff(values, axis=0)).max(axis=1) / np.maximum(scale[1:], scale[:-1])
    halved = np.abs(np.diff(np.log2([max(float(row["loss"]), 1e-300) for row in rows])))
    return float(max(moved.max(), COARSE * halved.max()))


def rise_times(t: Array, values: Array) -> Array:
    """When each column of values comes, for good, to half of where it ends; in order of time.

    Between looks it is interpolated.
    """
    known = np.isfinite(t)
    t, values = t[known], values[known] / (values[known][-1] / 2)
    times = []
    for column in values.T:
        below = np.flatnonzero(column < 1)
        k = int(below[-1]) if len(below) else 0
        ends = slice(k, k + 2)
        times.append(np.interp(1.0, column[ends], t[ends]) if len(below) else t[0])
    return np.sort(times)
