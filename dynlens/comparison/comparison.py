"""Gradient descent beside the flow: how far apart they are, and what makes up the gap.

Both are read on one clock, ``t = eta * step``: the flow is evaluated at descent's own times. To
first order descent is ``theta(t) + eta e(t)``, where ``e`` solves a linear equation along the flow.
The views of the gap have a file each: `first_order`, `clocks`, `stability`, `bounds`, `halving`,
`signs`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.comparison.bounds import Bounds, a_priori_bounds
from dynlens.comparison.first_order import leading_error
from dynlens.comparison.halving import Halving, halve
from dynlens.comparison.signs import LostSign, lost_sign
from dynlens.comparison.stability import Stability, stability
from dynlens.comparison.summary import sentence
from dynlens.comparison.transitions import Shift, alignment, clock_delay, transitions
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables import registry
from dynlens.support import validation
from dynlens.support.typing import Array
from dynlens.verdict import AGREE

if TYPE_CHECKING:
    import xarray as xr

FINER = 4  # times between two saved ones, for the flow's path
SHOWN = 4  # transitions that are printed


@dataclass(frozen=True, eq=False)
class Comparison:
    """The flow and descent at the same times, and their distance; made by `compare`.

    Parameters
    ----------
    flow, descent : Trajectory
        At the same times.
    data : xarray.Dataset
        Along ``time``: ``parameter_distance`` and ``end_to_end_distance`` (Euclidean), each with
        an ``..._error``, the flow's own numerical error in the same norm; ``time_shift``, by
        how much descent is behind the nearest point of the flow's path (negative: ahead), and
        ``aligned_distance``, how far it is from that point; ``clock_shift``, the delay predicted
        from the curvature along the gradient; ``predicted_distance``, the size of ``eta e(t)``,
        and ``remainder``, what that leaves (NaN where it was not computed). For each observable
        ``x``: ``x_flow``, ``x_descent``, ``x_gap`` and ``x_error``, with the observable's own dims.
    names : tuple of str
        The observables that were compared.
    parameters : mapping
        Of the observable, if there is one.
    """

    flow: Trajectory
    descent: Trajectory
    data: xr.Dataset
    names: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def stability(self) -> Stability:
        """The step times the sharpness, along both."""
        with np.errstate(over="ignore", invalid="ignore"):
            return stability(*self._judged)

    @cached_property
    def shifts(self) -> tuple[Shift, ...]:
        """When both pass half of each observable's change (of the loss, if none was named)."""
        flow, descent = self._judged
        with np.errstate(over="ignore", invalid="ignore"):
            return transitions(flow, descent, self.names or ("loss",), **self.parameters)

    @cached_property
    def lost_sign(self) -> LostSign | None:
        """Who loses the sign of the determinant, and why; None where there is none to lose."""
        if self.descent.status == "diverged":
            return None
        return lost_sign(self.flow, self.descent)

    @cached_property
    def bounds(self) -> Bounds:
        """The a priori bounds on the distance, and how tight they are."""
        return a_priori_bounds(*self._judged)

    @cached_property
    def orders(self) -> Halving:
        """The distances once more at half and a quarter of the step: orders and constant."""
        return self.halved()

    def halved(self, descend: Callable[..., Trajectory] = gradient_descent) -> Halving:
        """Like `orders`, with descent by another function, such as another backend's."""
        flow, descent = self._judged
        return halve(flow, descent, self.names, descend=descend, **self.parameters)

    @cached_property
    def horizon(self) -> float:
        """Time up to which the computed flow is the flow; beyond it nothing is judged.

        Its numerical error is below a hundredth of its size, and a determinant whose sign it
        keeps is resolved.
        """
        t, lost = self.flow.t, self.lost_sign
        size = np.linalg.norm(self.flow.theta, axis=1)
        good = self.data["parameter_distance_error"].values <= AGREE * size
        if lost is not None and lost.flow is not None:
            good &= t <= lost.resolved
        return float(t[-1] if good.all() else t[max(int(np.argmin(good)) - 1, 0)])

    @property
    def _judged(self) -> tuple[Trajectory, Trajectory]:
        """Both runs up to the horizon, or whole if hardly anything lies before it."""
        n = int(np.searchsorted(self.flow.t, self.horizon, side="right"))
        if n == len(self.flow) or n < 3:
            return self.flow, self.descent
        return self.flow.at(self.flow.t[:n]), _head(self.descent, n)

    @property
    def finding(self) -> str:
        """What was found, in one sentence (and one more if a determinant lost its sign)."""
        told = sentence(self.data, self.flow, self.descent, self.stability, self.horizon)
        return f"{told} {self.lost_sign or ''}".rstrip()

    def __str__(self) -> str:
        t, descent = self.data["time"].values, self.descent
        head = f"descent against flow   {self.flow.problem.model!r}"
        head += f", eta = {descent.attrs['eta']:g}, {len(t)} states, t = {t[0]:g} … {t[-1]:.6g}"
        rows = [head, f"  {'':<20}{'largest gap':>12}{'at t':>10}{'of its size':>13}{'error':>10}"]
        rows.append(self._row("parameters", "parameter_distance", self.flow.theta))
        tensors = self.flow.values("end_to_end")
        rows.append(self._row("end-to-end", "end_to_end_distance", tensors))
        for name in self.names:
            rows.append(self._row(name, f"{name}_gap", self.data[f"{name}_flow"].values))
        rows.append(f"  {'flow':<20}{self.flow.message}")
        rows.append(f"  {'descent':<20}{descent.message}")
        notes = [*map(str, self.shifts[:SHOWN]), str(self.stability), self.finding]
        return "\n".join([*rows, *(textwrap.fill(s, 100, break_on_hyphens=False) for s in notes)])

    def _row(self, label: str, name: str, sizes: Array) -> str:
        gaps = np.abs(self.data[name].values).reshape(len(self.flow), -1).max(axis=1)
        errors = self.data[f"{name.removesuffix('_gap')}_error"].values
        k = int(np.argmax(np.nan_to_num(gaps)))
        size = np.linalg.norm(sizes[k]) if name.endswith("_distance") else np.abs(sizes[k]).max()
        share = gaps[k] / size if size > 0 else np.nan
        error = errors.reshape(len(gaps), -1).max(axis=1)[k]
        t = float(self.data["time"][k])
        return f"  {label:<20}{gaps[k]:>12.3g}{t:>10.4g}{share:>13.2g}{error:>10.1g}"


def compare(
    flow: Trajectory,
    descent: Trajectory,
    *,
    observable: str | Sequence[str] | None = None,
    first_order: bool = True,
    **parameters: Any,
) -> Comparison:
    """Set gradient descent beside the flow, at descent's own times.

    Parameters
    ----------
    flow : Trajectory
        From `gradient_flow`, with the same problem and start; it is evaluated at the descent's
        times by integrating again with its own settings.
    descent : Trajectory
        From `gradient_descent`, with step 0 among its saved states. For GroupRMSprop the times are
        the flow time that has passed, not the nominal ``eta * step``.
    observable : str or sequence of str, optional
        What else to compare; parameters and end-to-end tensor always are.
    first_order : bool
        Also predict the gap by `first_order_error`, where descent is plain.
    **parameters
        Parameters of the observable, if it is one.

    Returns
    -------
    Comparison
        Printed, a table that ends in a sentence; `Comparison.data` has everything by time.

    Notes
    -----
    The numerical error of each gap is the flow's, from its twins. Across a fast transition a small
    time shift makes a large gap; ``data["time_shift"]`` tells one from the other.

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> flow = dl.gradient_flow(problem, [0.3, 0.2], 4.0)
    >>> descent = dl.gradient_descent(problem, [0.3, 0.2], eta=0.01, steps=400)
    >>> found = compare(flow, descent, observable="loss")
    >>> round(1e3 * float(found.data["loss_gap"].max()))
    10
    """
    names = (observable,) if isinstance(observable, str) else tuple(observable or ())
    if parameters and len(names) != 1:
        raise ValueError("parameters belong to one observable; name one, or leave them out.")
    for name in names:
        registry.find(name, flow.problem)
    times = _common_times(flow, descent)
    there = flow.at(times)
    n = len(there)
    if n < 2:
        raise ValueError(f"`flow` ended before descent's first step: {there.message}")
    here = replace(descent, t=there.t, theta=descent.theta[:n])
    leading, clock = np.full_like(there.theta, np.nan), np.full(n, np.nan)
    if first_order and descent.attrs["method"] == "plain":
        clock = clock_delay(there, descent.attrs["eta"])
        found = leading_error(there, here.theta[0], there.t)
        if found is not None:
            leading = descent.attrs["eta"] * found.error
    path = flow.at(_finer(there.t))
    with np.errstate(over="ignore", invalid="ignore"):  # descent may have diverged
        data = _distances(here, there, path, leading)
    data["clock_shift"] = "time", clock
    for name in names:
        on_flow, on_descent = (run.observe(name, **parameters) for run in (there, here))
        data[f"{name}_flow"], data[f"{name}_descent"] = on_flow, on_descent
        data[f"{name}_gap"] = on_descent - on_flow
        data[f"{name}_error"] = on_flow.dims, there.error(name, **parameters)
    data.attrs = {"eta": descent.attrs["eta"], "flow": there.attrs["method"]}
    return Comparison(there, here, data, names, parameters)


def _common_times(flow: Trajectory, descent: Trajectory) -> Array:
    """Check that the two belong together; return descent's times on the flow's clock."""
    for argument, run in (("flow", flow), ("descent", descent)):
        maker = "gradient_flow" if argument == "flow" else "gradient_descent"
        validation.instance(argument, run, Trajectory, f"pass what `{maker}` returned.")
        if run.source != argument:
            raise ValueError(f"`{argument}` is a trajectory of the {run.source}; use `{maker}`.")
    if flow.problem != descent.problem:
        raise ValueError(
            f"`flow` and `descent` must be of the same problem, got {flow.problem!r} and "
            f"{descent.problem!r}; run both on one."
        )
    if len(descent) < 2 or descent.t[0] != 0:
        raise ValueError("`descent` must have saved its start and a later step; see `saves`.")
    if flow.t[0] == 0 and not np.array_equal(flow.theta[0], descent.theta[0]):
        raise ValueError(
            f"`flow` and `descent` start {np.linalg.norm(flow.theta[0] - descent.theta[0]):.2g} "
            "apart; pass the same `theta0` to both."
        )
    return np.asarray(descent.attrs.get("flow_time", descent.t), dtype=np.float64)


def _head(run: Trajectory, n: int) -> Trajectory:
    return replace(run, t=run.t[:n], theta=run.theta[:n])


def _finer(t: Array) -> Array:
    """Times with others between them, for interpolation."""
    parts = np.linspace(0.0, 1.0, FINER, endpoint=False)
    return np.append((t[:-1, None] + np.diff(t)[:, None] * parts).ravel(), t[-1])


def _distances(
    descent: Trajectory, flow: Trajectory, path: Trajectory, leading: Array
) -> xr.Dataset:
    """Distances of parameters and end-to-end tensors, and what they are made of."""
    import xarray as xr

    n, gap = len(flow), descent.theta - flow.theta
    tensors = descent.values("end_to_end") - flow.values("end_to_end")
    behind, aligned = alignment(path, descent)
    columns = {
        "parameter_distance": np.linalg.norm(gap, axis=1),
        "parameter_distance_error": _twin_distance(flow, lambda run: run.theta),
        "end_to_end_distance": np.linalg.norm(tensors.reshape(n, -1), axis=1),
        "end_to_end_distance_error": _twin_distance(flow, lambda run: run.values("end_to_end")),
        "time_shift": behind,
        "aligned_distance": aligned,
        "predicted_distance": np.linalg.norm(leading, axis=1),
        "remainder": np.linalg.norm(gap - leading, axis=1),
    }
    return xr.Dataset({key: ("time", value) for key, value in columns.items()}, {"time": flow.t})


def _twin_distance(flow: Trajectory, of: Callable[[Trajectory], Array]) -> Array:
    here, error = of(flow), np.zeros(len(flow))
    for twin in flow.twins:
        there = of(twin)
        n = min(len(here), len(there))
        apart = np.linalg.norm((here[:n] - there[:n]).reshape(n, -1), axis=1)
        error[:n] = np.maximum(error[:n], apart)
        error[n:] = np.inf
    return error
