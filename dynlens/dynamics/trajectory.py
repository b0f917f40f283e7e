"""States along time: the one place where the flow and descent meet.

The clock of descent is ``t = eta * step``, so that both kinds of trajectory are read alike.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.observables import registry
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.files import write_atomically
from dynlens.support.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr

SOURCES = ("flow", "descent")
# Numerics that `Trajectory.rerun` knows by name.
TWINS = {
    "flow": ("tighter", "by_other_family"),
    "descent": ("compensated", "shaken", "shaken again"),
}
STATUSES = ("finished", "event", "budget", "failed", "diverged")


@dataclass(frozen=True)
class Crossing:
    """An event that happened: its name, its time, the state there, and the run it happened in."""

    name: str
    t: float
    theta: Array = field(repr=False)
    run: Trajectory | None = field(default=None, repr=False, compare=False)

    @cached_property
    def error(self) -> float:
        """Numerical error of the time: the largest distance to the twins' crossings.

        Infinite if the run has no twins, or one of them does not cross.
        """
        if self.run is None or not self.run.twins:
            return math.inf
        which = next(k for k, c in enumerate(self.run.crossings_of(self.name)) if c is self)
        found = [twin.crossings_of(self.name)[which:] for twin in self.run.twins]
        return max(abs(rest[0].t - self.t) if rest else math.inf for rest in found)


@dataclass(frozen=True, eq=False)
class Trajectory:
    """States along time, from the flow or from descent.

    Parameters
    ----------
    problem : Problem
    t : ndarray, shape (T,)
        Times of the saved states, increasing; ``eta * step`` for descent.
    theta : ndarray, shape (T, P)
    source : {"flow", "descent"}
    status : {"finished", "event", "budget", "failed", "diverged"}
        Why the run ended. All but ``"finished"`` and ``"event"`` mean a partial trajectory.
    message : str
        The same in words, with what to do about it.
    attrs : mapping
        Method, tolerances, step size, counts of work, wall-clock seconds.
    crossings : tuple of Crossing
        Events that happened, in order.
    kept : mapping, optional
        Values of observables, each of shape (T, ...), that were kept instead of the states; then
        ``theta`` is the last state alone, shape (1, P).
    rerun : callable, optional
        ``rerun(**changes)`` repeats the run with other numerics; it is what `twins` use. It is
        not saved with the trajectory.
    velocity : callable, optional
        ``velocity(t, theta)``, if the run followed another field than the negative gradient. Not
        saved either.
    """

    problem: Problem
    t: Array
    theta: Array
    source: str = "flow"
    status: str = "finished"
    message: str = ""
    attrs: Mapping[str, Any] = field(default_factory=dict)
    crossings: tuple[Crossing, ...] = ()
    kept: Mapping[str, Array] = field(default_factory=dict, repr=False)
    rerun: Callable[..., Trajectory] | None = field(default=None, repr=False)
    velocity: Callable[[float, Array], Array] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, "pass the one that was solved.")
        validation.one_of("source", self.source, SOURCES)
        validation.one_of("status", self.status, STATUSES)
        states = min(len(self.t), 1) if self.kept else len(self.t)
        if self.theta.shape != (states, self.problem.model.parameters):
            needed = (states, self.problem.model.parameters)
            raise ValueError(
                f"`theta` has shape {self.theta.shape}, but {needed[0]} times of {needed[1]} "
                f"parameters need {needed}."
            )
        own = tuple(replace(crossing, run=self) for crossing in self.crossings)
        object.__setattr__(self, "crossings", own)

    def __len__(self) -> int:
        return len(self.t)

    def __repr__(self) -> str:
        span = f"t = {self.t[0]:.6g} … {self.t[-1]:.6g}" if len(self) else "empty"
        how = self.attrs.get("method", "")
        return (
            f"<Trajectory of the {self.source} ({how}), {len(self)} states, {span}, {self.status}>"
        )

    @property
    def complete(self) -> bool:
        """Whether the run reached its end or a terminal event."""
        return self.status in ("finished", "event")

    @property
    def final(self) -> Array:
        """Last state, shape (P,)."""
        return self.theta[-1]

    def crossings_of(self, name: str) -> tuple[Crossing, ...]:
        """Return the crossings of one event, by its name."""
        return tuple(crossing for crossing in self.crossings if crossing.name == name)

    # -- observing --------------------------------------------------------------------------------

    def observe(self, name: str, **parameters: Any) -> xr.DataArray:
        """Return an observable along the trajectory, as a labelled array.

        Parameters
        ----------
        name : str
            Name of a registered observable; see `dynlens.observables`.
        **parameters
            Its parameters, such as ``p=0.5`` for ``"schatten_norm"``.

        Returns
        -------
        xarray.DataArray
            Dims ``("time", ...)``; the others have labels, counted from zero or by name.

        Examples
        --------
        >>> import dynlens as dl
        >>> seen = dl.Full([[2.0, 0.0], [0.0, 1.0]])
        >>> problem = dl.Problem(dl.DeepLinear((2, 2, 2)), dl.SquaredLoss(), seen)
        >>> flow = dl.gradient_flow(problem, problem.init(0.1, kind="identity"), 4.0)
        >>> flow.observe("singular_values").dims
        ('time', 'component')
        """
        import xarray as xr

        entry = registry.find(name, self.problem)
        values = self.values(name, **parameters)
        dims = ("time", *entry.dimensions(self.problem))
        coords = {"time": self.t, **entry.coordinates(self.problem, values.shape[1:])}
        unit = "eta * step" if self.source == "descent" else "flow time"
        attrs = {**self.attrs, **parameters, "source": self.source, "status": self.status}
        array = xr.DataArray(values, coords, dims, name=name, attrs=attrs)
        array["time"].attrs["units"] = unit
        return array

    def values(self, name: str, **parameters: Any) -> Array:
        """Return an observable along the trajectory as a bare array, shape (T, ...)."""
        if self.kept:
            return self._kept(name, parameters)
        return registry.find(name, self.problem)(self.problem, self.theta, **parameters)

    def _kept(self, name: str, parameters: Mapping[str, Any]) -> Array:
        registry.find(name, self.problem)
        if name not in self.kept or parameters:
            raise ValueError(
                f"only {sorted(self.kept)} were kept along this run, without parameters, not "
                f"{name!r}; run it again without `observables`, which keeps the states."
            )
        return self.kept[name]

    def rates(self, name: str, **parameters: Any) -> Array:
        """Exact rates along the flow's vector field at the saved states, shape (T, ...).

        The derivative is taken by the chain rule along ``vector_field(t, theta)``, never by
        differencing samples. On a descent trajectory it is the rate the *flow* would have there.
        """
        if self.kept:
            raise ValueError("`rates` need the states; run it again without `observables`.")
        field_ = self.problem.vector_field(0.0, self.theta)
        return registry.find(name, self.problem).derivative(
            self.problem, self.theta, field_, **parameters
        )

    def dataset(self, names: Iterable[str]) -> xr.Dataset:
        """Several observables side by side."""
        import xarray as xr

        listed = validation.sequence("names", names, "for example ['loss'].", str)
        return xr.Dataset({name: self.observe(name) for name in listed})

    # -- numerical error --------------------------------------------------------------------------

    @cached_property
    def twins(self) -> tuple[Trajectory, ...]:
        """The same run with other numerics, at the same times: what arithmetic could have changed.

        For the flow: a tighter tolerance from a start perturbed in the last place, and a solver
        of another family. For descent: the same steps with their rounding carried along, and from
        a start perturbed in the last place with every state perturbed likewise, by chance. Empty
        where the trajectory cannot be repeated (after loading).
        """
        if self.rerun is None:
            return ()
        return tuple(self._twin(name, self.rerun) for name in TWINS[self.source])

    def _twin(self, name: str, rerun: Callable[..., Trajectory]) -> Trajectory:
        twin = rerun(twin=name)
        if self.status != "event":
            return twin
        # It ended at a crossing of its own; states are compared at this run's times.
        there = rerun(twin=name, times=self.t, watch=False)
        return replace(twin, t=there.t, theta=there.theta, kept=there.kept)

    def error(self, name: str, **parameters: Any) -> Array:
        """Estimate the numerical error of an observable: its largest distance to the twins.

        Returns
        -------
        ndarray, shape (T, ...)
            Infinite at times a twin did not reach, and everywhere if there is no twin.
        """
        here = self.values(name, **parameters)
        error = np.zeros_like(here) if self.twins else np.full_like(here, np.inf)
        for twin in self.twins:
            there = twin.values(name, **parameters)
            n = min(len(here), len(there))
            error[:n] = np.maximum(error[:n], np.abs(here[:n] - there[:n]))
            error[n:] = np.inf
        return error

    def at(self, times: ArrayLike) -> Trajectory:
        """Return the same flow saved at other times, integrated again with the same settings.

        Raises
        ------
        ValueError
            If the trajectory cannot be repeated, or for descent, whose states exist only at its
            own steps.
        """
        if self.rerun is None or self.source == "descent":
            raise ValueError(
                "only a flow computed in this process can be evaluated at other times; "
                "call `gradient_flow(problem, theta0, times)`."
            )
        return self.rerun(times=validation.times("times", times))

    # -- disk --------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trajectory to one ``.npz`` file, atomically; `load` reads it back."""
        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        header = {
            "problem": _plain(self.problem),
            "source": self.source,
            "status": self.status,
            "message": self.message,
            "attrs": dict(self.attrs),
            "crossings": [(c.name, c.t) for c in self.crossings],
        }
        arrays: dict[str, Any] = {f"crossing_{k}": c.theta for k, c in enumerate(self.crossings)}
        arrays |= {f"kept_{name}": values for name, values in self.kept.items()}
        stream = io.BytesIO()
        np.savez(stream, t=self.t, theta=self.theta, header=json.dumps(header), **arrays)
        return write_atomically(target, stream.getvalue())


def load(path: str | os.PathLike[str]) -> Trajectory:
    """Read a trajectory written by `Trajectory.save`.

    Nothing in the file is executed: it holds arrays and a JSON header, and only models, losses
    and observations known to this process are recreated (import your own model first).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a saved trajectory, or needs a class that is not imported.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return _told(archive)
    except FileNotFoundError:
        raise
    except _Foreign as error:
        raise ValueError(f"`path`: the file needs {error}; import it before loading.") from error
    except Exception as error:  # numpy, zipfile, json and constructors each fail in their own way
        raise ValueError(
            f"`path`: {path} is not a saved trajectory ({type(error).__name__}: {error})."
        ) from error


class _Foreign(LookupError):
    """A class that a file names and that is not known here."""


def _told(archive: Mapping[str, Any]) -> Trajectory:
    """Return the trajectory that the arrays and the header of a file tell of."""

    def floats(name: str) -> Array:
        return np.asarray(archive[name]).astype(np.float64, casting="safe")

    header = json.loads(str(archive["header"]))
    return Trajectory(
        problem=_rebuilt(header["problem"]),
        t=floats("t"),
        theta=floats("theta"),
        source=header["source"],
        status=header["status"],
        message=header["message"],
        attrs=dict(header["attrs"]),
        crossings=tuple(
            Crossing(name, t, floats(f"crossing_{k}"))
            for k, (name, t) in enumerate(header["crossings"])
        ),
        kept={name[5:]: archive[name] for name in archive if name.startswith("kept_")},
    )


def _plain(value: Any) -> Any:
    """Turn frozen dataclasses into JSON with the name of their class."""
    if is_dataclass(value) and not isinstance(value, type):
        content = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", **content}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _rebuilt(value: Any) -> Any:
    if isinstance(value, dict):
        module, _, name = value.pop("class").partition(":")
        if module.startswith(("dynlens.models.", "dynlens.problems.")):
            with suppress(ImportError):
                importlib.import_module(module)
        kinds = {f"{c.__module__}:{c.__qualname__}": c for c in _descendants(object_kinds())}
        if f"{module}:{name}" not in kinds:
            raise _Foreign(f"`{name}` from {module}")
        return kinds[f"{module}:{name}"](**{k: _rebuilt(v) for k, v in value.items()})
    return tuple(_rebuilt(v) for v in value) if isinstance(value, list) else value


def object_kinds() -> tuple[type, ...]:
    """Return the classes whose subclasses a file may name."""
    from dynlens.models.base import Model
    from dynlens.problems.losses import Loss, Ridge
    from dynlens.problems.observations import Observations

    return (Problem, Model, Loss, Ridge, Observations)


def _descendants(kinds: Iterable[type]) -> Iterable[type]:
    for kind in kinds:
        yield kind
        yield from _descendants(kind.__subclasses__())
