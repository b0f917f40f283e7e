"""Starts along the components of the target, from which the flow is known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import hyp2f1

import dynlens as dl
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import Order

GOALS, STARTS = (2.0, 1.2), (0.7, 0.6)  # s and x(0) of both components
ETAS = (0.0025, 0.00125, 0.000625)
T_END = 1.0


def clock(x, s, vectors):
    """Time at which x is reached, up to a constant: an integral of x^(1-K) / (s - x^K)."""
    if vectors == 2:
        return np.log(x**2 / (s - x**2)) / (2 * s)
    b = (2 - vectors) / vectors
    return x ** (2 - vectors) / ((2 - vectors) * s) * hyp2f1(1, b, b + 1, x**vectors / s)


def solved(t, s, start, vectors, exponent=1.0):
    """x at time t; the exponent is 1 but in a control, where it misplaces the clock."""
    ahead = clock(start, s, vectors) + t**exponent
    top = s ** (1 / vectors)
    return brentq(lambda x: clock(x, s, vectors) - ahead, start, top * (1 - 1e-12), xtol=1e-15)


def sizes(vectors, power, exponent=1.0):
    """Norms of components of `power` vectors each at the times of the samples, shape (T, 2)."""

    def closed_form(samples):
        pairs = zip(GOALS, STARTS, strict=True)
        columns = [
            [start if t == 0 else solved(t, s, start, vectors, exponent) for t in samples.t]
            for s, start in pairs
        ]
        return np.array(columns).T ** power

    return closed_form


def at_both_nodes(vectors, power, exponent=1.0):
    """The same at the two interior nodes of a tree, shape (T, 2, 2)."""

    def closed_form(samples):
        return np.repeat(sizes(vectors, power, exponent)(samples)[:, None], 2, axis=1)

    return closed_form


# -- one problem of each kind ----------------------------------------------------------------------


@dataclass(frozen=True)
class Aligned(DescentCase):
    """A start for which the closed form holds; from a rounder one it would not."""

    def simpler(self):
        """Nothing is simpler."""
        yield from ()


BASIS = np.eye(3)[:, :2]
BY_SIZE = np.diag(STARTS)


def case(model, factors, target):
    problem = dl.Problem(model, dl.SquaredLoss(), dl.Full(target))
    return Aligned(problem, tuple(model.ravel(factors).tolist()), T_END, ETAS, points=5)


def network(depth):
    left = np.linalg.qr(np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]]))[0]
    right = np.linalg.qr(np.array([[0.3, 1.0], [1.0, 1.0], [-1.0, 0.4]]))[0]
    model = dl.DeepLinear.of(shape=(3, 3), depth=depth)
    start = left @ np.diag(np.array(STARTS) ** depth) @ right.T
    return case(model, model.balanced_factors(start), left @ np.diag(GOALS) @ right.T)


def singular(depth, exponent=1.0):
    """The third singular value stays zero."""

    def closed_form(samples):
        return np.pad(sizes(depth, depth, exponent)(samples), ((0, 0), (0, 1)))

    return closed_form


def tensor():
    goal = np.einsum("r,ar,br,cr->abc", GOALS, BASIS, BASIS, BASIS)
    return goal, (BASIS @ BY_SIZE,) * 3


def cp():
    goal, leaves = tensor()
    return case(dl.CPFactorization((3, 3, 3), components=2), leaves, goal)


def tree():
    """Five vectors in each component of the whole, three in each local component."""
    goal, leaves = tensor()
    model = dl.HierarchicalTensor((3, 3, 3), dl.models.binary_tree(3), widths=2)
    return case(model, (*leaves, BY_SIZE, np.array(STARTS)[:, None]), goal)


class Family(NamedTuple):
    """A start, what is observed, its closed form along the flow, and one by another clock."""

    case: Aligned
    quantity: str
    closed: Callable[..., Any]
    another_clock: Callable[..., Any]


FAMILIES = {
    "depth 2": Family(network(2), "singular_values", singular(2), singular(2, 1.1)),
    "depth 3": Family(network(3), "singular_values", singular(3), singular(3, 1.1)),
    "CP": Family(cp(), "component_norms", sizes(3, 3), sizes(3, 3, 1.1)),
    "tree": Family(tree(), "local_component_norms", at_both_nodes(5, 3), at_both_nodes(5, 3, 1.1)),
}


def order(family, expected, **settings):
    """The order of the distance of descent to the closed form."""
    return Order(quantity=family.quantity, closed=family.closed, expected=expected, **settings)
