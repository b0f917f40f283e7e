r"""Components of a symmetric tensor decomposition beside those of its target.

The model is :math:`W = \sum_i c_i \|u_i\|^{p-l} u_i^{\otimes l}`, the target
:math:`W^* = \sum_j c^*_j v_j^{\otimes l}`, and :math:`D = W^* - W` what is still missing. None of
these forms a tensor. Means over starts, winners and phases are selections from them.
"""

from __future__ import annotations

from dynlens.models.capabilities import SumOfPowers
from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array, Factors


@observable(dims=("component",), analytic=True)
def vector_norms(problem: Problem, factors: Factors) -> Array:
    r"""Length :math:`\|u_i\|` of each vector."""
    return _symmetric(problem, "vector_norms").polar(factors)[0]


@observable(dims=("component",), analytic=True)
def component_masses(problem: Problem, factors: Factors) -> Array:
    r"""Signed norm :math:`c_i \|u_i\|^p` of each component."""
    return _symmetric(problem, "component_masses").masses(factors)


@observable(dims=("component", "target"), analytic=True)
def target_cosines(problem: Problem, factors: Factors) -> Array:
    r"""Cosines :math:`\bar u_i \cdot v_j` with the target's directions; 0 for a zero vector."""
    units = _symmetric(problem, "target_cosines").polar(factors)[1]
    return units @ _target(problem, "target_cosines")[1].T


@observable(dims=("component",), analytic=True)
def residual_correlations(problem: Problem, factors: Factors) -> Array:
    r""":math:`D(\bar u_i^l)`: how much of each component the residual still asks for.

    Along gradient flow :math:`\tfrac{d}{dt} \log \|u_i\| = p\, c_i \|u_i\|^{p-2} D(\bar u_i^l)`
    times the loss's factor, less the penalty's rate.
    """
    model = _symmetric(problem, "residual_correlations")
    slopes, _ = model.residual_slopes(factors, *_target(problem, "residual_correlations"))
    return (model.polar(factors)[1] * slopes).sum(axis=-1)


@observable(dims=("target",), analytic=True)
def fitted_coefficients(problem: Problem, factors: Factors) -> Array:
    r"""Share :math:`W(v_j^l)` of each direction of the target in the end-to-end tensor.

    For orthogonal directions it tends to :math:`c^*_j`; for others the neighbours contribute.
    """
    model = _symmetric(problem, "fitted_coefficients")
    units, masses = model.polar(factors)[1], model.masses(factors)
    _, v = _target(problem, "fitted_coefficients")
    return (masses[..., None] * (units @ v.T) ** model.order).sum(axis=-2)


@observable(dims=("target",), analytic=True)
def residual_coefficients(problem: Problem, factors: Factors) -> Array:
    r"""Residual :math:`D(v_j^l)` along each direction of the target."""
    c, v = _target(problem, "residual_coefficients")
    whole = (v @ v.T) ** len(problem.model.tensor_shape) @ c
    return whole - fitted_coefficients(problem, factors)


@observable()
def residual_norm(problem: Problem, factors: Factors) -> Array:
    r"""Distance :math:`\|W - W^*\|` to a target that is a `RankOneSum`.

    A difference of inner products: below about 1e-8 of the target's norm it is rounding.
    """
    model = _symmetric(problem, "residual_norm")
    squared = model.distance(factors, *_target(problem, "residual_norm"))
    xp = namespace(squared)
    return xp.sqrt(xp.where(squared < 0, 0.0, squared))


def _symmetric(problem: Problem, name: str) -> SumOfPowers:
    if not isinstance(problem.model, SumOfPowers):
        raise TypeError(
            f"{name!r} is of a SymmetricTensor, not of {problem.model!r}; "
            "a CPFactorization has 'component_norms' and the like."
        )
    return problem.model


def _target(problem: Problem, name: str) -> tuple[Array, Array]:
    """Coefficients and directions of the target."""
    powers = problem.observations.powers
    if powers is None:
        raise TypeError(
            f"{name!r} compares with the directions of a RankOneSum; "
            f"a {type(problem.observations).__name__} has none."
        )
    return powers
