r"""A priori bounds on the distance of descent to the flow, and how tight they are.

With :math:`E = \theta_n - \theta(t)`, :math:`t = n\eta`, and the Hessian H on the segments between
the two (Hairer, Nørsett & Wanner 1993, I.7 and II.3, for the field :math:`-g`):

=========  ==================================================================================
classical  :math:`\frac\eta2 \max|Hg|\,(e^{\Lambda t} - 1)/\Lambda`, if :math:`|H| \le \Lambda`
one-sided  :math:`\frac\eta2 \max|Hg|\,(1 - (1 - \eta\mu)^n)/\mu`, if :math:`H \ge \mu` and
           :math:`\eta(\mu + \Lambda) \le 2`
leading    :math:`\frac\eta2 \int_0^t |Hg|\,e^{-\int_s^t m}`, m the least eigenvalue along the
           flow: a bound to first order in :math:`\eta` only
tube       :math:`\eta \int_0^t \beta\gamma\,e^{-\int_s^t m}`, with :math:`\beta \ge |H|`,
           :math:`\gamma \ge |g|`, m the least eigenvalue on a tube around the flow that
           holds descent (Elkabetz & Cohen 2021)
=========  ==================================================================================

Maxima over segments and tubes are taken over samples; nothing here is certified.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dynlens.dynamics.trajectory import Trajectory
from dynlens.problems.curvature import curvature_range
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array

if TYPE_CHECKING:
    import xarray as xr

BETWEEN = np.linspace(0.0, 1.0, 5)  # points of a segment
TUBE = 48  # points of the tube looked at, at every time
WIDER = 1.05  # radius of the tube, in units of the largest distance
NAMES = ("classical", "one-sided", "leading", "tube")
KINDS = {
    "classical": "sampled on segments",
    "one-sided": "sampled on segments",
    "leading": "leading order only",
    "tube": "sampled on a tube",
}


def curved_gradient(problem: Problem, theta: Array) -> Array:
    """Size of Hg, shape (...)."""
    return np.linalg.norm(problem.hessian_vector_product(theta, problem.gradient(theta)), axis=-1)


def on_segments(problem: Problem, flow: Array, descent: Array) -> Array:
    """Least and largest eigenvalue of the Hessian on each segment, shape (T, 2); sampled."""
    points = flow + BETWEEN[:, None, None] * (descent - flow)
    found = curvature_range(problem, points)
    return np.stack([found[..., 0].min(axis=0), found[..., 1].max(axis=0)], axis=-1)


def classical(eta: float, t: Array, force: Array, ends: Array) -> Array:
    """Bound with ``|H| <= Lambda``; `force` is ``|Hg|``, `ends` the spectra on the segments."""
    steepest = np.abs(ends).max()
    return np.asarray(eta / 2 * force.max() * np.expm1(steepest * t) / steepest)


def one_sided(eta: float, t: Array, force: Array, ends: Array) -> Array:
    """Bound with ``H >= mu``, whether or not ``eta (mu + Lambda) <= 2``."""
    mu, n = ends[:, 0].min(), np.round(t / eta)
    grown = n * eta if mu == 0 else (1 - (1 - eta * mu) ** n) / mu
    return np.asarray(eta / 2 * force.max() * grown)


def step_condition(eta: float, ends: Array) -> float:
    """``eta (mu + Lambda)``, which the one-sided bound needs to be at most 2."""
    return float(eta * (ends[:, 0].min() + ends[:, 1].max()))


def transported(t: Array, force: Array, m: Array) -> Array:
    r""":math:`\int_0^t force(s)\,e^{-\int_s^t m}\,ds` at every time, by trapezoids."""
    step = np.diff(t)
    decay = np.concatenate([[0.0], np.cumsum((m[1:] + m[:-1]) / 2 * step)])
    found = np.zeros_like(t)
    for k in range(len(step)):  # step by step: exp of the whole integral may overflow
        kept = np.exp(decay[k] - decay[k + 1])
        found[k + 1] = kept * found[k] + (kept * force[k] + force[k + 1]) / 2 * step[k]
    return found


def tube(
    problem: Problem,
    eta: float,
    t: Array,
    flow: Array,
    radius: float,
    *,
    exponent: Callable[[Array], Array] = np.asarray,
) -> Array:
    """Bound on a tube around the flow; with anything else than m as `exponent` it is false."""
    rng = np.random.default_rng(0)
    offsets = rng.standard_normal((TUBE, *flow.shape))
    offsets *= radius / np.linalg.norm(offsets, axis=-1, keepdims=True)
    points = np.concatenate([flow[None], flow + offsets])
    ends = curvature_range(problem, points)
    beta = np.abs(ends).max(axis=(0, 2))
    gamma = np.linalg.norm(problem.gradient(points), axis=-1).max(axis=0)
    return eta * transported(t, beta * gamma, exponent(ends[..., 0].min(axis=0)))


@dataclass(frozen=True, eq=False)
class Bounds:
    """The four bounds along a run, beside the distance that they bound.

    Parameters
    ----------
    data : xarray.Dataset
        Along ``time``: ``distance`` and each bound by its name.
    skipped : mapping
        Bounds whose hypothesis does not hold, with what was measured.
    radius : float
        Of the tube: 1.05 times the largest distance, so that it is known to hold descent only
        afterwards.
    """

    data: xr.Dataset
    skipped: dict[str, str]
    radius: float

    @property
    def names(self) -> tuple[str, ...]:
        """Bounds that were computed."""
        return tuple(name for name in NAMES if name in self.data)

    def tightness(self, name: str) -> Array:
        """Bound over distance, NaN where the distance is zero."""
        bound, distance = self.data[name].values, self.data["distance"].values
        with np.errstate(over="ignore"):
            return np.divide(bound, distance, out=np.full(len(bound), np.nan), where=distance > 0)

    @property
    def self_consistent(self) -> bool:
        """Whether the tube's bound stays below its radius: then it holds without hindsight."""
        return bool(self.data["tube"].max() < self.radius)

    def __str__(self) -> str:
        rows = [f"  {'bound':<12}{'at the end':>12}{'bound/distance':>16}{'least':>10}  kind"]
        for name in self.names:
            ratio = self.tightness(name)
            end = float(self.data[name][-1])
            rows.append(
                f"  {name:<12}{end:>12.3g}{ratio[-1]:>16.3g}{np.nanmin(ratio):>10.3g}  "
                f"{KINDS[name]}"
            )
        rows += [f"  {name:<12}skipped: {reason}" for name, reason in self.skipped.items()]
        hindsight = "without" if self.self_consistent else "with"
        rows.append(f"  the tube of radius {self.radius:.2g} holds descent {hindsight} hindsight")
        return "\n".join(rows)


def a_priori_bounds(flow: Trajectory, descent: Trajectory, *, points: int = 101) -> Bounds:
    """Evaluate the bounds along a flow and a plain descent that are given at the same times.

    Parameters
    ----------
    flow, descent : Trajectory
    points : int
        Times looked at, evenly among those saved; at each the Hessian's spectrum is taken at some
        fifty states.

    Raises
    ------
    ValueError
        If descent is not plain, or diverged.
    """
    import xarray as xr

    if descent.attrs["method"] != "plain":
        raise ValueError(f"the bounds are for plain descent, not {descent.attrs['method']}.")
    if descent.status == "diverged":
        raise ValueError("descent diverged, and no bound holds; compare up to an earlier time.")
    count = min(validation.count("points", points, least=3), len(flow))
    kept = np.unique(np.linspace(0, len(flow) - 1, count).round().astype(int))
    problem, eta, t = flow.problem, float(descent.attrs["eta"]), flow.t[kept]
    here, there = flow.theta[kept], descent.theta[kept]
    distance = np.linalg.norm(there - here, axis=1)
    ends, force = on_segments(problem, here, there), curved_gradient(problem, here)
    radius = WIDER * float(np.linalg.norm(descent.theta - flow.theta, axis=1).max())
    lowest = curvature_range(problem, here)[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):  # a bound may well be infinite
        columns = {
            "distance": distance,
            "classical": classical(eta, t, force, ends),
            "leading": eta / 2 * transported(t, force, lowest),
            "tube": tube(problem, eta, t, here, radius),
        }
    skipped, condition = {}, step_condition(eta, ends)
    if condition <= 2:
        columns["one-sided"] = one_sided(eta, t, force, ends)
    else:
        skipped["one-sided"] = f"eta (mu + Lambda) = {condition:.3g} is above 2"
    data = xr.Dataset({name: ("time", value) for name, value in columns.items()}, {"time": t})
    return Bounds(data, skipped, radius)
