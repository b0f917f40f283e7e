"""Cases: where a claim is asserted.

A case is plain data from which states are made again, so that its `repr` can be pasted, and it
knows which cases are simpler than itself, so that a counterexample can be shrunk. The *samples* it
yields answer to names: an observable ``x``, its exact rate ``d_x`` along the flow, its
initial value ``x_0``, the time ``t``, and the numbers a model has (``depth``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np

from dynlens.models.base import Model
from dynlens.models.deep_linear import DeepLinear
from dynlens.observables import registry
from dynlens.observables.registry import REGISTRY
from dynlens.problems.losses import Loss, SquaredLoss
from dynlens.problems.observations import Entries, Full, frozen
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError
from dynlens.support.numerics import nudged_at_random
from dynlens.support.typing import Array, Mask

HALF_SQUARES = SquaredLoss()
PROBLEM = "for example `Problem(model, loss, seen)`."


@dataclass(frozen=True)
class Reading:
    """An observable with its parameters, or one entry of it.

    Examples
    --------
    >>> Reading("end_to_end", where=(0, 0))
    Reading(observable='end_to_end', where=(0, 0), parameters=())
    """

    observable: str
    where: tuple[int, ...] = ()
    parameters: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        where = validation.sequence("where", self.where, "for example (0, 0).")
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "parameters", validation.pairs("parameters", self.parameters))


class Dynamics(NamedTuple):
    """States, shape (S, n), and the field they move along: ``field(x)`` and ``jacobian(x)``."""

    states: Array
    field: Callable[[Array], Array]
    jacobian: Callable[[Array], Array]
    symmetric: bool


class Samples(ABC):
    """States with names: what a claim's formula is evaluated on."""

    t: Array | None = None
    twins: tuple[Samples, ...] = ()
    listed: Mask | None = None  # the times that were asked for, where others are looked at too
    t_end: float | None = None  # the end that was asked for
    note: str = ""  # what a verdict on these samples must say
    doubted: Mask | None = None  # samples that arithmetic cannot vouch for
    unseen: str = ""  # what lies between samples and was not looked at, if too much
    exact: tuple[str, ...] = ()  # quantities without any rounding error
    entrywise: ClassVar[bool] = True  # twins tell the error of every entry, however small

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of samples."""

    @abstractmethod
    def read(self, name: str | Reading) -> Array:
        """Return a quantity at every sample, shape (S, ...) or scalar."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names that may be read."""

    def rate(self, name: str | Reading) -> Array:
        """Return the exact rate of a quantity along the flow, shape (S, ...) or scalar."""
        return self.read(f"d_{name}")

    def distance(self, twin: Samples) -> Array:
        """How far the twin's states are from these, relative to their size, shape (S,)."""
        return np.zeros(len(self))

    def labels(self, name: str | Reading, shape: tuple[int, ...]) -> dict[str, Sequence[Any]]:
        """Labels of a quantity's axes, of the given sizes, where they have names."""
        return {}

    def dynamics(self) -> Dynamics:
        """Return the states with the field they move along."""
        raise TypeError(
            "these samples have no field of motion; check the claim on `States`, a `Path` of the "
            "flow or a `SystemPath`."
        )

    def closer(self) -> Samples:
        """Return the same samples with more twins, or as they are."""
        return self

    def check_beginning(self, name: str) -> None:  # noqa: B027 - most samples have one
        """Refuse an initial value where there is no path."""

    def unknown(self, name: str) -> UnknownNameError:
        """Return the error for a name that is not known here."""
        return UnknownNameError(
            f"no quantity {name!r} in the claim; {validation.nearest(name, self.names())}"
        )


@dataclass(frozen=True, eq=False)
class ModelSamples(Samples):
    """States of a problem, along a path (with times) or scattered (without)."""

    problem: Problem
    theta: Array
    t: Array | None = None
    twins: tuple[ModelSamples, ...] = ()
    listed: Mask | None = None
    t_end: float | None = None
    note: str = ""
    unseen: str = ""
    velocity: Callable[[float, Array], Array] | None = None  # in the place of the flow's
    _cache: dict[Any, Array] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.theta)

    def names(self) -> tuple[str, ...]:
        return (*REGISTRY, *self.problem.model.names, *self._numbers, "t")

    @cached_property
    def _numbers(self) -> dict[str, float]:
        model = self.problem.model
        return {number.name: float(getattr(model, number.name)) for number in model.numbers}

    def read(self, name: str | Reading) -> Array:
        if name not in self._cache:
            with np.errstate(all="ignore"):  # states that blow up, as a run may end
                self._cache[name] = self._read(name)
        return self._cache[name]

    def _read(self, name: str | Reading) -> Array:
        if isinstance(name, Reading):
            entry = registry.find(name.observable, self.problem)
            parameters = dict(name.parameters)
            values = entry(self.problem, self.theta, **parameters)
            index: Any = (slice(None), *name.where)
            try:
                return np.asarray(values[index])
            except IndexError as error:
                raise ValueError(
                    f"`where` is {name.where}, but {name.observable!r} has shape "
                    f"{values.shape[1:]}; name one entry."
                ) from error
        if name == "squared_size":
            return np.sum(self.theta**2, axis=-1)
        if name == "t":
            if self.t is None:
                raise ValueError("the claim speaks of `t`, but these states have no time.")
            return self.t
        if name in self._numbers:
            return np.asarray(self._numbers[name])
        known = (*REGISTRY, *self.problem.model.names)
        if name.endswith("_0") and name[:-2] in known:
            self.check_beginning(name)
            return registry.find(name[:-2], self.problem)(self.problem, self.theta[:1])
        if name.startswith("d_") and name[2:] in (*known, *self._numbers, "t"):
            return self.rate(name[2:])
        if name in known:
            return registry.find(name, self.problem)(self.problem, self.theta)
        raise self.unknown(name)

    @cached_property
    def _along(self) -> Array:
        """Velocity of every state, shape (S, P)."""
        if self.velocity is None:
            return self.problem.vector_field(0.0, self.theta)
        times = np.zeros(len(self)) if self.t is None else self.t
        return np.array([self.velocity(t, x) for t, x in zip(times, self.theta, strict=True)])

    def rate(self, name: str | Reading) -> Array:
        if isinstance(name, Reading):
            entry = registry.find(name.observable, self.problem)
            parameters = dict(name.parameters)
            rates = entry.derivative(self.problem, self.theta, self._along, **parameters)
            index: Any = (slice(None), *name.where)
            return np.asarray(rates[index])
        if name == "t":
            return np.ones(())
        if name in self._numbers or name.endswith("_0"):
            return np.zeros(())
        if name.startswith("d_"):
            raise ValueError(f"{name!r} is a rate; rates of rates are not known.")
        if name not in (*REGISTRY, *self.problem.model.names):
            raise self.unknown(name)
        key = ("d", name)
        if key not in self._cache:
            entry = registry.find(name, self.problem)
            self._cache[key] = entry.derivative(self.problem, self.theta, self._along)
        return self._cache[key]

    def labels(self, name: str | Reading, shape: tuple[int, ...]) -> dict[str, Sequence[Any]]:
        if isinstance(name, Reading):
            name = "" if name.where else name.observable
        if name not in REGISTRY or len(registry.find(name).dimensions(self.problem)) != len(shape):
            return {}
        return registry.find(name).coordinates(self.problem, shape)

    def dynamics(self) -> Dynamics:
        if self.velocity is not None:
            raise TypeError("the run followed a field of its own, whose derivative is not known.")
        problem = self.problem
        return Dynamics(
            self.theta,
            lambda theta: problem.vector_field(0.0, theta),
            lambda theta: -problem.hessian(theta),
            symmetric=True,
        )

    def distance(self, twin: Samples) -> Array:
        assert isinstance(twin, ModelSamples)
        n = min(len(self), len(twin))
        away = np.full(len(self), np.inf)
        with np.errstate(all="ignore"):
            size = np.linalg.norm(self.theta[:n], axis=1)
            gap = np.linalg.norm(self.theta[:n] - twin.theta[:n], axis=1)
        away[:n] = np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0)
        return away

    def closer(self) -> Samples:
        """Return them with twins off in their own last place, and in that of their factor.

        What is computed of a factor as a whole, such as singular values, is off by a rounding of
        its largest entry, which may be much beside the small ones.
        """
        if type(self) is not ModelSamples or self.t is not None:
            return self
        model, rng = self.problem.model, np.random.default_rng(0)
        sizes = [
            np.broadcast_to(np.abs(f).max(axis=tuple(range(1, f.ndim)), keepdims=True), f.shape)
            for f in model.unravel(self.theta)
        ]
        step = 2.0**-52 * model.ravel(sizes)
        others = (self.theta + step * rng.choice([-1.0, 1.0], step.shape) for _ in range(MORE))
        twins = tuple(ModelSamples(self.problem, x) for x in others)
        return replace(self, twins=(*_with_twins(self, MORE).twins, *twins))

    def check_beginning(self, name: str) -> None:
        if self.t is None:
            raise ValueError(
                f"{name!r} is the beginning of a path, but these states have no time; check the "
                "claim on a `Path`."
            )


@dataclass(frozen=True)
class Case(ABC):
    """Where a claim is asserted: plain data from which samples are made."""

    @abstractmethod
    def samples(self) -> Samples:
        """Make the states, with twins that measure their numerical error."""

    def looking_at(self, t: float | str) -> Case:
        """Return the case with a look at a time, or ``"end"``: itself if it looks there anyway."""
        return self

    def closer(self) -> Samples:
        """Make them with more twins, where there may be more: to confirm a close refutation."""
        return self.samples().closer()

    def simpler(self) -> Iterator[Case]:
        """Cases that are smaller or rounder than this one, the boldest first."""
        yield from ()


@dataclass(frozen=True)
class Start:
    """A start by recipe: the arguments of `Problem.init`."""

    scale: float
    kind: str = "gaussian"
    seed: int | None = None
    determinant: int | None = None

    def theta(self, problem: Problem) -> Array:
        """Draw it."""
        return problem.init(
            self.scale, kind=self.kind, seed=self.seed, determinant=self.determinant
        )


def theta_of(start: Start | tuple[float, ...], problem: Problem) -> Array:
    """Return the start, shape (P,), from its recipe or from its numbers."""
    if isinstance(start, Start):
        return start.theta(problem)
    return problem.check_theta(start, "start")


@dataclass(frozen=True)
class States(Case):
    """Given states of a problem, each a tuple of parameters."""

    problem: Problem
    theta: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        object.__setattr__(
            self, "theta", frozen(validation.real_array("theta", self.theta, ndim=2))
        )

    def samples(self) -> ModelSamples:
        """Return the states, with a twin nudged by one unit in the last place."""
        theta = validation.real_array("theta", self.theta, ndim=2)
        for row in theta:
            self.problem.check_theta(row, "theta")
        return _scattered(self.problem, theta)

    def simpler(self) -> Iterator[Case]:
        """Fewer and rounder states."""
        if len(self.theta) > 1:
            yield from (replace(self, theta=(row,)) for row in self.theta[:4])
        for digits in (0, 1, 2):
            rounded = tuple(
                tuple(float(np.round(x, digits)) + 0.0 for x in row) for row in self.theta
            )
            if rounded != self.theta:
                yield replace(self, theta=rounded)


@dataclass(frozen=True)
class RandomStates(Case):
    """Random states of problems with a random target.

    Parameters
    ----------
    model : Model, or tuple of int
        A tuple lists the widths of a `DeepLinear`.
    start : str
        Kind of initialization the states are drawn by.
    scale : float
    seed : int
        The target, with Gaussian entries, is drawn with `seed`, the states with the seeds that
        follow.
    count : int
        Number of states.
    loss : Loss
    fraction : float
        Share of the target's entries that are observed.
    """

    model: Model | tuple[int, ...]
    start: str = "balanced"
    scale: float = 1.0
    seed: int = 0
    count: int = 20
    loss: Loss = HALF_SQUARES
    fraction: float = 1.0

    def __post_init__(self) -> None:
        model = self.model if isinstance(self.model, Model) else DeepLinear(self.model)
        object.__setattr__(self, "model", model)
        validation.one_of("start", self.start, model.kinds)
        validation.positive("scale", self.scale)
        validation.seed_of(self.seed)
        validation.count("count", self.count)
        validation.share("fraction", self.fraction)

    @property
    def problem(self) -> Problem:
        """The problem the states belong to."""
        assert isinstance(self.model, Model)
        rng = np.random.default_rng(self.seed)
        target = rng.standard_normal(self.model.tensor_shape)
        seen = Full(target)
        if self.fraction < 1:
            seen = Entries.sample(target, fraction=self.fraction, seed=self.seed)
        return Problem(self.model, self.loss, seen)

    def samples(self) -> ModelSamples:
        """Draw the states, with a twin nudged by one unit in the last place."""
        problem = self.problem
        theta = [
            problem.init(self.scale, kind=self.start, seed=self.seed + 1 + k)
            for k in range(self.count)
        ]
        return _scattered(problem, np.array(theta))

    def simpler(self) -> Iterator[Case]:
        """Fewer states, smaller models, rounder scale."""
        assert isinstance(self.model, Model)
        if self.count > 1:
            yield replace(self, count=1)
        yield from (replace(self, model=model) for model in self.model.simpler())
        if self.scale != 1.0:
            yield replace(self, scale=1.0)
        if self.fraction < 1:
            yield replace(self, fraction=1.0)


def _is_identity(model: Model) -> bool:
    """Whether the parameters are the entries of the end-to-end tensor."""
    shape = model.tensor_shape
    tensor = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    return model.factor_shapes == (shape,) and np.array_equal(model.end_to_end((tensor,)), tensor)


@dataclass(frozen=True)
class RandomMatrices(Case):
    """Random end-to-end matrices of a fixed problem, for what holds without any dynamics.

    Entries are Gaussian times a scale drawn log-uniformly from ``scales``, added to a random
    share of a solution matrix, so that both large and nearly fitted matrices occur.

    Parameters
    ----------
    problem : Problem
        Of a depth-1 `DeepLinear`, whose parameters are the matrix's entries.
    count, seed : int
    scales : tuple of two float
    determinant : {1, -1}, optional
        Keep the matrices whose determinant has this sign.
    """

    problem: Problem
    count: int
    seed: int
    scales: tuple[float, float] = (1e-3, 1e2)
    determinant: int | None = None

    def __post_init__(self) -> None:
        validation.instance("problem", self.problem, Problem, PROBLEM)
        model = self.problem.model
        if not _is_identity(model):
            raise ValueError(f"`problem` must be of a network of depth 1, got {model!r}.")
        validation.count("count", self.count)
        validation.seed_of(self.seed)
        remedy = "for example (1e-3, 1e2)."
        scales = validation.sequence("scales", self.scales, remedy)
        low, high = validation.real_array("scales", scales, shape=(2,))
        if not 0 < low <= high:
            raise ValueError(f"`scales` must be positive and increasing, got {scales}; {remedy}")
        if self.determinant is not None:
            self.problem.check_determinant(self.determinant)

    def samples(self) -> ModelSamples:
        """Draw them."""
        rng = np.random.default_rng(self.seed)
        shape = self.problem.model.tensor_shape
        low, high = np.log(self.scales)
        n = self.count
        # Observed entries are near their values to within one scale, the others vary by another.
        base = self.problem.observations.adjoint(self.problem.observations.data)
        seen = self.problem.observations.adjoint(np.ones(self.problem.observations.count)) != 0
        own = np.exp(rng.uniform(low, high, (n, *shape)))
        common = np.exp(rng.uniform(low, high, (n, 1, 1)))
        spread = np.where(seen, np.where(rng.random((n, 1, 1)) < 0.5, own, common), own)
        share = np.where(rng.random((n, 1, 1)) < 0.8, 1.0, rng.random((n, 1, 1)))
        matrices = share * base + spread * rng.standard_normal((n, *shape))
        if self.determinant is not None:
            matrices = matrices[self.determinant * np.linalg.det(matrices) > 0]
        return _scattered(self.problem, matrices.reshape(len(matrices), -1))

    def simpler(self) -> Iterator[Case]:
        """Fewer matrices, then the one that fails by itself."""
        if self.count > 10:
            yield replace(self, count=max(1, self.count // 100))
            yield replace(self, count=self.count // 10)
        elif self.count > 1:
            rows = self.samples().theta
            yield from (States(self.problem, (tuple(row.tolist()),)) for row in rows)


NUDGES = 3
"""Independent perturbations in the last place; fewer where there are very many states."""

MORE = 12
"""Perturbations where a refutation is close: that all of them happen to do little is unlikely."""


def _scattered(problem: Problem, theta: Array) -> ModelSamples:
    """Return states with twins that are off by rounding, each entry up or down at random."""
    return _with_twins(ModelSamples(problem, theta), NUDGES if theta.size <= 100_000 else 1)


def _with_twins(samples: ModelSamples, count: int) -> ModelSamples:
    nudged = (nudged_at_random(samples.theta, seed) for seed in range(1, 1 + count))
    return replace(samples, twins=tuple(ModelSamples(samples.problem, x) for x in nudged))
