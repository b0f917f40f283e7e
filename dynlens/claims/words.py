"""Words of formulas that stand for more than a name: entries, and sums over entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.cases.formulas import Word
from dynlens.support.typing import Array


def entry_of(values: Array, word: Word) -> Array:
    """Return one entry at every sample, shape (S,)."""
    if len(word.entry) != values.ndim - 1:
        raise ValueError(
            f"{word.inside}{list(word.entry)} names {len(word.entry)} indices, but {word.inside!r} "
            f"has shape {values.shape[1:]} at each sample."
        )
    try:
        where: Any = (slice(None), *word.entry)
        return np.asarray(values[where])
    except IndexError as error:
        raise ValueError(
            f"{word.inside}{list(word.entry)} is outside of its shape {values.shape[1:]}."
        ) from error


def reduced_rate(kind: str, values: Array, rates: Array) -> Array:
    """Rate of a sum, mean, product, minimum or maximum over entries, shape (S,).

    Parameters
    ----------
    kind : {"sum", "mean", "prod", "min", "max"}
    values, rates : ndarray, shape (S, E)
        Of a minimum or maximum that several entries attain, the rate is the one-sided one.
    """
    rates = np.broadcast_to(rates, values.shape)
    if kind in ("sum", "mean"):
        return np.asarray(getattr(rates, kind)(axis=1))
    if kind == "prod":
        others = [
            np.prod(np.delete(values, k, axis=1), axis=1) * rates[:, k]
            for k in range(values.shape[1])
        ]
        return np.sum(others, axis=0)
    best = getattr(values, kind)(axis=1)[:, None]
    outside = np.inf if kind == "min" else -np.inf
    return np.asarray(getattr(np.where(values == best, rates, outside), kind)(axis=1))
