"""Evaluation at exact rational points, to many digits."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import mpmath
import sympy as sp

from dynlens.symbolic.answers import Answer, Domain, Expr, Measure, Outcome, Point
from dynlens.symbolic.rewriting import GIVES_UP, is_root

ATTEMPTS = 500  # points drawn in search of usable ones


def usable_points(
    symbols: Sequence[Expr], domain: Domain, seed: int, measure: Measure
) -> Iterator[Point]:
    """Yield points of the domain where there is a real value."""
    bounds = domain if isinstance(domain, Mapping) else {}
    draw = random.Random(seed)
    for _ in range(ATTEMPTS if symbols else 1):
        point = {symbol: _rational(symbol, bounds.get(symbol), draw) for symbol in symbols}
        if None in point.values():
            return  # an assumption that no rational number meets
        if (not callable(domain) or domain(point)) and measure(point, 15) is not None:
            yield point


def _rational(symbol: Expr, bounds: tuple[Any, Any] | None, draw: random.Random) -> Expr | None:
    """Draw a rational number that meets the assumptions of `symbol`."""
    required = symbol.assumptions0
    for _ in range(200):
        if bounds is None:
            q = 1 if symbol.is_integer else draw.randint(2, 13)
            value = sp.Rational(draw.randint(-4 * q, 4 * q), q)
        elif symbol.is_integer:
            value = sp.Integer(draw.randint(int(sp.ceiling(bounds[0])), int(sp.floor(bounds[1]))))
        else:
            lowest, highest = map(sp.Rational, bounds)
            value = lowest + (highest - lowest) * sp.Rational(draw.randint(1, 96), 97)
        if value == 0 and bounds is None:
            continue  # zero hides more than it shows
        if all(getattr(value, f"is_{fact}") == truth for fact, truth in required.items()):
            return value
    return None


def _positive_by_convention(expr: Expr) -> list[Expr]:
    bases = {power.base for power in expr.atoms(sp.Pow) if is_root(power)}
    arguments = {f.args[0] for f in expr.atoms(sp.log)}
    return [a for a in bases | arguments if not a.is_nonnegative and a.is_commutative]


def evaluator(expr: Expr, symbols: Sequence[Expr], positive: Sequence[Expr]) -> Measure:
    """Return ``measure(point, digits) -> (value, noise)``, None where there is no real value."""
    terms = sp.Add.make_args(expr)
    guards = [*positive, *_positive_by_convention(expr)]
    try:
        function = sp.lambdify(symbols, [expr, guards, terms], "mpmath")
    except GIVES_UP:
        return lambda point, digits: None

    def measure(point: Point, digits: int) -> tuple[Any, Any] | None:
        with mpmath.workdps(digits):
            noise = mpmath.mpf(10) ** (10 - digits)
            try:
                values = function(*(mpmath.mpf(point[s].p) / point[s].q for s in symbols))
                value, *parts = map(mpmath.mpmathify, [values[0], *values[2]])
                scale = max(map(abs, parts))
                real = mpmath.isfinite(value) and abs(mpmath.im(value)) <= noise * scale
                defined = real and all(guard > 0 for guard in values[1])
            except (NameError, *GIVES_UP):
                return None
            return (mpmath.re(value), noise * scale) if defined else None

    return measure


def witness_among(points: Sequence[Point], measure: Measure, digits: int) -> Answer | None:
    """First point at which the expression is certainly not zero, as an answer."""
    for point in points:
        first, second = measure(point, digits), measure(point, 2 * digits)
        if first is None or second is None:
            continue
        # Rounding noise is small and changes with the precision; a true value does neither.
        (rough, noise), (value, _) = first, second
        if abs(value) > noise and abs(value - rough) < abs(value) / 10**6:
            place = ", ".join(f"{symbol} = {number}" for symbol, number in point.items())
            how = f"at {place}" if place else "(a constant)"
            return Answer(Outcome.NONZERO, sp.Float(value, digits), how, point)
    return None
