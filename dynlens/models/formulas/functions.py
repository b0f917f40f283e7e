"""Functions that act entry by entry: in numpy, as compiled text, and their slopes.

In numpy each is free of conjugates and takes its decisions by real parts, so that a complex step
differentiates it; and it is accurate where the obvious formula cancels or overflows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.support.typing import Array

Slope = Callable[[Any, Sequence[Any], Any], Any]  # (graph, arguments, result) -> node


@dataclass(frozen=True)
class Function:
    """A function of numbers.

    Parameters
    ----------
    numpy : callable
        Of arrays, real or complex.
    text : str
        Expression in Python's `math`, of the names ``{0}``, ``{1}``, ... of its arguments.
    slopes : tuple of callable or None
        How the derivative in each argument is made; None where it is zero.
    cost : int
        How many simple operations it is worth.
    kink : callable, optional
        ``(graph, arguments) -> node`` whose sign decides between two formulas.
    """

    numpy: Callable[..., Any]
    text: str
    slopes: tuple[Slope | None, ...]
    cost: int = 1
    kink: Callable[[Any, Sequence[Any]], Any] | None = None

    def number(self, *values: float) -> float:
        """Return its value at numbers."""
        with np.errstate(all="ignore"):
            return float(self.numpy(*map(np.float64, values)))


# -- numpy, complex where it must be -----------------------------------------------------------


def _real(x: Array) -> Array:
    return np.real(x)


def _sign(x: Array) -> Array:
    return np.sign(_real(x))


def _step(x: Array) -> Array:
    return np.where(_real(x) > 0, 1.0, 0.0)


def _log1p(x: Array) -> Any:
    if not np.iscomplexobj(x):
        return np.log1p(x)
    a, b = x.real, x.imag  # numpy's own loses the digits of a small real part
    near = np.abs(a) < 0.5
    size = np.where(near, 0.5 * np.log1p(np.where(near, 2 * a + a * a + b * b, 0.0)), 0.0)
    size = np.where(near, size, np.log(np.hypot(1 + a, b)))
    return size + 1j * np.arctan2(b, 1 + a)


def _expm1(x: Array) -> Array:
    if not np.iscomplexobj(x):
        return np.expm1(x)
    a, b = x.real, x.imag
    half = np.sin(0.5 * b)
    return np.expm1(a) * np.cos(b) - 2 * half * half + 1j * np.exp(a) * np.sin(b)


def _abs(x: Array) -> Array:
    return np.where(_real(x) < 0, -x, x)


def _expnabs(x: Array) -> Array:
    return np.exp(-_abs(x))


def _softplus(x: Array) -> Array:
    return np.where(_real(x) > 0, x, 0.0) + _log1p(_expnabs(x))


def _sigmoid(x: Array) -> Array:
    small = _expnabs(x)
    return np.where(_real(x) < 0, small, 1.0) / (1 + small)


def _tanh(x: Array) -> Array:
    if not np.iscomplexobj(x):
        return np.tanh(x)
    small = _expm1(-2 * _abs(x))  # never overflows, as numpy's complex one may
    return -_sign(x) * small / (2 + small)


def _erf(x: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(x))


def _cbrt(x: Array) -> Array:
    return np.cbrt(x) if not np.iscomplexobj(x) else _sign(x) * np.exp(np.log(_abs(x)) / 3)


def _power(x: Array, y: Array) -> Array:
    return np.power(x, y)


def _larger(a: Array, b: Array) -> Array:
    return np.asarray(np.where(_real(a) >= _real(b), a, b))


def _smaller(a: Array, b: Array) -> Array:
    return np.asarray(np.where(_real(a) <= _real(b), a, b))


def _where(c: Array, a: Array, b: Array) -> Array:
    return np.where(_real(c) != 0, a, b)


# -- slopes ------------------------------------------------------------------------------------


def _calls(kind: str, *, factor: float = 1.0) -> Slope:
    """Slope that is another function of the argument, times a number."""

    def slope(graph: Any, args: Sequence[Any], out: Any) -> Any:
        found = graph.apply(kind, args[0])
        return graph.apply("multiply", graph.constant(factor), found) if factor != 1 else found

    return slope


def _one(graph: Any, args: Sequence[Any], out: Any) -> Any:
    return graph.constant(1.0)


def _minus(graph: Any, args: Sequence[Any], out: Any) -> Any:
    return graph.constant(-1.0)


def _other(k: int) -> Slope:
    return lambda graph, args, out: args[k]


def _own(graph: Any, args: Sequence[Any], out: Any) -> Any:
    return out


def _over(above: float, below: Callable[[Any, Any, Any], Any]) -> Slope:
    """Slope ``above / below``."""
    return lambda g, a, out: g.apply("divide", g.constant(above), below(g, a[0], out))


def _squared(g: Any, x: Any) -> Any:
    return g.apply("multiply", x, x)


def _plus(g: Any, x: Any, number: float) -> Any:
    return g.apply("add", x, g.constant(number))


def _root_of(sign: float, number: float) -> Slope:
    """Slope ``1 / sqrt(number + sign * x**2)``."""

    def below(g: Any, x: Any, out: Any) -> Any:
        square = _squared(g, x) if sign > 0 else g.apply("negative", _squared(g, x))
        return g.apply("sqrt", _plus(g, square, number))

    return _over(1.0, below)


def _divide_by(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("divide", g.constant(1.0), args[1])


def _divisor(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("negative", g.apply("divide", out, args[1]))


def _base(g: Any, args: Sequence[Any], out: Any) -> Any:
    less = g.apply("power", args[0], g.apply("subtract", args[1], g.constant(1.0)))
    return g.apply("multiply", args[1], less)


def _exponent(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("multiply", out, g.apply("log", args[0]))


def _tanh_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("subtract", g.constant(1.0), _squared(g, out))


def _tan_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    return _plus(g, _squared(g, out), 1.0)


def _sigmoid_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    # Not out * (1 - out), which is zero where the function rounds to one.
    return g.apply("multiply", out, g.apply("sigmoid", g.apply("negative", args[0])))


def _erf_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    bell = g.apply("exp", g.apply("negative", _squared(g, args[0])))
    return g.apply("multiply", g.constant(2 / math.sqrt(math.pi)), bell)


def _expm1_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("exp", args[0])


def _expnabs_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("negative", g.apply("multiply", g.apply("sign", args[0]), out))


def _cbrt_slope(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("divide", g.constant(1 / 3), _squared(g, out))


def _minus_sin(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("negative", g.apply("sin", args[0]))


def _chosen(kind: str, first: bool) -> Slope:
    """Whether the argument is the one chosen."""

    def slope(g: Any, args: Sequence[Any], out: Any) -> Any:
        chosen = g.apply(kind, *args)
        return chosen if first else g.apply("subtract", g.constant(1.0), chosen)

    return slope


def _if_true(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("where", args[0], g.constant(1.0), g.constant(0.0))


def _if_false(g: Any, args: Sequence[Any], out: Any) -> Any:
    return g.apply("where", args[0], g.constant(0.0), g.constant(1.0))


def _itself(g: Any, args: Sequence[Any]) -> Any:
    return args[0]


def _difference(g: Any, args: Sequence[Any]) -> Any:
    return g.apply("subtract", args[0], args[1])


def _compares(relation: str, symbol: str) -> Function:
    compare = getattr(np, relation)

    def told(a: Array, b: Array) -> Array:
        return np.asarray(compare(_real(a), _real(b)), dtype=np.float64)

    return Function(
        told,
        f"(1.0 if {{0}} {symbol} {{1}} else 0.0)",
        (None, None),
        kink=_difference,
    )


TRANSCENDENTAL = 20

FUNCTIONS: dict[str, Function] = {
    "add": Function(np.add, "{0} + {1}", (_one, _one)),
    "subtract": Function(np.subtract, "{0} - {1}", (_one, _minus)),
    "multiply": Function(np.multiply, "{0} * {1}", (_other(1), _other(0))),
    # A function of numpy: Python's operator would raise at zero.
    "divide": Function(np.divide, "np.divide({0}, {1})", (_divide_by, _divisor), 4),
    "negative": Function(np.negative, "-{0}", (_minus,)),
    "power": Function(_power, "{0} ** {1}", (_base, _exponent), TRANSCENDENTAL),
    "exp": Function(np.exp, "math.exp({0})", (_own,), TRANSCENDENTAL),
    "expm1": Function(_expm1, "math.expm1({0})", (_expm1_slope,), TRANSCENDENTAL),
    "log": Function(np.log, "math.log({0})", (_over(1.0, lambda g, x, o: x),), TRANSCENDENTAL),
    "log1p": Function(
        _log1p, "math.log1p({0})", (_over(1.0, lambda g, x, o: _plus(g, x, 1.0)),), TRANSCENDENTAL
    ),
    "sqrt": Function(np.sqrt, "math.sqrt({0})", (_over(0.5, lambda g, x, o: o),), 4),
    "cbrt": Function(
        _cbrt, "math.copysign(abs({0}) ** (1 / 3), {0})", (_cbrt_slope,), TRANSCENDENTAL
    ),
    "sin": Function(np.sin, "math.sin({0})", (_calls("cos"),), TRANSCENDENTAL),
    "cos": Function(np.cos, "math.cos({0})", (_minus_sin,), TRANSCENDENTAL),
    "tan": Function(np.tan, "math.tan({0})", (_tan_slope,), TRANSCENDENTAL),
    "sinh": Function(np.sinh, "math.sinh({0})", (_calls("cosh"),), TRANSCENDENTAL),
    "cosh": Function(np.cosh, "math.cosh({0})", (_calls("sinh"),), TRANSCENDENTAL),
    "tanh": Function(_tanh, "math.tanh({0})", (_tanh_slope,), TRANSCENDENTAL),
    "arcsin": Function(np.arcsin, "math.asin({0})", (_root_of(-1, 1.0),), TRANSCENDENTAL),
    "arccos": Function(
        np.arccos,
        "math.acos({0})",
        (lambda g, a, o: g.apply("negative", _root_of(-1, 1.0)(g, a, o)),),
        TRANSCENDENTAL,
    ),
    "arctan": Function(
        np.arctan,
        "math.atan({0})",
        (_over(1.0, lambda g, x, o: _plus(g, _squared(g, x), 1.0)),),
        TRANSCENDENTAL,
    ),
    "arcsinh": Function(np.arcsinh, "math.asinh({0})", (_root_of(1, 1.0),), TRANSCENDENTAL),
    "arccosh": Function(np.arccosh, "math.acosh({0})", (_root_of(1, -1.0),), TRANSCENDENTAL),
    "arctanh": Function(
        np.arctanh,
        "math.atanh({0})",
        (_over(1.0, lambda g, x, o: g.apply("subtract", g.constant(1.0), _squared(g, x))),),
        TRANSCENDENTAL,
    ),
    "erf": Function(_erf, "math.erf({0})", (_erf_slope,), TRANSCENDENTAL),
    "expnabs": Function(_expnabs, "math.exp(-abs({0}))", (_expnabs_slope,), TRANSCENDENTAL),
    "sigmoid": Function(
        _sigmoid, "np.divide(1.0 if {0} >= 0 else {1}, 1.0 + {1})", (_sigmoid_slope,), 8
    ),
    "softplus": Function(
        _softplus,
        "(({0} if {0} > 0 else 0.0) + math.log1p({1}))",
        (_calls("sigmoid"),),
        TRANSCENDENTAL,
    ),
    "abs": Function(_abs, "abs({0})", (_calls("sign"),), kink=_itself),
    "relu": Function(
        lambda x: np.where(_real(x) > 0, x, 0.0),
        "({0} if {0} > 0 else 0.0)",
        (_calls("step"),),
        kink=_itself,
    ),
    "sign": Function(
        _sign, "(1.0 if {0} > 0 else -1.0 if {0} < 0 else {0} * 0.0)", (None,), kink=_itself
    ),
    "step": Function(_step, "(1.0 if {0} > 0 else 0.0)", (None,), kink=_itself),
    "maximum": Function(
        _larger,
        "({0} if {0} >= {1} else {1})",
        (_chosen("not_less", True), _chosen("not_less", False)),
        kink=_difference,
    ),
    "minimum": Function(
        _smaller,
        "({0} if {0} <= {1} else {1})",
        (_chosen("not_greater", True), _chosen("not_greater", False)),
        kink=_difference,
    ),
    "where": Function(_where, "({1} if {0} != 0 else {2})", (None, _if_true, _if_false)),
    "less": _compares("less", "<"),
    "greater": _compares("greater", ">"),
    "not_greater": _compares("less_equal", "<="),
    "not_less": _compares("greater_equal", ">="),
    "equal": _compares("equal", "=="),
}

# What is computed of the argument first, for two functions that share it.
SHARED = {"sigmoid": "expnabs", "softplus": "expnabs"}
