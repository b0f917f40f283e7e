"""Flows of tiny problems, sixteen of them side by side in each thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.dynamics.driver import integrate, run_again
from dynlens.dynamics.made import Made
from dynlens.dynamics.settings import Settings
from dynlens.dynamics.threads import Queue, share_out
from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.problem import Problem
from dynlens.stepping.lane_layout import (
    LANES,
    RECORD_SAVED,
    RECORD_STATUS,
    START_FINISHED,
    START_SMALL,
    START_SPENT,
    START_STIFF,
)
from dynlens.stepping.lanes import Lanes
from dynlens.stepping.methods.auto import AUTO, explicit_for, reason
from dynlens.stepping.stepper import TOO_SMALL
from dynlens.stepping.tableaus import TABLEAUS
from dynlens.support.typing import Array

MOST = 5000  # steps between looks at whether to go on

WORDS = {START_FINISHED: "finished", START_SPENT: "budget", START_SMALL: "failed"}


@dataclass(frozen=True)
class Record:
    """What is known of each start.

    Parameters
    ----------
    starts : ndarray, shape (B, P)
    times : ndarray, shape (T,)
    states : ndarray, shape (B, T, P)
    counts : ndarray of int, shape (B, 4)
        States saved, evaluations, steps, status.
    reached : ndarray, shape (B,)
        Time at which each run ended.
    """

    starts: Array
    times: Array
    states: Array
    counts: NDArray[np.int64]
    reached: Array


def side_by_side(
    problem: Problem, settings: Settings, starts: Array, times: Array, threads: int, title: str
) -> Sequence[Trajectory]:
    """Integrate explicitly in lanes; a run that turns stiff is made anew by itself."""
    count = len(starts)
    states = np.empty((count, len(times), problem.model.parameters))
    counts = np.zeros((count, 4), dtype=np.int64)
    record = Record(starts, times, states, counts, np.zeros(count))
    if times[0] == 0:
        states[:, 0], counts[:, RECORD_SAVED] = starts, 1
    share_out(partial(_fill_lanes, problem, settings, record, threads), count, threads, title)
    stiff = np.flatnonzero(counts[:, RECORD_STATUS] == START_STIFF)
    alone: dict[int, Trajectory] = {}

    def work(queue: Queue) -> None:
        for k in queue:
            b = int(stiff[k])
            alone[b] = integrate(problem, starts[b], times, settings, queue.stopped)
            queue.finish()

    share_out(work, len(stiff), threads, f"{title}, stiff" if title and stiff.size else "")

    def run(b: int) -> Trajectory:
        return alone[b] if b in alone else _trajectory(problem, settings, record, b)

    return Made(count, run)


def _method(settings: Settings) -> str:
    return explicit_for(settings.rtol) if settings.name == AUTO else settings.name


def _fill_lanes(
    problem: Problem, settings: Settings, record: Record, threads: int, queue: Queue
) -> None:
    """What a thread does: fill lanes that are free, until there is nothing to fill them with."""
    method, begun, over = _method(settings), 0, 0
    lanes, ids = Lanes(problem, method), np.full(LANES, -1)
    waiting, place = np.zeros(LANES, dtype=np.int64), np.zeros(2, dtype=np.int64)
    stable = TABLEAUS[method].stable if settings.name == AUTO else 0.0
    here = (lanes.w, lanes.rows, ids, waiting, place, record.times, record.starts)
    there = (record.states, record.counts, record.reached, record.times[-1])
    limits = (float(settings.max_evaluations), MOST)
    drain = False
    while not queue.stopped() and not (drain and np.all(ids < 0)):
        if place[0] == place[1] and not drain:
            # Ever fewer at a time near the end, so that all threads end together.
            taken = list(islice(queue, min(LANES, 1 + len(queue) // (4 * threads))))
            drain = not taken
            waiting[: len(taken)], place[:] = taken, (0, len(taken))
            begun += len(taken)
        lanes.module.advance(
            *here, *there, *limits, drain, stable, settings.rtol, settings.atol, lanes.field
        )
        going = int(np.sum(ids >= 0) + place[1] - place[0])
        queue.finish(begun - going - over)
        over = begun - going


def _trajectory(problem: Problem, settings: Settings, record: Record, b: int) -> Trajectory:
    """What `gradient_flow` would return."""
    count, evaluations, steps, code = (int(n) for n in record.counts[b])
    name, t, end = settings.name, record.reached[b], record.times[-1]
    messages = {
        START_FINISHED: f"{name} reached t={end:.6g}.",
        START_SPENT: f"{name} used up max_evaluations={settings.max_evaluations} at t={t:.4g} of "
        f"{end:.4g}; raise it, or try method='LSODA' if the problem is stiff.",
        START_SMALL: f"{name} stopped at t={t:.4g} of {end:.4g}: {TOO_SMALL} "
        "Try method='LSODA', a smaller scale, or an earlier t_end.",
    }

    def rerun(twin: str | None = None, times: Array = record.times) -> Trajectory:
        start = record.starts[b]
        if twin is not None:
            return run_again(problem, start, settings, times, twin=twin)
        return side_by_side(problem, settings, start[None], times, 1, "")[0]

    attrs: dict[str, Any] = {"method": name, "rtol": settings.rtol, "atol": settings.atol}
    attrs |= {"evaluations": evaluations, "steps": steps}
    if name == AUTO:
        method = _method(settings)
        why = reason(method, settings.rtol)
        attrs["switches"] = [{"t": 0.0, "method": method, "why": why}]
    return Trajectory(
        problem=problem,
        t=record.times[:count].copy(),
        theta=record.states[b, :count].copy(),
        status=WORDS[code],
        message=messages[code],
        attrs=attrs,
        rerun=rerun,
    )
