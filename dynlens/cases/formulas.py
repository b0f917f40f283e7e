"""Formulas as text: sympy expressions in the names of quantities.

Kept as text, the `repr` of a claim recreates it; compiled on demand, they evaluate on arrays. The
text is read by a grammar of its own (numbers, names, arithmetic, known functions), so that nothing
in it is ever executed. Some words stand for more than a function of numbers:

===================  ===============================================================
``d_x``, ``d(F)``    exact rate along the flow, of a quantity or of a formula
``x_0``, ``initial(F)``  value at the start of the path
``x[0, 1]``          one entry
``sum(F)``           over all entries at a sample; likewise mean, prod, min and max
===================  ===============================================================

They are symbols to sympy, under their own text; who evaluates a formula reads them by `word`.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from functools import lru_cache
from numbers import Real
from typing import Any, NamedTuple

from dynlens.support import validation
from dynlens.support.syntax import parse

Function = Callable[..., Any]
Formula = Any  # text, a sympy expression, a number, or a function of the samples

# What is written -> what sympy calls it.
_SAME = (
    "exp log sqrt cbrt sign Abs Max Min floor ceiling gamma erf Heaviside LambertW "
    "sinh cosh tanh coth asinh acosh atanh sin cos tan cot asin acos atan atan2 "
    "factorial binomial Rational"
)
FUNCTIONS = {name: name for name in _SAME.split()} | {
    "ln": "log",
    "abs": "Abs",
    "ceil": "ceiling",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
}
LOGARITHMS = {"log10": 10, "log2": 2}
REDUCTIONS = ("sum", "mean", "prod", "min", "max")
LARGEST = 1e4  # digits of the largest number that a formula may contain

_LAMBDA = "lambda_"  # stands for `lambda`, which Python's grammar keeps for itself


class Word(NamedTuple):
    """A symbol that stands for more than a name: ``kind`` of what, and which entry."""

    kind: str
    inside: str
    entry: tuple[int, ...] = ()


def as_text(formula: Formula, argument: str) -> Formula:
    """Return the formula as text (a function stays a function), or say what is wrong with it."""
    if callable(formula) and not hasattr(formula, "free_symbols"):
        return formula
    if isinstance(formula, str) or hasattr(formula, "free_symbols"):
        text = str(formula)
        parsed(text)  # a syntax error is reported where the claim is stated
        return text
    if not isinstance(formula, Real):
        raise TypeError(
            f"`{argument}` must be a formula (text, a sympy expression, a number or a function of "
            f"the samples), got {formula!r:.80}."
        )
    return repr(validation.finite(argument, formula))


@lru_cache(maxsize=512)
def compiled_formula(text: str, modules: str = "numpy") -> tuple[tuple[str, ...], Function]:
    """Names in a formula, and the function of them (in numpy, math or mpmath)."""
    import sympy as sp

    expression = parsed(text)
    used = tuple(sorted(str(s) for s in expression.free_symbols))
    symbols = [sp.Symbol(n) for n in used]
    libraries = ["scipy", "numpy"] if modules == "numpy" else modules
    return used, sp.lambdify(symbols, expression, modules=libraries)


@lru_cache(maxsize=512)
def parsed(text: str) -> Any:
    """Sympy expression of a formula; every word that is not a function is a symbol."""
    import sympy as sp

    try:
        tree = parse(_python(text), mode="eval").body
    except (SyntaxError, RecursionError, MemoryError) as error:
        why = getattr(error, "msg", type(error).__name__)
        raise ValueError(f"formula {text!r} is not a sympy expression: {why}") from error
    expression = _Reader(text).read(tree)
    if not isinstance(expression, sp.Expr):
        raise TypeError(f"formula {text!r} must be one expression, not a {type(expression)}.")
    if expression.has(sp.zoo, sp.nan, sp.oo, -sp.oo, sp.I):
        raise ValueError(f"formula {text!r} is {expression}, which is no real number; rewrite it.")
    return expression


@lru_cache(maxsize=512)
def word(name: str) -> Word | None:
    """What a symbol stands for, if for more than a name."""
    match = re.fullmatch(r"(d|initial|sum|mean|prod|min|max)\((.*)\)", name, re.DOTALL)
    if match:
        return Word(match[1], match[2])
    match = re.fullmatch(r"(\w+)\[([-\d, ]+)\]", name)
    if match:
        index = tuple(int(k) for k in match[2].split(",") if k.strip())
        return Word("entry", match[1], index)
    return None


@lru_cache(maxsize=512)
def quantities_in(text: str) -> frozenset[str]:
    """Names of the quantities that a formula reads, whatever of them: rates, entries, sums."""
    found: set[str] = set()
    for name in compiled_formula(text)[0]:
        inside = word(name)
        if inside is not None:
            found |= quantities_in(inside.inside)
        else:
            found.add(name.removeprefix("d_").removesuffix("_0"))
    return frozenset(found)


@lru_cache(maxsize=256)
def terms(text: str) -> tuple[str, ...]:
    """Terms of a sum, as formulas of their own; a formula that is no sum is its only term."""
    tree = parse(_python(text), mode="eval").body
    found: list[ast.AST] = []

    def split(node: ast.AST) -> None:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            split(node.left)
            split(node.right)
        elif isinstance(node, ast.UnaryOp):
            split(node.operand)
        else:
            found.append(node)

    split(tree)
    return tuple(map(_source, found))


def rate_text(name: str) -> str:
    """How the rate of a formula is written: ``d_x`` of a name, ``d(F)`` of a formula."""
    return f"d_{name}" if name.isidentifier() else f"d({name})"


def initial_text(name: str) -> str:
    """How the initial value of a formula is written."""
    return f"{name}_0" if name.isidentifier() else f"initial({name})"


@lru_cache(maxsize=256)
def partials(text: str) -> tuple[tuple[str, tuple[str, ...], Function], ...]:
    """Derivatives of a formula: for each of its names, the names in it and the function of them."""
    import sympy as sp

    expression = parsed(text)
    # On the real line `Abs` has the derivative `sign`.
    real = {s: sp.Symbol(str(s), real=True) for s in expression.free_symbols}
    found = []
    for old, new in sorted(real.items(), key=str):
        slope = sp.diff(expression.xreplace(real), new).doit()
        symbols = sorted(slope.free_symbols, key=str)
        function = sp.lambdify(symbols, slope, modules=["scipy", "numpy"])
        found.append((str(old), tuple(map(str, symbols)), function))
    return tuple(found)


def _python(text: str) -> str:
    """Formula in Python's grammar: ``^`` is a power, and ``lambda`` a name like any other."""
    return re.sub(r"\blambda\b", _LAMBDA, text.strip().replace("^", "**"))


class _Reader:
    """Turns Python's syntax tree of a formula into a sympy expression, or says what it is not."""

    def __init__(self, text: str) -> None:
        self.text = text

    def refuse(self, why: str) -> ValueError:
        return ValueError(f"formula {self.text!r} is not a sympy expression: {why}")

    def read(self, node: ast.AST) -> Any:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise self.refuse(f"it contains {_source(node)!r}, which is no arithmetic.")
        return method(node)

    def _constant(self, node: ast.Constant) -> Any:
        import sympy as sp

        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refuse(f"{value!r} is no real number.")
        if "_" in (ast.get_source_segment(_python(self.text), node) or ""):
            raise self.refuse("numbers are written without underscores.")
        return sp.Integer(value) if isinstance(value, int) else sp.Float(value)

    def _name(self, node: ast.Name) -> Any:
        import sympy as sp

        name = "lambda" if node.id == _LAMBDA else node.id
        if name == "pi":
            return sp.pi
        return sp.Symbol(name)

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        value = self.read(node.operand)
        if isinstance(node.op, ast.USub):
            return -value
        if isinstance(node.op, ast.UAdd):
            return value
        raise self.refuse("it contains a logical operator; state one formula at a time.")

    def _binop(self, node: ast.BinOp) -> Any:
        left, right = self.read(node.left), self.read(node.right)
        kind = type(node.op)
        if kind is ast.Pow:
            self._bounded(left, right)
        operators: dict[type, Callable[[Any, Any], Any]] = {
            ast.Add: lambda a, b: a + b,
            ast.Sub: lambda a, b: a - b,
            ast.Mult: lambda a, b: a * b,
            ast.Div: lambda a, b: a / b,
            ast.Pow: lambda a, b: a**b,
        }
        if kind not in operators:
            raise self.refuse(f"its operator in {_source(node)!r} is not + - * / or **.")
        return operators[kind](left, right)

    def _bounded(self, base: Any, exponent: Any) -> None:
        import math

        if base.is_number and exponent.is_number and base != 0:
            digits = abs(float(exponent)) * max(abs(math.log10(abs(float(base)))), 1e-300)
            if digits > LARGEST:
                raise self.refuse(f"it contains a number of {digits:.0e} digits; rewrite it.")

    def _call(self, node: ast.Call) -> Any:
        import sympy as sp

        if isinstance(node.func, ast.Attribute):
            if node.func.attr.startswith("float") and len(node.args) == 1:
                return self.read(node.args[0])  # as numpy prints a number
            raise self.refuse(f"write {node.func.attr!r} alone, not {_source(node.func)!r}.")
        if node.keywords or not isinstance(node.func, ast.Name):
            raise self.refuse(f"{_source(node)!r} is no function of formulas.")
        name = node.func.id
        if name in ("d", "initial") or (name in REDUCTIONS and len(node.args) == 1):
            if len(node.args) != 1:
                raise self.refuse(f"{name!r} takes one formula.")
            self.read(node.args[0])  # what is malformed inside is said now
            inside = _source(node.args[0])
            if name in ("d", "initial") and inside.isidentifier():
                return sp.Symbol(rate_text(inside) if name == "d" else initial_text(inside))
            return sp.Symbol(f"{name}({inside})")
        name = {"min": "Min", "max": "Max"}.get(name, name)
        if name not in FUNCTIONS and name not in LOGARITHMS:
            near = validation.nearest(name, (*FUNCTIONS, *REDUCTIONS))
            raise self.refuse(f"no function {name!r}; {near}")
        arguments = [self.read(argument) for argument in node.args]
        if name in LOGARITHMS and len(arguments) == 1:
            return sp.log(arguments[0]) / sp.log(LOGARITHMS[name])
        function = getattr(sp, FUNCTIONS.get(name, "log"))
        large = any(a.is_number and abs(a) > LARGEST for a in arguments)
        if large and name in ("factorial", "gamma", "binomial"):
            raise self.refuse(f"{name} of so large a number cannot be written down.")
        try:
            return function(*arguments)
        except (TypeError, ValueError) as error:
            raise self.refuse(f"{_source(node)!r}: {error}") from error

    def _subscript(self, node: ast.Subscript) -> Any:
        import sympy as sp

        if not isinstance(node.value, ast.Name):
            raise self.refuse(f"{_source(node)!r}: an entry is of one quantity, as `x[0, 1]`.")
        try:
            index = ast.literal_eval(node.slice)
            listed = [operator.index(k) for k in (index if isinstance(index, tuple) else (index,))]
        except (ValueError, TypeError) as error:
            raise self.refuse(f"{_source(node)!r}: an entry is named by whole numbers.") from error
        return sp.Symbol(f"{node.value.id}[{', '.join(map(str, listed))}]")

    def _attribute(self, node: ast.Attribute) -> Any:
        raise self.refuse(f"{_source(node)!r} has a dot; a quantity is one word.")

    def _compare(self, node: ast.Compare) -> Any:
        raise TypeError(
            f"formula {self.text!r} must be one expression, not a comparison; state "
            "`AtLeast(left, right)` or `Equal(left, right)`."
        )

    def _list(self, node: ast.List | ast.Tuple) -> Any:
        raise TypeError(f"formula {self.text!r} must be one expression, not a list of them.")

    _tuple = _list


def _source(node: ast.AST) -> str:
    return ast.unparse(node).replace(_LAMBDA, "lambda")
