r"""The distance at :math:`\eta`, :math:`\eta/2` and :math:`\eta/4`: its order, and its constant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from dynlens.comparison.first_order import leading_error
from dynlens.comparison.slopes import observed_order
from dynlens.dynamics.descent import gradient_descent
from dynlens.dynamics.trajectory import Trajectory
from dynlens.observables import registry
from dynlens.support.typing import Array

RESOLVED = 10.0  # a gap counts as seen when it exceeds its numerical error this many times
HALVINGS = (1, 2, 4)


@dataclass(frozen=True, eq=False)
class Halving:
    """Largest distances over common times at three step sizes, and the limit of their ratio.

    Parameters
    ----------
    etas : tuple of float
    gaps : mapping from name to ndarray, shape (3,)
        Of ``parameters``, ``end-to-end`` and each observable; ``remainder`` is what is left of
        the parameters after ``eta e(t)``.
    noise : mapping
        Numerical error of each, the flow's.
    limit, leading : ndarray, shape (T, P)
        The distance over eta, extrapolated to ``eta = 0``, and e(t), which it should be.
    limit_error : float
        Change of the limit if the largest step is left out.
    """

    etas: tuple[float, ...]
    gaps: dict[str, Array]
    noise: dict[str, float]
    limit: Array
    leading: Array
    limit_error: float
    orders: dict[str, tuple[float, float]] = field(init=False)

    def __post_init__(self) -> None:
        found = {name: self._order(name) for name in self.gaps}
        object.__setattr__(self, "orders", found)

    def _order(self, name: str) -> tuple[float, float]:
        """Observed order and its spread; NaN where the gaps are not above their error."""
        gaps = self.gaps[name]
        if not np.all(gaps > RESOLVED * self.noise[name]):  # also where a run diverged
            return np.nan, np.nan
        return observed_order(self.etas, gaps, floor=0.0)

    @property
    def constant_off(self) -> float:
        """Largest component of limit less e(t), relative to the largest component of e."""
        size = np.abs(self.leading).max()
        if not size > 0:
            return np.nan
        return float(np.abs(self.limit - self.leading).max() / size)

    def __str__(self) -> str:
        steps = ", ".join(f"{eta:g}" for eta in self.etas)
        rows = [f"  {f'at eta = {steps}':<34}{'order':>10}{'spread':>10}"]
        for name, gaps in self.gaps.items():
            order, spread = self.orders[name]
            shown = ", ".join(f"{gap:.3g}" for gap in gaps)
            told = f"{order:>10.4f}{spread:>10.1g}" if np.isfinite(order) else f"{'unseen':>20}"
            rows.append(f"  {name:<34}{told}  {shown}")
        rows.append(
            f"  (theta_n - theta) / eta -> e(t), every component, but for {self.constant_off:.1g} "
            f"of the largest (+- {self.limit_error:.1g})"
        )
        return "\n".join(rows)


def halve(
    flow: Trajectory,
    descent: Trajectory,
    names: Sequence[str] = (),
    *,
    descend: Callable[..., Trajectory] = gradient_descent,
    **parameters: Any,
) -> Halving:
    """Repeat a plain descent at half and a quarter of its step, and compare each with the flow.

    Parameters
    ----------
    flow, descent : Trajectory
        At the same times.
    names : sequence of str
        Observables to be compared as well.
    descend : callable
        In place of `gradient_descent`, with its arguments: another backend, for example.
    **parameters
        Of the observables.

    Raises
    ------
    ValueError
        If descent is not plain.
    """
    if descent.attrs["method"] != "plain":
        raise ValueError(f"halving needs plain descent, not {descent.attrs['method']}.")
    eta, problem = float(descent.attrs["eta"]), flow.problem
    marks = np.round(flow.t / eta).astype(np.int64)
    runs = [descent.theta]
    for factor in HALVINGS[1:]:
        fine = factor * marks
        run = descend(problem, descent.theta[0], eta=eta / factor, steps=int(fine[-1]), saves=fine)
        padded = np.full_like(descent.theta, np.nan)
        padded[: len(run)] = run.theta
        runs.append(padded)
    thetas, etas = np.array(runs), eta / np.array(HALVINGS)
    found = leading_error(flow, flow.theta[0], flow.t)
    e = np.full_like(flow.theta, np.nan) if found is None else found.error
    gaps, noise = {}, {}
    quantities: dict[str, Callable[[Array], Array]] = {
        "parameters": lambda theta: theta,
        "end-to-end": problem.end_to_end,
    }
    for name in names:
        entry = registry.find(name, problem)
        if not entry.along_path:
            quantities[name] = partial(entry, problem, **parameters)

    def distance(a: Array, b: Array) -> float:
        return float(np.linalg.norm((a - b).reshape(len(a), -1), axis=1).max())

    with np.errstate(over="ignore", invalid="ignore"):
        for name, of in quantities.items():
            here = of(flow.theta)
            # Observables such as singular values refuse what is not finite.
            gaps[name] = np.array(
                [distance(of(run), here) if np.isfinite(run).all() else np.nan for run in thetas]
            )
            noise[name] = _noise(flow, of, here, distance)
        scaled = (thetas - flow.theta) / etas[:, None, None]
        left = [distance(run, eta * e) for run, eta in zip(thetas - flow.theta, etas, strict=True)]
        gaps["remainder"], noise["remainder"] = np.array(left), noise["parameters"]
        # Neville: twice the finer less the coarser removes eta, the next pass eta^2.
        coarse, fine = 2 * scaled[1] - scaled[0], 2 * scaled[2] - scaled[1]
        limit = (4 * fine - coarse) / 3
        size = np.abs(e).max()
        off = float(np.abs(limit - fine).max() / size) if size > 0 else np.nan
    return Halving(tuple(etas.tolist()), gaps, noise, limit, e, off)


def _noise(
    flow: Trajectory,
    of: Callable[[Array], Array],
    here: Array,
    distance: Callable[[Array, Array], float],
) -> float:
    noise = 0.0
    for twin in flow.twins:
        if len(twin) < len(flow):
            return np.inf
        noise = max(noise, distance(of(twin.theta), here))
    return noise
