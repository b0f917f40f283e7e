"""Is this expression zero? Exact points refute, exact rewriting proves, the rest is undecided."""

import itertools
from collections.abc import Sequence

import sympy as sp

from dynlens.symbolic.answers import Answer, Domain, Expr, Outcome
from dynlens.symbolic.points import evaluator, usable_points, witness_among
from dynlens.symbolic.rewriting import GIVES_UP, SECONDS, TimeUp, reduces_to_zero, time_limit

GIVEN = "given as 0"  # nothing was left to reduce: sympy, or whoever derived it, had done so
PROBES = 3  # points tried before any algebra: a false identity is refuted in milliseconds
LARGEST_SIMPLIFIED = 150  # operations; `sympy.simplify` is not asked about more


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
        return Answer(Outcome.ZERO, sp.S.Zero, GIVEN)
    symbols = sorted(expr.free_symbols.union(*(e.free_symbols for e in positive)), key=str)
    measure = evaluator(expr, symbols, positive)
    usable = usable_points(symbols, domain, seed, measure)
    probes = list(itertools.islice(usable, PROBES))
    witness = witness_among(probes, measure, digits)
    if witness is None and reduces_to_zero(expr, positive):
        confirmed = "" if probes else ", though no point was found where it is defined"
        return Answer(Outcome.ZERO, sp.S.Zero, f"reduced to zero{confirmed}")
    rest = list(itertools.islice(usable, max(0, points - len(probes))))
    witness = witness or witness_among(rest, measure, digits)
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
        with time_limit(SECONDS):
            return sp.simplify(expr)
    except (TimeUp, *GIVES_UP):
        return expr
