"""Differences of neighbouring Gram matrices, which gradient flow conserves."""

from __future__ import annotations

import itertools

import numpy as np

from dynlens.observables.registry import observable
from dynlens.problem import Problem
from dynlens.typing import Array, Factors


@observable(dims=("invariant",), analytic=True)
def imbalances(problem: Problem, factors: Factors) -> Array:
    r"""Entries of :math:`W_{j+1}^\top W_{j+1} - W_j W_j^\top` for all j, in one vector.

    Conserved by gradient flow for every loss (Arora, Cohen & Hazan 2018); zero for balanced
    factors. Gradient descent changes them by :math:`O(\eta)` per unit of time.

    References
    ----------
    arora2018optimization
    """
    parts = [above.mT @ above - below @ below.mT for below, above in itertools.pairwise(factors)]
    batch = factors[0].shape[:-2]
    flat = [part.reshape(*batch, -1) for part in parts]
    return np.concatenate(flat, axis=-1) if flat else np.zeros((*batch, 0))


@observable()
def unbalancedness(problem: Problem, factors: Factors) -> Array:
    """Largest absolute entry of `imbalances`; zero if the factors are balanced."""
    return np.asarray(np.abs(imbalances(problem, factors)).max(axis=-1, initial=0.0))
