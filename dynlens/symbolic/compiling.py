"""Sympy expressions to compiled functions, through a cached source file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike
from scipy import special
from sympy.printing.pycode import PythonCodePrinter

from dynlens.kernels.cache import CompiledFunction, broadcast
from dynlens.symbolic.answers import Expr

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
