"""Other numerics for the same computation: what tells rounding and truncation from the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

LAST_PLACE = 1 + 2.0**-52
"""A factor that moves a number by about one unit in its last place."""


def nudged(values: Any) -> Any:
    """Return `values`, each moved by about one unit in its last place; zeros stay zeros."""
    return np.asarray(values) * LAST_PLACE if np.ndim(values) else values * LAST_PLACE


def nudged_at_random(values: Any, seed: int) -> Any:
    """Return `values`, each moved up or down by about one unit in its last place."""
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], np.shape(values))
    moved = np.asarray(values) * (1 + signs * 2.0**-52)
    return moved if np.ndim(values) else float(moved)


@dataclass(frozen=True)
class Numerics:
    """How something is computed: as stated, or once more, finer, from a start off by rounding.

    The distance of both answers is the numerical error, so every number that numerics could move
    is taken from here.

    Parameters
    ----------
    finer : bool
    nudge : int
        If not zero, starts are off in the last place, each number up or down at random: with this
        seed.

    Examples
    --------
    >>> Numerics().rtol(1e-8), Numerics(finer=True).rtol(1e-8)
    (1e-08, 1e-09)
    >>> Numerics().count(101), Numerics(finer=True).count(101)
    (101, 201)
    """

    finer: bool = False
    nudge: int = 0

    def rtol(self, value: float) -> float:
        """Tolerance of an integrator, a tenth of `value` if finer."""
        return value / 10 if self.finer else value

    def start(self, values: Any) -> Any:
        """Return `values`; if finer or nudged, off by one unit in the last place.

        Up or down at random: what scales with its input would not feel all going up together.
        """
        return nudged_at_random(values, self.nudge) if self.finer or self.nudge else values

    def count(self, points: int) -> int:
        """Points of a grid that contains its ends, with half the spacing if finer."""
        return 2 * points - 1 if self.finer else points

    def pick(self, usual: T, other: T) -> T:
        """Return `usual`, or if finer the `other` way to compute the same."""
        return other if self.finer else usual
