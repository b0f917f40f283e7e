"""Exponents and factors as simple functions of a number, such as ``2 - 2/depth``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from dynlens.support.typing import Array

DENOMINATOR = 12
EXACT = 1e-6


class Shape(NamedTuple):
    """A function of a number L with one coefficient or two."""

    basis: Callable[[Array], Array]
    words: tuple[str, ...]


SHAPES = (
    Shape(lambda L: np.stack([np.ones_like(L)]), ("",)),
    Shape(lambda L: np.stack([L]), ("*{0}",)),
    Shape(lambda L: np.stack([1 / L]), ("/{0}",)),
    Shape(lambda L: np.stack([1 / (L - 1)]), ("/({0} - 1)",)),
    Shape(lambda L: np.stack([np.ones_like(L), 1 / L]), ("", "/{0}")),
    Shape(lambda L: np.stack([np.ones_like(L), L]), ("", "*{0}")),
    Shape(lambda L: np.stack([np.ones_like(L), 1 / (L - 1)]), ("", "/({0} - 1)")),
)


@dataclass(frozen=True)
class Form:
    """A function of a number, with rational coefficients.

    Parameters
    ----------
    shape : int
        Place among `SHAPES`.
    coefficients : tuple of Fraction
    """

    shape: int
    coefficients: tuple[Fraction, ...]

    def at(self, number: float) -> float:
        """Value at a number."""
        basis = SHAPES[self.shape].basis(np.array([number]))[:, 0] if self.shape else [1.0]
        return float(sum(float(c) * b for c, b in zip(self.coefficients, basis, strict=True)))

    def text(self, number: str) -> str:
        """The form as a formula.

        Examples
        --------
        >>> Form(4, (Fraction(2), Fraction(-2))).text("depth")
        '2 - 2/depth'
        >>> Form(1, (Fraction(1),)).text("depth")
        'depth'
        """
        parts: list[str] = []
        for c, words in zip(self.coefficients, SHAPES[self.shape].words, strict=True):
            if not c:
                continue
            size = str(abs(c)) if c.denominator == 1 else f"({abs(c)})"
            tail = words.format(number)
            body = number if tail == f"*{number}" and abs(c) == 1 else size + tail
            sign = "-" if c < 0 else "+"
            parts.append(f" {sign} {body}" if parts else (f"-{body}" if c < 0 else body))
        return "".join(parts) or "0"

    @property
    def size(self) -> int:
        """How complicated it is."""
        return sum(c.denominator + abs(c.numerator) for c in self.coefficients)

    @property
    def constant(self) -> Fraction | None:
        """Its value, if it is the same at every number."""
        return self.coefficients[0] if self.shape == 0 else None


def simplest(
    numbers: Sequence[float], values: Sequence[float], spread: Sequence[float]
) -> Form | None:
    """Return the simplest form that fits values to their accuracy, if only one does.

    Parameters
    ----------
    numbers : sequence of float
        NaN, one only, where there is no number.
    values : sequence of float
    spread : sequence of float
        Up to which a value is not known; at least 1e-6 is allowed.

    Examples
    --------
    >>> simplest([2, 3, 4], [1, 4 / 3, 1.5], [0, 0, 0]).text("L")
    '2 - 2/L'
    >>> simplest([2, 3], [1, 4 / 3], [0, 0]) is None  # two values decide one coefficient
    True
    """
    L, v = np.array(numbers, dtype=float), np.array(values, dtype=float)
    allowed = np.maximum(np.array(spread, dtype=float), EXACT)
    for k, shape in enumerate(SHAPES):
        if np.isnan(L).any() and k:
            break
        if "/({0} - 1)" in shape.words and np.any(L == 1):
            continue
        basis = np.ones((1, len(v))) if k == 0 else shape.basis(L)
        if len(basis) > 1 and len(v) <= len(basis):
            continue
        if k and len(v) <= 1:
            continue
        fits = [Form(k, pair) for pair in _near(basis, v, allowed)]
        if len(fits) == 1 or (fits and fits[0].size * 3 <= fits[1].size):
            return fits[0]
        if fits:
            return None  # too little is known to tell which
    return None


def _near(basis: Array, v: Array, allowed: Array) -> list[tuple[Fraction, ...]]:
    """Rational coefficients within what is allowed, the simplest first."""
    weights = 1 / allowed
    found, *_ = np.linalg.lstsq((basis * weights).T, v * weights, rcond=None)
    covariance = np.linalg.inv((basis * weights) @ (basis * weights).T)
    widths = 2 * np.sqrt(np.diag(covariance)) + EXACT
    choices = [_rationals(c, w) for c, w in zip(found, widths, strict=True)]
    fits = []
    for pair in itertools.product(*choices):
        gap = np.abs(np.array([float(c) for c in pair]) @ basis - v)
        if np.all(gap <= allowed) and (len(pair) == 1 or all(pair)):
            fits.append(pair)
    return sorted(fits, key=lambda pair: sum(c.denominator + abs(c.numerator) for c in pair))[:4]


def _rationals(x: float, width: float) -> list[Fraction]:
    found = set()
    for q in range(1, DENOMINATOR + 1):
        for p in range(int(np.ceil((x - width) * q)), int(np.floor((x + width) * q)) + 1):
            found.add(Fraction(p, q))
        if len(found) > 40:
            break
    return sorted(found, key=lambda f: f.denominator + abs(f.numerator))[:40]
