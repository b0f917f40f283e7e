"""Products of powers that fit rates: which candidates, which exponents, which sign."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from dynlens.discovery.forms import Form, simplest
from dynlens.discovery.tables import Group, Table
from dynlens.support.typing import Array

ACCEPTED = 1e-9  # residual of logarithms, root mean square, of an exact law
COLLINEAR = 1e-8  # of singular values: below, exponents cannot be told apart
THIN = 400  # rows of each group that subsets are tried on
FEWEST = 5  # rows beyond the number of candidates
SURE = 4.0  # standard errors within which a coefficient is known


@dataclass(frozen=True)
class Fit:
    """One set of candidates, fitted at each value of the number.

    Parameters
    ----------
    names : tuple of str
    exponents : ndarray, shape (groups, names)
    constants : ndarray, shape (groups,)
    residual : float
        Largest root mean square of the logarithms' residuals.
    spread : ndarray, shape (groups, 1 + names)
        Up to which logarithm of the constant, and exponents, are not known.
    """

    names: tuple[str, ...]
    exponents: Array
    constants: Array
    residual: float
    spread: Array


@dataclass(frozen=True)
class Product:
    """A law: a sign, a factor, and powers of candidates.

    Parameters
    ----------
    factor : Form
        Positive.
    powers : tuple of (name, Form) pairs
    negative : bool
    signs : tuple of str
        Candidates whose signs the rate takes.
    signed : frozenset of str
        Candidates that are negative somewhere.
    """

    factor: Form
    powers: tuple[tuple[str, Form], ...]
    negative: bool
    signs: tuple[str, ...]
    signed: frozenset[str] = field(default=frozenset())

    def text(self, number: str) -> str:
        """The law as a formula."""
        factor = self.factor.text(number)
        parts = [] if factor == "1" else [factor if factor.isidentifier() else _wrapped(factor)]
        for name, form in self.powers:
            parts.append(self._power(name, form, number))
        extra = [name for name in self.signs if name not in dict(self.powers)]
        parts += [f"sign({name})" for name in extra]
        return ("-" if self.negative else "") + ("*".join(parts) or "1")

    def _power(self, name: str, form: Form, number: str) -> str:
        whole = form.constant is not None and form.constant.denominator == 1
        odd = is_odd(form)
        wrapped = name if _atom(name) else f"({name})"
        exponent = form.text(number)
        power = wrapped if exponent == "1" else f"{wrapped}**{_exponent(exponent)}"
        if name not in self.signed:
            return power
        if name in self.signs and odd:
            return power
        absolute = f"abs({name})" if exponent == "1" else f"abs({name})**{_exponent(exponent)}"
        if name not in self.signs:
            return power if whole and not odd else absolute
        return f"{absolute}*sign({name})"


def is_odd(form: Form) -> bool:
    """Whether an exponent is an odd number."""
    value = form.constant
    return value is not None and value.denominator == 1 and value.numerator % 2 == 1


def _atom(name: str) -> bool:
    return name.isidentifier() or (name.endswith(")") and name.split("(")[0].isidentifier())


def _wrapped(text: str) -> str:
    return text if all(c.isalnum() or c in "_*/." for c in text) else f"({text})"


def _exponent(text: str) -> str:
    return text if re.fullmatch(r"\d+|\(\d+/\d+\)", text) else f"({text})"


def fits(table: Table, *, most: int, noise: float) -> tuple[list[Fit], float, bool]:
    """Fits of the first size at which some set of candidates fits at every value of the number.

    Returns
    -------
    found : list of Fit
        The more local their candidates, the earlier.
    best : float
        Smallest residual of any set.
    collinear : bool
        Whether a set was passed over because its exponents cannot be told apart.
    """
    names = [n for n in table.names if n not in table.constant]
    logs = [_logs(group, names) for group in table.groups]
    limit = max(ACCEPTED, 1.5 * noise)
    best, collinear = np.inf, False
    for size in range(most + 1):
        found = []
        for subset in itertools.combinations(range(len(names)), size):
            fit = _fit(subset, names, logs, limit, noise)
            if fit is None:
                collinear = True
                continue
            best = min(best, fit.residual)
            if fit.residual < limit:
                found.append(fit)
        if found:
            return sorted(found, key=lambda fit: _preference(fit, table)), best, collinear
    return [], best, collinear


def _preference(fit: Fit, table: Table) -> tuple[int, float, int]:
    """Local candidates before global ones, named ones before sums, the better fit before others."""
    far = sum(name not in table.local for name in fit.names)
    order = sum(table.names.index(name) for name in fit.names)
    return far, sum("sum(" in name for name in fit.names), order


def _logs(group: Group, names: Sequence[str]) -> tuple[Array, Array]:
    y = np.log(np.abs(group.rates[:THIN]))
    columns = [np.log(np.abs(group.columns[name][:THIN])) for name in names]
    return y, np.stack(columns, axis=1) if columns else np.empty((len(y), 0))


def _fit(
    subset: Sequence[int],
    names: Sequence[str],
    logs: Sequence[tuple[Array, Array]],
    limit: float,
    noise: float,
) -> Fit | None:
    """Fit one set; None if its exponents cannot be told apart."""
    exponents, constants, spreads = [], [], []
    worst = 0.0
    for whole, X in logs:
        rows = np.isfinite(X[:, subset]).all(axis=1)
        y, own = whole[rows], X[rows][:, subset]
        n, k = len(y), len(subset)
        if n < k + FEWEST:
            return None
        mean = own.mean(axis=0)
        centred = own - mean
        if k:
            u, s, vt = np.linalg.svd(centred, full_matrices=False)
            if s[-1] < COLLINEAR * s[0] or s[-1] == 0:
                return None
            slope = vt.T @ ((u.T @ (y - y.mean())) / s)
            inverse = (vt.T / s**2) @ vt
        else:
            slope, inverse = np.zeros(0), np.zeros((0, 0))
        offset = y.mean() - mean @ slope
        rest = y - own @ slope - offset
        worst = max(worst, float(np.sqrt(np.mean(rest**2))))
        if worst >= limit:
            return Fit(tuple(names[i] for i in subset), *_NOTHING, worst, _NOTHING[0])
        sigma = np.sqrt(np.sum(rest**2) / (n - k - 1))
        errors = sigma * np.sqrt(np.diag(inverse))
        spreads.append([sigma * np.sqrt(1 / n + mean @ inverse @ mean), *errors])
        exponents.append(slope)
        constants.append(np.exp(offset))
    return Fit(
        tuple(names[i] for i in subset),
        np.array(exponents),
        np.array(constants),
        worst,
        SURE * np.array(spreads),
    )


_NOTHING = (np.empty(0), np.empty(0))


def rounded(fit: Fit, table: Table) -> tuple[Form | None, list[Form | None]]:
    """Factor and exponents as simple functions of the number, None where none fits."""
    numbers = [group.number for group in table.groups]
    factor = simplest(numbers, fit.constants.tolist(), (fit.constants * fit.spread[:, 0]).tolist())
    powers = [
        simplest(numbers, fit.exponents[:, j].tolist(), fit.spread[:, 1 + j].tolist())
        for j in range(len(fit.names))
    ]
    return factor, powers


def agrees(fit: Fit, product: Product, table: Table, noise: float) -> bool:
    """Whether the rounded law leaves no larger residual than the fit, as far as chance allows."""
    for group in table.groups:
        y = np.log(np.abs(group.rates)) - np.log(abs(product.factor.at(group.number)))
        for name, form in product.powers:
            y = y - form.at(group.number) * np.log(np.abs(group.columns[name]))
        y = y[np.isfinite(y)]
        allowed = max(10 * ACCEPTED, fit.residual * (1 + 6 / np.sqrt(len(y))))
        if np.sqrt(np.mean(y**2)) > allowed:
            return False
    return True


def sign_rule(
    table: Table, powers: Sequence[tuple[str, Form]]
) -> tuple[bool, tuple[str, ...]] | None:
    """Candidates whose signs give that of the rate at every row.

    Those come first that the powers have by themselves, being odd: where a sign never changes at
    the states, ``x`` is a law and ``-abs(x)`` an accident. Then the smallest set, of names in the
    law before others.

    Returns
    -------
    negative : bool
        Whether the product of the signs is to be turned round.
    names : tuple of str
    """
    first = [name for name, _ in powers]
    signed = [
        name for name in table.names if any(np.any(g.columns[name] < 0) for g in table.groups)
    ]
    own = [n for n in signed if n in first]
    natural = tuple(name for name, form in powers if name in own and is_odd(form))
    ordered = own + [n for n in signed if n not in first]
    for names in (natural, *_subsets(ordered, len(own))):
        products = [_signs(group, (*first, *names), names) for group in table.groups]
        for sign in (1.0, -1.0):
            if all(np.all(product == sign) for product in products):
                return sign < 0, names
    return None


def _signs(group: Group, known: Sequence[str], names: Sequence[str]) -> Array:
    """Signs of the rate times those of `names`, at rows where all that is `known` can be used."""
    product = np.sign(group.rates)
    for name in names:
        product = product * np.sign(group.columns[name])
    for name in known:
        product = product + 0 * group.columns[name]
    found: Array = product[np.isfinite(product)]
    return found


def _subsets(names: Sequence[str], own: int) -> Iterator[tuple[str, ...]]:
    """Sets of at most three names, those of the law's own names first."""
    for size in range(min(own, 3) + 1):
        yield from itertools.combinations(names[:own], size)
    for size in range(1, 3):
        yield from itertools.combinations(names, size)


def signed_names(table: Table) -> frozenset[str]:
    """Candidates that are negative somewhere."""
    return frozenset(
        name for name in table.names if any(np.any(g.columns[name] < 0) for g in table.groups)
    )
