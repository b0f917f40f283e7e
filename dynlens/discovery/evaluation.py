"""A traced map evaluated modulo a prime: at many points, and along power series with tangents.

Steps that need nothing of one another are one *batch*, so that numpy does them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dynlens.discovery.modular import PRIME, Residues, residue
from dynlens.discovery.tracing import Inverse, Product, Program, Root, Sum

HALF = (PRIME + 1) // 2


class Sums(NamedTuple):
    """Linear combinations: of `terms` from ``starts[k]`` on, for the k-th target."""

    targets: Residues
    terms: Residues
    coefficients: Residues
    starts: Residues
    owners: Residues  # for each term, the target that it belongs to
    constants: Residues


class Products(NamedTuple):
    """Products of pairs."""

    targets: Residues
    left: Residues
    right: Residues


class Functions(NamedTuple):
    """Roots or inverses, each with the value that its derivative is `share` times of."""

    targets: Residues
    of: Residues
    slopes: Residues
    root: bool

    @property
    def share(self) -> int:
        """One half, as 1/(2 s), or minus one, as -q^2."""
        return HALF if self.root else PRIME - 1


Batch = Sums | Products | Functions


class NoRoot(ArithmeticError):
    """A value whose root is asked for is no square modulo the prime."""


@dataclass(frozen=True)
class Evaluation:
    """How a program is evaluated."""

    program: Program

    def __post_init__(self) -> None:
        for k, step in enumerate(list(self.program.steps)):  # derivatives of roots and inverses
            value = self.program.size + k
            if isinstance(step, Root):
                inverse = self.program.value(Inverse(value))
                self.program.value(Product(inverse, inverse))
            elif isinstance(step, Inverse):
                self.program.value(Product(value, value))

    @property
    def size(self) -> int:
        """Number of variables."""
        return self.program.size

    @property
    def outputs(self) -> list[int]:
        """Numbers of the values that are the map."""
        return self.program.outputs

    @property
    def values(self) -> int:
        """Number of all values."""
        return self.size + len(self.program.steps)

    @cached_property
    def batches(self) -> list[Batch]:
        """Steps in order of their depth, together what is of one kind."""
        depth = [0] * self.values
        groups: dict[tuple[int, str], list[int]] = {}
        for k, step in enumerate(self.program.steps):
            value = self.size + k
            if isinstance(step, Sum):
                depth[value] = 1 + max((depth[n] for n, _ in step.terms), default=0)
            elif isinstance(step, Product):
                depth[value] = 1 + max(depth[step.left], depth[step.right])
            else:
                depth[value] = 1 + depth[step.of]
            groups.setdefault((depth[value], type(step).__name__), []).append(value)
        return [self._batch(kind, groups[level, kind]) for level, kind in sorted(groups)]

    def _batch(self, kind: str, targets: list[int]) -> Batch:
        found = np.array(targets)
        steps = [self.program.steps[value - self.size] for value in targets]
        if kind == "Sum":
            sums = [step for step in steps if isinstance(step, Sum)]
            counts = np.array([len(step.terms) for step in sums])
            flat = [term for step in sums for term in step.terms]
            return Sums(
                found,
                np.array([value for value, _ in flat]),
                np.array([residue(c) for _, c in flat], dtype=np.int64),
                np.cumsum(counts) - counts,
                np.repeat(found, counts),
                np.array([residue(step.constant) for step in sums], dtype=np.int64),
            )
        if kind == "Product":
            products = [step for step in steps if isinstance(step, Product)]
            left, right = ([getattr(step, side) for step in products] for side in ("left", "right"))
            return Products(found, np.array(left), np.array(right))
        functions = [step for step in steps if isinstance(step, Root | Inverse)]
        known = self.program.value
        slopes = [
            known(Inverse(value)) if kind == "Root" else known(Product(value, value))
            for value in targets
        ]
        of = np.array([step.of for step in functions])
        return Functions(found, of, np.array(slopes), kind == "Root")

    # -- at points --------------------------------------------------------------------------------

    def at(self, points: Residues) -> Residues:
        """All values at points of shape (D, S): shape (values, S).

        Raises
        ------
        NoRoot
            If a root does not exist modulo the prime at one of them.
        """
        v = np.zeros((self.values, points.shape[1]), dtype=np.int64)
        v[: self.size] = points
        for batch in self.batches:
            if isinstance(batch, Sums):
                terms = v[batch.terms] * batch.coefficients[:, None] % PRIME
                total = np.add.reduceat(terms, batch.starts) + batch.constants[:, None]
                v[batch.targets] = total % PRIME
            elif isinstance(batch, Products):
                v[batch.targets] = v[batch.left] * v[batch.right] % PRIME
            else:
                v[batch.targets] = (_roots if batch.root else _inverses)(v[batch.of])
        return v

    def gradients(self, values: Residues, weights: Residues) -> Residues:
        """Gradient of ``sum_i weights[i] * outputs[i]`` at each point, shape (D, S)."""
        bar = np.zeros_like(values)
        bar[self.outputs] = weights
        for batch in reversed(self.batches):
            own = bar[batch.targets]
            if isinstance(batch, Sums):
                pulled = bar[batch.owners] * batch.coefficients[:, None] % PRIME
                np.add.at(bar, batch.terms, pulled)
                bar %= PRIME
            elif isinstance(batch, Products):
                np.add.at(bar, batch.left, own * values[batch.right] % PRIME)
                np.add.at(bar, batch.right, own * values[batch.left] % PRIME)
                bar %= PRIME
            else:
                slope = values[batch.slopes] * batch.share % PRIME
                np.add.at(bar, batch.of, own * slope % PRIME)
                bar %= PRIME
        return bar[: self.size]

    def jacobian(self, point: Residues) -> Residues:
        """Gradients of all outputs at one point of shape (D,): shape (outputs, D)."""
        values = self.at(np.repeat(point[:, None], len(self.outputs), axis=1))
        return self.gradients(values, np.eye(len(self.outputs), dtype=np.int64)).T

    # -- along series -----------------------------------------------------------------------------

    def along(self, orders: int) -> Along:
        """Begin an evaluation along a power series, of that many coefficients at most."""
        return Along(self, orders)


class Along:
    """Values along a power series, one coefficient after another, with their tangents.

    Every number has 1 + D parts: itself, and its derivative by each variable.
    """

    def __init__(self, evaluation: Evaluation, orders: int) -> None:
        self.of = evaluation
        shape = (evaluation.values, orders, 1 + evaluation.size)
        self.v = np.zeros(shape, dtype=np.int64)
        self.bar = np.zeros(shape, dtype=np.int64)
        self.k = 0  # coefficients known

    def extend(self, x: Residues) -> Residues:
        """Add the next coefficient of the variables; return those of the outputs' gradients.

        Returns
        -------
        ndarray, shape (outputs, D)
        """
        v, k, size = self.v, self.k, self.of.size
        v[:size, k, 0] = x
        if k == 0:
            v[np.arange(size), 0, 1 + np.arange(size)] = 1
        for batch in self.of.batches:
            if isinstance(batch, Sums):
                terms = v[batch.terms, k] * batch.coefficients[:, None] % PRIME
                v[batch.targets, k] = np.add.reduceat(terms, batch.starts) % PRIME
                if k == 0:
                    v[batch.targets, 0, 0] = (v[batch.targets, 0, 0] + batch.constants) % PRIME
            elif isinstance(batch, Products):
                v[batch.targets, k] = _convolved(v[batch.left], v[batch.right], k)
            elif batch.root:
                v[batch.targets, k] = self._root(batch)
            else:
                v[batch.targets, k] = self._inverse(batch)
        self.k += 1
        return v[self.of.outputs, k, 1:]

    def pull(self, weights: Residues) -> tuple[Residues, Residues]:
        """Gradient and Hessian of ``sum_i weights[i] outputs[i]``, their newest coefficients.

        Parameters
        ----------
        weights : ndarray, shape (outputs, orders)
            Power series, of which the newest coefficient is new here.

        Returns
        -------
        gradient : ndarray, shape (D,)
        hessian : ndarray, shape (D, D)
        """
        v, bar, k = self.v, self.bar, self.k - 1
        bar[self.of.outputs, k, 0] = weights[:, k]
        for batch in reversed(self.of.batches):
            if isinstance(batch, Sums):
                pulled = bar[batch.owners, k] * batch.coefficients[:, None] % PRIME
                np.add.at(bar[:, k], batch.terms, pulled)
            elif isinstance(batch, Products):
                own = bar[batch.targets, : k + 1]
                to_left = _convolved(own, v[batch.right], k)
                to_right = _convolved(own, v[batch.left], k)
                np.add.at(bar[:, k], batch.left, to_left)
                np.add.at(bar[:, k], batch.right, to_right)
            else:
                own = _convolved(bar[batch.targets], v[batch.slopes], k)
                np.add.at(bar[:, k], batch.of, own * batch.share % PRIME)
            bar[:, k] %= PRIME
        return bar[: self.of.size, k, 0], bar[: self.of.size, k, 1:]

    def _inverse(self, batch: Functions) -> Residues:
        x, q, k = self.v[batch.of], self.v[batch.targets], self.k
        if k == 0:
            return _dual_inverse(x[:, 0])
        q[:, k] = 0
        rest = _convolved(x, q, k)
        return _dual_product(PRIME - rest, q[:, 0])

    def _root(self, batch: Functions) -> Residues:
        x, s, k = self.v[batch.of], self.v[batch.targets], self.k
        if k == 0:
            root = _roots(x[:, :1, 0])
            slope = x[:, 0, 1:] * HALF % PRIME * _inverses(root) % PRIME
            return np.concatenate([root, slope], axis=1)
        s[:, k] = 0
        rest = (x[:, k] - _convolved(s, s, k)) % PRIME
        return _dual_product(rest * HALF % PRIME, _dual_inverse(s[:, 0]))


def _convolved(a: Residues, b: Residues, k: int) -> Residues:
    """Coefficient k of the product of series of numbers with tangents."""
    total = _dual_product(a[:, 0], b[:, k])
    for j in range(1, k + 1):
        total = total + _dual_product(a[:, j], b[:, k - j])
    return total % PRIME


def _dual_product(a: Residues, b: Residues) -> Residues:
    result = a[:, :1] * b % PRIME
    result[:, 1:] += a[:, 1:] * b[:, :1] % PRIME
    return result % PRIME


def _dual_inverse(x: Residues) -> Residues:
    value = _inverses(x[:, :1])
    slope = (PRIME - x[:, 1:]) * (value * value % PRIME) % PRIME
    return np.concatenate([value, slope], axis=1)


def _inverses(x: Residues) -> Residues:
    if np.any(x == 0):
        raise ZeroDivisionError("a division by zero at this point; choose another.")
    return _power(x, PRIME - 2)


def _roots(x: Residues) -> Residues:
    root = _power(x, (PRIME + 1) // 4)
    if np.any(root * root % PRIME != x):
        raise NoRoot("a root does not exist here modulo the prime.")
    return root


def _power(x: Residues, exponent: int) -> Residues:
    result, square = np.ones_like(x), x % PRIME
    for bit in _bits(exponent):
        if bit:
            result = result * square % PRIME
        square = square * square % PRIME
    return result


def _bits(number: int) -> Iterator[int]:
    while number:
        yield number & 1
        number >>= 1
