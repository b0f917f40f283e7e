"""What rounding may have done to a formula, and its value where that is too much.

A running error analysis (Wilkinson): beside each value of an expression stands a bound, to first
order, on the error that floating point made in computing it. Two kinds are told apart: what the
formula's own operations did, which more digits cure, and what it inherited from its inputs, each of
which is taken to be off by a few units in its last place, which nothing cures. The latter is the
same wherever the input stands, so that it is carried as a derivative: x - x has none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from dynlens.cases.formulas import compiled_formula, parsed
from dynlens.support.typing import Array, Mask

EPS = 2.0**-52
ULPS = 2.0  # how far an input may be off, in units of its last place
DIGITS = 50  # of the second evaluation
REFINED = 10.0 ** (17 - DIGITS)  # share of a formula's own rounding that it leaves


class Bounded(NamedTuple):
    """A value with a bound on the error of its own operations, and what it owes to its inputs.

    Parameters
    ----------
    value, own : ndarray
    slopes : dict from name to ndarray
        Derivatives with respect to the inputs that may be off, each times how far.
    jumps : ndarray
        Bound on the error inherited through steps, near which there is no derivative.
    """

    value: Any
    own: Any
    slopes: dict[str, Any]
    jumps: Any = 0.0

    @property
    def inherited(self) -> Any:
        """Bound on the error that inputs bring."""
        return sum((np.abs(slope) for slope in self.slopes.values()), start=self.jumps)


def bounded(text: str, inputs: Mapping[str, Array], exact: Iterable[str] = ()) -> Bounded:
    """Evaluate a formula with bounds on its rounding error.

    Parameters
    ----------
    text : str
    inputs : mapping from name to ndarray
        Which broadcast against one another.
    exact : iterable of str
        Names of inputs that have no rounding error, such as the time.
    """
    with np.errstate(all="ignore"):
        return _Analysis(inputs, frozenset(exact)).of(parsed(text))


def refined(text: str, inputs: Mapping[str, Array], chosen: Mask) -> Array:
    """Evaluate a formula with fifty digits at the chosen entries, shape (sum(chosen),)."""
    import mpmath

    names, function = compiled_formula(text, "mpmath")
    columns = [np.broadcast_to(inputs[name], chosen.shape)[chosen].tolist() for name in names]
    found = np.empty(int(chosen.sum()))
    with mpmath.workdps(DIGITS):
        rows = zip(*columns, strict=True) if columns else ((),) * len(found)
        for k, row in enumerate(rows):
            try:
                value = function(*(mpmath.mpf(x) for x in row))
                found[k] = float(mpmath.re(value)) if mpmath.im(value) == 0 else np.nan
            except (ArithmeticError, ValueError, TypeError):
                found[k] = np.nan
    return found


def refined_difference(left: str, right: str, inputs: Mapping[str, Array], chosen: Mask) -> Array:
    """Left minus right at the chosen entries, subtracted before anything is rounded."""
    return refined(f"({left}) - ({right})", inputs, chosen)


class _Analysis:
    """One evaluation of one expression, common parts once."""

    def __init__(self, inputs: Mapping[str, Array], exact: frozenset[str]) -> None:
        self.inputs, self.exact = inputs, exact
        self.seen: dict[Any, Bounded] = {}

    def of(self, e: Any) -> Bounded:
        if e not in self.seen:
            self.seen[e] = self._symbol(e) if e.is_Symbol else self._of(e)
        return self.seen[e]

    def _symbol(self, e: Any) -> Bounded:
        value = np.asarray(self.inputs[str(e)], dtype=float)
        if str(e) in self.exact or np.all(_whole(value)):
            return Bounded(value, 0.0 * np.abs(value), {})
        off = np.where(_whole(value), 0.0, ULPS * EPS * np.abs(value))
        return Bounded(value, 0.0 * np.abs(value), {str(e): off})

    def _of(self, e: Any) -> Bounded:
        import sympy as sp

        parts = [self.of(a) for a in e.args]
        if not parts:
            number = float(e)
            held = (e.is_Integer and abs(number) < 2**53) or e.is_Float
            return Bounded(number, 0.0 if held else EPS / 2 * abs(number), {})
        if e.is_Rational:  # a number with parts
            return Bounded(float(e), EPS / 2 * abs(float(e)), {})
        if e.is_Add:
            rounding = (len(parts) - 1) * EPS / 2 * sum(np.abs(p.value) for p in parts)
            value, own, jumps = (
                sum(getattr(p, each) for p in parts) for each in ("value", "own", "jumps")
            )
            own = own + np.where(_exactly(parts), 0.0, rounding)
            return Bounded(value, own, _along(parts, [1.0] * len(parts)), jumps)
        if e.is_Mul:
            return _product(parts)
        if e.is_Pow:
            return _power(*parts, variable=not e.exp.is_number)
        if isinstance(e, sp.Max | sp.Min):
            return _extreme(parts, np.maximum if isinstance(e, sp.Max) else np.minimum)
        if isinstance(e, sp.Abs):
            sign = np.where(parts[0].value < 0, -1.0, 1.0)
            return parts[0]._replace(value=np.abs(parts[0].value), slopes=_along(parts, [sign]))
        if isinstance(e, sp.sign | sp.floor | sp.ceiling | sp.Heaviside):
            return _step(e, parts[0])
        values, n = [p.value for p in parts], len(parts)
        slopes = [_slope(e.func, n, k)(*values) for k in range(n)]
        return _combined(_function(e.func, n)(*values), parts, slopes, 2 * EPS)


def _whole(value: Any) -> Any:
    """Where a number is whole and small enough to be held exactly: a count, a rank, an index."""
    return (value == np.round(value)) & (np.abs(value) < 2.0**53)


def _exactly(parts: Sequence[Bounded]) -> Any:
    """Where all parts are whole and without error, so that sums of them have none."""
    found: Any = True
    for p in parts:
        found = found & _whole(p.value) & (p.own == 0) & (np.asarray(p.inherited) == 0)
    return found


def _along(parts: Sequence[Bounded], slopes: Sequence[Any]) -> dict[str, Any]:
    """Chain rule: derivatives of what has these slopes towards its parts."""
    found: dict[str, Any] = {}
    for p, slope in zip(parts, slopes, strict=True):
        for name, inner in p.slopes.items():
            # What is exact hands on no error, however steep.
            step = np.where(np.asarray(inner) == 0, 0.0, slope * inner)
            found[name] = found.get(name, 0.0) + step
    return found


def _extreme(parts: Sequence[Bounded], choose: Any) -> Bounded:
    """The largest or the smallest, with the largest error of any."""
    value, own, jumps = parts[0].value, parts[0].own, parts[0].inherited
    for p in parts[1:]:
        value = choose(value, p.value)
        own, jumps = np.maximum(own, p.own), np.maximum(jumps, p.inherited)
    return Bounded(value, own, {}, jumps)


def _product(parts: Sequence[Bounded]) -> Bounded:
    value: Any = 1.0
    slopes: list[Any] = [1.0] * len(parts)
    for k, p in enumerate(parts):
        value = value * p.value
        slopes = [s if j == k else s * p.value for j, s in enumerate(slopes)]
    return _combined(value, parts, slopes, (len(parts) - 1) * EPS / 2)


def _power(base: Bounded, power: Bounded, *, variable: bool) -> Bounded:
    value = base.value**power.value
    by_base = power.value * base.value ** (power.value - 1)
    by_power = value * np.log(np.abs(base.value)) if variable else 0.0
    return _combined(value, [base, power], [by_base, by_power], 2 * EPS)


def _step(e: Any, part: Bounded) -> Bounded:
    """A step function: right, or wrong by a whole step near it."""
    import sympy as sp

    at = isinstance(e, sp.sign | sp.Heaviside)
    near = np.abs(part.value if at else part.value - np.round(part.value))
    own, jumps = (
        np.where(near <= x, 1.0, 0.0) * (np.asarray(x) > 0) for x in (part.own, part.inherited)
    )
    return Bounded(_function(e.func, 1)(part.value), own, {}, jumps)


def _combined(
    value: Any, parts: Sequence[Bounded], slopes: Sequence[Any], rounding: float
) -> Bounded:
    """Errors of the parts times the slopes towards them, and one more rounding."""
    own = np.where(_exactly(parts) & _whole(value), 0.0, rounding * np.abs(value))
    jumps: Any = 0.0
    for p, slope in zip(parts, slopes, strict=True):
        own = own + np.where(np.asarray(p.own) > 0, np.abs(slope) * p.own, 0.0)
        jumps = jumps + np.where(np.asarray(p.jumps) > 0, np.abs(slope) * p.jumps, 0.0)
    return Bounded(value, own, _along(parts, slopes), jumps)


@lru_cache(maxsize=128)
def _function(kind: Any, n: int) -> Any:
    import sympy as sp

    x = sp.symbols(f"x:{n}", real=True)
    return sp.lambdify(x, kind(*x), modules=["scipy", "numpy"])


@lru_cache(maxsize=128)
def _slope(kind: Any, n: int, k: int) -> Any:
    import sympy as sp

    x = sp.symbols(f"x:{n}", real=True)
    return sp.lambdify(x, sp.diff(kind(*x), x[k]), modules=["scipy", "numpy"])
