"""Gradient descent from many starts, with several step sizes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens import validation
from dynlens.batches.batch import Batch, Made
from dynlens.batches.starts import read_starts
from dynlens.batches.threads import Queue, share_out, thread_count
from dynlens.descent import (
    BACKENDS,
    Ended,
    Plan,
    checked_plan,
    follow,
    told,
)
from dynlens.descent_loops import compiled_module, engine, finite
from dynlens.observables.kept import Kept
from dynlens.problem import Problem
from dynlens.trajectory import Trajectory
from dynlens.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr

MOMENT = 0.02  # seconds that the compiled loop runs before it is left, at least
AT_ONCE = 8_000_000  # numbers of the states that wait to be observed


def gradient_descent_batch(
    problem: Problem,
    starts: ArrayLike | xr.DataArray,
    *,
    eta: float | Sequence[float],
    steps: int,
    method: str = "plain",
    beta: float = 0.9,
    saves: int | str | ArrayLike = 201,
    stop_below: float | None = None,
    observables: Sequence[str] = (),
    backend: str = "numba",
    threads: int | None = None,
    progress: bool = False,
) -> Batch:
    r"""Run gradient descent from many starts, and with several step sizes.

    Parameters
    ----------
    problem : Problem
    starts : DataArray or array_like, shape (B, P)
        Labelled, as `starts` draws them, or one start per row.
    eta : float or sequence of float
        Step size; several of them make a dim "eta" behind those of the starts.
    steps : int
        Number of steps of each run.
    method, beta, saves, stop_below
        As in `gradient_descent`.
    observables : sequence of str
        Names of observables to keep at the steps to save, instead of the states.
    backend : {"numba", "numpy"}
    threads : int, optional
        Of the compiled loops; by default one per core that may be used. They share the runs; the
        results do not depend on them.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Batch

    Raises
    ------
    TypeError, ValueError
        For a malformed argument, which the text names.

    Notes
    -----
    Each run has the same bits as `gradient_descent` from that start. The clock is that of the
    single run: with several step sizes, the runs have several clocks.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> batch = dl.gradient_descent_batch(problem, [[0.0], [1.0]], eta=[0.1, 0.2], steps=200)
    >>> loss = batch.observe("loss")
    >>> loss.dims, loss["time"].dims
    (('start', 'eta', 'step'), ('eta', 'step'))
    >>> batch.sel(eta=0.2).observe("loss").dims
    ('start', 'time')
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    begins, grid = read_starts(problem, starts)
    rates = _rates(eta)
    plan = checked_plan(
        steps=steps, method=method, beta=beta, saves=saves, stop_below=stop_below, kept=observables
    )
    validation.one_of("backend", backend, BACKENDS)
    cores = thread_count(threads)
    if np.ndim(eta):
        numbers = np.arange(grid.size * len(rates)).reshape(*grid.shape, len(rates))
        grid = (grid * 0).expand_dims({"eta": rates}, axis=-1) + numbers
    else:
        grid = grid.assign_coords(eta=rates[0])
    thetas, etas = np.repeat(begins, len(rates), axis=0), np.tile(rates, len(begins))
    title = "descent" if progress else ""
    runs = (_by_reference if backend == "numpy" else _by_blocks)(
        problem, plan, thetas, etas, cores, title
    )
    times = np.array([plan.times(rate, plan.marks) for rate in rates])
    clock = np.tile(times, (max(len(begins), 1), 1))
    return Batch(problem, "descent", grid, runs, clock, plan.marks)


def _rates(eta: float | Sequence[float]) -> Array:
    if np.ndim(eta) == 0:
        return np.array([validation.positive("eta", eta)])
    rates = [validation.positive("eta", rate) for rate in validation.real_array("eta", eta, ndim=1)]
    if not rates or len(set(rates)) < len(rates):
        raise ValueError(f"`eta` must list one or more step sizes, each once, got {eta!r:.80}.")
    return np.array(rates)


def _by_reference(
    problem: Problem, plan: Plan, thetas: Array, etas: Array, threads: int, title: str
) -> Sequence[Trajectory]:
    """One run after another, in numpy."""
    runs: list[Any] = [None] * len(thetas)
    by = engine(problem, plan.method, "numpy")

    def work(queue: Queue) -> None:
        for b in queue:
            memory = plan.memory(problem.model.size)
            runs[b] = follow(problem, plan, thetas[b].copy(), float(etas[b]), by, memory)
            queue.finish()

    share_out(work, len(thetas), 1, title)
    return runs


# -- side by side -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """What a backend returns of B runs, saved at K steps.

    Parameters
    ----------
    states : ndarray, shape (K, B, P)
        The state at each step to save; of a run that ended before, at the first of them that it
        did not reach, its last state. What comes after is not read.
    steps : ndarray of int, shape (B,)
        How many each run took.
    status : list of str
        Why each ended: ``"finished"``, ``"event"`` at or below the floor, or ``"diverged"``.
    memory : ndarray, shape (B, M)
        As `Plan.memory`, at the end.
    flow_times : ndarray, shape (K, B)
        Of GroupRMSprop, the flow time passed at the states.
    """

    states: Array
    steps: Any
    status: list[str]
    memory: Array
    flow_times: Array


# (problem, plan, starts (B, P), step sizes (B,), threads, title) -> Block
Backend = Callable[[Problem, Plan, Array, Array, int, str], Block]


def _by_blocks(
    problem: Problem, plan: Plan, thetas: Array, etas: Array, threads: int, title: str
) -> Sequence[Trajectory]:
    """Runs in one block, or, where states are not kept, in blocks that fit into memory."""
    if not plan.kept:
        block = compiled_block(problem, plan, thetas, etas, threads, title)
        return Made(len(thetas), partial(_run_of, problem, plan, block, etas))
    runs: list[Trajectory] = []
    size = max(threads, AT_ONCE // (len(plan.marks) * problem.model.size))
    for first in range(0, len(thetas), size):
        part = slice(first, first + size)
        block = compiled_block(problem, plan, thetas[part], etas[part], threads, title)
        runs += [_run_of(problem, plan, block, etas[part], b) for b in range(len(etas[part]))]
    return runs


def _run_of(problem: Problem, plan: Plan, block: Block, etas: Array, b: int) -> Trajectory:
    taken = int(block.steps[b])
    count = int(np.searchsorted(plan.marks, taken)) + 1
    theta, kept = block.states[:count, b].copy(), Kept(problem, plan.kept)
    if plan.kept:
        for state in theta:
            kept.add(state)
        theta = theta[-1:].copy()
    more: dict[str, Any] = {}
    if plan.method == "grouprmsprop":
        more["flow_time"] = block.flow_times[:count, b].tolist()
    steps, end = [*plan.marks[: count - 1], taken], Ended(block.status[b], block.memory[b])
    return told(problem, plan, float(etas[b]), steps, theta, kept.values(), end, more)


def compiled_block(
    problem: Problem, plan: Plan, thetas: Array, etas: Array, threads: int, title: str
) -> Block:
    """Run the compiled loop from all starts, in several threads."""
    module, (count, size), marks = compiled_module(problem, plan.method), thetas.shape, plan.marks
    states = np.empty((count, len(marks), size))
    flow_times = np.zeros((count, len(marks)))
    memory = np.tile(plan.memory(size), (count, 1))
    steps, status = np.zeros(count, dtype=np.int64), ["finished"] * count

    def work(queue: Queue) -> None:
        data, out = problem.private_data(), np.empty(size)
        for b in queue:
            theta, place = thetas[b].copy(), np.zeros(2, dtype=np.int64)
            state = (theta, memory[b], *data, out)
            limits = (float(etas[b]), marks, place, plan.floor)
            outcome, most = module.PAUSED, 1
            while outcome == module.PAUSED and not queue.stopped():
                began = time.perf_counter()
                outcome = module.descend(*state, *limits, most, states[b], flow_times[b])
                most = 2 * most if time.perf_counter() - began < MOMENT else max(1, most // 2)
            if outcome == module.STOPPED:
                status[b] = "event" if finite(problem, theta) else "diverged"
                states[b, place[1]], flow_times[b, place[1]] = theta, memory[b, -1]
            steps[b] = place[0]
            queue.finish()

    share_out(work, count, threads, title)
    return Block(states.swapaxes(0, 1), steps, status, memory, flow_times.T)
