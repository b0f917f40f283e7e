"""The gradient flow from many starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.dynamics.batches.batch import Batch
from dynlens.dynamics.batches.lanes import side_by_side
from dynlens.dynamics.batches.starts import read_starts
from dynlens.dynamics.driver import integrate
from dynlens.dynamics.made import Made
from dynlens.dynamics.settings import REFERENCE, Settings
from dynlens.dynamics.threads import Queue, share_out, thread_count
from dynlens.dynamics.times import save_times
from dynlens.dynamics.tolerances import floors_of
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables.recorder import Kept, checked_names
from dynlens.problems.problem import Problem
from dynlens.stepping.integrators import listing
from dynlens.stepping.lanes import in_lanes
from dynlens.stepping.methods import INTEGRATORS
from dynlens.stepping.methods.auto import AUTO
from dynlens.stepping.tableaus import TABLEAUS
from dynlens.support import validation
from dynlens.support.errors import KernelError
from dynlens.support.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr


@listing
def gradient_flow_batch(
    problem: Problem,
    starts: ArrayLike | xr.DataArray,
    t_end: float | ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-9,
    atol: float | None = None,
    saves: int | str = 201,
    max_evaluations: int = 10_000_000,
    observables: Sequence[str] = (),
    threads: int | None = None,
    progress: bool = False,
) -> Batch:
    r"""Integrate the gradient flow from many starts, each with its own steps.

    Parameters
    ----------
    problem : Problem
    starts : DataArray or array_like, shape (B, P)
        Labelled, as `starts` draws them, or one start per row.
    t_end : float or array_like, shape (T,)
        End time, or the increasing times to save at.
    method : str
        As in `gradient_flow`, one of its compiled loops: {integrators}.
    rtol, atol : float
        Relative and absolute tolerance of one step; unless given, `atol` is that of each start,
        as in `gradient_flow`.
    saves : int or "log"
        As in `gradient_flow`. The result holds B times T states.
    max_evaluations : int
        Budget of each start, which then ends with status ``"budget"`` and what it has.
    observables : sequence of str
        Names of observables to keep instead of the states, of which only the last one stays.
    threads : int, optional
        By default one per core that may be used. They share the starts; the results do not
        depend on them.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Batch

    Raises
    ------
    TypeError, ValueError
        For a malformed argument, which the text names.
    KernelError
        If the compiled gradient is not that of the reference; or if there is none and `method`
        names a compiled loop.

    Notes
    -----
    A start has the same bits in any batch, at any place in it, alone, and with any number of
    threads. Where the gradient is tiny (deep linear networks of entries, up to about a hundred
    multiplications) explicit methods integrate sixteen starts side by side in the lanes of vector
    instructions, and agree with `gradient_flow` to the tolerance, not to the bit; everywhere else
    they agree to the bit. With ``"auto"``, a start that turns stiff is integrated anew by itself,
    as `gradient_flow` does. There are no events. A model without a kernel is integrated by
    SciPy's "DOP853" and the reference, one start after another, and ``attrs["reference"]`` of each
    run says so.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> batch = dl.gradient_flow_batch(problem, [[0.0], [1.0], [3.0]], 20.0, saves=2)
    >>> batch.final.values.round(6).tolist()
    [[2.0], [2.0], [2.0]]
    >>> batch.observe("loss").dims
    ('start', 'time')
    """
    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    begins, grid = read_starts(problem, starts)
    times = save_times(t_end, saves)
    validation.one_of("method", method, tuple(INTEGRATORS))
    note = problem.without_kernel
    if note and method != AUTO:
        raise KernelError(f"`method` {method!r} is a compiled loop, but {note} Use 'auto'.")
    by_lanes = not note and in_lanes(problem) and method in (AUTO, *TABLEAUS) and times[-1] > 0
    names, cores = checked_names(observables), thread_count(threads)
    validation.positive("rtol", rtol)
    if atol is None:
        floors = floors_of(problem, begins, rtol)
    else:
        floors = np.full(len(begins), validation.positive("atol", atol, allow_zero=True))
    settings = Settings(
        method=REFERENCE if note else method,
        rtol=rtol,
        atol=float(floors.min(initial=np.inf)),
        max_evaluations=validation.count("max_evaluations", max_evaluations),
        compiled=not note,
        observables=() if by_lanes else names,
        note=note,
    )
    title = "flow" if progress else ""
    integrate_all = side_by_side if by_lanes else one_by_one
    groups, part = np.unique(floors, return_inverse=True)
    parts = [
        integrate_all(
            problem, replace(settings, atol=float(floor)), begins[part == g], times, cores, title
        )
        for g, floor in enumerate(groups)
    ]
    place = np.empty(len(begins), dtype=int)  # of each start in its part
    for g in range(len(groups)):
        place[part == g] = np.arange(np.count_nonzero(part == g))
    runs: Sequence[Trajectory] = Made(len(begins), lambda b: parts[part[b]][place[b]])
    if names and by_lanes:
        runs = [observed(run, names) for run in runs]
    clock = np.broadcast_to(times, (max(len(begins), 1), len(times)))
    return Batch(problem, "flow", grid, runs, clock)


def one_by_one(
    problem: Problem, settings: Settings, starts: Array, times: Array, threads: int, title: str
) -> Sequence[Trajectory]:
    """Integrate by the loops of single runs."""
    runs: list[Any] = [None] * len(starts)

    def work(queue: Queue) -> None:
        for k in queue:
            runs[k] = integrate(problem, starts[k], times, settings, queue.stopped)
            queue.finish()

    share_out(work, len(starts), threads, title)
    return runs


def observed(run: Trajectory, names: Sequence[str]) -> Trajectory:
    """Keep observables of a run instead of its states."""
    kept = Kept(run.problem, names)
    for theta in run.theta:
        kept.add(theta)
    return replace(run, theta=run.theta[-1:].copy(), kept=kept.values())
