"""Claims about random draws: probabilities and means."""

from __future__ import annotations

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind
from dynlens.cases.base import RandomStates
from dynlens.claims.draws import Frequency, Mean
from dynlens.models.deep_linear import DeepLinear


def _states(widths: tuple[int, ...], draw: Draw, scale: float = 1.0) -> RandomStates:
    seed = draw.whole(0, 10**6)
    return RandomStates(DeepLinear(widths), "gaussian", scale, seed=seed, count=400)


@kind
def frequencies(draw: Draw) -> Stated:
    """Probabilities of signs; false: by 0.2 or more."""
    size, depth = draw.whole(1, 3), draw.whole(1, 3)
    event = draw.one_of(("determinant", "-determinant", "end_to_end[0, 0]"))
    off = 0.0 if draw.true else draw.uniform(0.25, 0.4) * draw.one_of((-1, 1))
    claim = Frequency(event, 0.5 + off)
    # In standard errors of the count, from which the count itself may be two away.
    p = 0.5 + off
    planted = abs(off) / np.sqrt(p * (1 - p) / 400) - 3
    return Stated(claim, _states((size,) * (depth + 1), draw), float(planted))


@kind
def means(draw: Draw) -> Stated:
    """Means over random starts; false: by a factor."""
    widths = tuple(draw.whole(1, 4) for _ in range(draw.whole(2, 3)))
    scale = draw.uniform(0.3, 2.0)
    parameters = sum(a * b for a, b in zip(widths[1:], widths, strict=False))
    factor = 1.0 if draw.true else draw.one_of((draw.uniform(0.2, 0.4), draw.uniform(2.0, 3.0)))
    value = factor * scale**2 * parameters
    claim = Mean("parameter_norm**2", repr(float(value)))
    # A sum of n squares has the variance 2 n; in standard errors of its mean over 400.
    planted = abs(factor - 1) * np.sqrt(400 * parameters / 2)
    return Stated(claim, _states(widths, draw, scale), float(planted / 2))
