"""Orders in the step size: descent at several steps, the flow, and claims about their distance.

The trend is the evidence: a gap that halves with the step, a remainder that quarters, a scaled gap
that tends to a solution of its own equation. What holds at every single step is a `Recursion`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from dynlens.cases.base import ModelSamples, Samples
from dynlens.cases.descents import DescentSamples
from dynlens.cases.formulas import Formula
from dynlens.claims.base import Claim
from dynlens.claims.equations import TINY
from dynlens.claims.sides import named
from dynlens.comparison.halving import RESOLVED
from dynlens.comparison.slopes import observed_order
from dynlens.observables import registry
from dynlens.support import validation
from dynlens.support.typing import Array
from dynlens.verdict import Measured


@dataclass(frozen=True, kw_only=True)
class Order(Claim):
    r"""The distance between descent and flow is of a given order in the step.

    Parameters
    ----------
    expected : float
    band : float
        Allowed distance of the fitted order. There is no other tolerance.
    quantity : str
        ``"theta"``, or the name of an observable.
    remainder : bool
        Of what is left after the first-order term: ``eta e(t)``, or its image under the
        observable's exact derivative.
    closed : formula, optional
        The observable along the flow in closed form, in the place of the integrated flow.
    linear, forcing : float
        Coefficients of the equation for e (see `first_order_error`); others than the defaults are
        false variants.

    Notes
    -----
    The distance is the largest over the common times. The numerical error of the order is the
    integrator's, propagated through the fit, plus the range of the pairwise slopes. Where these
    still move by more than the band, the steps are too large: UNDECIDED, never REFUTED.
    """

    expected: float = 1.0
    band: float = 0.05
    quantity: str = "theta"
    remainder: bool = False
    closed: Formula = None
    linear: float = 1.0
    forcing: float = 0.5
    tolerance: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tolerance", validation.positive("band", self.band))
        super().__post_init__()
        validation.positive("expected", self.expected)

    @property
    def statement(self) -> str:
        flow = f"{self.quantity}(flow)" if self.closed is None else named(self.closed)
        gap = f"{self.quantity}(descent) - {flow}"
        if self.remainder:
            image = "e(t)" if self.quantity == "theta" else f"D{self.quantity}[e(t)]"
            gap += f" - eta {image}, {_equation(self.linear, self.forcing)},"
        return f"{gap} is of order eta**{self.expected:g}"

    def distances(self, samples: DescentSamples) -> Array:
        """Largest distance over the common times at every step size, shape (K,)."""
        problem, flow, runs = samples.problem, samples.theta, samples.descents
        e = (
            samples.first_order(self.linear, self.forcing)
            if self.remainder
            else np.zeros_like(flow)
        )
        if self.quantity == "theta":
            here, there, leading = runs, flow, e
        else:
            entry = registry.find(self.quantity, problem)
            here, there = entry(problem, np.nan_to_num(runs)), entry(problem, flow)
            leading = np.zeros_like(there)
            if self.remainder:
                leading = entry.derivative(problem, flow, e)
        if self.closed is not None:
            there = self.evaluate(self.closed, samples)
        eta = np.reshape(samples.etas, (-1, *[1] * there.ndim))
        gap = (here - there - eta * leading).reshape(*runs.shape[:2], -1)
        gap[np.isnan(runs).any(axis=2)] = np.nan
        return np.asarray(np.linalg.norm(gap, axis=2).max(axis=1))

    def measure(self, samples: Samples) -> Array:
        residual = np.full(len(samples), np.nan)
        order, _ = observed_order(_ladder_of(samples).etas, self.distances(_ladder_of(samples)))
        residual[-1] = abs(order - self.expected)
        return residual

    def evidence(self, samples: Samples) -> Measured:
        ladder = _ladder_of(samples)
        h, sizes = np.array(ladder.etas), self.distances(ladder)
        others = [self.distances(_ladder_of(twin)) for twin in ladder.twins]
        noise = np.max([np.abs(sizes - other) for other in others], axis=0, initial=0.0)
        kept = sizes > np.maximum(RESOLVED * noise, TINY)  # False where a run diverged
        findings, _ = self.assumed(samples)
        residual, error = np.full(len(samples), np.nan), np.zeros(len(samples))
        if kept.sum() < 3 or len(others) < 2:
            residual[-1], error[-1] = 0.0, np.inf
            note = f"only {kept.sum()} of {len(h)} step sizes give a gap above the numerical error"
        else:
            order, spread = observed_order(h[kept], sizes[kept], floor=0.0)
            fits = [observed_order(h[kept], other[kept], floor=0.0)[0] for other in others]
            propagated = max(abs(order - fit) for fit in fits)
            slopes = np.diff(np.log(sizes[kept])) / np.diff(np.log(h[kept]))
            off, width = abs(order - self.expected), float(np.ptp(slopes))
            # Slopes that still move say nothing about the limit, in either direction.
            unsettled = off if width > self.band else 0.0
            residual[-1], error[-1] = off, max(propagated + width, unsettled)
            gaps = ", ".join(f"{size:.3g}" for size in sizes[kept])
            note = (
                f"order {order:.4f}, spread of pairwise slopes {spread:.1g}, integrator's share "
                f"{propagated:.1g}; gaps {gaps} at eta = {', '.join(f'{x:g}' for x in h[kept])}"
            )
        t = ladder.t
        assert t is not None
        return Measured(residual, error, self.allowed, t, float(t[-1]), findings, note)


@dataclass(frozen=True, kw_only=True)
class LeadingError(Claim):
    r"""``(theta(descent) - theta(flow)) / eta -> e(t)`` as eta goes to zero, in every component.

    The limit is extrapolated from the case's step sizes (Neville's scheme for polynomials in eta);
    its error is the integrator's plus the change when the largest step is left out.

    Parameters
    ----------
    linear, forcing : float
        See `first_order_error`.
    floor : float
        Below this share of the largest e anywhere, a difference counts absolutely.
    """

    linear: float = 1.0
    forcing: float = 0.5
    floor: float = 1e-2
    tolerance: float = 1e-4

    @property
    def statement(self) -> str:
        equation = _equation(self.linear, self.forcing)
        return f"(theta(descent) - theta(flow)) / eta -> e(t), {equation}"

    def measure(self, samples: Samples) -> Array:
        ladder = _ladder_of(samples)
        e = ladder.first_order(self.linear, self.forcing)
        gap = np.abs(_limit(ladder, 0) - e)
        gap[0] = np.nan  # both are zero at the start
        return gap / self._size(e)

    def evidence(self, samples: Samples) -> Measured:
        found, ladder = super().evidence(samples), _ladder_of(samples)
        size = self._size(ladder.first_order(self.linear, self.forcing))
        changed = np.abs(_limit(ladder, 0) - _limit(ladder, 1)) / size
        # A run that diverged leaves no limit to speak of: not a violation, not a support.
        residual = np.where(np.isnan(changed), 0.0, found.residual)
        residual[0] = np.nan
        error = np.where(np.isnan(changed), np.inf, found.error + changed)
        return replace(found, residual=residual, error=error, horizon=found.t[-1])  # type: ignore[index]

    def _size(self, e: Array) -> Array:
        size = np.abs(e).max(axis=1, keepdims=True)
        return np.maximum(size, max(self.floor * size.max(), TINY))


@dataclass(frozen=True)
class Recursion(Claim):
    """Along gradient descent ``of -> factor * of + increment`` at every single step, exactly.

    The recursion is run from the initial value, so errors of the law add up along the path; the
    case must be a descent that saves every step.

    Parameters
    ----------
    of, factor, increment : formula
        In names of quantities at the step, and ``eta``.
    tolerance : float
        Relative to the largest value of ``of`` so far.
    """

    of: Formula
    factor: Formula = field(default="1", kw_only=True)
    increment: Formula = field(default="0", kw_only=True)
    tolerance: float = field(default=1e-12, kw_only=True)

    @property
    def statement(self) -> str:
        of, factor, increment = map(named, (self.of, self.factor, self.increment))
        grown = of if factor == "1" else f"({factor}) * {of}"
        added = "" if increment == "0" else f" + {increment}"
        return f"{of} -> {grown}{added} at every step of descent"

    def measure(self, samples: Samples) -> Array:
        actual = self.evaluate(self.of, samples)
        factor, increment = (
            np.broadcast_to(
                value.reshape(*value.shape, *[1] * (actual.ndim - value.ndim)), actual.shape
            )
            for value in (
                self.evaluate(self.factor, samples),
                self.evaluate(self.increment, samples),
            )
        )
        expected = np.empty_like(actual)
        expected[0] = actual[0]
        for k in range(len(samples) - 1):
            expected[k + 1] = factor[k] * expected[k] + increment[k]
        largest = np.abs(actual).reshape(len(samples), -1).max(axis=1, initial=TINY)
        scale = np.maximum.accumulate(largest).reshape(-1, *[1] * (actual.ndim - 1))
        return np.abs(actual - expected) / scale

    def read(self, name: str, samples: Samples) -> Array:
        if name == "eta" and name not in dict(self.given):
            return np.asarray(_step_size(samples))
        return super().read(name, samples)


def step_imbalances(samples: ModelSamples) -> Array:
    r"""``eta**2`` times :math:`G_{j+1}^\top G_{j+1} - G_j G_j^\top`, G the layers' gradients.

    What one step of descent adds to the imbalances of a deep linear network: the terms of first
    order in eta cancel, which is why the flow conserves them.
    """
    gradient = samples.problem.gradient(samples.theta)
    return _step_size(samples) ** 2 * registry.find("imbalances")(samples.problem, gradient)


def _step_size(samples: Samples) -> float:
    t = samples.t
    steps = np.diff(t) if t is not None else np.empty(0)
    if not len(steps) or np.any(np.abs(steps - steps[0]) > 1e-9 * steps[0]):
        raise ValueError(
            "the claim is about every step of descent; use a case that saves them all, such as "
            "`Path(problem, start, t_end, eta=eta, saves=steps + 1)`."
        )
    return float(steps[0])


def _ladder_of(samples: Samples) -> DescentSamples:
    if not isinstance(samples, DescentSamples):
        raise TypeError("the claim compares step sizes; check it on a `DescentCase(...)`.")
    return samples


def _limit(ladder: DescentSamples, skip: int) -> Array:
    """Limit of the scaled gap for eta to zero, from all step sizes but the `skip` largest."""
    h = ladder.etas[skip:]
    table = [(run - ladder.theta) / eta for run, eta in zip(ladder.descents[skip:], h, strict=True)]
    for width in range(1, len(h)):
        table = [
            (h[k] * table[k + 1] - h[k + width] * table[k]) / (h[k] - h[k + width])
            for k in range(len(h) - width)
        ]
    return np.asarray(table[0])


def _equation(linear: float, forcing: float) -> str:
    text = ""
    for value, name in ((-linear, "H e"), (-forcing, "H g")):
        if value:
            sign = "-" if value < 0 else "+"
            size = "" if abs(value) == 1 else f"{abs(value):g} "
            text += f" {sign} {size}{name}"
    return f"e' ={text}".replace("= + ", "= ").replace("= - ", "= -")
