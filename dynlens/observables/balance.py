"""What gradient flow conserves: differences within layers, or within components."""

from __future__ import annotations

from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array, Factors


@observable(dims=("invariant",), analytic=True)
def imbalances(problem: Problem, factors: Factors) -> Array:
    r"""Differences that gradient flow conserves for every loss, in one vector.

    Of a deep linear network the entries of :math:`W_{j+1}^\top W_{j+1} - W_j W_j^\top` for all j;
    of a tensor factorization the differences of squared norms of neighbouring vectors within each
    (local) component. Zero for balanced factors; gradient descent changes them by
    :math:`O(\eta)` per unit of time.

    References
    ----------
    arora2018optimization, razin2021implicit, razin2022implicit
    """
    return problem.model.imbalances(factors)


@observable()
def unbalancedness(problem: Problem, factors: Factors) -> Array:
    r"""Largest absolute entry of the conserved differences; zero if the factors are balanced.

    Of a tensor factorization :math:`\epsilon = \max |\|w\|^2 - \|w'\|^2|` over any two vectors of
    one component, neighbours or not.

    References
    ----------
    razin2021implicit, razin2022implicit
    """
    return problem.model.unbalancedness(factors)
