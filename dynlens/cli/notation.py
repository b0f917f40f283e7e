"""Formulas typeset: names of quantities become the symbols of the papers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.printing.pretty.pretty import PrettyPrinter
from sympy.printing.pretty.stringpict import prettyForm

from dynlens.cases.formulas import Formula, parsed
from dynlens.claims.base import Claim
from dynlens.claims.equations import AtLeast, Equality
from dynlens.claims.limits import PowerLaw
from dynlens.models.base import number
from dynlens.observables.registry import REGISTRY
from dynlens.symbolic import as_latex, as_text

Expr = Any  # sympy carries no annotations

# What LaTeX commands are in the terminal; the longest first.
CHARACTERS = {
    r"\\operatorname\{(\w+)\}": r"\1",
    r"\\\|": "‖",
    r"\\nabla ?": "∇",
    r"\\theta": "θ",
    r"\\sigma": "σ",
    r"\\gamma": "γ",
    r"\\phi": "φ",
    r"\\ell": "ℓ",
    r"\\(\w+)": r"\1",
    "_r": "ᵣ",
    "_2": "₂",
    r"_\*": "⁎",
    "_F": "",  # has no character, and is what a norm is unless it says otherwise
}


def plain(latex: str) -> str:
    r"""Return LaTeX of one symbol as the terminal shows it.

    Examples
    --------
    >>> plain(r"\|W\|_F"), plain(r"\sigma_r"), plain(r"\det W")
    ('‖W‖', 'σᵣ', 'det W')
    """
    for command, character in CHARACTERS.items():
        latex = re.sub(command, character, latex)
    return latex


def symbol(name: str) -> tuple[str, str]:
    """Return how a name is written in the terminal and in LaTeX.

    Examples
    --------
    >>> symbol("depth"), symbol("d_singular_values")[0], symbol("loss_0")[0]
    (('L', 'L'), 'dσᵣ/dt', 'ℓ(0)')
    """
    latex = REGISTRY[name].symbol if name in REGISTRY else number(name).symbol
    if latex:
        return plain(latex), latex
    if name.startswith("d_") and name[2:] in REGISTRY:
        text, latex = symbol(name[2:])
        inside = text if len(text) <= 2 else f"({text})"
        return f"d{inside}/dt", rf"\frac{{d}}{{dt}} {latex}"
    if name.endswith("_0"):
        text, latex = symbol(name[:-2])
        return f"{text}(0)", f"{latex}(0)"
    if name in REGISTRY:
        return _words(name)
    text, latex = as_text(sp.Symbol(name)), as_latex(sp.Symbol(name))
    if len(name.rpartition("_")[2]) > 1 and not latex.startswith("\\"):  # words, not a letter
        return _words(name)
    return text, latex


def _words(name: str) -> tuple[str, str]:
    words = name.replace("_", " ")
    return words, rf"\text{{{words}}}"


def statement(claim: Any) -> str:
    """Return a claim as two-dimensional Unicode; its one-line statement where it is no formula."""
    sides = _sides(claim)
    if sides is None:
        return str(claim.statement)
    left, relation, right = sides
    return _row([_pretty(left), prettyForm(f" {relation} "), _pretty(right)])


def latex(claim: Any) -> str:
    """Return a claim as LaTeX, without delimiters; in words where it is no formula."""
    sides = _sides(claim)
    if sides is None:
        return rf"\text{{{claim.statement.translate(_ESCAPES)}}}"
    left, relation, right = sides
    return f"{_latex(left)} {_RELATIONS[relation]} {_latex(right)}"


def positive(formula: Formula) -> str:
    """Return ``formula > 0`` as two-dimensional Unicode."""
    if not isinstance(formula, str):
        return f"{formula.__name__} > 0"
    return _row([_pretty(_expr(formula)), prettyForm(" > 0")])


def names(claim: Any) -> tuple[str, ...]:
    """Names of quantities that a claim's formulas use, rates and initial values under their own."""
    sides = _sides(claim)
    used = set() if sides is None else {str(s) for side in sides[::2] for s in side.free_symbols}
    known = (dict(claim.readings), dict(claim.given)) if isinstance(claim, Claim) else ({}, {})
    plain = {_plain(name, known) for name in used}
    return tuple(sorted(plain))


def _plain(name: str, known: Iterable[dict[str, Any]]) -> str:
    if any(name in names for names in known):
        return name
    name = name[2:] if name.startswith("d_") and name[2:] in REGISTRY else name
    return name[:-2] if name.endswith("_0") else name


_RELATIONS = {"=": "=", "≥": r"\ge", ">": ">", "∼": r"\sim"}
_ESCAPES = str.maketrans({c: f"\\{c}" for c in "_&%$#{}"} | {"^": r"\^{}", "~": r"\sim "})


def _sides(claim: Any) -> tuple[Expr, str, Expr] | None:
    """Both sides of a claim that is a formula, and the relation between them."""
    if isinstance(claim, Equality):
        left, right = claim.sides()
        return _both(left, "=", right)
    if isinstance(claim, AtLeast):
        return _both(claim.left, ">" if claim.strict else "≥", claim.right)
    if isinstance(claim, PowerLaw) and not (callable(claim.of) or callable(claim.against)):
        exponent = sp.nsimplify(claim.exponent, rational=True, tolerance=1e-9)
        power = sp.Pow(_expr(claim.against), exponent, evaluate=False)
        if claim.logs:
            power = sp.Mul(power, sp.log(_expr(claim.against)) ** claim.logs, evaluate=False)
        return _expr(claim.of), "∼", power
    return None


def _both(left: Formula, relation: str, right: Formula) -> tuple[Expr, str, Expr] | None:
    if not (isinstance(left, str) and isinstance(right, str)):
        return None  # a function of the samples has no formula
    return _expr(left), relation, _expr(right)


@lru_cache(maxsize=256)
def _expr(formula: str) -> Expr:
    """Parse a formula, with decimals that are plainly exact numbers written as such."""
    found = parsed(formula)
    return found.xreplace({number: _exact(number) for number in found.atoms(sp.Float)})


def _exact(number: Expr) -> Expr:
    guess = sp.nsimplify(number, [sp.sqrt(2), sp.sqrt(3)], tolerance=1e-15)
    simple = guess.count_ops() <= 3 and all(abs(n) < 10**6 for n in guess.atoms(sp.Integer))
    return guess if simple and abs(guess - number) <= 1e-15 * abs(number) else number


def _pretty(expr: Expr) -> prettyForm:
    return PrettyPrinter({"use_unicode": True, "wrap_line": False})._print(_renamed(expr))


def _row(forms: list[prettyForm]) -> str:
    whole = forms[0]
    for form in forms[1:]:
        whole = prettyForm(*whole.right(form))
    return "\n".join(line.rstrip() for line in str(whole).splitlines())


class _Written(sp.Symbol):  # type: ignore[misc]
    """A symbol that is printed as it is called, without reading subscripts into its name."""

    def _pretty(self, printer: Any) -> prettyForm:
        return prettyForm(self.name, binding=prettyForm.ATOM)


def _renamed(expr: Expr) -> Expr:
    return expr.xreplace({s: _Written(symbol(str(s))[0]) for s in expr.free_symbols})


def _latex(expr: Expr) -> str:
    return str(sp.latex(expr, symbol_names={s: symbol(str(s))[1] for s in expr.free_symbols}))
