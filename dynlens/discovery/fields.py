"""Families of vector fields: what annihilates the laws of a model.

The flow of any loss of the outputs phi_i(theta) moves along a combination of the *fields*
grad phi_i, and for some loss along any. With momentum the state is (theta, v, s) with
s = exp(tau t), the drift (v, -tau v, tau s) is one field more, and the others are (0, grad phi_i,
0): theta'' + tau theta' = -grad.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from dynlens.discovery import polynomials
from dynlens.discovery.evaluation import Along, Evaluation, NoRoot
from dynlens.discovery.modular import PRIME, Residues, residue
from dynlens.discovery.polynomials import Monomial, Polynomial
from dynlens.discovery.tracing import Program

TRIES = 200  # points drawn until all roots exist


class Sampled(ABC):
    """Vector fields as far as a search for what they annihilate asks of them."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of coordinates, D."""

    @abstractmethod
    def parities(self) -> list[list[int]]:
        """Sets of exponents' parities, as bits, that a sign change must treat alike.

        A law falls into parts by the sign changes of coordinates under which every field is either
        even or odd.
        """

    @abstractmethod
    def points(self, count: int, rng: np.random.Generator) -> Residues:
        """Draw points, shape (D, count), modulo the prime."""

    @abstractmethod
    def mixed(self, points: Residues, rng: np.random.Generator) -> Residues:
        """One random combination of the fields at each of the points (D, S), shape (D, S)."""


class Fields(Sampled):
    """A family of vector fields whose flows can be followed."""

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of fields."""

    @abstractmethod
    def begin(self, orders: int, rng: np.random.Generator) -> Ride:
        """Begin a flow of a random combination of the fields with coefficients in time."""

    @property
    @abstractmethod
    def each(self) -> list[dict[int, Polynomial]]:
        """The fields as polynomials, each by its coordinates that are not zero."""

    @property
    @abstractmethod
    def homogeneous(self) -> bool:
        """Whether every field is homogeneous, so that the parts of a law by degree are laws."""

    def reduced(self, polynomial: Polynomial) -> Polynomial:
        """A polynomial in its normal form, where fields have variables besides the coordinates."""
        return polynomial

    def symbols(self, names: Sequence[str]) -> list[Any]:
        """What the variables of `each` are in sympy, in the names of the coordinates."""
        import sympy as sp

        return [sp.Symbol(name, real=True) for name in names]


class Ride(ABC):
    """The flow of a combination of fields from one point, coefficient by coefficient in time."""

    @abstractmethod
    def step(self, x: Residues) -> tuple[Residues, Residues, Residues]:
        """Take the next coefficient of the state.

        Returns
        -------
        velocity : ndarray, shape (D,)
            Coefficient of the combination of fields along the flow.
        slope : ndarray, shape (D, D)
            Of its derivative.
        fields : ndarray, shape (count, D)
            Of each field.
        """


@dataclass(frozen=True)
class Gradients(Fields):
    """The gradients of the outputs of a traced map."""

    program: Program

    @cached_property
    def evaluation(self) -> Evaluation:
        """How the map is evaluated."""
        return Evaluation(self.program)

    @property
    def dimension(self) -> int:
        return self.program.size

    @property
    def count(self) -> int:
        return len(self.program.outputs)

    @cached_property
    def outputs(self) -> list[Polynomial]:
        """The map as polynomials."""
        return self.program.expanded()

    def begin(self, orders: int, rng: np.random.Generator) -> Ride:
        weights = rng.integers(0, PRIME, (self.count, orders))
        return _GradientRide(self.evaluation.along(orders), weights)

    def mixed(self, points: Residues, rng: np.random.Generator) -> Residues:
        weights = rng.integers(0, PRIME, (self.count, points.shape[1]))
        return self.evaluation.gradients(self.evaluation.at(points), weights)

    @cached_property
    def each(self) -> list[dict[int, Polynomial]]:
        return [polynomials.gradient(output) for output in self.outputs]

    def parities(self) -> list[list[int]]:
        # Times its coordinate, every monomial of a gradient has the parities of the output's.
        return [[parity(m) for m in output] for output in self.outputs]

    @property
    def homogeneous(self) -> bool:
        return all(len({len(m) for m in output}) <= 1 for output in self.outputs)

    def points(self, count: int, rng: np.random.Generator) -> Residues:
        found: list[Residues] = []
        for _ in range(TRIES * count):
            # One by one where a root may be missing, which it is half of the time.
            together = count if self.program.polynomial else 1
            drawn = rng.integers(1, PRIME, (self.dimension, together))
            if self._defined(drawn):
                found.append(drawn)
            if sum(part.shape[1] for part in found) >= count:
                return np.concatenate(found, axis=1)
        raise ArithmeticError("no point was found at which the map is defined modulo the prime.")

    def _defined(self, points: Residues) -> bool:
        if self.program.polynomial:
            return True
        try:
            self.evaluation.at(points)
        except (NoRoot, ZeroDivisionError):
            return False
        return True


class _GradientRide(Ride):
    def __init__(self, along: Along, weights: Residues) -> None:
        self.along, self.weights = along, weights

    def step(self, x: Residues) -> tuple[Residues, Residues, Residues]:
        fields = self.along.extend(x)
        velocity, slope = self.along.pull(self.weights)
        return velocity, slope, fields


@dataclass(frozen=True)
class WithMomentum(Fields):
    """The fields of ``theta'' + friction theta' = -grad`` on states (theta, v, s)."""

    plain: Gradients
    friction: Fraction

    @property
    def dimension(self) -> int:
        return 2 * self.plain.dimension + 1

    @property
    def count(self) -> int:
        return self.plain.count + 1

    def _drift(self, x: Residues) -> Residues:
        """Drift at states of shape (2 D + 1, ...)."""
        n, tau = self.plain.dimension, residue(self.friction)
        v, s = x[n : 2 * n], x[2 * n :]
        return np.concatenate([v, (PRIME - tau) * v % PRIME, tau * s % PRIME])

    def begin(self, orders: int, rng: np.random.Generator) -> Ride:
        return _MomentumRide(self, self.plain.begin(orders, rng))

    def mixed(self, points: Residues, rng: np.random.Generator) -> Residues:
        n = self.plain.dimension
        share = rng.integers(0, PRIME, points.shape[1])
        found = share * self._drift(points) % PRIME
        found[n : 2 * n] += self.plain.mixed(points[:n], rng)
        return found % PRIME

    @cached_property
    def each(self) -> list[dict[int, Polynomial]]:
        n, tau = self.plain.dimension, self.friction
        drift = {k: polynomials.variable(n + k) for k in range(n)}
        drift |= {n + k: polynomials.scale(polynomials.variable(n + k), -tau) for k in range(n)}
        drift[2 * n] = polynomials.scale(polynomials.variable(2 * n), tau)
        pushed = [{n + k: part for k, part in field.items()} for field in self.plain.each]
        return [drift, *pushed]

    def parities(self) -> list[list[int]]:
        # The drift ties the signs of theta_k and of v_k; then the gradients are as they were.
        n = self.plain.dimension
        ties = [[0, (1 << k) | (1 << (n + k))] for k in range(n)]
        return ties + self.plain.parities()

    @property
    def homogeneous(self) -> bool:
        return self.plain.homogeneous

    def points(self, count: int, rng: np.random.Generator) -> Residues:
        rest = rng.integers(1, PRIME, (self.plain.dimension + 1, count))
        return np.concatenate([self.plain.points(count, rng), rest])


class _MomentumRide(Ride):
    def __init__(self, fields: WithMomentum, plain: Ride) -> None:
        self.fields, self.plain, self.begun = fields, plain, False

    def step(self, x: Residues) -> tuple[Residues, Residues, Residues]:
        n, tau = self.fields.plain.dimension, residue(self.fields.friction)
        push, bend, gradients = self.plain.step(x[:n])
        drift = self.fields._drift(x)
        velocity = drift.copy()
        velocity[n : 2 * n] = (velocity[n : 2 * n] + push) % PRIME
        slope = np.zeros((2 * n + 1, 2 * n + 1), dtype=np.int64)
        slope[n : 2 * n, :n] = bend
        if not self.begun:  # the drift's derivative is constant
            slope[:n, n : 2 * n] = np.eye(n, dtype=np.int64)
            slope[n : 2 * n, n : 2 * n] = (PRIME - tau) * np.eye(n, dtype=np.int64) % PRIME
            slope[2 * n, 2 * n] = tau
            self.begun = True
        rows = np.zeros((1 + len(gradients), 2 * n + 1), dtype=np.int64)
        rows[0] = drift
        rows[1:, n : 2 * n] = gradients
        return velocity, slope, rows


def parity(monomial: Monomial) -> int:
    """Parities of a monomial's exponents: bit k is set if the exponent of variable k is odd."""
    bits = 0
    for index in monomial:
        bits ^= 1 << index
    return bits
