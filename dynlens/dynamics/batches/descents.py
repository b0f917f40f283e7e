"""Gradient descent from many starts, with several step sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dynlens.dynamics.batches.batch import Batch
from dynlens.dynamics.batches.starts import read_starts
from dynlens.dynamics.descent import check_place
from dynlens.dynamics.engines import ENGINES
from dynlens.dynamics.plan import checked_plan
from dynlens.dynamics.threads import thread_count
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr


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
    device: str = "cpu",
    dtype: str = "float64",
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
    backend : {"numba", "numpy", "torch"}
        ``"torch"`` takes each step of all runs at once, on a CPU or with CUDA, and computes the
        observables there.
    device, dtype : str
        Of torch, as in `gradient_descent`.
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
    ImportError
        If torch is asked for and missing.
    MemoryError
        If so many runs do not fit onto the device.

    Notes
    -----
    Each run has the same bits as `gradient_descent` from that start; with torch, whose products of
    many matrices add up in another order than those of few, it equals it to rounding. The clock is
    that of the single run: with several step sizes, the runs have several clocks.

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
    check_place(backend, device, dtype)
    plan = checked_plan(
        steps=steps,
        method=method,
        beta=beta,
        saves=saves,
        stop_below=stop_below,
        observables=observables,
        device=device,
        dtype=dtype,
    )
    cores = thread_count(threads)
    if np.ndim(eta):
        numbers = np.arange(grid.size * len(rates)).reshape(*grid.shape, len(rates))
        grid = (grid * 0).expand_dims({"eta": rates}, axis=-1) + numbers
    else:
        grid = grid.assign_coords(eta=rates[0])
    thetas, etas = np.repeat(begins, len(rates), axis=0), np.tile(rates, len(begins))
    title = "descent" if progress else ""
    runs = ENGINES[backend].many(problem, plan, thetas, etas, threads=cores, title=title)
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
