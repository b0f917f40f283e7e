"""Claims about states alone: rearranged identities, equality cases, norms of random matrices."""

from __future__ import annotations

import numpy as np

from dynlens.calibration.drawing import Draw, Stated, kind, pairs
from dynlens.cases.base import Case, RandomMatrices, RandomStates, Reading, States
from dynlens.claims.base import Assumption
from dynlens.claims.equations import AtLeast, Equal
from dynlens.models.deep_linear import DeepLinear
from dynlens.problems.instances import completion_problem
from dynlens.problems.losses import SquaredLoss
from dynlens.problems.observations import Full
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

# Left and right are the same function of x; the left loses digits where x is small.
OF_ONE = (
    ("cosh(x) - 1", "2 * sinh(x / 2)**2"),
    ("1 - cos(x)", "2 * sin(x / 2)**2"),
    ("sqrt(1 + x**2) - 1", "x**2 / (1 + sqrt(1 + x**2))"),
    ("exp(x) - 1", "2 * exp(x / 2) * sinh(x / 2)"),
    ("(1 + x)**3 - 1", "x * (3 + 3 * x + x**2)"),
    ("1 / (1 + x) - 1", "-x / (1 + x)"),
    ("log(1 + x)", "2 * atanh(x / (2 + x))"),
    ("1 - tanh(x)", "2 / (exp(2 * x) + 1)"),
    ("(1 + x)**(1/3) - 1", "x / ((1 + x)**(2/3) + (1 + x)**(1/3) + 1)"),
)
OF_TWO = (
    ("(x + y)**2 - x**2 - y**2", "2 * x * y"),
    ("x**2 - y**2", "(x - y) * (x + y)"),
    ("(x + y)**2 - (x - y)**2", "4 * x * y"),
    ("x**3 + y**3", "(x + y) * (x**2 - x * y + y**2)"),
    ("1 / x - 1 / y", "(y - x) / (x * y)"),
    ("exp(x) * exp(y) - exp(x)", "exp(x) * 2 * exp(y / 2) * sinh(y / 2)"),
    ("log(x) - log(y)", "log(x / y)"),
)
ENTRIES = pairs(x=Reading("end_to_end", where=(0, 0)), y=Reading("end_to_end", where=(0, 1)))


def vectors(rows: Array) -> States:
    """States whose parameters, and end-to-end row vector, are the rows."""
    n = rows.shape[1]
    problem = Problem(DeepLinear((n, 1)), SquaredLoss(), Full([[0.0] * n]))
    return States(problem, tuple(tuple(row) for row in rows.tolist()))


def matrices(stack: Array) -> States:
    """States of a network of depth one, given as square matrices."""
    n = stack.shape[-1]
    problem = Problem(DeepLinear((n, n)), SquaredLoss(), Full(np.zeros((n, n))))
    return States(problem, tuple(tuple(m.reshape(-1).tolist()) for m in stack))


@kind
def rearranged(draw: Draw) -> Stated:
    """Identities written so that they cancel, at numbers from 1e-7 to 10."""
    left, right = draw.one_of(OF_ONE + OF_TWO)
    low, high = draw.one_of(((1e-7, 10), (1e-7, 1e-5), (1e-4, 1e-2)))
    rows = np.array([[draw.spread(low, high), draw.spread(low, high)] for _ in range(5)])
    if draw.sometimes(0.5):
        left, right = right, left
    claim = Equal(left, f"{draw.factor} * ({right})", readings=ENTRIES, tolerance=draw.tolerance())
    return Stated(claim, vectors(rows), abs(draw.error))


@kind
def expanded(draw: Draw) -> Stated:
    """Products of x - r multiplied out, at x near the roots."""
    roots = [draw.whole(-5, 5) or 1 for _ in range(draw.whole(2, 5))]
    coefficients = np.rint(np.poly(roots)).astype(int).tolist()
    power = len(roots)
    multiplied = " + ".join(f"({c}) * x**{power - k}" for k, c in enumerate(coefficients))
    product = " * ".join(f"(x - ({r}))" for r in roots)
    away = [draw.spread(1e-9, 1) * draw.one_of((-1, 1)) for _ in range(5)]
    rows = np.array([[draw.one_of(roots) + d, 0.0] for d in away])
    claim = Equal(
        multiplied,
        f"{draw.factor} * ({product})",
        readings=ENTRIES[:1],
        tolerance=draw.tolerance(1e-6),
    )
    return Stated(claim, vectors(rows), abs(draw.error))


@kind
def equality_cases(draw: Draw) -> Stated:
    """Inequalities where both sides are equal, and nearly so; false: the smaller is too large."""
    angle = draw.rng.uniform(0, np.pi, 4)
    c, s = np.cos(angle), np.sin(angle)
    turned = np.array([[c, -s], [s, c]]).transpose(2, 0, 1)
    sizes = np.array([draw.spread(1e-6, 1e3) for _ in range(4)])[:, None, None]
    rank_one = draw.rng.standard_normal((4, 2, 1)) * draw.rng.standard_normal((4, 1, 2))
    equal, near = np.array([draw.spread(1e-3, 1e3) for _ in range(4)]), 1 + 10.0 ** -np.arange(1, 9)
    ones = np.concatenate([[1.0], near])
    left, right, case = draw.one_of(
        (
            ("nuclear_norm", "frobenius_norm", matrices(sizes * rank_one)),
            ("frobenius_norm", "spectral_norm", matrices(sizes * rank_one)),
            ("sqrt(2) * frobenius_norm", "nuclear_norm", matrices(sizes * turned)),
            ("frobenius_norm**2", "2 * determinant", matrices(sizes * turned)),
            ("2 * spectral_norm", "nuclear_norm", matrices(sizes * turned)),
            ("(x**2 + y**2) / 2", "x * y", vectors(np.array([equal, equal]).T)),
            ("1 / 2", "x / (1 + x**2)", vectors(np.array([ones, ones]).T)),
            ("sqrt((x**2 + y**2) / 2)", "2 / (1 / x + 1 / y)", vectors(np.array([equal] * 2).T)),
        )
    )
    factor = repr(1 + abs(draw.error))
    claim = AtLeast(left, f"{factor} * {right}", readings=ENTRIES, tolerance=draw.tolerance(1e-12))
    return Stated(claim, case, abs(draw.error) / 2.1)


def values(case: Case, formula: str) -> Array:
    """Values of a formula at every sample, without any judging."""
    return Equal(formula, "1").evaluate(formula, case.samples())


# What holds for every two by two matrix, and for which of them only.
NORMS = (
    ("nuclear_norm", "frobenius_norm"),
    ("frobenius_norm", "spectral_norm"),
    ("sqrt(2) * frobenius_norm", "nuclear_norm"),
    ("2 * spectral_norm", "nuclear_norm"),
    ("frobenius_norm**2", "2 * Abs(determinant)"),
    ("spectral_norm**2", "Abs(determinant)"),
)
SAME = (
    ("nuclear_norm**2", "frobenius_norm**2 + 2 * Abs(determinant)"),
    ("spectral_norm * (nuclear_norm - spectral_norm)", "Abs(determinant)"),
    ("spectral_norm**2 + (nuclear_norm - spectral_norm)**2", "frobenius_norm**2"),
    ("prod(singular_values)", "Abs(determinant)"),
    ("sum(singular_values**2)", "frobenius_norm**2"),
    ("sum(end_to_end**2)", "frobenius_norm**2"),
)


@kind
def random_matrices(draw: Draw) -> Stated:
    """Norms and determinants of random matrices, equal or ordered."""
    case = RandomMatrices(completion_problem(1), draw.whole(20, 200), draw.whole(0, 10**6))
    if draw.sometimes(0.5):
        left, right = draw.one_of(SAME)
        claim = Equal(left, f"{draw.factor} * ({right})", tolerance=draw.tolerance())
        return Stated(claim, case, abs(draw.error))
    left, right = draw.one_of(NORMS)
    if draw.true:
        return Stated(AtLeast(left, right), case)
    # Sharpened until it fails at a share of the matrices, perhaps at one of them only.
    ratio = np.sort(values(case, left) / values(case, right))
    sharp = float(ratio[draw.whole(1, len(ratio) // 2)])
    planted = (sharp - ratio[0]) / (sharp + ratio[0])
    return Stated(AtLeast(left, f"{sharp!r} * {right}"), case, float(planted))


@kind
def conditions(draw: Draw) -> Stated:
    """True where an assumption or `where` holds; false: the condition is dropped."""
    case = RandomStates((2, 2, 2), "gaussian", count=40, seed=draw.whole(0, 10**6))
    sign, right = draw.one_of(
        (("determinant", "frobenius_norm**2 + 2 * determinant"),
         ("-determinant", "frobenius_norm**2 - 2 * determinant"))
    )  # fmt: skip
    if draw.true and draw.sometimes(0.5):
        met = Assumption("of one sign", sign, low=0.0)
        return Stated(Equal("nuclear_norm**2", right, assumptions=(met,)), case)
    return Stated(Equal("nuclear_norm**2", right, where=sign if draw.true else None), case)


@kind
def at_the_tolerance(draw: Draw) -> Stated:
    """Off by 0.2 to 0.8 of the tolerance, which is allowed, or by 1.3 to 3 of it, which is not."""
    tolerance = draw.spread(1e-10, 1e-2)
    share = draw.uniform(0.2, 0.8) if draw.true else draw.uniform(1.3, 3.0)
    off = tolerance * share * draw.one_of((-1, 1))
    case = RandomStates((2, 3, 2), "gaussian", seed=draw.whole(0, 10**6), count=5)
    left = draw.one_of(("loss", "frobenius_norm", "singular_values", "parameter_norm"))
    if draw.sometimes(0.5):
        equal = Equal(left, f"(1 + {off!r}) * {left}", tolerance=tolerance)
        return Stated(equal, case, abs(off) / 1.04)
    # A violation is measured against the sum of both sides.
    claim = AtLeast(left, f"(1 + {2 * abs(off)!r}) * {left}", tolerance=tolerance)
    return Stated(claim, case, abs(off) / 1.04)
