r"""Components of tensor factorizations: their norms, alignments and balance.

A component is a group of vectors that are only ever used together: the r-th columns of all factors
of a `CPFactorization`; at a node of a `HierarchicalTensor`, the r-th row of its weight and the r-th
columns of its children's (a *local component*). Along gradient flow
:math:`\tfrac12 \tfrac{d}{dt} \|w\|^2 = \gamma \sigma` for every vector w of a component with norm
:math:`\sigma` and alignment :math:`\gamma`: all the rest follows.
"""

from __future__ import annotations

import numpy as np

from dynlens.models.base import Model
from dynlens.models.capabilities import ModeTree
from dynlens.observables.registry import observable
from dynlens.problems.problem import Problem
from dynlens.support.arrays import full, namespace, quotient
from dynlens.support.typing import Array, Factors

# -- CP factorization ----------------------------------------------------------------------------


@observable(dims=("component",), symbol=r"\sigma_r")
def component_norms(problem: Problem, factors: Factors) -> Array:
    r"""Norm :math:`\sigma_r = \prod_n \|w_r^n\|` of each component of a CP factorization.

    References
    ----------
    razin2021implicit
    """
    return _norms(_one_family(problem, "component_norms"), factors)[0]


@component_norms.derivative
def _component_norms_derivative(problem: Problem, factors: Factors, directions: Factors) -> Array:
    return _norm_rates(_one_family(problem, "component_norms"), factors, directions)[0]


@observable(dims=("component",))
def component_alignments(problem: Problem, factors: Factors) -> Array:
    r"""Alignment :math:`\gamma_r = \langle -\nabla\ell(W), \otimes_n w_r^n / \|w_r^n\| \rangle`.

    NaN where a component is zero. The convention is the loss's own: under a mean over
    observations, alignments are smaller by their number.

    References
    ----------
    razin2021implicit
    """
    return _alignments(_one_family(problem, "component_alignments"), problem, factors)[0]


# -- hierarchical tensor factorization -----------------------------------------------------------


def node_names(problem: Problem) -> tuple[str, ...]:
    """Names of the interior nodes, ``"{1,2}"`` and so on: labels of the dim ``node``."""
    return tuple(node.name for node in _hierarchical(problem, "node_names").interior)


@observable(dims=("node", "component"), labels={"node": node_names})
def local_component_norms(problem: Problem, factors: Factors) -> Array:
    r"""Norm of each local component of a hierarchical factorization, shape (..., nodes, max R).

    Rows are the interior nodes, children before parents, the root last (see `node_names`);
    narrower nodes are padded with NaN. A root with fixed weight contributes no vector.

    References
    ----------
    razin2022implicit
    """
    return _padded(_norms(_hierarchical(problem, "local_component_norms"), factors))


@local_component_norms.derivative
def _local_component_norms_derivative(
    problem: Problem, factors: Factors, directions: Factors
) -> Array:
    model = _hierarchical(problem, "local_component_norms")
    return _padded(_norm_rates(model, factors, directions))


@observable(dims=("node", "component"), labels={"node": node_names})
def local_alignments(problem: Problem, factors: Factors) -> Array:
    r"""Alignment :math:`\gamma^{(\nu,r)} = \langle -\nabla\ell(W), \mathcal{C}^{(\nu,r)} \rangle`.

    :math:`\sigma^{(\nu,r)} \mathcal{C}^{(\nu,r)}` is the end-to-end tensor with all other local
    components of the node set to zero; the norm of :math:`\mathcal{C}` is not one in general. NaN
    where a local component is zero, and as padding (see `local_component_norms`).

    References
    ----------
    razin2022implicit
    """
    model = _hierarchical(problem, "local_alignments")
    return _padded(_alignments(model, problem, factors))


@observable(dims=("node",), labels={"node": node_names})
def local_component_orders(problem: Problem, factors: Factors) -> Array:
    r"""Number :math:`L_\nu` of vectors in each local component of a node, shape (..., nodes).

    One for each child, and one for the row of the node's own weight, where it has one.

    References
    ----------
    razin2022implicit
    """
    model = _hierarchical(problem, "local_component_orders")
    counts = [len(node.children) + (node.factor is not None) for node in model.interior]
    batch, like = factors[0].shape[:-2], factors[0]
    columns = [full(batch, float(count), like) for count in counts]
    return namespace(like).stack(columns, axis=-1)


# -- what the two models share -------------------------------------------------------------------


def _norms(model: Model | ModeTree, factors: Factors) -> list[Array]:
    squares = model.component_products(factors, factors)
    return [namespace(square).sqrt(square).prod(axis=-2) for square in squares]


def _norm_rates(model: Model | ModeTree, factors: Factors, directions: Factors) -> list[Array]:
    """Derivatives ``norm * sum <w, v> / |w|^2``; NaN where a component is zero."""
    squares = model.component_products(factors, factors)
    moved = model.component_products(factors, directions)
    return [
        namespace(square).sqrt(square).prod(axis=-2) * quotient(move, square).sum(axis=-2)
        for square, move in zip(squares, moved, strict=True)
    ]


def _alignments(model: Model | ModeTree, problem: Problem, factors: Factors) -> list[Array]:
    # The tensor is linear in each vector w of a component, so that <w, gradient> = -norm alignment.
    gradient = problem.of_factors.gradient(factors)
    pairs = zip(_norms(model, factors), model.component_products(factors, gradient), strict=True)
    return [quotient(-products[..., 0, :], norms) for norms, products in pairs]


def _padded(rows: list[Array]) -> Array:
    """Stack rows of unequal length, with NaN where there is nothing."""
    width = max(row.shape[-1] for row in rows)
    xp, padded = namespace(rows[0]), []
    for row in rows:
        nothing = full((*row.shape[:-1], width - row.shape[-1]), np.nan, row)
        padded.append(xp.concat([row, nothing], axis=-1))
    return xp.stack(padded, axis=-2)


def _one_family(problem: Problem, name: str) -> Model:
    """Return the model if all its components are of one family, as those of a CPFactorization."""
    if isinstance(problem.model, ModeTree):
        raise TypeError(
            f"{name!r} is not of {problem.model!r}, whose components belong to nodes: "
            "it has 'local_component_norms' and the like."
        )
    return problem.model


def _hierarchical(problem: Problem, name: str) -> ModeTree:
    if not isinstance(problem.model, ModeTree):
        raise TypeError(
            f"{name!r} is of a HierarchicalTensor, not of {problem.model!r}; "
            "a CPFactorization has 'component_norms' and the like."
        )
    return problem.model
