"""Laws written as mathematics: sums of squares of a row are its squared norm, and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from dynlens.discovery import polynomials
from dynlens.discovery.polynomials import Monomial, Polynomial
from dynlens.discovery.subjects import Subject

Line = tuple[str, tuple[int, ...]]  # how a row or a column is written, and its coordinates


def lines(subject: Subject) -> Iterator[Line]:
    """Whole arrays, rows and columns, with at least two entries: the longest first."""
    start, found = 0, []
    for name, shape in zip(subject.names, subject.shapes, strict=True):
        size = int(np.prod(shape))
        place = np.arange(start, start + size).reshape(shape)
        start += size
        found.append((name, tuple(place.ravel().tolist())))
        for axis in range(len(shape)) if len(shape) > 1 else ():
            for index in np.ndindex(*(n for k, n in enumerate(shape) if k != axis)):
                where = [*map(str, index[:axis]), ":", *map(str, index[axis:])]
                cut = np.moveaxis(place, axis, -1)[index]
                found.append((f"{name}[{', '.join(where)}]", tuple(cut.tolist())))
    yield from sorted((line for line in found if len(line[1]) > 1), key=lambda f: -len(f[1]))


def written(law: Polynomial, subject: Subject) -> str:
    """Write a law with norms and inner products of rows and columns where it has them.

    Examples
    --------
    >>> from dynlens.discovery.subjects import subject
    >>> model = subject(lambda W, V: V @ W, {"W": (2, 2), "V": (1, 2)})
    >>> written({(0, 0): 1, (1, 1): 1, (4, 4): -1}, model)
    '|W[0, :]|^2 - V[0, 0]^2'
    """
    rest, parts = dict(law), []
    clock = len(subject.coordinates) - 1 if subject.moving else -1
    if law and all(m.count(clock) == 1 for m in law):  # the last of the sorted variables
        inside = written({m[:-1]: c for m, c in law.items()}, subject)
        return f"{subject.coordinates[clock]} ({inside})"
    shapes = list(lines(subject))
    for name, place in shapes:
        coefficient = _common(rest, [(k, k) for k in place])
        if coefficient:
            parts.append((coefficient, f"|{name}|^2"))
    for k, (one, here) in enumerate(shapes):
        for other, there in shapes[k + 1 :]:
            if len(here) == len(there) and set(here).isdisjoint(there):
                pairs = [(min(p), max(p)) for p in zip(here, there, strict=True)]
                coefficient = _common(rest, pairs)
                if coefficient:
                    parts.append((coefficient, f"<{one}, {other}>"))
    for monomial, coefficient in sorted(rest.items()):
        parts.append((coefficient, plain(monomial, subject.coordinates)))
    return _sum(parts)


def _common(rest: Polynomial, monomials: Sequence[Monomial]) -> Any:
    """Take monomials out of a polynomial if all have one coefficient, and return it."""
    values = {rest.get(m, 0) for m in monomials}
    if len(values) != 1 or 0 in values or len(set(monomials)) < len(monomials):
        return 0
    for monomial in monomials:
        del rest[monomial]
    return values.pop()


def plain(monomial: Monomial, names: Any) -> str:
    """Write a monomial."""
    return polynomials.text({monomial: 1}, names.__getitem__).replace("**", "^").replace("*", " ")


def _sum(parts: list[tuple[Any, str]]) -> str:
    words = []
    parts = sorted(parts, key=lambda part: part[0] < 0)
    for k, (coefficient, text) in enumerate(parts):
        size = abs(Fraction(coefficient))
        sign = "-" if coefficient < 0 else "+"
        head = {0: "" if sign == "+" else "-"}.get(k, f" {sign} ")
        words.append(head + (text if size == 1 else f"{size} {text}"))
    return "".join(words) or "0"


def latex(text: str) -> str:
    r"""LaTeX of a law as `written`.

    Examples
    --------
    >>> print(latex("|W1[0, :]|^2 - 2 <V[:, 0], V[:, 1]>"))
    \|W_{1}[0, :]\|^2 - 2 \langle V[:, 0], V[:, 1]\rangle
    """
    text = re.sub(r"\b([A-Za-z]+)(\d+)\b", r"\1_{\2}", text)
    text = re.sub(r"\|([^|]*)\|", r"\\|\1\\|", text)
    return text.replace("<", r"\langle ").replace(">", r"\rangle")
