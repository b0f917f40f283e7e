"""Paths of an ODE system given by formulas: reduced coordinates in which arithmetic survives.

Some quantities lose their digits in the factors' coordinates long before the theorem is tested
(a determinant that decays like ``exp(-t**(2/3))``). Where a reduced system in better coordinates
is known, claims are asserted along *its* paths instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from dynlens.cases.base import Case, Dynamics, Samples
from dynlens.cases.formulas import compiled_formula, parsed
from dynlens.cases.reproduce import concise
from dynlens.dynamics.times import log_times
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.run_cache import kept_arrays
from dynlens.support.typing import Array


@dataclass(frozen=True, eq=False)
class SystemSamples(Samples):
    """States of an ODE system along its path, by the names of its variables."""

    states: dict[str, Array]
    numbers: dict[str, float]
    t: Array | None = None
    twins: tuple[SystemSamples, ...] = ()
    rates: tuple[tuple[str, str], ...] = ()  # formulas of the variables' time derivatives
    entrywise: ClassVar[bool] = False

    def __len__(self) -> int:
        return len(next(iter(self.states.values())))

    def names(self) -> tuple[str, ...]:
        return (*self.states, *self.numbers, "t")

    def read(self, name: Any) -> Array:
        if name == "t" and self.t is not None:
            return self.t
        if name == "squared_size":
            return np.sum([value**2 for value in self.states.values()], axis=0)
        if name in self.states:
            return self.states[name]
        if name in self.numbers:
            return np.asarray(self.numbers[name])
        if isinstance(name, str) and name.endswith("_0") and name[:-2] in self.states:
            return self.states[name[:-2]][:1]
        if isinstance(name, str) and name.startswith("d_") and name[2:] in dict(self.rates):
            return self.rate(name[2:])
        raise self.unknown(str(name))

    def rate(self, name: Any) -> Array:
        rates = dict(self.rates)
        if name == "t":
            return np.ones(())
        if name in self.numbers:
            return np.zeros(())
        if name not in rates:
            raise self.unknown(f"d_{name}")
        names, function = compiled_formula(rates[name])
        with np.errstate(all="ignore"):
            found = np.asarray(function(*(self.read(each) for each in names)), dtype=float)
        return np.broadcast_to(found, (len(self),))

    def dynamics(self) -> Dynamics:
        if not self.rates:
            return super().dynamics()
        field, jacobian = _compiled(self.rates, tuple(self.numbers.items()))
        states = np.stack([self.states[name] for name, _ in self.rates], axis=1)
        return Dynamics(states, field, jacobian, symmetric=False)

    def distance(self, twin: Samples) -> Array:
        assert isinstance(twin, SystemSamples)
        if self.t is None:
            return np.zeros(len(self))
        n = min(len(self), len(twin))
        here, there = (np.stack(list(s.states.values()))[:, :n] for s in (self, twin))
        away = np.full(len(self), np.inf)
        size, gap = np.linalg.norm(here, axis=0), np.linalg.norm(here - there, axis=0)
        away[:n] = np.divide(gap, size, out=np.where(gap > 0, np.inf, 0.0), where=size > 0)
        return away


@lru_cache(maxsize=32)
def _compiled(rates: tuple[tuple[str, str], ...], given: tuple[tuple[str, float], ...]) -> Any:
    """Field of an autonomous system and its Jacobian, as functions of one state."""
    import sympy as sp

    formulas = [parsed(text).subs(dict(given)) for _, text in rates]
    names = [sp.Symbol(name) for name, _ in rates]
    if any(sp.Symbol("t") in formula.free_symbols for formula in formulas):
        raise ValueError("the field of the system depends on `t`; it has no equilibria.")
    field = sp.lambdify([names], formulas, ["scipy", "numpy"])
    jacobian = sp.lambdify(
        [names], sp.Matrix(formulas).jacobian(names).tolist(), ["scipy", "numpy"]
    )
    return (
        lambda x: np.array(field(x), dtype=float),
        lambda x: np.array(jacobian(x), dtype=float),
    )


@dataclass(frozen=True)
class SystemPath(Case):
    """The path of an ODE system whose right-hand sides are formulas.

    Parameters
    ----------
    fields : mapping or tuple of (name, formula) pairs
        Time derivative of each variable, in names of variables, of `given`, and ``t``.
    start : mapping or tuple of (name, value) pairs
    t_end : float
    given : mapping or tuple of (name, value) pairs
        Numbers that the formulas use.
    method : {"LSODA", "Radau", "BDF"}
        Implicit, with the exact Jacobian of the formulas.
    rtol, atol : float
    saves : int or "log"

    Examples
    --------
    >>> path = SystemPath({"s": "2 * s * (1 - s)"}, {"s": 0.5}, 2.0)
    >>> bool(abs(path.samples().read("s")[-1] - 1 / (1 + np.exp(-4.0))) < 1e-8)
    True
    """

    fields: Any
    start: Any
    t_end: float
    given: Any = ()
    method: str = "LSODA"
    rtol: float = 1e-10
    atol: float = 1e-14
    saves: int | str = "log"

    def __post_init__(self) -> None:
        for pairs in ("fields", "start", "given"):
            object.__setattr__(self, pairs, validation.pairs(pairs, getattr(self, pairs)))
        if not self.fields:
            raise ValueError('`fields` is empty; name a variable, such as {"s": "s * (1 - s)"}.')
        if [name for name, _ in self.fields] != [name for name, _ in self.start]:
            raise ValueError("`start` must give every variable of `fields`, in the same order.")
        validation.one_of("method", self.method, ("LSODA", "Radau", "BDF"))
        for name, value in (*self.start, *self.given):
            validation.finite(name, value)
        validation.positive("t_end", self.t_end)
        validation.positive("rtol", self.rtol)
        validation.positive("atol", self.atol, allow_zero=True)

    def functions(self) -> tuple[Any, Any]:
        """Right-hand side ``f(t, y)`` and its exact Jacobian, for SciPy."""
        import sympy as sp

        names, given = [name for name, _ in self.fields], dict(self.given)
        known = [*names, *given, "t"]
        rates = [parsed(text) for _, text in self.fields]
        for name in sorted({str(s) for rate in rates for s in rate.free_symbols}):
            if name not in known:
                raise ValueError(f"`fields` use {name!r}; {validation.nearest(name, known)}")
        rates = [rate.subs(given) for rate in rates]
        y, t = [sp.Symbol(name) for name in names], sp.Symbol("t")
        slope = sp.Matrix(rates).jacobian(y).tolist()
        field_ = sp.lambdify([t, y], rates, "math", cse=True)
        jacobian = sp.lambdify([t, y], slope, "math", cse=True)
        # Python floats: the same formulas cost ten times more on numpy scalars.
        return (lambda t, y: field_(t, y.tolist())), (lambda t, y: jacobian(t, y.tolist()))

    def samples(self) -> SystemSamples:
        """Integrate, with twins at a tighter tolerance and by another family of solvers."""
        tighter = replace(self, rtol=self.rtol / 10, atol=self.atol / 10)
        other = replace(self, method="LSODA")
        if self.method == "LSODA":
            other = replace(self, method="Radau", rtol=30 * self.rtol)  # as in `gradient_flow`
        changed = (tighter, other)
        return replace(_integrated(self), twins=tuple(_integrated(twin) for twin in changed))

    def looking_at(self, t: float | str) -> SystemPath:
        """Return the path that ends at a time."""
        if isinstance(t, str) or t == self.t_end:
            return self
        if t > self.t_end:
            raise ValueError(f"`at` = {t:g} is beyond `t_end` = {self.t_end:g}.")
        return replace(self, t_end=t)

    def simpler(self) -> Iterator[Case]:
        """Shorter paths, rounder starts."""
        short = float(f"{self.t_end / 10:.1g}")
        if short >= 1:
            yield replace(self, t_end=short)
        rounded = tuple((name, float(f"{value:.1g}")) for name, value in self.start)
        if rounded != self.start:
            yield replace(self, start=rounded)


@lru_cache(maxsize=32)
def _integrated(path: SystemPath) -> SystemSamples:
    """Integrate once, or read the run that another process kept."""
    t, y = kept_arrays(concise(path), lambda: _computed(path))
    names = [name for name, _ in path.start]
    return SystemSamples(dict(zip(names, y, strict=True)), dict(path.given), t, rates=path.fields)


def _computed(path: SystemPath) -> tuple[Array, Array]:
    from scipy.integrate import solve_ivp

    times = log_times(path.t_end) if path.saves == "log" else None
    if times is None:
        times = np.linspace(0.0, path.t_end, validation.count("saves", path.saves, least=2))
    field_, jacobian = path.functions()
    reached = 0.0

    def watched(t: float, y: Array) -> Any:
        nonlocal reached
        reached = max(reached, t)
        return field_(t, y)

    try:
        solution = solve_ivp(
            watched,
            (0.0, path.t_end),
            [value for _, value in path.start],
            method=path.method,
            jac=jacobian,
            t_eval=times,
            rtol=path.rtol,
            atol=path.atol,
        )
    except (ArithmeticError, ValueError) as error:  # what Python's floats raise, and `math`
        raise IntegrationError(
            f"{path.method} left the floats near t={reached:.4g} of {path.t_end:.4g} ({error}); "
            "end the path earlier."
        ) from error
    if not solution.success:
        raise IntegrationError(
            f"{path.method} stopped at t={solution.t[-1]:.4g}: {solution.message}"
        )
    return solution.t, solution.y
