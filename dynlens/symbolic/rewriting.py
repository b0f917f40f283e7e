"""Exact rewriting: what sympy cannot see at once is brought to a quotient of polynomials."""

import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import mpmath
import sympy as sp

from dynlens.symbolic.answers import Expr

SECONDS = 5.0  # processor time given to each rewriting and each limit


_HYPERBOLIC = (sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch)
_INVERSE_HYPERBOLIC = (sp.asinh, sp.acosh, sp.atanh, sp.acoth)
# What sympy raises on expressions it cannot handle.
GIVES_UP = (
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


def reduces_to_zero(expr: Expr, positive: Sequence[Expr]) -> bool:
    """Whether some exact rewriting of `expr` ends in zero."""
    seen = set()
    for rewrite in _REWRITINGS:
        try:
            with time_limit(SECONDS):
                candidate = rewrite(expr)
                if candidate not in seen and _vanishes_as_rational_form(candidate, positive):
                    return True
        except (TimeUp, *GIVES_UP):
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
        return _split_power(node.base, node.exp) if is_root(node) else node

    return visit(expr)


def _split_power(base: Expr, exponent: Expr) -> Expr:
    base = sp.factor(base) if isinstance(base, sp.Add | sp.Mul) else base
    known, rest = [], sp.S.One
    for factor in sp.Mul.make_args(base):
        if is_root(factor):
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


def is_root(node: Expr) -> bool:
    """Whether a node is a power that is not known to be an integer one."""
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


class TimeUp(Exception):
    """Processor time is used up."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeUp` after `seconds` of processor time, where signals allow it."""
    available = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if not available:
        yield
        return

    def give_up(signum: int, frame: FrameType | None) -> None:
        raise TimeUp

    # Processor time, not wall clock: the answer must not depend on how busy the machine is. Test
    # runners use the wall-clock timer, and theirs is left alone.
    previous = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, 1.0)  # again, should one be swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
