"""Problems the papers study, by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from dynlens.models.deep_linear import DeepLinear
from dynlens.models.hierarchical import HierarchicalTensor, Tree
from dynlens.problems.losses import Loss, SquaredLoss
from dynlens.problems.observations import Entries
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array


def completion_problem(
    depth: int,
    *,
    size: int = 2,
    observed: tuple[float, float, float] = (1.0, 1.0, 0.0),
    loss: Loss | None = None,
) -> Problem:
    r"""Matrix completion in which fitting the observations drives every norm to infinity.

    All entries of a square matrix are observed but the first:
    :math:`b_{12}=z, b_{21}=z', b_{22}=\epsilon`, ones on the rest of the diagonal, zeros elsewhere.

    Parameters
    ----------
    depth : int
        Number of square factors.
    size : int
        Rows of the matrix, at least 2.
    observed : tuple of three float
        :math:`(z, z', \epsilon)`; the unperturbed problem is (1, 1, 0).
    loss : Loss, optional
        Half the sum of squared residuals unless given, as in the paper.

    Notes
    -----
    With (1, 1, 0) every solution has determinant -1, so that a flow which keeps its determinant
    positive can only fit the observations by letting :math:`|W_{11}|` grow without bound.

    References
    ----------
    razin2020implicit

    Examples
    --------
    >>> completion_problem(2).observations.indices
    ((0, 1), (1, 0), (1, 1))
    """
    d = validation.count("size", size, least=2)
    values = validation.sequence("observed", observed, "for example (1, 1, 0).")
    if len(values) != 3:
        raise ValueError(f"`observed` must be three numbers, as (1, 1, 0), got {observed!r:.80}.")
    z, z_prime, epsilon = (validation.finite("observed", value) for value in values)
    target = np.diag([0.0, epsilon, *[1.0] * (d - 2)])
    target[0, 1], target[1, 0] = z, z_prime
    seen = np.argwhere(np.arange(d * d).reshape(d, d) > 0)
    layers = validation.count("depth", depth)
    model = DeepLinear((d,) * (layers + 1))
    return Problem(model, SquaredLoss() if loss is None else loss, Entries.of(target, seen))


def low_hierarchical_rank_tensor(
    shape: tuple[int, ...],
    tree: Tree,
    *,
    ranks: Any,
    seed: int,
    norm: float | None = None,
) -> Array:
    """Return a random tensor of given hierarchical rank: a hierarchical one with Gaussian factors.

    Parameters
    ----------
    shape : tuple of int
    tree : nested tuples of int
        As of `HierarchicalTensor`.
    ranks : int, or tuple of int
        Widths of the interior nodes; they bound the ranks of the matricizations at the nodes'
        children.
    seed : int
    norm : float, optional
        Frobenius norm to rescale to.

    Examples
    --------
    >>> low_hierarchical_rank_tensor((3, 2, 4), ((0, 1), 2), ranks=2, seed=0, norm=1.0).shape
    (3, 2, 4)
    """
    model = HierarchicalTensor(shape, tree, widths=ranks)
    tensor = model.end_to_end(model.unravel(model.init(1.0, kind="gaussian", seed=seed)))
    if norm is not None:
        tensor *= validation.positive("norm", norm) / np.linalg.norm(tensor)
    return np.asarray(tensor)


def coefficients(rank: int, ratio: float) -> Array:
    """Return coefficients of a target, shape (rank,): falling by a constant ratio, of norm one.

    The targets on which Ge et al. (2021) observe deflation have them.

    Examples
    --------
    >>> coefficients(2, ratio=0.75).round(12).tolist()
    [0.6, 0.8]
    """
    a = ratio ** -np.arange(validation.count("rank", rank))
    return np.asarray(a / np.linalg.norm(a))
