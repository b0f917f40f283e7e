"""Ranks in exact arithmetic: floats are rational numbers, and the models' formulas polynomials."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from dynlens.models.base import Model
from dynlens.support.typing import Array, Factors


def exact_ranks(model: Model, factors: Factors, unfold: Callable[[Any], Any]) -> Array:
    """Exact rank of the unfolded end-to-end tensor of every state, shape (...)."""
    from sympy import QQ
    from sympy.polys.matrices import DomainMatrix

    theta = model.ravel(factors)
    batch = theta.shape[:-1]
    ranks = np.empty(int(np.prod(batch)))
    for k, row in enumerate(theta.reshape(len(ranks), -1)):
        if not np.isfinite(row).all():
            ranks[k] = np.nan
            continue
        exact = np.array([Fraction(float(x)) for x in row], dtype=object)
        try:
            matrix = unfold(model.end_to_end(model.unravel(exact)))
        except (TypeError, AttributeError) as error:
            raise TypeError(f"{model!r} is not computed in fractions ({error}).") from error
        rows = [[QQ(x.numerator, x.denominator) for x in map(Fraction, line)] for line in matrix]
        ranks[k] = DomainMatrix(rows, matrix.shape, QQ).rank()
    return ranks.reshape(batch)
