"""Up to when the numbers along a path mean something.

Twins are the same run with other numerics. Where they part, in the state or in what a formula
reads, arithmetic has decided, and once parted they are never trusted again, however well they agree
later: all of them may have fallen into the same wrong attractor. It is looked for at all times of
the run, also where nothing is asserted.
"""

from __future__ import annotations

import numpy as np

from dynlens.cases.base import Samples
from dynlens.claims.evaluating import Evaluating
from dynlens.support.typing import Array, Mask
from dynlens.verdict import AGREE, SHARP

NEAR = 1e-6
"""Twins whose states are nearer than this share of their norm have not parted.

A loss that has decayed to rounding may differ by any factor between them and still be right.
"""


def horizon(claim: Evaluating, samples: Samples, error: Array) -> float:
    """Last time before anything parted; negative if nothing can be trusted."""
    assert samples.t is not None
    spread = np.where(np.isnan(error), 0.0, error).reshape(len(samples), -1)
    good = spread.max(axis=1, initial=0.0) <= AGREE
    good &= ~_parted(claim, samples)
    for assumption in claim.assumptions:
        if assumption.critical:
            value = claim.evaluate(assumption.quantity, samples)
            # The sign is invariant: if it is lost, even by all twins alike, it is arithmetic.
            good &= assumption.met(value) & (np.sign(value) == np.sign(value[0]))
            for twin in samples.twins:
                n = min(len(samples), len(twin))
                gap = np.abs(value[:n] - claim.evaluate(assumption.quantity, twin)[:n])
                good[:n] &= np.abs(value[:n]) > SHARP * gap
    bad = np.flatnonzero(~good)
    if not len(bad):
        return float(samples.t[-1])
    return float(samples.t[bad[0] - 1]) if bad[0] > 0 else -1.0


def _parted(claim: Evaluating, samples: Samples) -> Mask:
    """Where a twin's state is elsewhere, or a little off and what the claim reads is elsewhere."""
    parted = np.zeros(len(samples), dtype=bool)
    for twin in samples.twins:
        n = min(len(samples), len(twin))
        away = samples.distance(twin)[:n]
        parted[:n] |= away > AGREE
        if np.any(away > NEAR):
            parted[:n] |= (away > NEAR) & _disagree(claim, samples, twin)[:n]
    return parted


def _disagree(claim: Evaluating, samples: Samples, twin: Samples) -> Mask:
    """Where a quantity that the claim reads differs by more than a share of itself."""
    n = min(len(samples), len(twin))
    found = np.zeros(len(samples), dtype=bool)
    for name in claim.quantities():
        with np.errstate(invalid="ignore"):
            here, there = claim.read(name, samples), claim.read(name, twin)
            if here.ndim == 0 or len(here) != len(samples):
                continue
            size = np.fmax(np.abs(here[:n]), np.abs(there[:n])).reshape(n, -1).max(axis=1)
            gap = np.abs(here[:n] - there[:n]).reshape(n, -1).max(axis=1)
        found[:n] |= gap > AGREE * size
    return found


def gap_of(residual: Array, other: Array) -> Array:
    """Distance of residuals to a twin's, infinite where it did not come or is undefined."""
    n = min(len(residual), len(other))
    error = np.full_like(residual, np.inf)
    with np.errstate(invalid="ignore"):
        gap = np.abs(residual[:n] - other[:n])
    # An undefined residual (inf) is as wrong as can be; one not asserted (nan) is not.
    gap = np.where(np.isinf(residual[:n]) | np.isinf(other[:n]), np.inf, gap)
    error[:n] = np.fmax(0.0, gap)
    return error
