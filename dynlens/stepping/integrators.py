"""The table of compiled methods: each is an entry, made where the method is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Made = TypeVar("Made", bound=Callable[..., Any])
Documented = TypeVar("Documented", bound=Callable[..., Any])


@dataclass(frozen=True)
class Integrator:
    """One compiled method.

    Parameters
    ----------
    name : str
        As `gradient_flow` takes it.
    order : int or None
        Of the error at the end; None if the method changes between others.
    kind : {"explicit", "implicit", "stabilized", "switching"}
    make : callable
        ``make(problem, theta0, t_end, *, rtol, atol)`` returns a `Stepper` about to take its first
        step. All but switching ones also take ``t`` and ``step``, to go on from a time with a
        first step, and ``watchful``, to return when another kind of method should go on.
    stages : int
        Evaluations of a step, where they are always as many.
    """

    name: str
    order: int | None
    kind: str
    make: Callable[..., Any]
    stages: int = 0


INTEGRATORS: dict[str, Integrator] = {}


def integrator(
    name: str, *, order: int | None, kind: str, stages: int = 0
) -> Callable[[Made], Made]:
    """Enter what makes a method into the table; see `Integrator`.

    Raises
    ------
    ValueError
        If the name is taken.
    """
    if name in INTEGRATORS:
        raise ValueError(f"An integrator is called {name!r} already; choose another name.")

    def enter(make: Made) -> Made:
        INTEGRATORS[name] = Integrator(name, order, kind, make, stages)
        return make

    return enter


def listing(function: Documented) -> Documented:
    """Write the names in the table into a docstring, where it says ``{integrators}``."""
    names = ", ".join(f'"{name}"' for name in INTEGRATORS)
    function.__doc__ = (function.__doc__ or "").replace("{integrators}", names)
    return function


def is_compiled(method: Any) -> bool:
    """Whether this names a compiled method; SciPy's and classes do not."""
    return isinstance(method, str) and method in INTEGRATORS
