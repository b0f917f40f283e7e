"""Paths of an ODE system given by formulas: reduced coordinates in which arithmetic survives.

Some quantities lose their digits in the factors' coordinates long before the theorem is tested
(a determinant that decays like ``exp(-t**(2/3))``). Where a reduced system in better coordinates
is known, claims are asserted along *its* paths instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from dynlens.cases.base import Case, Dynamics, Samples
from dynlens.cases.equations import Equations, ended
from dynlens.cases.formulas import compiled_formula, parsed
from dynlens.cases.reproduce import concise
from dynlens.dynamics.looks import COARSE, looks_of
from dynlens.dynamics.times import STEPS, log_times
from dynlens.support import validation
from dynlens.support.run_cache import kept_arrays
from dynlens.support.typing import Array, Mask

METHODS = ("auto", "extrapolation", "LSODA", "Radau", "BDF")
FINEST = 2.3e-14  # relative tolerance below which SciPy warns


@dataclass(frozen=True, eq=False)
class SystemSamples(Samples):
    """States of an ODE system along its path, by the names of its variables."""

    states: dict[str, Array]
    numbers: dict[str, float]
    t: Array | None = None
    twins: tuple[SystemSamples, ...] = ()
    rates: tuple[tuple[str, str], ...] = ()  # formulas of the variables' time derivatives
    listed: Mask | None = None
    t_end: float | None = None
    note: str = ""
    unseen: str = ""
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
    method : {"auto", "extrapolation", "LSODA", "Radau", "BDF"}
        Implicit all, with the exact Jacobian of the formulas. "extrapolation" is a compiled method
        of high order (see `dynlens.stepping.extrapolation`), the others are SciPy's; "auto" is the
        first, or "LSODA" where a formula has a function that it does not know.
    rtol : float
    atol : float, optional
        Unless given, a tiny share of `rtol`, times the smallest number that the variables begin
        with.
    saves : "steps", int, "log" or tuple of float
        Where to look, as on a `Path`: everywhere that the states change, and at a number of evenly
        spaced times; or at the listed times alone.
    max_evaluations : int
        Budget of each of the runs, which holds beyond a blow-up too.
    until : formula, optional
        The path ends where this first changes its sign.

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
    method: str = "auto"
    rtol: float = 1e-10
    atol: float | None = None
    saves: int | str | tuple[float, ...] = STEPS
    max_evaluations: int = 1_000_000
    until: str = ""

    def __post_init__(self) -> None:
        for pairs in ("fields", "start", "given"):
            object.__setattr__(self, pairs, validation.pairs(pairs, getattr(self, pairs)))
        if not self.fields:
            raise ValueError('`fields` is empty; name a variable, such as {"s": "s * (1 - s)"}.')
        if [name for name, _ in self.fields] != [name for name, _ in self.start]:
            raise ValueError("`start` must give every variable of `fields`, in the same order.")
        validation.one_of("method", self.method, METHODS)
        for name, value in (*self.start, *self.given):
            validation.finite(name, value)
        validation.positive("t_end", self.t_end)
        validation.positive("rtol", self.rtol)
        if self.atol is not None:
            validation.positive("atol", self.atol, allow_zero=True)
        validation.count("max_evaluations", self.max_evaluations)
        if isinstance(self.saves, tuple):
            last = float(validation.times("saves", self.saves)[-1])
            if last > self.t_end * (1 + 1e-12):
                raise ValueError(f"`saves` go to {last:g}, beyond `t_end` = {self.t_end:g}.")
        elif self.saves not in ("log", STEPS):
            validation.count("saves", self.saves, least=2)

    def functions(self) -> tuple[Any, Any]:
        """Right-hand side ``f(t, y)`` and its exact Jacobian, for SciPy."""
        return self._equations.functions

    @cached_property
    def _equations(self) -> Equations:
        return Equations(self.fields, self.given)

    @property
    def _floor(self) -> float:
        """Absolute tolerance."""
        if self.atol is not None:
            return self.atol
        least = min((abs(value) for _, value in self.start if value), default=1.0)
        return 1e-4 * self.rtol * min(1.0, least)

    def samples(self) -> SystemSamples:
        """Integrate, with twins at a tighter tolerance and by another family of solvers."""
        run = _integrated(self)
        names = [name for name, _ in self.start]
        states = [dict(zip(names, y, strict=True)) for y in run[1:4]]
        moved, ended, off = (float(x) for x in run[4])
        listed = np.isin(run[0], self.saves) if isinstance(self.saves, tuple) else None
        note = f"the path ends at t = {ended:.9g} +- {off:.1g}" if ended < self.t_end else ""
        unseen = f"between two looks the state changes by {moved:.2g} e-folds; shorten the path"
        first, *others = (
            SystemSamples(y, dict(self.given), run[0], rates=self.fields, listed=listed)
            for y in states
        )
        return replace(
            first,
            twins=tuple(others),
            t_end=min(ended, self.saves[-1] if isinstance(self.saves, tuple) else self.t_end),
            note=note,
            unseen=unseen if moved > COARSE else "",
        )

    def looking_at(self, t: float | str) -> SystemPath:
        """Return the path that ends at a time."""
        if isinstance(t, str) or t == self.t_end:
            return self
        if t > self.t_end:
            raise ValueError(f"`at` = {t:g} is beyond `t_end` = {self.t_end:g}.")
        saves = self.saves
        if isinstance(saves, tuple):
            saves = (*(s for s in saves if s < t), t)
        return replace(self, t_end=t, saves=saves)

    def simpler(self) -> Iterator[Case]:
        """Shorter paths, rounder starts."""
        short = float(f"{self.t_end / 10:.1g}")
        if short >= 1 and not isinstance(self.saves, tuple):
            yield replace(self, t_end=short)
        rounded = tuple((name, float(f"{value:.1g}")) for name, value in self.start)
        if rounded != self.start:
            yield replace(self, start=rounded)


@lru_cache(maxsize=32)
def _integrated(path: SystemPath) -> tuple[Array, ...]:
    """Integrate once, or read the runs that another process kept."""
    return kept_arrays(concise(path), lambda: _computed(path))


def _computed(path: SystemPath) -> tuple[Array, ...]:
    """Times; states of the run and of its twins; what was not looked at, the end, its error."""
    equations, floor, rtol = path._equations, path._floor, path.rtol
    start = np.array([value for _, value in path.start])
    known = equations.tapes is not None
    usual: dict[str, Any] = {"rtol": rtol, "atol": floor, "budget": path.max_evaluations}
    finer = {**usual, "rtol": max(rtol / 10, FINEST), "atol": floor / 1000}
    end, off = path.t_end, 0.0
    # By extrapolation first: some of SciPy's methods do not come back from a blow-up.
    steps = equations.steps(start, path.t_end, **usual)
    if path.until and not known:
        raise ValueError("`until` needs smooth formulas of elementary functions in `fields`.")
    if path.until:
        crossed = equations.crossing(path.until, steps, **usual)
        if crossed < path.t_end:
            near = equations.steps(start, path.t_end, **finer)
            end, off = crossed, abs(equations.crossing(path.until, near, **finer) - crossed)
    if steps.failure and end == path.t_end:
        raise ended("extrapolation", steps.failure, path.t_end)
    looks = looks_of([(steps.t, steps.y)])
    moved, times = looks.moved, np.union1d(log_times(path.t_end), looks.t)
    if isinstance(path.saves, tuple):
        times = np.union1d(times, path.saves)
    elif isinstance(path.saves, int):
        times = np.union1d(times, np.linspace(0.0, path.t_end, path.saves))
    times = np.append(times[times < end], end)
    method = path.method if path.method != "auto" else "extrapolation" if known else "LSODA"
    if method == "extrapolation" and not known:
        raise ValueError("`method` 'extrapolation' does not know a function in `fields`.")
    other = {**usual, "method": "extrapolation" if known else "LSODA"}
    if method == other["method"]:
        other["method"] = "LSODA" if known else "Radau"
        other["rtol"] = rtol if known else 30 * rtol  # as in `gradient_flow`
    runs = ({**usual, "method": method}, {**finer, "method": method}, other)
    states = [equations.solved(start, times, **settings).T for settings in runs]
    return times, *states, np.array([moved, end, off])
