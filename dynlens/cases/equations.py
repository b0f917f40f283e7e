"""Systems of differential equations given by formulas, and how they are solved."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dynlens.cases.formulas import compiled_formula, parsed
from dynlens.stepping.extrapolation import Solved, extrapolated
from dynlens.support import validation
from dynlens.support.errors import IntegrationError
from dynlens.support.typing import Array

STEPS = 100_000  # of a path, at most
LOST = 100  # values in a row that are no numbers, after which a solver is stopped


@dataclass(frozen=True)
class Equations:
    """Right-hand sides of a system, as formulas of its variables, of numbers, and of ``t``.

    Parameters
    ----------
    fields : tuple of (name, formula) pairs
    given : tuple of (name, value) pairs
    """

    fields: tuple[tuple[str, str], ...]
    given: tuple[tuple[str, float], ...] = ()

    @cached_property
    def _parsed(self) -> tuple[Any, list[Any], list[Any]]:
        """The time and the variables, as real symbols, and the right-hand sides."""
        import sympy as sp

        names, given = [name for name, _ in self.fields], dict(self.given)
        known = [*names, *given, "t"]
        rates = [parsed(text) for _, text in self.fields]
        for name in sorted({str(s) for rate in rates for s in rate.free_symbols}):
            if name not in known:
                raise ValueError(f"`fields` use {name!r}; {validation.nearest(name, known)}")
        real = {sp.Symbol(name): sp.Symbol(name, real=True) for name in known}
        numbers = {real[sp.Symbol(name)]: value for name, value in given.items()}
        rates = [rate.xreplace(real).subs(numbers) for rate in rates]
        return real[sp.Symbol("t")], [real[sp.Symbol(name)] for name in names], rates

    @cached_property
    def _jacobian(self) -> list[list[Any]]:
        import sympy as sp

        _, y, rates = self._parsed
        rows: list[list[Any]] = sp.Matrix(rates).jacobian(y).tolist()
        return rows

    @cached_property
    def functions(self) -> tuple[Any, Any]:
        """Right-hand side ``f(t, y)`` and its exact Jacobian, for SciPy."""
        import sympy as sp

        t, y, rates = self._parsed
        field = sp.lambdify([t, y], rates, ["math", "scipy"], cse=True)
        jacobian = sp.lambdify([t, y], self._jacobian, ["math", "scipy"], cse=True)
        # Python floats: the same formulas cost ten times more on numpy scalars.
        return (lambda t, y: field(t, y.tolist())), (lambda t, y: jacobian(t, y.tolist()))

    @cached_property
    def tapes(self) -> tuple[Any, Any] | None:
        """The same two as tapes; None if they contain a function that tapes do not know.

        Or one with a kink: a step of high order that begins close before it does not see it.
        """
        import sympy as sp

        from dynlens.symbolic.tape import tape_of

        t, y, rates = self._parsed
        if any(rate.has(sp.Max, sp.Min, sp.Abs, sp.sign, sp.Heaviside) for rate in rates):
            return None
        entries = [entry for row in self._jacobian for entry in row]
        try:
            return tape_of(rates, [t, *y]), tape_of(entries, [t, *y])
        except ValueError:
            return None

    def crossing(
        self, formula: str, found: Solved, *, rtol: float, atol: float, budget: int
    ) -> float:
        """Return when a formula first changes its sign along a solution; infinite if never."""
        from scipy.optimize import brentq

        names, function = compiled_formula(formula)
        places, given = [name for name, _ in self.fields], dict(self.given)

        def height(t: Any, y: Array) -> Any:
            known = {**given, **dict(zip(places, np.moveaxis(y, -1, 0), strict=True)), "t": t}
            with np.errstate(all="ignore"):
                return np.asarray(function(*(known[name] for name in names))) + 0.0 * t

        sides = np.sign(height(found.t, found.y))
        turned = np.flatnonzero(sides[1:] * sides[0] <= 0)
        if not turned.size or sides[0] == 0:
            return math.inf
        k = int(turned[0])
        begin, end = float(found.t[k]), float(found.t[k + 1])

        def after(t: float) -> float:
            if t == begin:
                return float(height(t, found.y[k]))
            where = (found.y[k], np.array([t]), t, rtol, atol, budget, begin)
            return float(height(t, self._extrapolated(*where).y[0]))

        return float(brentq(after, begin, end, xtol=1e-15 * (end - begin), disp=False))

    def steps(self, start: Array, t_end: float, *, rtol: float, atol: float, budget: int) -> Solved:
        """Solve by extrapolation, or LSODA where that will not do, and keep every step."""
        if self.tapes is None:
            t, y, count = self._by_scipy(start, None, t_end, "LSODA", rtol, atol, budget)
            return Solved(t, y, count)
        times = np.append(0.0, np.full(STEPS, np.nan))
        return self._extrapolated(start, times, t_end, rtol, atol, budget)

    def solved(
        self, start: Array, times: Array, method: str, *, rtol: float, atol: float, budget: int
    ) -> Array:
        """Return the states at the times, shape (T, N), or say why there are none."""
        t_end = float(times[-1])
        if method != "extrapolation":
            return self._by_scipy(start, times, t_end, method, rtol, atol, budget)[1]
        found = self._extrapolated(start, times, t_end, rtol, atol, budget)
        if found.failure:
            raise ended(method, found.failure, t_end)
        return found.y

    def _extrapolated(
        self,
        start: Array,
        times: Array,
        t_end: float,
        rtol: float,
        atol: float,
        budget: int,
        begin: float = 0.0,
    ) -> Solved:
        assert self.tapes is not None
        settings: dict[str, Any] = {"rtol": rtol, "atol": atol, "budget": budget, "begin": begin}
        return extrapolated(*self.tapes, start, times, t_end=t_end, **settings)

    def _by_scipy(
        self,
        start: Array,
        times: Array | None,
        t_end: float,
        method: str,
        rtol: float,
        atol: float,
        budget: int,
    ) -> tuple[Array, Array, int]:
        from scipy.integrate import solve_ivp

        field, jacobian = self.functions
        reached, evaluations, lost = 0.0, 0, 0

        def watched(t: float, y: Array) -> Any:
            nonlocal reached, evaluations, lost
            reached, evaluations = max(reached, t), evaluations + 1
            if evaluations > budget:
                raise _Spent(f"its budget of {budget} evaluations was used up at t={reached:.6g}")
            values = field(t, y)
            lost = 0 if all(map(math.isfinite, values)) else lost + 1
            if lost > LOST:
                raise OverflowError("what it evaluates is no number")
            return values

        settings: dict[str, Any] = {"method": method, "rtol": rtol, "atol": atol, "jac": jacobian}
        try:
            solution = solve_ivp(watched, (0.0, t_end), start, t_eval=times, **settings)
        except _Spent as error:
            raise ended(method, str(error), t_end) from error
        except (ArithmeticError, ValueError) as error:  # what Python's floats raise, and `math`
            raise IntegrationError(
                f"{method} left the floats near t={reached:.4g} of {t_end:.4g} ({error}); "
                "end the path earlier."
            ) from error
        if not solution.success:
            raise IntegrationError(
                f"{method} stopped at t={solution.t[-1]:.4g}: {solution.message}"
            )
        return solution.t, solution.y.T, evaluations


class _Spent(Exception):
    """A budget that was used up."""


def ended(method: str, why: str, t_end: float) -> IntegrationError:
    """Return the error of a path that came to no end."""
    return IntegrationError(f"{method}, on its way to {t_end:.4g}: {why}; end the path earlier.")
