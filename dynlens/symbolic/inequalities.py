"""Is this inequality true everywhere? Sturm sequences prove, exact points refute.

What is decided: a relation in one symbol between rational functions, whose sign on an interval is
a matter of counting roots, and whatever sympy knows from the assumptions of the symbols. Anything
else is refuted at an exact point or left undecided.
"""

import itertools
from collections.abc import Sequence

import sympy as sp

from dynlens.symbolic.answers import Answer, Expr, Outcome
from dynlens.symbolic.points import evaluator, usable_points

POINTS = 200
DIGITS = 60


def holds(relation: Expr, *, seed: int = 0) -> Answer:
    """Decide whether ``a > b`` or ``a >= b`` (or their converses) holds for all values.

    Parameters
    ----------
    relation : sympy relational
        Read over the reals; assumptions of its symbols are respected.
    seed : int
        Of the points that are tried.

    Returns
    -------
    Answer
        ZERO stands for "true", NONZERO for "false", with the point and by how much.

    Raises
    ------
    TypeError
        If `relation` is no inequality.

    Examples
    --------
    >>> x = sp.Symbol("x", real=True)
    >>> print(holds(x**2 - x + 1 > 0).how)
    no root on the line, and positive at one point
    >>> holds(x**2 > x).outcome
    <Outcome.NONZERO: 'nonzero'>
    """
    if not isinstance(relation, sp.Gt | sp.Ge | sp.Lt | sp.Le):
        raise TypeError(f"{relation} is no inequality; state one such as `sp.Ge(a, b)`.")
    strict = isinstance(relation, sp.Gt | sp.Lt)
    gap = relation.gts - relation.lts
    known = gap.is_positive if strict else gap.is_nonnegative
    if known:
        return Answer(Outcome.ZERO, gap, "by the assumptions of its symbols")
    return (
        _violated(gap, strict, seed)
        or _by_roots(gap, strict)
        or Answer(Outcome.UNDECIDED, gap, f"held at {POINTS} exact points, not proved")
    )


def _violated(gap: Expr, strict: bool, seed: int) -> Answer | None:
    """Look for an exact point where the gap is surely negative (or zero, where it must not be)."""
    symbols = sorted(gap.free_symbols, key=str)
    measure = evaluator(gap, symbols, ())
    for point in itertools.islice(usable_points(symbols, None, seed, measure), POINTS):
        found = measure(point, DIGITS)
        if found is None:
            continue
        value, noise = found
        exactly_zero = strict and abs(value) <= noise and gap.subs(point).equals(0)
        if value < -noise or exactly_zero:
            place = ", ".join(f"{symbol} = {number}" for symbol, number in point.items())
            return Answer(Outcome.NONZERO, sp.Float(value, DIGITS), f"at {place}", point)
    return None


def _by_roots(gap: Expr, strict: bool) -> Answer | None:
    """Count the roots of a rational function of one symbol where it is asserted."""
    symbols = gap.free_symbols
    if len(symbols) != 1:
        return None
    (x,) = symbols
    top, bottom = sp.fraction(sp.together(gap))
    if not (top.is_polynomial(x) and bottom.is_polynomial(x)):
        return None
    try:
        factors = [sp.Poly(part, x, domain="QQ") for part in (top, bottom)]
    except sp.PolynomialError:
        return None
    low = 0 if x.is_nonnegative else None
    inside = not (x.is_positive or low is None)  # whether the end 0 belongs to the domain
    if factors[1].count_roots(low, None) - (0 if inside else _at_zero(factors[1], low)):
        return None  # a pole
    square_free = _of_odd_multiplicity(factors[0]) if not strict else factors[0]
    roots = square_free.count_roots(low, None) - (0 if inside else _at_zero(square_free, low))
    if inside and not strict and square_free.eval(0) == 0:
        roots -= 1  # a zero at the very end changes no sign inside
    return _sign(gap, x, roots)


def _at_zero(polynomial: sp.Poly, low: int | None) -> int:
    """How many of the roots that were counted lie at an end that is outside."""
    return int(low == 0 and polynomial.eval(0) == 0)


def _of_odd_multiplicity(polynomial: sp.Poly) -> sp.Poly:
    """The factors at whose roots the sign changes."""
    parts: Sequence[tuple[sp.Poly, int]] = polynomial.factor_list()[1]
    return (
        sp.prod([p for p, k in parts if k % 2])
        if any(k % 2 for _, k in parts)
        else sp.Poly(1, polynomial.gen, domain="QQ")
    )


def _sign(gap: Expr, x: Expr, roots: int) -> Answer | None:
    if roots:
        return None  # it changes its sign, or vanishes, at some point that was not tried
    for trial in (1, 2, sp.Rational(1, 2), 3):
        value = gap.subs(x, trial)
        if value > 0:
            place = "the half-line" if x.is_nonnegative else "the line"
            return Answer(Outcome.ZERO, gap, f"no root on {place}, and positive at one point")
    return None
