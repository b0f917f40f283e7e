"""Whether a formula solves a differential equation."""

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from dynlens.symbolic.answers import Answer, Expr, Outcome
from dynlens.symbolic.rewriting import GIVES_UP, SECONDS, TimeUp, time_limit
from dynlens.symbolic.zero import is_zero


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
        with time_limit(SECONDS):
            value = sp.limit(expr, symbol, point, direction)
    except (TimeUp, *GIVES_UP) as error:
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
