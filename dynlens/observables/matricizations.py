"""The end-to-end tensor arranged as matrices: singular values, ranks, distance to a target."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.capabilities import ModeTree
from dynlens.observables.registry import observable
from dynlens.observables.repeated import singular_rates
from dynlens.observables.spectra import erank
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array, ArrayLike, Factors


@observable(dims=("component",))
def matricization_singular_values(
    problem: Problem, factors: Factors, modes: int | Sequence[int] = 0
) -> Array:
    """Singular values, decreasing, of the end-to-end tensor with `modes` as rows of a matrix.

    Modes count from zero. For a node of a mode tree, its own modes give its entry of the
    hierarchical tensor rank.
    """
    matrix = matricization(problem.model.end_to_end(factors), problem.model.tensor_shape, modes)
    return namespace(matrix).linalg.svdvals(matrix)


@matricization_singular_values.derivative
def _matricization_singular_values_derivative(
    problem: Problem, factors: Factors, directions: Factors, modes: int | Sequence[int] = 0
) -> Array:
    shape = problem.model.tensor_shape
    matrix = matricization(problem.model.end_to_end(factors), shape, modes)
    moved = matricization(problem.model.pushforward(factors, directions), shape, modes)
    return singular_rates(matrix, moved)


@observable()
def matricization_effective_rank(
    problem: Problem, factors: Factors, modes: int | Sequence[int] = 0
) -> Array:
    """Effective rank (see `effective_rank`) of the end-to-end tensor with `modes` as rows.

    References
    ----------
    roy2007effective
    """
    return erank(matricization_singular_values(problem, factors, modes=modes))


@observable()
def reconstruction_error(
    problem: Problem, factors: Factors, target: ArrayLike | None = None
) -> Array:
    r"""Distance :math:`\|W - W^*\| / \|W^*\|` of the end-to-end tensor to a `target`."""
    if target is None:
        raise TypeError("observable 'reconstruction_error' needs `target`, the tensor to compare.")
    shape = problem.model.tensor_shape
    wanted = validation.real_array("target", target, shape=shape)
    if not wanted.any():
        raise ValueError("`target` is zero, so that no error is relative to it.")
    axes, tensor = tuple(range(-len(shape), 0)), problem.model.end_to_end(factors)
    xp, size = namespace(tensor), float(np.linalg.norm(wanted))
    gap = tensor - xp.asarray(wanted, dtype=tensor.dtype, device=tensor.device)
    return xp.sqrt((gap * gap).sum(axis=axes)) / size


def matricization(
    tensor: NDArray[Any], shape: tuple[int, ...], modes: int | Sequence[int]
) -> NDArray[Any]:
    """Arrange a tensor (..., *shape) as a matrix: `modes` as rows, the others as columns."""
    rows = [validation.count("modes", mode, least=0) for mode in np.atleast_1d(modes).tolist()]
    columns = [mode for mode in range(len(shape)) if mode not in rows]
    if max(rows, default=0) >= len(shape) or len(set(rows)) < len(rows) or not (rows and columns):
        raise ValueError(
            f"`modes` is {modes!r}, but a matricization of shape {shape} needs some but not all of "
            f"the modes 0 to {len(shape) - 1}, each once."
        )
    batch = tensor.ndim - len(shape)
    axes = (*range(batch), *(batch + mode for mode in rows + columns))
    height = prod(shape[mode] for mode in rows)
    turned = namespace(tensor).permute_dims(tensor, axes)
    return turned.reshape(*tensor.shape[:batch], height, -1)


def branch_names(problem: Problem) -> tuple[str, ...]:
    """Names of all nodes but the root, ``"{1}"`` and so on: labels of the dim ``branch``."""
    return tuple(node.name for node in _tree(problem).nodes[:-1])


@observable(dims=("branch",), labels={"branch": branch_names})
def hierarchical_rank(problem: Problem, factors: Factors, tolerance: float = 1e-10) -> Array:
    """Hierarchical tensor rank: the rank of the end-to-end tensor matricized at every node.

    Nodes are those of the model's mode tree but the root, leaves first.

    Parameters
    ----------
    tolerance : float
        Singular values up to this share of the largest count as zero.

    References
    ----------
    razin2022implicit
    """
    validation.positive("tolerance", tolerance, allow_zero=True)
    ranks = []
    for node in _tree(problem).nodes[:-1]:
        values = matricization_singular_values(problem, factors, modes=node.modes)
        ranks.append((values > tolerance * values[..., :1]).sum(axis=-1))
    xp = namespace(factors[0])
    return xp.astype(xp.stack(ranks, axis=-1), factors[0].dtype)


def _tree(problem: Problem) -> ModeTree:
    if not isinstance(problem.model, ModeTree):
        raise TypeError(
            f"'hierarchical_rank' is of a HierarchicalTensor, not of {problem.model!r}; "
            "'matricization_singular_values' is of any model."
        )
    return problem.model
