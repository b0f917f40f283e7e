"""The register of observables.

An observable is a function of a state, ``(problem, factors, **parameters) -> array``, with
a name, labelled dimensions, and, where it has one, an exact derivative along a direction. It does
not know about time, training or plotting. Factors may carry leading batch axes, which come first
in the result; that is how a whole trajectory is observed in one call.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.differences import contradicted
from dynlens.support.errors import UnknownNameError
from dynlens.support.shipped import is_shipped
from dynlens.support.typing import Array, Factors

Function = Callable[..., Any]
REGISTRY: dict[str, Observable] = {}
_PROBED: set[Any] = set()
STEP = 1e-100  # of the complex step, see `dynlens.models.base`


@dataclass(frozen=True)
class Observable:
    """A named function of a state, with labelled dimensions.

    Parameters
    ----------
    name : str
    function : callable
        ``(problem, factors, **parameters) -> array`` of shape (..., *dims).
    dims : tuple of str, or callable
        Names of the trailing axes; or a function of the problem that returns them.
    tangent : callable or None
        ``(problem, factors, directions, **parameters) -> array``, the exact derivative.
    analytic : bool
        The function may be evaluated at complex factors, which gives the derivative for nothing.
    along_path : bool
        The function wants all times at once (for signs followed by continuity).
    labels : mapping
        For some dims, a function of the problem that returns the labels; others count from zero.
    symbol : str
        How the papers write it, in LaTeX; by default its name.
    """

    name: str
    function: Function
    dims: tuple[str, ...] | Callable[[Problem], tuple[str, ...]] = ()
    tangent: Function | None = None
    analytic: bool = False
    along_path: bool = False
    parameters: tuple[str, ...] = field(default=())
    labels: Mapping[str, Callable[[Problem], Sequence[str]]] = field(default_factory=dict)
    symbol: str = ""

    @property
    def shipped(self) -> bool:
        """Whether it and its derivative come with dynlens, and are computed to rounding."""
        return all(is_shipped(f) for f in (self.function, self.tangent) if f is not None)

    def __call__(self, problem: Problem, theta: Array, **parameters: Any) -> Array:
        """Evaluate at ``theta`` of shape (..., P)."""
        self._check(parameters)
        return np.asarray(self.function(problem, problem.factors(theta), **parameters))

    def derivative(self, problem: Problem, theta: Array, v: Array, **parameters: Any) -> Array:
        """Derivative along ``v`` at ``theta``, exact to rounding.

        Raises
        ------
        TypeError
            If the observable has no exact derivative.
        ValueError
            If what one's own observable promises is not its derivative, as a difference finds.
        """
        self._check(parameters)
        if not self.shipped:
            self._probe(problem, parameters)
        return self._along(problem, theta, v, parameters)

    def _along(self, problem: Problem, theta: Array, v: Array, parameters: dict[str, Any]) -> Array:
        if self.tangent is not None:
            factors, directions = problem.factors(theta), problem.factors(v)
            return np.asarray(self.tangent(problem, factors, directions, **parameters))
        if self.analytic:
            shifted = self.function(problem, problem.factors(theta + 1j * STEP * v), **parameters)
            return np.asarray(np.imag(shifted) / STEP)
        raise TypeError(
            f"observable {self.name!r} has no exact derivative; give it one with "
            f"`@{self.name}.derivative`, or mark it `analytic=True`."
        )

    def _probe(self, problem: Problem, parameters: dict[str, Any]) -> None:
        """Compare the promised derivative with a difference at a random state, once a model."""
        key = (self.function, self.tangent, problem.model, str(sorted(parameters.items())))
        if key in _PROBED:
            return
        theta = problem.probe[None]
        v = np.random.default_rng(1).standard_normal(theta.shape)
        promised = self._along(problem, theta, v, parameters)
        found = contradicted(promised, lambda h: self(problem, theta + h * v, **parameters))
        if found is not None:
            if self.tangent is None:
                what = "marked analytic, but its complex step"
                remedy = (
                    f"leave out abs, norm, conj and sorting, or state `@{self.name}.derivative`"
                )
            else:
                what, remedy = "given a derivative, which", f"mend `@{self.name}.derivative`"
            raise ValueError(
                f"observable {self.name!r} is {what} is {found[0]:.6g} along a random direction, "
                f"where differences give {found[1]:.6g}; {remedy}."
            )
        _PROBED.add(key)

    def dimensions(self, problem: Problem) -> tuple[str, ...]:
        """Names of the trailing axes for this problem."""
        return self.dims(problem) if callable(self.dims) else self.dims

    def coordinates(self, problem: Problem, shape: tuple[int, ...]) -> dict[str, Any]:
        """Labels of the trailing axes, of the given sizes, for this problem."""
        return {
            dim: np.array(self.labels[dim](problem)) if dim in self.labels else np.arange(size)
            for dim, size in zip(self.dimensions(problem), shape, strict=True)
        }

    def _check(self, parameters: dict[str, Any]) -> None:
        for name in parameters:
            if name not in self.parameters:
                raise TypeError(
                    f"observable {self.name!r} takes {list(self.parameters)}, not {name!r}."
                )


class _Declared:
    """What the decorator leaves behind: the function itself, with a hook for its derivative."""

    def __init__(self, entry: Observable) -> None:
        self._name = entry.name
        self.__doc__ = entry.function.__doc__
        self.__name__ = entry.name
        self.__wrapped__ = entry.function

    def __call__(self, problem: Problem, factors: Factors, **parameters: Any) -> Any:
        return REGISTRY[self._name].function(problem, factors, **parameters)

    def derivative(self, function: Function) -> Function:
        """Declare the exact derivative, ``(problem, factors, directions) -> array``."""
        old = REGISTRY[self._name]
        REGISTRY[self._name] = replace(old, tangent=function)
        return function


def observable(
    function: None = None,
    /,
    *,
    dims: tuple[str, ...] | Callable[[Problem], tuple[str, ...]] = (),
    analytic: bool = False,
    along_path: bool = False,
    labels: Mapping[str, Callable[[Problem], Sequence[str]]] | None = None,
    symbol: str = "",
) -> Callable[[Function], _Declared]:
    """Register a function of a state under its own name.

    Parameters
    ----------
    dims : tuple of str, or callable
        Names of the result's axes (after the batch axes).
    analytic : bool
        The function is free of `abs`, `conj` and sorting, so that a complex step differentiates it.
    along_path : bool
        The function needs the whole path at once; factors then have exactly one batch axis, time.
    labels : mapping, optional
        For some dims, a function of the problem that returns the labels; others count from zero.
    symbol : str
        How the papers write it, in LaTeX: statements are printed with it.

    Examples
    --------
    >>> @observable(dims=("row", "column"), analytic=True)
    ... def first_factor(problem, factors):
    ...     return factors[0]
    >>> "first_factor" in known_observables()
    True
    >>> del REGISTRY["first_factor"]
    """
    if function is not None:
        raise TypeError("a function was given; write `@observable()`, with parentheses.")

    def register(function: Function) -> _Declared:
        name = function.__name__
        parameters = tuple(inspect.signature(function).parameters)[2:]
        entry = Observable(
            name, function, dims, None, analytic, along_path, parameters, labels or {}, symbol
        )
        REGISTRY[name] = entry
        return _Declared(entry)

    return register


def known_observables() -> tuple[str, ...]:
    """Names of all known observables."""
    return tuple(sorted(REGISTRY))


def find(name: str, problem: Problem | None = None) -> Observable:
    """Return the observable called `name`, or say which are near.

    Parameters
    ----------
    name : str
        Of a registered observable, or with a `problem` of a quantity of its model.
    problem : Problem, optional
    """
    if not isinstance(name, str):
        raise TypeError(f"an observable is named by a string, got {name!r:.80}.")
    own = () if problem is None else problem.model.names
    if name in REGISTRY:
        if problem is not None and name in own:
            raise ValueError(
                f"{name!r} is an observable and a quantity of {type(problem.model).__name__}; "
                "call the latter otherwise."
            )
        return REGISTRY[name]
    found = None if problem is None else problem.model.quantity(name)
    if found is None:
        raise UnknownNameError(
            f"no observable {name!r}; {validation.nearest(name, (*REGISTRY, *own))}"
        )
    function, shape = found
    dims = tuple(f"axis_{k}" for k in range(len(shape)))
    return Observable(name, lambda problem, factors: function(factors), dims, analytic=True)
