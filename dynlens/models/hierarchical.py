"""Hierarchical tensor factorization over a mode tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.products import Grower, ProductTree
from dynlens.models.base import TensorModel, khatri_rao, products_of_others
from dynlens.models.cp import mode_sizes
from dynlens.support import validation
from dynlens.support.arrays import full, namespace
from dynlens.support.typing import Factors

Tree = int | tuple[Any, ...]
Arrays = list[NDArray[Any]]
SWEEPS = 300  # over the nodes, at most, to balance factors
LEVEL = 2e-15  # what is left, beside the squared size of all


@dataclass(frozen=True)
class Node:
    """A node of a mode tree.

    Parameters
    ----------
    name : str
        Its modes, counted from one: ``"{1,2}"``.
    modes : tuple of int
        Its modes, counted from zero, in the order in which the tree lists them.
    children : tuple of int
        Positions of its children among the nodes; empty for a leaf.
    parent : int or None
        Position of its parent; None for the root.
    factor : int or None
        Position of its weight among the factors; None for a root with fixed weight.
    width : int
        Rows of its weight: R of an interior node, D_n of a leaf.
    """

    name: str
    modes: tuple[int, ...]
    children: tuple[int, ...]
    parent: int | None
    factor: int | None
    width: int


@dataclass(frozen=True)
class HierarchicalTensor(TensorModel):
    r"""Tensor built up a mode tree, from vectors at its leaves to the whole at its root.

    Parameters
    ----------
    shape : tuple of int
        Sizes (D_1, ..., D_N) of the modes, N >= 2.
    tree : nested tuples
        Modes counted from zero, grouped: ``((0, 1), (2, 3))``; see `binary_tree`,
        `one_level_tree` and `adjacent_pool_tree`.
    widths : int, sequence of int, or mapping
        Width :math:`R_\nu` of every interior node: one number for all; or one for each, children
        before parents, from left to right, the root last; or a mapping from names as in
        ``{"{1,2}": 4, "{3,4}": 4, "{1,2,3,4}": 6}``.
    trainable_root : bool
        Whether the root has a weight of shape (R, 1), or sums with ones.

    Attributes
    ----------
    nodes : tuple of Node
        Leaves in the order of the modes, then interior nodes in the order of `widths`.

    Notes
    -----
    Weights :math:`W^{(\nu)} \in \mathbb{R}^{R_\nu \times R_{Pa(\nu)}}` with
    :math:`R_{\{n\}} = D_n` and one column at the root; up to the order of axes,

    .. math::
        \mathcal{W}^{(\{n\}, r)} = W^{(\{n\})}_{:, r}, \qquad
        \mathcal{W}^{(\nu, r)} = \sum_{r'} W^{(\nu)}_{r' r}
            \bigotimes_{c \in C(\nu)} \mathcal{W}^{(c, r')}.

    The factors are these weights, in the order of `nodes`. A CP factorization is the tree of one
    level with a fixed root.

    Initializations: ``"gaussian"`` draws all entries with standard deviation `scale`;
    ``"balanced"`` has entries :math:`\pm c_\nu` with random signs and
    :math:`c_c^2 R_c = c_\nu^2 R_{Pa(\nu)}` for every child c, so that all vectors of a local
    component have one norm; at the root this norm is `scale`.

    References
    ----------
    razin2022implicit

    Examples
    --------
    >>> model = HierarchicalTensor((4, 3, 2, 5), ((0, 1), (2, 3)), widths=(6, 7, 8))
    >>> model.factor_shapes
    ((4, 6), (3, 6), (2, 7), (5, 7), (6, 8), (7, 8), (8, 1))
    >>> [node.name for node in model.interior]
    ['{1,2}', '{3,4}', '{1,2,3,4}']
    """

    shape: tuple[int, ...]
    tree: Tree
    widths: tuple[int, ...]
    trainable_root: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", mode_sizes(self.shape))
        object.__setattr__(self, "tree", _checked_tree(self.tree, len(self.shape)))
        names = tuple(_name(_modes(subtree)) for subtree in _interior(self.tree))
        object.__setattr__(self, "widths", _checked_widths(self.widths, names))
        remedy = "pass True (a weight at the root) or False (ones)."
        validation.instance("trainable_root", self.trainable_root, bool, remedy)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Leaves in the order of the modes, then interior nodes, children before parents."""
        order, subtrees = len(self.shape), list(_interior(self.tree))
        place = {subtree: order + k for k, subtree in enumerate(subtrees)}
        children = [tuple(place.get(branch, branch) for branch in tree) for tree in subtrees]
        parent = {c: order + k for k, group in enumerate(children) for c in group}
        last = order + len(subtrees) - 1
        leaves = (
            Node(_name((n,)), (n,), (), parent[n], n, size) for n, size in enumerate(self.shape)
        )
        interior = (
            Node(
                _name(_modes(subtree)),
                _modes(subtree),
                children[k],
                parent.get(order + k),
                order + k if self.trainable_root or order + k < last else None,
                self.widths[k],
            )
            for k, subtree in enumerate(subtrees)
        )
        return (*leaves, *interior)

    @property
    def interior(self) -> tuple[Node, ...]:
        """Interior nodes, children before parents, the root last."""
        return self.nodes[len(self.shape) :]

    @property
    def root(self) -> Node:
        """The root."""
        return self.nodes[-1]

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        return self.shape

    @cached_property
    def factor_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            (node.width, 1 if node.parent is None else self.nodes[node.parent].width)
            for node in self.nodes
            if node.factor is not None
        )

    # -- up the tree, and down again ---------------------------------------------------------------

    def _upward(
        self, leaves: Factors, inner: Factors, join: Callable[..., NDArray[Any]]
    ) -> tuple[Arrays, Arrays]:
        """Values of all nodes, (..., rows, R of the parent), and products at the interior ones."""
        values, products = list(leaves), []
        for node, weight in zip(self.interior, self._weights(inner, leaves[0]), strict=True):
            products.append(reduce(join, [values[child] for child in node.children]))
            values.append(products[-1] @ weight)
        return values, products

    def _downward(
        self,
        values: Arrays,
        products: Arrays,
        inner: Factors,
        cotangent: NDArray[Any],
        split: Callable[[NDArray[Any], Arrays], Arrays],
    ) -> tuple[Factors, Factors]:
        """Cotangents of the leaves and of the inner weights, from that of the root's value."""
        turned = {len(self.nodes) - 1: cotangent}
        parts, weights = [], self._weights(inner, cotangent)
        for k in reversed(range(len(self.interior))):
            above = turned.pop(self.order + k)
            parts.append(products[k].mT @ above)
            children = self.interior[k].children
            below = split(above @ weights[k].mT, [values[child] for child in children])
            turned |= dict(zip(children, below, strict=True))
        leaves = tuple(turned[n] for n in range(self.order))
        return leaves, tuple(parts[::-1])[: len(inner)]

    def _weights(self, inner: Factors, like: NDArray[Any]) -> Factors:
        return inner if self.trainable_root else (*inner, full((self.root.width, 1), 1.0, like))

    def contract(self, rows: Factors, inner: Factors) -> NDArray[Any]:
        values, _ = self._upward(rows, inner, mul)
        return values[-1][..., 0]

    def contract_pullback(
        self, rows: Factors, inner: Factors, weights: NDArray[Any]
    ) -> tuple[Factors, Factors]:
        values, products = self._upward(rows, inner, mul)
        return self._downward(values, products, inner, weights[..., None], _split_products)

    def end_to_end(self, factors: Factors) -> NDArray[Any]:
        values, _ = self._upward(factors[: self.order], factors[self.order :], khatri_rao)
        batch, listed = values[-1].shape[:-2], [self.shape[mode] for mode in self.root.modes]
        tensor = values[-1].reshape(*batch, *listed)
        axes = _axes(batch, np.argsort(self.root.modes))
        return namespace(tensor).permute_dims(tensor, axes)

    def pullback(self, factors: Factors, cotangent: NDArray[Any]) -> Factors:
        leaves, inner = factors[: self.order], factors[self.order :]
        values, products = self._upward(leaves, inner, khatri_rao)
        batch = cotangent.shape[: cotangent.ndim - self.order]
        listed = namespace(cotangent).permute_dims(cotangent, _axes(batch, self.root.modes))
        turned = listed.reshape(*batch, -1, 1)
        parts, weights = self._downward(values, products, inner, turned, _split_khatri_rao)
        return (*parts, *weights)

    def component_products(self, factors: Factors, others: Factors) -> list[NDArray[Any]]:
        """As in the base class, by interior node; a root without weight adds no vector."""
        columns = [
            (factor * other).sum(axis=-2) for factor, other in zip(factors, others, strict=True)
        ]
        groups = []
        for node in self.interior:
            group = [columns[child] for child in node.children]
            if node.factor is not None:
                group.append((factors[node.factor] * others[node.factor]).sum(axis=-1))
            groups.append(namespace(group[0]).stack(group, axis=-2))
        return groups

    def balanced(self, factors: Factors) -> Factors:
        """Factors of the same tensor, with one norm in each local component.

        Each sweep over the nodes disturbs what the one before has done, ever less.
        """
        found = [np.array(factor) for factor in factors]
        for _ in range(SWEEPS):
            for node in self.interior:
                self._level(found, node)
            size = sum((factor**2).sum(axis=(-2, -1)) for factor in found)
            if np.all(self.unbalancedness(tuple(found)) <= LEVEL * size):
                break
        return tuple(found)

    def _level(self, factors: list[NDArray[Any]], node: Node) -> None:
        """Give the vectors of each of a node's local components one norm, in place."""
        below = [k for child in node.children if (k := self.nodes[child].factor) is not None]
        norms = [np.linalg.norm(factors[k], axis=-2) for k in below]
        if node.factor is not None:
            norms.append(np.linalg.norm(factors[node.factor], axis=-1))
        with np.errstate(divide="ignore", invalid="ignore"):
            common = np.exp(np.mean([np.log(norm) for norm in norms], axis=0))
            shares = [np.where(norm > 0, common / norm, 0.0) for norm in norms]
        for k, share in zip(below, shares, strict=False):
            factors[k] *= share[..., None, :]
        if node.factor is not None:
            factors[node.factor] *= shares[-1][..., :, None]

    def simpler(self) -> Iterator[HierarchicalTensor]:
        """The same tree with fewer components and smaller modes."""
        for most in (1, 2):
            if max(self.widths) > most:
                widths = tuple(min(width, most) for width in self.widths)
                yield replace(self, widths=widths)
        if max(self.shape) > 2:
            yield replace(self, shape=tuple(min(size, 2) for size in self.shape))

    # -- starts ------------------------------------------------------------------------------------

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("balanced", "gaussian")

    def draw(self, scale: float, kind: str, rng: np.random.Generator | None) -> Factors:
        if kind == "gaussian":
            return super().draw(scale, kind, rng)
        assert rng is not None
        return tuple(
            size * rng.choice((-1.0, 1.0), shape)
            for size, shape in zip(self._balanced_sizes(scale), self.factor_shapes, strict=True)
        )

    def _balanced_sizes(self, scale: float) -> list[float]:
        """Sizes c of the entries: c_child^2 R_child = c^2 R_parent, and `scale` at the root."""
        size, columns = np.zeros(len(self.nodes)), np.ones(len(self.nodes))
        size[-1] = scale
        for k in reversed(range(self.order, len(self.nodes))):
            node = self.nodes[k]
            for child in node.children:
                columns[child] = node.width
                size[child] = size[k] * np.sqrt(columns[k] / self.nodes[child].width)
        return [float(size[k]) for k, node in enumerate(self.nodes) if node.factor is not None]

    # -- compiled ----------------------------------------------------------------------------------

    @cached_property
    def product_tree(self) -> ProductTree:
        starts = [0, *np.cumsum([prod(shape) for shape in self.factor_shapes]).tolist()]
        grower, steps = Grower(), []
        for k, node in enumerate(self.nodes[:-1]):
            assert node.parent is not None
            width = self.nodes[node.parent].width
            if k < self.order:
                steps.append(grower.leaf(k, node.width, width, starts[k]))
            else:
                product = grower.product([steps[child] for child in node.children])
                steps.append(grower.mix(product, width, starts[k]))
        top = [steps[child] for child in self.root.children]
        if self.trainable_root:
            top[0] = grower.scale(top[0], starts[len(self.nodes) - 1])
        return grower.tree(top)


def binary_tree(order: int) -> tuple[Any, ...]:
    """Halve the modes again and again, the first half the larger.

    Examples
    --------
    >>> binary_tree(4), binary_tree(3)
    (((0, 1), (2, 3)), ((0, 1), 2))
    """

    def grown(modes: tuple[int, ...]) -> Tree:
        middle = (len(modes) + 1) // 2
        return modes[0] if len(modes) == 1 else (grown(modes[:middle]), grown(modes[middle:]))

    tree = grown(_all_modes(order))
    assert isinstance(tree, tuple)
    return tree


def one_level_tree(order: int) -> tuple[int, ...]:
    """All modes under the root.

    Examples
    --------
    >>> one_level_tree(3)
    (0, 1, 2)
    """
    return _all_modes(order)


def adjacent_pool_tree(order: int, pool: int) -> tuple[Any, ...]:
    """Group `pool` neighbours at a time, level by level; one left over moves up as it is.

    This is the tree of a convolutional arithmetic circuit with pooling windows of `pool`.

    References
    ----------
    razin2022implicit

    Examples
    --------
    >>> adjacent_pool_tree(3, 2), adjacent_pool_tree(6, 3)
    (((0, 1), 2), ((0, 1, 2), (3, 4, 5)))
    """
    level: tuple[Any, ...] = _all_modes(order)
    size = validation.count("pool", pool, least=2)
    while len(level) > size:
        groups = [level[k : k + size] for k in range(0, len(level), size)]
        level = tuple(group if len(group) > 1 else group[0] for group in groups)
    return level


def _all_modes(order: int) -> tuple[int, ...]:
    return tuple(range(validation.count("order", order, least=2)))


def _axes(batch: tuple[int, ...], modes: Any) -> list[int]:
    return [*range(len(batch)), *(len(batch) + int(mode) for mode in modes)]


def _split_products(cotangent: NDArray[Any], values: Arrays) -> Arrays:
    return [cotangent * others for others in products_of_others(values)]


def _split_khatri_rao(cotangent: NDArray[Any], values: Arrays) -> Arrays:
    """Adjoint of the derivative of the Khatri-Rao product of `values`."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(values)]
    batch, width = cotangent.shape[:-2], cotangent.shape[-1]
    table = cotangent.reshape(*batch, *(value.shape[-2] for value in values), width)
    parts = []
    for k, letter in enumerate(letters):
        others = letters.replace(letter, "")
        terms = [f"...{letters}Z", *(f"...{other}Z" for other in others)]
        arrays = [table, *(value for j, value in enumerate(values) if j != k)]
        parts.append(namespace(table).einsum(f"{','.join(terms)}->...{letter}Z", *arrays))
    return parts


# -- the tree as nested tuples ---------------------------------------------------------------------


def _modes(tree: Tree) -> tuple[int, ...]:
    """Modes of a subtree, as listed."""
    return (tree,) if isinstance(tree, int) else sum((_modes(branch) for branch in tree), ())


def _name(modes: Sequence[int]) -> str:
    return "{" + ",".join(str(mode + 1) for mode in sorted(modes)) + "}"


def _interior(tree: Tree) -> Iterator[tuple[Any, ...]]:
    """Interior subtrees, children before parents, from left to right."""
    if isinstance(tree, tuple):
        for branch in tree:
            yield from _interior(branch)
        yield tree


def _checked_tree(value: Any, order: int) -> tuple[Any, ...]:
    tree = _nested(value)
    modes = _modes(tree)
    outside = sorted({mode for mode in modes if not 0 <= mode < order})
    if outside:
        raise ValueError(
            f"`tree` has mode {outside[0]}, but the modes are 0 to {order - 1}: as many as `shape` "
            "has sizes, counted from zero."
        )
    twice = sorted({mode for mode in modes if modes.count(mode) > 1})
    if twice:
        raise ValueError(f"`tree` has mode {twice[0]} more than once: {tree}; list each mode once.")
    missing = sorted(set(range(order)) - set(modes))
    if missing:
        raise ValueError(f"`tree` lacks mode {missing[0]}: {tree}; list each of the {order} modes.")
    assert isinstance(tree, tuple)
    return tree


def _nested(value: Any) -> Tree:
    """Tuples of at least two, all the way down to integers."""
    if isinstance(value, (tuple, list)):
        if len(value) < 2:
            raise ValueError(
                f"`tree` has a node with {len(value)} children, {value!r:.80}; an interior node "
                "needs at least two, and a mode alone is a number."
            )
        return tuple(_nested(branch) for branch in value)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(
            f"`tree` must be nested tuples of modes, such as ((0, 1), (2, 3)), got {value!r:.80}."
        )
    return int(value)


def _checked_widths(value: Any, names: tuple[str, ...]) -> tuple[int, ...]:
    """One width for each interior node, from a number, a sequence or a mapping."""
    if isinstance(value, Mapping):
        unknown = [name for name in value if name not in names]
        if unknown or len(value) < len(names):
            raise ValueError(
                f"`widths` has the names {list(value)}, but the interior nodes are {list(names)}."
            )
        value = [value[name] for name in names]
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence | np.ndarray):
        return (validation.count("widths", value),) * len(names)
    if len(value) != len(names):
        raise ValueError(
            f"`widths` has {len(value)} sizes, but there are {len(names)} interior nodes, "
            f"{', '.join(names)}: give one for each, in this order."
        )
    return tuple(validation.count("widths", width) for width in value)


__all__ = [
    "HierarchicalTensor",
    "Node",
    "adjacent_pool_tree",
    "binary_tree",
    "one_level_tree",
]
