"""A labelled grid of trajectories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables import registry
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError
from dynlens.support.typing import Array

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Batch:
    """Runs of one problem from many starts, as a labelled grid of trajectories.

    Made by `gradient_flow_batch` and `gradient_descent_batch`.

    Attributes
    ----------
    problem : Problem
    source : {"flow", "descent"}
    grid : xarray.DataArray of int
        For each label the number of its run.
    runs : sequence of Trajectory
    times : ndarray, shape (runs, T)
        When each was to be saved; one row even if there is no run.
    steps : ndarray of int, shape (T,), optional
        The same in steps, of descent.

    Notes
    -----
    ``len(batch)``, ``batch[k]`` and iteration see the runs one after another, the last dim
    fastest. `sel` selects by label.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> starts = dl.starts(problem, scale=[0.1, 0.2], seed=range(3))
    >>> batch = dl.gradient_descent_batch(problem, starts, eta=0.1, steps=100, saves=5)
    >>> batch
    <Batch of the descent, scale: 2, seed: 3, 5 saves: 6 finished>
    >>> batch.observe("loss").dims
    ('scale', 'seed', 'time')
    >>> batch.sel(scale=0.1, seed=2)
    <Trajectory of the descent (plain), 5 states, t = 0 … 10, finished>
    """

    problem: Problem
    source: str
    grid: xr.DataArray
    runs: Sequence[Trajectory] = field(repr=False)
    times: Array = field(repr=False)
    steps: Any = field(default=None, repr=False)

    def __len__(self) -> int:
        return int(self.grid.size)

    def __getitem__(self, k: int) -> Trajectory:
        return self.runs[int(self._numbers[k])]

    def __iter__(self) -> Iterator[Trajectory]:
        return (self.runs[int(number)] for number in self._numbers)

    def __repr__(self) -> str:
        kinds, counts = np.unique(self.status.values, return_counts=True)
        ends = ", ".join(f"{n} {kind}" for kind, n in zip(kinds, counts, strict=True)) or "empty"
        sizes = ", ".join(f"{dim}: {n}" for dim, n in self.grid.sizes.items())
        return f"<Batch of the {self.source}, {sizes}, {self.times.shape[1]} saves: {ends}>"

    @property
    def _numbers(self) -> Any:
        return self.grid.values.reshape(-1)

    # -- choosing ---------------------------------------------------------------------------------

    def sel(self, **labels: Any) -> Trajectory | Batch:
        """Select by label: a `Trajectory` when one is left, else a smaller batch.

        Parameters
        ----------
        **labels
            For some dims a label, a list of them, or a slice from label to label, both included.

        Raises
        ------
        ValueError
            If there is no such dim or label.
        """
        for dim, wanted in labels.items():
            if dim not in self.grid.dims:
                known = ", ".join(map(str, self.grid.dims)) or "none"
                raise UnknownNameError(f"`{dim}` is no dim of this batch; it has: {known}.")
            there = self.grid[dim].values
            if not isinstance(wanted, slice) and not np.all(np.isin(wanted, there)):
                raise ValueError(
                    f"`{dim}` has no {wanted!r:.80}; its labels are {there[:8].tolist()}"
                    f"{' and more' if there.size > 8 else ''}."
                )
        return self._part(self.grid.sel(labels))

    def isel(self, **places: Any) -> Trajectory | Batch:
        """Select by place along a dim, counted from zero."""
        return self._part(self.grid.isel(places))

    def _part(self, grid: xr.DataArray) -> Trajectory | Batch:
        return replace(self, grid=grid) if grid.ndim else self.runs[int(grid)]

    # -- how the runs ended -----------------------------------------------------------------------

    @property
    def status(self) -> xr.DataArray:
        """Why each run ended, as in `Trajectory`."""
        return self._labelled(np.array([run.status for run in self], dtype=object), "status")

    @property
    def complete(self) -> xr.DataArray:
        """Whether each run reached its end or a terminal event."""
        return self._labelled(np.array([run.complete for run in self], dtype=bool), "complete")

    @property
    def final(self) -> xr.DataArray:
        """Last state of each run, with the dim "parameter"; NaN of those that are not complete."""
        states = np.full((len(self), self.problem.model.parameters), np.nan)
        for k, run in enumerate(self):
            if run.complete:
                states[k] = run.final
        return self._labelled(states, "final", ("parameter",))

    def _labelled(self, values: Any, name: str, dims: tuple[str, ...] = ()) -> xr.DataArray:
        import xarray as xr

        shaped = values.reshape((*self.grid.shape, *values.shape[1:]))
        return xr.DataArray(shaped, self.grid.coords, (*self.grid.dims, *dims), name=name)

    # -- observing --------------------------------------------------------------------------------

    def observe(self, name: str, **parameters: Any) -> xr.DataArray:
        """Return an observable of all runs, as a labelled array.

        Parameters
        ----------
        name : str
            Name of a registered observable; see `dynlens.observables`.
        **parameters
            Its parameters.

        Returns
        -------
        xarray.DataArray
            The dims of the grid, then ``"time"``, then the observable's own. NaN at times that a
            run did not reach. Where the runs have several step sizes, and so several clocks, the
            dim is ``"step"``, and ``"time"`` a coordinate over step size and step.
        """
        entry, values = registry.find(name, self.problem), self.values(name, **parameters)
        dim, coords = self._clock()
        array = self._labelled(values, name, (dim, *entry.dimensions(self.problem)))
        array = array.assign_coords(coords | entry.coordinates(self.problem, values.shape[2:]))
        array["time"].attrs["units"] = "eta * step" if self.source == "descent" else "flow time"
        array.attrs.update(parameters | {"source": self.source})
        return array

    def values(self, name: str, **parameters: Any) -> Array:
        """Return an observable as a bare array, shape (runs, T, ...)."""
        entry, rows = (
            registry.find(name, self.problem),
            [run.values(name, **parameters) for run in self],
        )
        # Without a run, a state that nobody asked for tells the shape.
        like = rows[0] if rows else entry(self.problem, self.problem.probe[None], **parameters)
        filled = np.full((len(self), self.times.shape[1], *like.shape[1:]), np.nan)
        for k, (run, row) in enumerate(zip(self, rows, strict=True)):
            n = self._on_time(run, int(self._numbers[k]))
            filled[k, :n] = row[:n]
        return filled

    def _on_time(self, run: Trajectory, number: int) -> int:
        """How many of a run's states lie on the clock; one where it ended may not."""
        n = min(len(run), self.times.shape[1])
        return int(np.sum(run.t[:n] == self.times[number, :n]))

    def _clock(self) -> tuple[str, dict[str, Any]]:
        times = self.times[self._numbers] if len(self) else self.times[:1]
        if np.all(times == times[0]):
            return "time", {"time": times[0]}
        table = times.reshape((*self.grid.shape, -1))
        along = [0 if dim != "eta" else slice(None) for dim in self.grid.dims]
        return "step", {"step": self.steps, "time": (("eta", "step"), table[(*along,)])}

    def dataset(self, names: Iterable[str]) -> xr.Dataset:
        """Several observables side by side, and the status."""
        import xarray as xr

        listed = validation.sequence("names", names, "for example ['loss'].", str)
        return xr.Dataset({name: self.observe(name) for name in listed} | {"status": self.status})
