"""Work against precision: what a solver costs for an error, and how two of them compare.

Tolerances of different solvers mean different things, and so do equal ones of the same solver on
another problem. Only times at equal achieved error can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, log, nan

ROUNDING = 1e-18  # relative errors below this count as equal


@dataclass(frozen=True)
class Point:
    """One run of a solver.

    Parameters
    ----------
    rtol : float
    error : float
        Largest distance of the last state to the reference, relative to the latter's largest
        entry. NaN if the solver failed.
    milliseconds : float
        Time of the processor, the smallest of all turns.
    evaluations : int or None
    """

    rtol: float
    error: float
    milliseconds: float
    evaluations: int | None = None


@dataclass(frozen=True)
class Curve:
    """All runs of one solver on one problem, the loosest tolerance first."""

    name: str
    points: tuple[Point, ...]

    def front(self, work: str = "milliseconds") -> list[tuple[float, float]]:
        """Pairs (error, work) that no other run beats in both, the largest error first."""
        known = [(p.error, getattr(p, work)) for p in self.points]
        usable = sorted(pair for pair in known if pair[1] is not None and pair[0] < inf)
        kept: list[tuple[float, float]] = []
        for error, cost in usable:  # from the smallest error on: a larger one must cost less
            if not kept or cost < kept[-1][1]:
                kept.append((error, cost))
        return kept[::-1]

    @property
    def floor(self) -> float:
        """Smallest error reached."""
        return min((p.error for p in self.points if p.error < inf), default=inf)

    def work_for(self, error: float, work: str = "milliseconds") -> float:
        """Work for an error at most as large; NaN if that was never reached.

        Between two runs, log(work) is interpolated linearly in log(error). Beyond the loosest run
        nothing is extrapolated: it reaches the error, with some to spare.
        """
        front = self.front(work)
        if not front or error < front[-1][0]:
            return nan
        if error >= front[0][0]:
            return front[0][1]
        for (high, cheap), (low, dear) in pairwise(front):
            if low <= error:
                low, aim, high = (max(value, ROUNDING) for value in (low, error, high))
                share = log(high / aim) / log(high / low)
                return exp((1 - share) * log(cheap) + share * log(dear))
        return nan  # pragma: no cover - some pair holds the error

    def at(self, rtol: float) -> Point | None:
        """Return the run at this tolerance, if there was one."""
        return next((point for point in self.points if point.rtol == rtol), None)


@dataclass(frozen=True)
class Ratio:
    """How many times as much work the other solver needs, and at which error."""

    value: float
    error: float


def ratio(theirs: Curve, ours: Curve, wanted: float, work: str = "milliseconds") -> Ratio:
    """Compare at the error wanted, or at the smallest above it that both of them reach."""
    error = max(wanted, theirs.floor, ours.floor)
    if error == inf:
        return Ratio(nan, nan)
    return Ratio(theirs.work_for(error, work) / ours.work_for(error, work), error)
