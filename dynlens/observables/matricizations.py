"""The end-to-end tensor arranged as matrices: singular values, ranks, distance to a target."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.models.capabilities import ModeTree
from dynlens.observables.exactly import exact_ranks
from dynlens.observables.registry import observable
from dynlens.observables.repeated import EQUAL, singular_rates
from dynlens.observables.spectra import erank
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.arrays import namespace
from dynlens.support.typing import Array, ArrayLike, Factors

SURELY = 1e-10  # share of the largest singular value above which one is not zero


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


@observable()
def matricization_rank(
    problem: Problem,
    factors: Factors,
    modes: int | Sequence[int] = 0,
    tolerance: float | None = None,
    exact: bool = False,
) -> Array:
    """Rank of the end-to-end tensor with `modes` as rows of a matrix; NaN where floats do not tell.

    Parameters
    ----------
    modes : int or sequence of int
        Of a matrix, 0 gives its rank.
    tolerance : float, optional
        Singular values up to this share of the largest count as zero. Unless given, those above
        1e-10 of it count, those below rounding do not, and with one in between the rank is unknown.
    exact : bool
        Take the parameters for the rational numbers that they are, and eliminate exactly; slow.
    """
    shape = problem.model.tensor_shape
    if exact:
        return exact_ranks(
            problem.model, factors, lambda tensor: matricization(tensor, shape, modes)
        )
    values = matricization_singular_values(problem, factors, modes=modes)
    return _rank_of(values, tolerance, max(shape))


@observable(dims=("branch",), labels={"branch": branch_names})
def hierarchical_rank(
    problem: Problem, factors: Factors, tolerance: float | None = None, exact: bool = False
) -> Array:
    """Hierarchical tensor rank: the rank of the end-to-end tensor matricized at every node.

    Nodes are those of the model's mode tree but the root, leaves first.

    Parameters
    ----------
    tolerance, exact
        See `matricization_rank`.

    References
    ----------
    razin2022implicit
    """
    nodes = _tree(problem).nodes[:-1]
    ranks = [
        matricization_rank(problem, factors, modes=node.modes, tolerance=tolerance, exact=exact)
        for node in nodes
    ]
    return namespace(ranks[0]).stack(ranks, axis=-1)


def _rank_of(values: Array, tolerance: float | None, size: int) -> Array:
    """Number of singular values, shape (..., r), that are not zero."""
    xp = namespace(values)
    if tolerance is not None:
        validation.positive("tolerance", tolerance, allow_zero=True)
    above = values > (SURELY if tolerance is None else tolerance) * values[..., :1]
    found = xp.astype(above.sum(axis=-1), values.dtype)
    if tolerance is not None:
        return found
    between = ~above & (values > EQUAL * size * values[..., :1])
    return xp.where(xp.any(between, axis=-1), np.nan, found)


def _tree(problem: Problem) -> ModeTree:
    if not isinstance(problem.model, ModeTree):
        raise TypeError(
            f"'hierarchical_rank' is of a HierarchicalTensor, not of {problem.model!r}; "
            "'matricization_singular_values' is of any model."
        )
    return problem.model
