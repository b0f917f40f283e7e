"""Exact derivations: is this expression zero, does this formula solve that equation, compile it.

Every question has three answers. ZERO needs a rewriting that ends in 0; NONZERO needs an exact
rational point where the value is not 0; anything else is UNDECIDED, however many digits vanish.

Expressions are read over the reals: where a non-integer power has a negative base, or a logarithm a
negative argument, the expression is undefined, and nothing is claimed there.
"""

import itertools
import math
import random
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import FrameType
from typing import Any, TypeAlias

import mpmath
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy import special
from sympy.printing.pycode import PythonCodePrinter

from dynlens.compiled import CompiledFunction, broadcast

Expr: TypeAlias = Any  # sympy carries no annotations
Point: TypeAlias = dict[Any, Any]
Measure: TypeAlias = Callable[[Point, int], tuple[Any, Any] | None]
Domain: TypeAlias = Mapping[Any, tuple[Any, Any]] | Callable[[Point], Any] | None

ATTEMPTS = 500  # points drawn in search of usable ones
PROBES = 3  # points tried before any algebra: a false identity is refuted in milliseconds
LARGEST_SIMPLIFIED = 150  # operations; `sympy.simplify` is not asked about more
SECONDS = 5.0  # processor time given to each rewriting and each limit


class Outcome(Enum):
    """Three-valued answer to "is it zero?"."""

    ZERO = "zero"
    NONZERO = "nonzero"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What was found out about an expression claimed to be zero.

    Attributes
    ----------
    outcome : Outcome
        The answer.
    residual : sympy expression
        What remains of the expression: 0 if it is zero, its value at `point` if it is not.
    how : str
        How the answer was reached, in words.
    point : dict or None
        Exact rational point where the expression is not zero.
    """

    outcome: Outcome
    residual: Expr
    how: str
    point: Point | None = None

    def __str__(self) -> str:
        if self.outcome is Outcome.NONZERO:
            return f"NONZERO: {sp.N(self.residual, 6)} {self.how}"
        if self.outcome is Outcome.UNDECIDED:
            return f"UNDECIDED: {self.how}; residual {_shortened(self.residual)}"
        return f"ZERO: {self.how}"


# Is it zero? ------------------------------------------------------------------------------------


def is_zero(
    expr: Expr,
    *,
    points: int = 24,
    digits: int = 60,
    seed: int = 0,
    domain: Domain = None,
    positive: Sequence[Expr] = (),
) -> Answer:
    """Decide whether `expr` vanishes identically.

    Parameters
    ----------
    expr : sympy expression
        Read over the reals, see the notes.
    points : int, optional
        Exact rational points at which to evaluate.
    digits : int, optional
        Significant digits of each evaluation.
    seed : int, optional
        Seed of the points.
    domain : mapping or callable, optional
        Where the identity is asserted: ``{symbol: (lowest, highest)}`` with finite bounds, or a
        predicate that receives a point ``{symbol: rational}``. Assumptions of the symbols are
        respected in any case.
    positive : sequence of sympy expressions, optional
        Subexpressions that are positive where the identity is asserted, written as they occur in
        it. The points respect them, and so does the rewriting, which can make no use of `domain`.

    Returns
    -------
    Answer
        ZERO comes from exact rewriting only, NONZERO from an exact point only.

    Notes
    -----
    The rewriting replaces radicals, exponentials and other functions by independent generators,
    so that the expression becomes a quotient of polynomials, and reduces its numerator by the
    relations ``r**q = base`` of the radicals. It may fail to see a true identity, never the
    converse. ``(b**e)**f`` is read as ``b**(e*f)`` when ``e`` is not an integer, for then ``b`` is
    positive or nothing is claimed.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> print(is_zero(sp.cosh(x) ** 2 - sp.sinh(x) ** 2 - 1))
    ZERO: reduced to zero
    >>> is_zero(sp.sqrt(x**2) - x).outcome
    <Outcome.NONZERO: 'nonzero'>
    """
    expr = sp.sympify(expr)
    if expr == 0:
        return Answer(Outcome.ZERO, sp.S.Zero, "identically zero as written")
    symbols = sorted(expr.free_symbols.union(*(e.free_symbols for e in positive)), key=str)
    measure = _evaluator(expr, symbols, positive)
    usable = _usable_points(symbols, domain, seed, measure)
    probes = list(itertools.islice(usable, PROBES))
    witness = _witness(probes, measure, digits)
    if witness is None and _reduces_to_zero(expr, positive):
        confirmed = "" if probes else ", though no point was found where it is defined"
        return Answer(Outcome.ZERO, sp.S.Zero, f"reduced to zero{confirmed}")
    rest = list(itertools.islice(usable, max(0, points - len(probes))))
    witness = witness or _witness(rest, measure, digits)
    if witness is not None:
        return witness
    simplified = _simplified(expr)
    if simplified == 0:
        return Answer(Outcome.ZERO, sp.S.Zero, "simplified to zero")
    if not probes:
        return Answer(Outcome.UNDECIDED, simplified, "not reduced, and no usable point was found")
    count = len(probes + rest)
    how = f"vanishes to {digits} digits at {count} exact rational points, not reduced"
    return Answer(Outcome.UNDECIDED, simplified, how)


def _simplified(expr: Expr) -> Expr:
    if expr.count_ops() > LARGEST_SIMPLIFIED:
        return expr
    try:
        with _time_limit(SECONDS):
            return sp.simplify(expr)
    except (_TimeUp, *_GIVES_UP):
        return expr


# Evaluation at exact points ---------------------------------------------------------------------


def _usable_points(
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
    bases = {power.base for power in expr.atoms(sp.Pow) if _is_root(power)}
    arguments = {f.args[0] for f in expr.atoms(sp.log)}
    return [a for a in bases | arguments if not a.is_nonnegative and a.is_commutative]


def _evaluator(expr: Expr, symbols: Sequence[Expr], positive: Sequence[Expr]) -> Measure:
    """Return ``measure(point, digits) -> (value, noise)``, None where there is no real value."""
    terms = sp.Add.make_args(expr)
    guards = [*positive, *_positive_by_convention(expr)]
    try:
        function = sp.lambdify(symbols, [expr, guards, terms], "mpmath")
    except _GIVES_UP:
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
            except (NameError, *_GIVES_UP):
                return None
            return (mpmath.re(value), noise * scale) if defined else None

    return measure


def _witness(points: Sequence[Point], measure: Measure, digits: int) -> Answer | None:
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


# Exact rewriting --------------------------------------------------------------------------------

_HYPERBOLIC = (sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch)
_INVERSE_HYPERBOLIC = (sp.asinh, sp.acosh, sp.atanh, sp.acoth)
# What sympy raises on expressions it cannot handle.
_GIVES_UP = (
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    TypeError,
    ValueError,
    sp.PolynomialError,
    mpmath.libmp.NoConvergence,
)
# Tried in turn. Each is an identity wherever the expression is defined.
_REWRITINGS: tuple[Callable[[Expr], Expr], ...] = (
    lambda expr: expr,
    lambda expr: expr.rewrite(_HYPERBOLIC, sp.exp),
    lambda expr: expr.rewrite(_HYPERBOLIC, sp.exp).rewrite(_INVERSE_HYPERBOLIC, sp.log),
)


def _reduces_to_zero(expr: Expr, positive: Sequence[Expr]) -> bool:
    """Whether some exact rewriting of `expr` ends in zero."""
    seen = set()
    for rewrite in _REWRITINGS:
        try:
            with _time_limit(SECONDS):
                candidate = rewrite(expr)
                if candidate not in seen and _vanishes_as_rational_form(candidate, positive):
                    return True
        except (_TimeUp, *_GIVES_UP):
            continue
        seen.add(candidate)
    return False


def _vanishes_as_rational_form(expr: Expr, positive: Sequence[Expr]) -> bool:
    algebraic = _without_exponentials(sp.expand_log(_tag_positive(expr, positive)))
    form = _RationalForm(_positive_bases(algebraic))
    numerator, denominator = sp.fraction(sp.together(form.expr))
    # A denominator that reduces to zero too would make the expression undefined everywhere.
    return bool(form.reduce(numerator) == 0 and form.reduce(denominator) != 0)


def _tag_positive(expr: Expr, positive: Sequence[Expr]) -> Expr:
    # Both signs, for sympy prefers |b - a| to |a - b|.
    tags = {b: _Base(b) for b in positive} | {-b: -_Base(b) for b in positive}
    return expr.replace(lambda node: node in tags, lambda node: tags[node]) if tags else expr


def _without_exponentials(expr: Expr) -> Expr:
    """Write ``exp(2*a + b)`` as ``A**2 * B``, so that `sympy.factor` sees perfect powers."""
    terms = {power: _exponent_terms(power.exp) for power in expr.atoms(sp.exp)}
    roots: dict[Expr, int] = {}
    for coefficient, unit in (term for split in terms.values() for term in split):
        roots[unit] = math.lcm(roots.get(unit, 1), int(coefficient.q))
    generators = {unit: sp.Dummy(positive=unit.is_real or None) for unit in roots}
    return expr.xreplace(
        {
            power: sp.Mul(*[generators[unit] ** (c * roots[unit]) for c, unit in split])
            for power, split in terms.items()
        }
    )


def _positive_bases(expr: Expr) -> Expr:
    """Write the base of every non-integer power as a product of known sign, innermost first.

    A base whose sign is unknown becomes a positive `_Base`: sympy then merges ``(b**e)**f``.
    """

    def visit(node: Expr) -> Expr:
        if not node.args:
            return node
        node = node.func(*map(visit, node.args))
        return _split_power(node.base, node.exp) if _is_root(node) else node

    return visit(expr)


def _split_power(base: Expr, exponent: Expr) -> Expr:
    base = sp.factor(base) if isinstance(base, sp.Add | sp.Mul) else base
    known, rest = [], sp.S.One
    for factor in sp.Mul.make_args(base):
        if _is_root(factor):
            known.append(factor.base ** (factor.exp * exponent))
        elif factor.is_nonnegative:
            known.append(factor**exponent)
        else:
            rest *= factor
    if rest == 1:
        return sp.Mul(*known)
    if isinstance(rest, sp.Pow):
        # Even powers keep the sign of their base open, sqrt(x**2) is |x|; odd ones do not.
        root = _Base(rest.base) ** rest.exp if rest.exp.is_odd else rest
        return sp.Mul(*known, root**exponent)
    return sp.Mul(*known, _Base(rest) ** exponent)


def _is_root(node: Expr) -> bool:
    return isinstance(node, sp.Pow) and node.exp.is_integer is not True


class _Base(sp.Function):  # type: ignore[misc]
    """Base of a non-integer power: positive, or nothing is claimed."""

    def _eval_is_positive(self) -> bool:
        return True


class _RationalForm:
    """An expression as a rational function of independent generators and radicals."""

    def __init__(self, expr: Expr) -> None:
        self._roots: dict[tuple[Expr, Expr], int] = {}  # (base, unit of exponent) -> common q
        self._generators: dict[Any, Expr] = {}
        self._relations: list[tuple[Expr, Expr]] = []  # (polynomial, radical), innermost first
        for power in expr.atoms(sp.Pow):
            base, exponent = power.as_base_exp()
            for coefficient, unit in _exponent_terms(exponent):
                q = self._roots.get((base, unit), 1)
                self._roots[base, unit] = math.lcm(q, int(coefficient.q))
        self.expr = self._rewrite(expr)

    def reduce(self, polynomial: Expr) -> Expr:
        """Remainder of `polynomial` modulo the relations, up to a nonzero factor."""
        polynomial = sp.expand(polynomial)
        for relation, radical in reversed(self._relations):
            if polynomial.has(radical):
                polynomial = sp.expand(sp.prem(polynomial, relation, radical))
        return polynomial

    def _rewrite(self, node: Expr) -> Expr:
        if node.is_Rational:
            return node
        if node.is_Symbol:  # x = r**q, with r its root: shorter than a relation
            q = self._roots.get((node, sp.S.One), 1)
            return node if q == 1 else self._generator((node, sp.S.One)) ** q
        if isinstance(node, sp.Add | sp.Mul):
            return node.func(*map(self._rewrite, node.args))
        if isinstance(node, sp.Pow):
            base, exponent = node.as_base_exp()
            return sp.Mul(*[self._power(base, c, unit) for c, unit in _exponent_terms(exponent)])
        if isinstance(node, _Base):
            return self._rewrite(node.args[0])
        if node.args:  # equal arguments must look equal
            node = node.func(*[sp.factor(a) if a.is_Add or a.is_Mul else a for a in node.args])
        return self._generator(node)

    def _power(self, base: Expr, coefficient: Expr, unit: Expr) -> Expr:
        q = self._roots[base, unit]
        if unit == 1 and q == 1:
            return self._rewrite(base) ** coefficient
        generator = self._generators.get((base, unit))
        if generator is None:
            inner = None if unit != 1 or base.is_Symbol else sp.together(self._rewrite(base))
            generator = self._generator((base, unit))
            if inner is not None:
                numerator, denominator = sp.fraction(inner)
                self._relations.append((denominator * generator**q - numerator, generator))
        return generator ** (coefficient * q)

    def _generator(self, key: Any) -> Expr:
        return self._generators.setdefault(key, sp.Dummy(f"g{len(self._generators)}"))


def _exponent_terms(exponent: Expr) -> list[tuple[Expr, Expr]]:
    """Split ``5/2 - 2/N`` into rational coefficients and units, ``[(5/2, 1), (-2, 1/N)]``."""
    if exponent.is_Rational:
        return [(exponent, sp.S.One)]
    symbols = exponent.free_symbols
    # N/(N - 2) = 1 + 2/(N - 2): partial fractions show which exponents are dependent.
    try:
        split = sp.apart(exponent) if len(symbols) == 1 else sp.cancel(exponent)
    except sp.PolynomialError:
        split = exponent
    return [term.as_coeff_Mul(rational=True) for term in sp.Add.make_args(sp.expand(split))]


# Differential equations -------------------------------------------------------------------------


def solves_ode(
    solution: Expr,
    rate: Expr,
    unknown: Expr,
    time: Expr,
    initial: tuple[Expr, Expr] | None = None,
    limits: Sequence[tuple[Any, ...]] = (),
    **options: Any,
) -> dict[str, Answer]:
    """Check a closed form ``unknown = solution(time)`` of ``d unknown / d time = rate``.

    Parameters
    ----------
    solution, rate : sympy expression
        The closed form in `time`, and the rate in `unknown` (and `time`).
    unknown, time : sympy symbol
        The symbols for the unknown in `rate` and for time.
    initial : (time0, value), optional
        The value that `solution` takes at ``time0``.
    limits : sequence of (symbol, point, expected) or (symbol, point, expected, direction)
        Limits of `solution`; the direction is ``"+"`` (default, from above) or ``"-"``.
    **options
        Passed on to `is_zero`.

    Returns
    -------
    dict of str to Answer
        Under ``"equation"``, ``"initial value"`` and ``"limit <symbol> -> <point>"``.
    """
    solution, rate = sp.sympify(solution), sp.sympify(rate)
    residual = sp.diff(solution, time) - rate.subs(unknown, solution)
    answers = {"equation": is_zero(residual, **options)}
    if initial is not None:
        time0, value = initial
        at_start = _substituted(options, time, time0)
        answers["initial value"] = is_zero(solution.subs(time, time0) - value, **at_start)
    for symbol, point, expected, *direction in limits:
        answer = _has_limit(solution, symbol, point, expected, *direction, **options)
        answers[f"limit {symbol} -> {point}"] = answer
    return answers


def inverts_ode(time_map: Expr, rate: Expr, unknown: Expr, **options: Any) -> Answer:
    """Check an implicit closed form ``time = F(unknown) - F(unknown0)``, with ``F = time_map``.

    Parameters
    ----------
    time_map, rate : sympy expression
        ``F`` and the rate, both in `unknown`.
    unknown : sympy symbol
        The unknown of ``d unknown / d time = rate``.
    **options
        Passed on to `is_zero`.

    Returns
    -------
    Answer
        Whether ``F' * rate = 1``.
    """
    return is_zero(sp.diff(time_map, unknown) * rate - 1, **options)


def along_flow(expr: Expr, fields: Mapping[Any, Expr]) -> Expr:
    """Total derivative of `expr` along the flow ``d x_i / dt = fields[x_i]``.

    Parameters
    ----------
    expr : sympy expression
        A function of the state.
    fields : mapping of symbol to expression
        The vector field. Symbols not listed do not move.

    Returns
    -------
    sympy expression
        ``sum_i (d expr / d x_i) * fields[x_i]``.

    Examples
    --------
    >>> a, b, g = sp.symbols("a b g")
    >>> along_flow(a**2 - b**2, {a: g * b, b: g * a})
    0
    """
    return sp.Add(*[sp.diff(expr, x) * field for x, field in fields.items()])


def _has_limit(
    expr: Expr, symbol: Expr, point: Expr, expected: Expr, direction: str = "+", **options: Any
) -> Answer:
    try:
        with _time_limit(SECONDS):
            value = sp.limit(expr, symbol, point, direction)
    except (_TimeUp, *_GIVES_UP) as error:
        how = f"sympy.limit gave up ({type(error).__name__.strip('_')})"
        return Answer(Outcome.UNDECIDED, expr, how)
    if value == expected:
        return Answer(Outcome.ZERO, sp.S.Zero, "the limit is as expected")
    if value.has(sp.Limit, sp.AccumBounds, sp.nan):
        return Answer(Outcome.UNDECIDED, value, "sympy.limit found no definite value")
    if value.has(sp.oo, sp.zoo) != sp.sympify(expected).has(sp.oo, sp.zoo):
        return Answer(Outcome.NONZERO, value - expected, f"(the limit is {value})", {})
    # Conditions along the way say nothing about the limit.
    options = {key: option for key, option in options.items() if key not in {"domain", "positive"}}
    return is_zero(value - expected, **options)


def _substituted(options: Mapping[str, Any], symbol: Expr, value: Expr) -> dict[str, Any]:
    positive = [sp.sympify(e).subs(symbol, value) for e in options.get("positive", ())]
    domain = options.get("domain")
    if callable(domain):
        fixed = {symbol: sp.sympify(value)}
        return {**options, "positive": positive, "domain": lambda p: domain({**p, **fixed})}
    return {**options, "positive": positive}


class _TimeUp(Exception):
    """Processor time is used up."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise `_TimeUp` after `seconds` of processor time, where signals allow it."""
    available = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if not available:
        yield
        return

    def give_up(signum: int, frame: FrameType | None) -> None:
        raise _TimeUp

    # Processor time, not wall clock: the answer must not depend on how busy the machine is. Test
    # runners use the wall-clock timer, and theirs is left alone.
    previous = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)  # again, should one be swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


# Text -------------------------------------------------------------------------------------------


def as_text(expr: Expr) -> str:
    """Two-dimensional Unicode rendering of `expr`."""
    return str(sp.pretty(expr, use_unicode=True))


def as_latex(expr: Expr) -> str:
    """LaTeX source of `expr`."""
    return str(sp.latex(expr))


def _shortened(expr: Expr, width: int = 120) -> str:
    text = str(expr)
    return text if len(text) <= width else f"{text[: width - 4]} ..."


# Compilation ------------------------------------------------------------------------------------

# Functions that both Python's `math` module and numba know.
_MATH = (
    *(sp.exp, sp.log, sp.sin, sp.cos, sp.tan, sp.asin, sp.acos, sp.atan, sp.atan2),
    *(sp.sinh, sp.cosh, sp.tanh, sp.asinh, sp.acosh, sp.atanh, sp.erf, sp.erfc),
    *(sp.Abs, sp.sign, sp.Min, sp.Max, sp.Piecewise),
)
_PLAIN = (
    *(sp.Symbol, sp.Add, sp.Mul, sp.Pow, sp.Rational, sp.Float, sp.NumberSymbol),
    *(sp.core.relational.Relational, sp.logic.boolalg.Boolean, sp.Tuple),
    *(type(sp.oo), type(-sp.oo), sp.functions.elementary.piecewise.ExprCondPair),
)
_SPECIAL = {(2, 1): "hyp2f1", (1, 1): "hyp1f1", (0, 1): "hyp0f1"}

_SOURCE = '''\
"""Generated from sympy expressions."""

import math

from numba import njit


@njit("{returned}({scalars})", cache=True, error_model="numpy")
def scalar({arguments}):
{body}


@njit("void({arrays}float64[:, ::1])", cache=True, error_model="numpy")
def fill({columns}out):
    for i in range(out.shape[1]):
        {targets} = scalar({items})
'''


def compile_function(
    expressions: Expr | Sequence[Expr], arguments: Sequence[Expr], *, name: str = "function"
) -> Callable[..., Any]:
    """Turn expressions into a function of floats or broadcasting arrays.

    Parameters
    ----------
    expressions : sympy expression, or sequence of them
        What to evaluate. Common subexpressions are computed once.
    arguments : sequence of sympy symbols
        The symbols of the positional arguments, in order.
    name : str, optional
        Readable prefix of the generated file.

    Returns
    -------
    callable
        Floats in, float out; arrays in, float64 array of their broadcast shape out; a tuple of
        those for a sequence of expressions. Undefined values are NaN or infinite, without a
        warning. It pickles. Its ``source_path`` is the generated file, or None where
        `sympy.lambdify` had to be used because numba does not know a function. In the first case
        ``scalar`` is the compiled kernel, to be called from other kernels.

    Raises
    ------
    ValueError
        If an expression has symbols that are not among `arguments`.

    Examples
    --------
    >>> x, y = sp.symbols("x y")
    >>> hypotenuse = compile_function(sp.sqrt(x**2 + y**2), [x, y])
    >>> hypotenuse(3.0, 4.0)
    5.0
    >>> hypotenuse([3.0, 6.0], [[4.0], [8.0]]).shape
    (2, 2)
    """
    several = isinstance(expressions, list | tuple)
    outputs = tuple(map(sp.sympify, expressions if several else [expressions]))
    unknown = set().union(*(e.free_symbols for e in outputs)) - set(arguments)
    if unknown:
        raise ValueError(
            f"`expressions` contain {sorted(map(str, unknown))}, which are not in `arguments` "
            f"{list(map(str, arguments))}; add them, or substitute their values."
        )
    if all(isinstance(node, _PLAIN + _MATH) for e in outputs for node in sp.preorder_traversal(e)):
        return CompiledFunction(name, _source(outputs, arguments), len(outputs), several)
    return _Lambdified(outputs, tuple(arguments), several)


def _source(outputs: Sequence[Expr], arguments: Sequence[Expr]) -> str:
    # Arguments are renamed: theirs may be keywords, LaTeX, or equal but for their assumptions.
    names = [f"x{i}" for i in range(len(arguments))]
    safe = {a: sp.Symbol(n, **a.assumptions0) for a, n in zip(arguments, names, strict=True)}
    shared, results = sp.cse([e.xreplace(safe) for e in outputs], sp.numbered_symbols("c"))
    show = _Printer({"fully_qualified_modules": True}).doprint
    values = [f"float({show(value)})" for value in results]
    lines = [
        *(f"# {n}: {a.name!r}" for n, a in zip(names, arguments, strict=True)),
        *(f"{symbol} = {show(value)}" for symbol, value in shared),
        "return " + (f"({', '.join(values)},)" if len(values) > 1 else values[0]),
    ]
    return _SOURCE.format(
        returned=f"UniTuple(float64, {len(values)})" if len(values) > 1 else "float64",
        scalars=", ".join(["float64"] * len(names)),
        arguments=", ".join(names),
        body="\n".join(f"    {line}" for line in lines),
        arrays="float64[::1], " * len(names),
        columns="".join(f"{n}, " for n in names),
        targets=", ".join(f"out[{k}, i]" for k in range(len(values))),
        items=", ".join(f"{n}[i]" for n in names),
    )


class _Printer(PythonCodePrinter):  # type: ignore[misc]
    """Python's `math`, in float64: numba's integers would overflow, its `None` has no value."""

    def _print_Integer(self, expr: Expr) -> str:
        return str(expr.p) if abs(expr.p) < 2**53 else repr(float(expr))

    def _print_Rational(self, expr: Expr) -> str:
        exact = max(abs(expr.p), expr.q) < 2**53  # then p / q is correctly rounded
        return f"{expr.p}/{expr.q}" if exact else repr(float(expr))

    def _print_Float(self, expr: Expr) -> str:
        return repr(float(expr))

    def _print_Piecewise(self, expr: Expr) -> str:
        text = "math.nan"
        for value, condition in reversed(expr.args):
            text = f"({self._print(value)} if {self._print(condition)} else {text})"
        return text


@dataclass(frozen=True)
class _Lambdified:
    """Fallback to numpy and SciPy for functions that numba does not know."""

    expressions: tuple[Expr, ...]
    arguments: tuple[Expr, ...]
    several: bool
    source_path: None = None

    @cached_property
    def _function(self) -> Any:
        modules = [{n: getattr(special, n) for n in _SPECIAL.values()}, "scipy", "numpy"]
        scipy_forms = [e.replace(sp.hyper, _scipy_hypergeometric) for e in self.expressions]
        return sp.lambdify(self.arguments, scipy_forms, modules=modules, cse=True)

    def __call__(self, *values: ArrayLike) -> Any:
        """Evaluate at `values`, which broadcast."""
        results = broadcast(self._columns, values)
        return results if self.several else results[0]

    def _columns(self, columns: Sequence[Any], size: int) -> Any:
        with np.errstate(all="ignore"):
            return np.stack([np.broadcast_to(r, (size,)) for r in self._function(*columns)])

    def __reduce__(self) -> Any:
        return _Lambdified, (self.expressions, self.arguments, self.several)


def _scipy_hypergeometric(upper: Expr, lower: Expr, argument: Expr) -> Expr:
    name = _SPECIAL.get((len(upper), len(lower)))
    if name is None:
        raise ValueError(f"no float64 implementation of hyper({upper}, {lower}, ...) is known.")
    return sp.Function(name)(*upper, *lower, argument)
