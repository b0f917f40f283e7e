"""Closed forms of the flow, checked against gradient descent less its leading error.

Components that start along those of the target, all of their K vectors with one norm x, stay so and
never meet: x' = x^(K-1) (s - x^K), solved in closed form (for singular values Arora et al. 2019;
for CP components Razin, Maman & Cohen 2021; for local components of a tree, where K counts all
vectors and a local component has only some of them, Razin, Maman & Cohen 2022). Descent obeys the
closed form to O(eta); with the correction eta e(t) of F2.1 to O(eta^2). No flow is integrated for
the closed form, and no descent is compared with another.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import hyp2f1

from dynlens import (
    Check,
    CPFactorization,
    DeepLinear,
    Full,
    HierarchicalTensor,
    Problem,
    SquaredLoss,
    Theorem,
    binary_tree,
)
from dynlens.cases.descents import DescentCase
from dynlens.claims.orders import Order

GOALS, STARTS = (2.0, 1.2), (0.7, 0.6)  # s and x(0) of both components
ETAS = (0.01, 0.005, 0.0025)
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
    problem = Problem(model, SquaredLoss(), Full(target))
    return Aligned(problem, tuple(model.ravel(factors).tolist()), T_END, ETAS, points=5)


def network(depth):
    left = np.linalg.qr(np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.3]]))[0]
    right = np.linalg.qr(np.array([[0.3, 1.0], [1.0, 1.0], [-1.0, 0.4]]))[0]
    model = DeepLinear.of(shape=(3, 3), depth=depth)
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
    return case(CPFactorization((3, 3, 3), components=2), leaves, goal)


def tree():
    """Five vectors in each component of the whole, three in each local component."""
    goal, leaves = tensor()
    model = HierarchicalTensor((3, 3, 3), binary_tree(3), widths=2)
    return case(model, (*leaves, BY_SIZE, np.array(STARTS)[:, None]), goal)


FAMILIES = {
    "depth 2": (network(2), "singular_values", singular(2), singular(2, 1.1)),
    "depth 3": (network(3), "singular_values", singular(3), singular(3, 1.1)),
    "CP": (cp(), "component_norms", sizes(3, 3), sizes(3, 3, 1.1)),
    "tree": (tree(), "local_component_norms", at_both_nodes(5, 3), at_both_nodes(5, 3, 1.1)),
}


def order(name, expected, band=0.1, closed=None, **options):
    found, quantity, right, _ = FAMILIES[name]
    law = Order(quantity=quantity, closed=closed or right, expected=expected, band=band, **options)
    return Check(law, (found,))


theorem = Theorem(
    id="F2.D",
    title="closed forms of the flow hold for descent less its leading error",
    source="arora2019implicit; razin2021implicit; razin2022implicit; hairer1993solving, II.8",
    checks=tuple(
        check
        for name in FAMILIES
        for check in (order(name, 1.0, 0.02), order(name, 2.0, remainder=True))
    ),
    controls={
        f"{name}: {what}": check
        for name, (_, _, _, wrong) in FAMILIES.items()
        for what, check in (
            ("without the correction", order(name, 2.0)),
            ("correction of the wrong sign", order(name, 2.0, remainder=True, forcing=-0.5)),
            ("half the correction", order(name, 2.0, remainder=True, forcing=0.25)),
            ("another clock", order(name, 2.0, remainder=True, closed=wrong)),
        )
    },
)
