"""A theorem as mathematics: statements typeset, assumptions, cases and controls in words."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dynlens.cases.base import Reading
from dynlens.claims.base import Assumption, Claim
from dynlens.claims.proof import Identities
from dynlens.claims.theorem import Check, Theorem
from dynlens.cli import notation
from dynlens.models.base import number
from dynlens.observables.registry import REGISTRY
from dynlens.plot.evidence import in_words
from dynlens.symbolic import as_latex, as_text

TIME = "time (of descent: eta * step)"
WIDEST = 110  # characters of a control's statement
LONGEST_SOURCE = 30  # lines of a function that is shown whole


def described(theorem: Theorem, file: str | None = None) -> str:
    """Return a theorem as text for the terminal."""
    blocks = [f"{theorem.id}   {theorem.title}\n[{theorem.source}]", docstring(theorem, file)]
    for k, check in enumerate(theorem.checks):
        cases = _cases(check, theorem.checks[:k])
        blocks.append(f"Check {k}\n{_indented(_claim(check.claim))}\n{_indented(cases)}".rstrip())
    if functions := list(_functions(theorem)):
        blocks += ["Computed by", *map(_indented, functions)]
    if quantities := list(_quantities(theorem)):
        blocks.append("Quantities\n" + _indented("\n".join(quantities)))
    blocks.append("Controls, each of which must be refuted\n" + _indented(_controls(theorem)))
    return "\n\n".join(block for block in blocks if block.strip())


def as_document(theorem: Theorem) -> str:
    """Return a theorem's statements as LaTeX, to be pasted into a paper."""
    lines = [f"% {theorem.id}: {theorem.title} [{theorem.source}]"]
    for check in theorem.checks:
        claim = check.claim
        for formula in _formulas(claim):
            lines += [r"\begin{equation}", f"  {formula}", r"\end{equation}"]
        assumed = [f"% assuming {_inequality(a)}" for a in getattr(claim, "assumptions", ())]
        lines += assumed
    return "\n".join(lines)


def _formulas(claim: Any) -> list[str]:
    if isinstance(claim, Identities) and claim.show is not None:
        return [as_latex(formula) for formula in claim.show().values()]
    return [notation.latex(claim)]


# The file ----------------------------------------------------------------------------------------


def docstring(theorem: Theorem, file: str | None = None) -> str:
    """Return the docstring of the file that states a theorem."""
    if file is not None:
        return ast.get_docstring(ast.parse(Path(file).read_text(encoding="utf-8"))) or ""
    for name, module in list(sys.modules.items()):
        stated = name.startswith("theory_checks.") and vars(module).values()
        if stated and any(value is theorem for value in stated):
            return inspect.getdoc(module) or ""
    return ""


# Checks ------------------------------------------------------------------------------------------


def _claim(claim: Any) -> str:
    parts = [notation.statement(claim)]
    if isinstance(claim, Identities):
        parts.append("by algebra")
        for name, formula in (claim.show() if claim.show else {}).items():
            parts.append(f"{name}:\n{_indented(as_text(formula))}")
    if isinstance(claim, Claim):
        parts += [f"assuming  {_inequality(assumption)}" for assumption in claim.assumptions]
        where = getattr(claim, "where", None)
        if where is not None:
            parts.append(f"where\n{_indented(notation.positive(where))}")
        if claim.after:
            parts.append(f"from t = {claim.after:g} on")
    return "\n".join(parts)


def _inequality(assumption: Assumption) -> str:
    low = "" if assumption.low is None else f"{assumption.low:g} ≤ "
    high = "" if assumption.high is None else f" ≤ {assumption.high:g}"
    return f"{assumption.name}: {low}{assumption.quantity}{high}"


def _cases(check: Check, earlier: Iterable[Check]) -> str:
    if isinstance(check.claim, Identities):
        return ""
    if any(check.cases == other.cases for other in earlier):
        return "asserted on the same cases as before"
    lines = [in_words(case) for case in check.cases]
    return "asserted on\n" + _indented("\n".join(dict.fromkeys(lines)))


def _controls(theorem: Theorem) -> str:
    return "\n".join(
        f"{name}\n{_indented(textwrap.shorten(check.claim.statement, WIDEST, placeholder=' …'))}"
        for name, check in theorem.controls.items()
    )


# What the formulas speak of ----------------------------------------------------------------------


def _quantities(theorem: Theorem) -> Iterator[str]:
    claims = [check.claim for check in theorem.checks]
    used = sorted({name for claim in claims for name in notation.names(claim)})
    readings: dict[str, Reading] = {}
    given: dict[str, float] = {}
    for claim in claims:
        readings |= dict(getattr(claim, "readings", ()))
        given |= dict(getattr(claim, "given", ()))
    for name in used:
        meaning = _meaning(name, readings, given)
        if meaning:
            written = notation.symbol(name)[0]
            known = f"{name}: " if written != name else ""
            yield f"{written}   {known}{meaning}"


def _meaning(name: str, readings: dict[str, Reading], given: dict[str, float]) -> str:
    if name in readings:
        return _reading(readings[name])
    if name in given:
        return f"{given[name]:g}"
    if name in REGISTRY:
        return first_line(REGISTRY[name].function)
    return TIME if name == "t" else number(name).meaning


def _reading(reading: Reading) -> str:
    place = f"[{', '.join(map(str, reading.where))}]" if reading.where else ""
    values = ", ".join(f"{key} = {value}" for key, value in reading.parameters)
    return f"{reading.observable}{place}" + (f", {values}" if values else "")


def first_line(function: Any) -> str:
    """First line of a docstring, its mathematics without the markup."""
    text = inspect.getdoc(function) or ""
    summary = " ".join(text.partition("\n\n")[0].split())
    without_markup = re.sub(r":math:`([^`]*)`", lambda found: _plain(found[1]), summary)
    return without_markup.replace("`", "")


def _plain(mathematics: str) -> str:
    """Replace the LaTeX commands of a one-line formula by characters."""
    for command, character in _CHARACTERS.items():
        mathematics = re.sub(rf"\\{command}(?![A-Za-z]) ?", character, mathematics)
    return re.sub(r"\\([A-Za-z]+)", r"\1", mathematics).replace("\\|", "‖").replace("\\,", " ")


_CHARACTERS = {
    "langle": "⟨",
    "rangle": "⟩",
    "nabla": "∇",
    "ell": "ℓ",
    "top": "ᵀ",
    "sigma": "σ",
    "rho": "ρ",
    "theta": "θ",
    "sum": "Σ ",
    "prod": "Π ",
    "lVert": "‖",
    "rVert": "‖",
    "le": "≤",
    "ge": "≥",
    "dot": "",
    "hat": "",
    "mathcal": "",
}


def _functions(theorem: Theorem) -> Iterator[str]:
    """Sources of the functions that stand in the claims in place of formulas."""
    seen = set()
    for check in theorem.checks:
        for side in ("left", "right"):
            function = getattr(check.claim, side, None)
            if inspect.isfunction(function) and function.__code__ not in seen:
                seen.add(function.__code__)
                yield _source(function)


def _source(function: Any) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError):  # stated in an interpreter: there is no file to read
        return f"{function.__name__}: {first_line(function)}"
    lines = text.splitlines()
    return "\n".join(lines[:LONGEST_SOURCE] + ["    ..."] * (len(lines) > LONGEST_SOURCE))


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")
