"""Starts with labels: which scale and which seed each of them has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array, ArrayLike

if TYPE_CHECKING:
    import xarray as xr

LAST = "parameter"
RESERVED = ("time", "step", "eta")  # dims that a batch adds itself


def starts(
    problem: Problem,
    scale: float | Iterable[float],
    *,
    seed: int | Iterable[int] | None = None,
    kind: str = "gaussian",
    determinant: int | None = None,
) -> xr.DataArray:
    """Draw a start for each scale and each seed.

    Parameters
    ----------
    problem : Problem
    scale : float or sequence of float
        As in `Problem.init`.
    seed : int or sequence of int, optional
        Needed by the random kinds. The draws of a seed at several scales are multiples of one
        another where `Problem.init` makes them so, as it does with Gaussian factors.
    kind, determinant
        As in `Problem.init`.

    Returns
    -------
    xarray.DataArray
        Dims ``("scale", "seed", "parameter")``; a single scale or seed is a label without a dim.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.completion_problem(2)
    >>> found = dl.starts(problem, scale=[1e-2, 1e-3], seed=range(4))
    >>> dict(found.sizes)
    {'scale': 2, 'seed': 4, 'parameter': 8}
    >>> bool((found.sel(scale=1e-3, seed=3) == problem.init(1e-3, seed=3)).all())
    True
    """
    import xarray as xr

    validation.instance("problem", problem, Problem, "for example `Problem(model, loss, seen)`.")
    labels: dict[str, Any] = {"scale": scale}
    if seed is not None:
        labels["seed"] = seed
    dims = tuple(name for name, values in labels.items() if np.ndim(_listed(values)))
    axes = [_axis(name, values) for name, values in labels.items()]
    shape = tuple(len(axis) for axis in axes)
    theta = np.empty((*shape, problem.model.parameters))
    for place in np.ndindex(shape):
        chosen = {name: axis[k] for name, axis, k in zip(labels, axes, place, strict=True)}
        theta[place] = problem.init(**chosen, kind=kind, determinant=determinant)
    coords = {
        name: axis if name in dims else axis[0] for name, axis in zip(labels, axes, strict=True)
    }
    sizes = tuple(n for n, name in zip(shape, labels, strict=True) if name in dims)
    theta = theta.reshape((*sizes, problem.model.parameters))
    return xr.DataArray(theta, coords, (*dims, LAST), name="theta", attrs={"kind": kind})


def _listed(values: Any) -> Any:
    """Return a range, a generator or an array as a list, and all else as it is."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        return values
    return values if isinstance(values, np.ndarray) else list(values)


def _axis(name: str, values: Any) -> list[Any]:
    listed = _listed(values)
    if np.ndim(listed) > 1:
        raise ValueError(f"`{name}` must be a number or a list of them, got {values!r:.80}.")
    axis = list(listed) if np.ndim(listed) else [listed]
    check = validation.seed_of if name == "seed" else lambda value: validation.positive(name, value)
    axis = [check(value) for value in axis]
    if len(set(axis)) < len(axis):
        raise ValueError(f"`{name}` repeats a value; list each one once.")
    return axis


def read_starts(problem: Problem, given: ArrayLike | xr.DataArray) -> tuple[Array, xr.DataArray]:
    """Check starts, and return them as rows beside the grid of their numbers.

    Parameters
    ----------
    problem : Problem
    given : array_like, shape (B, P), or DataArray with a dim "parameter"
        As `starts` returns them; bare rows get the dim "start".

    Returns
    -------
    theta : ndarray, shape (B, P)
    grid : DataArray of int
        For each label the row that it belongs to.
    """
    import xarray as xr

    size = problem.model.parameters
    if isinstance(given, xr.DataArray):
        if LAST not in given.dims or any(dim in given.dims for dim in RESERVED):
            raise ValueError(
                f"`starts` has dims {given.dims}; it needs {LAST!r} and none of {RESERVED}, as "
                "`dynlens.starts(problem, scale, seed=...)` makes it."
            )
        given = given.transpose(..., LAST)
        dims, shape = given.dims[:-1], given.shape[:-1]
        coords = {name: c for name, c in given.coords.items() if LAST not in c.dims}
        array = validation.real_array("starts", given.values)
    else:
        array = validation.real_array("starts", given)
        dims, shape, coords = ("start",), array.shape[:1], {}
    if array.ndim < 1 or array.shape[-1] != size or (dims == ("start",) and array.ndim != 2):
        raise ValueError(
            f"`starts` has shape {array.shape}, but a start of {problem.model!r} in each row makes "
            f"(B, {size}); stack them, or use `dynlens.starts(problem, scale, seed=range(B))`."
        )
    count = int(np.prod(shape))
    # Unlabelled places are counted, so that every dim can be selected by.
    coords |= {dim: np.arange(n) for dim, n in zip(dims, shape, strict=True) if dim not in coords}
    grid = xr.DataArray(np.arange(count).reshape(shape), coords, dims)
    return np.ascontiguousarray(array.reshape(count, size)), grid
