"""A conjecture as a theorem file: its claim, where it is asserted, and what is refuted there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import dynlens
from dynlens.cases.base import Case
from dynlens.cases.reproduce import concise
from dynlens.discovery.attacks import without_hypothesis
from dynlens.discovery.fitting import Product
from dynlens.discovery.forms import Form
from dynlens.support import validation
from dynlens.verdict import Status

if TYPE_CHECKING:
    from dynlens.discovery.conjecturing import Conjecture

CASES = 3  # that a file lists
CONTROLS = 3  # besides the hypothesis


def theorem_file(found: Conjecture, id: str, source: str) -> str:
    """Text of the file, of about 25 lines."""
    validation.instance("id", id, str, 'for example "X.1".')
    claim, cases = found.claim, _few(found.cases)
    field = "factor" if found.steps and "factor=" in concise(claim) else "rate"
    field = "increment" if found.steps and field == "rate" else field
    controls = [
        f'        "{words}": {{"{field}": "{law}"}},'
        for words, law in _refuted(found, cases, field)
    ]
    if found.needs:
        loose = _coded(concise(without_hypothesis(cases)[0].case))
        name = found.assumptions[0].name
        controls.append(f'        "{name} dropped": {{"assumptions": (), "on": [{loose}]}},')
    if not controls:
        raise ValueError(f"no false variant of {found.law} is refuted on these states; vary them.")
    lines = [
        f'"""{claim.statement}.',
        "",
        f"Found from exact rates at {found.rows} rows; the variants are false, and refuted.",
        '"""',
        "",
        "import dynlens as dl",
        "",
        "theorem = dl.Theorem(",
        f'    "{id}",',
        f'    "the rate of {found.target}",',
        f'    source="{source}",',
        f"    claims=[{_coded(concise(claim))}],",
        "    on=[",
        *(f"        {_coded(concise(case))}," for case in cases),
        "    ],",
        "    false={",
        *controls,
        "    },",
        ")",
    ]
    return "\n".join(lines) + "\n"


def _few(cases: Sequence[Case]) -> list[Case]:
    """One case of each model, as far as they go."""
    chosen = {repr(getattr(case, "model", case)): case for case in cases}
    return list(chosen.values())[:CASES]


def _coded(text: str) -> str:
    """Text of values as it stands in a file that imports dynlens as dl."""

    def named(match: re.Match[str]) -> str:
        return f"dl.{match[0]}" if match[0] in dynlens.__all__ else match[0]

    parts = re.split(r"('[^']*')", text)  # nothing inside quotes is a name
    return "".join(
        part if k % 2 else re.sub(r"\b[A-Za-z_]\w*\b", named, part) for k, part in enumerate(parts)
    )


def _refuted(found: Conjecture, cases: Sequence[Case], field: str) -> list[tuple[str, str]]:
    """False variants of the law that are refuted on the cases, each with its words."""
    kept: list[tuple[str, str]] = []
    assert found.product is not None
    for words, product in _variants(found.product):
        law = product.text(found.number)
        other = replace(found, law=law)
        if all(other.claim.check(case).status != Status.REFUTED for case in cases):
            continue
        formula = law if field != "factor" else getattr(other.claim, "factor", law)
        if formula not in [one for _, one in kept]:
            kept.append((words.replace("{L}", found.number or "L"), formula))
    return kept[:CONTROLS]


def _variants(product: Product) -> Iterator[tuple[str, Product]]:
    """Roundings that were not chosen: halved, dropped and constant parts, and the other sign."""
    yield "sign flipped", replace(product, negative=not product.negative)
    if product.factor.constant != 1:
        yield f"factor {product.factor.text('{L}')} dropped", replace(product, factor=_number(1))
    else:
        yield "twice the law", replace(product, factor=_number(2))
    for k, (name, form) in enumerate(product.powers):
        others: list[Form] = []
        if len(form.coefficients) == 2:
            a, b = form.coefficients
            others = [Form(form.shape, (a, b / 2)), _number(a)]
        elif form.constant is not None:
            others = [_number(form.constant / 2 if form.constant != 1 else Fraction(2))]
        for other in others:
            powers = (*product.powers[:k], (name, other), *product.powers[k + 1 :])
            yield f"exponent {other.text('{L}')} of {name}", replace(product, powers=powers)


def _number(value: int | Fraction) -> Form:
    return Form(0, (Fraction(value),))
