"""What is compared: our integrators, SciPy's with our gradient, and others if installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from dynlens.dynamics.flow import gradient_flow
from dynlens.problems.problem import Problem
from dynlens.support.typing import Array

Solve = Callable[[float, float, float], tuple[Array, int | None]]
Prepare = Callable[[Problem, Array], Solve]

TINY, SMALL = 20, 100  # parameters: for an expression of each, and for a dense Jacobian in Python


@dataclass(frozen=True)
class Peer:
    """A way to integrate.

    Parameters
    ----------
    name : str
    prepare : callable
        ``prepare(problem, theta0)`` does what is needed once, and returns
        ``solve(t_end, rtol, atol)``, which returns the last state and how many gradients it
        took, if that is known.
    explicit : bool
        Whether it is hopeless on stiff problems.
    packages : tuple of str
        What must be installed.
    largest : int
        Parameters beyond which it is left out.
    compiles : bool
        Whether the first run at a tolerance takes longer than the next.
    """

    name: str
    prepare: Prepare
    explicit: bool = False
    packages: tuple[str, ...] = ()
    largest: int = 10**9
    compiles: bool = True

    @property
    def absent(self) -> list[str]:
        """Packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


def missing(peers: Sequence[Peer]) -> list[str]:
    """Return a line for every peer that cannot take part, with its remedy."""
    return [
        f"{peer.name} is left out: pip install {' '.join(peer.absent)}"
        for peer in peers
        if peer.absent
    ]


def failed(problem: Problem) -> Array:
    """Return the last state of a run that did not reach its end."""
    return np.full(problem.model.parameters, np.nan)


def _ours(method: str, problem: Problem, theta0: Array) -> Solve:
    options: dict[str, Any] = {"saves": 2, "max_evaluations": 10**9, "method": method}

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, int]:
        flow = gradient_flow(problem, theta0, t_end, rtol=rtol, atol=atol, **options)
        final = flow.final if flow.complete else failed(problem)
        return final, int(flow.attrs["evaluations"])

    return solve


def _scipy(method: str, problem: Problem, theta0: Array) -> Solve:
    from scipy.integrate import solve_ivp

    def solve(t_end: float, rtol: float, atol: float) -> tuple[Array, int]:
        options: dict[str, Any] = {"rtol": rtol, "atol": atol, "t_eval": [t_end]}
        with np.errstate(all="ignore"):  # a trial step may overflow, and is then taken back
            answer = solve_ivp(problem.compiled_field, (0.0, t_end), theta0, method, **options)
        return answer.y[:, -1] if answer.success else failed(problem), int(answer.nfev)

    return solve


def _late(module: str, name: str, *first: str) -> Prepare:
    """Return a way that is imported when it is used: it may need what is not installed."""

    def prepare(problem: Problem, theta0: Array) -> Solve:
        function = getattr(import_module(f"dynlens.bench.{module}"), name)
        solve: Solve = function(*first, problem, theta0)
        return solve

    return prepare


def _cyrk(name: str, method: str, **limits: Any) -> Peer:
    return Peer(f"CyRK {name}", _late("cyrk", "cyrk", method), packages=("CyRK",), **limits)


PEERS = (
    Peer("dynlens auto", partial(_ours, "auto")),
    Peer("dynlens DOP8", partial(_ours, "DOP8"), explicit=True),
    Peer("dynlens Tsit5", partial(_ours, "Tsit5"), explicit=True),
    Peer("SciPy DOP853", partial(_scipy, "DOP853"), explicit=True, compiles=False),
    Peer("SciPy LSODA", partial(_scipy, "LSODA"), largest=SMALL, compiles=False),
    _cyrk("DOP853", "DOP853", explicit=True),
    _cyrk("Tsit5", "TSIT5", explicit=True),
    _cyrk("LSODA", "LSODA", largest=SMALL),
    _cyrk("Radau", "RADAU", largest=SMALL),
    Peer("heyoka", _late("foreign", "heyoka"), True, ("heyoka",), TINY),
    Peer("diffrax Tsit5", _late("foreign", "diffrax"), True, ("diffrax", "jax")),
    Peer(
        "torchdiffeq dopri8",
        _late("foreign", "torchdiffeq"),
        explicit=True,
        packages=("torchdiffeq", "torch"),
        compiles=False,
    ),
)
