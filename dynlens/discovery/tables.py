"""Rows of numbers from which a law is read: exact rates, and what they may be made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dynlens.cases.base import Case, Samples
from dynlens.cases.formulas import rate_text
from dynlens.claims.base import Claim
from dynlens.claims.equations import RateLaw
from dynlens.claims.orders import Recursion
from dynlens.observables.registry import REGISTRY
from dynlens.support import validation
from dynlens.support.errors import UnknownNameError
from dynlens.support.typing import Array, Mask

LEFT_OUT = ("cp_rank", "parameters", "factor", "end_to_end")
"""Observables that no law is sought in: estimated by iteration, or no numbers of the model."""

NUMBERS = ("depth", "order", "local_component_orders")
"""Numbers of a model that exponents may depend on, those of a single entry too."""

UNREADABLE = (TypeError, ValueError, IndexError, KeyError, ArithmeticError, ImportError)
"""What observables raise that are of another model."""

SMALL = 1e-9  # of the largest value of a quantity: below, rounding has a say
SMALL_STEP = 1e-5  # of the quantity that a step changes: the difference keeps ten digits


@dataclass(frozen=True)
class Group:
    """Rows at which the number has one value.

    Parameters
    ----------
    number : float
        NaN where there is none.
    rates : ndarray, shape (n,)
    columns : dict from str to ndarray, shape (n,)
        Candidates by name; NaN where one is zero, undefined or a residue of rounding.
    """

    number: float
    rates: Array
    columns: Mapping[str, Array]


@dataclass(frozen=True)
class Table:
    """Rates of a quantity, and candidates beside them.

    Parameters
    ----------
    target : str
    number : str
        What exponents may depend on; empty where nothing varies.
    groups : tuple of Group
        One for each value of the number.
    whole : bool
        Whether the target is one number at a state, rather than several.
    dropped : int
        Rows at which the rate was zero, undefined or a residue of rounding.
    left_out : tuple of str
        Sentences about candidates that are none.
    constant : tuple of str
        Candidates that do not vary at one value of the number.
    local : frozenset of str
        Candidates with an entry for each entry of the target.
    """

    target: str
    number: str
    groups: tuple[Group, ...]
    whole: bool = True
    dropped: int = 0
    left_out: tuple[str, ...] = ()
    constant: tuple[str, ...] = ()
    local: frozenset[str] = frozenset()
    names: tuple[str, ...] = field(default=())

    @property
    def rows(self) -> int:
        """Number of rows in all groups."""
        return sum(len(group.rates) for group in self.groups)

    def perturbed(self, noise: float, seed: int) -> Table:
        """Return the table with Gaussian noise, relative to each rate."""
        rng = np.random.default_rng(seed)
        groups = tuple(
            replace(g, rates=g.rates * (1 + noise * rng.standard_normal(len(g.rates))))
            for g in self.groups
        )
        return replace(self, groups=groups)

    def first(self, rows: int) -> Table:
        """Return the table with at most that many rows in each group."""
        groups = tuple(
            Group(g.number, g.rates[:rows], {n: v[:rows] for n, v in g.columns.items()})
            for g in self.groups
        )
        return replace(self, groups=groups)


def table(
    target: str,
    of: Sequence[str] | None,
    cases: Sequence[Case],
    *,
    sums: bool = False,
    steps: bool = False,
    number: str | None = None,
    seed: int = 0,
) -> Table:
    """Read rates and candidates off all states of the cases.

    Parameters
    ----------
    target : str
        An observable.
    of : sequence of str, optional
        Candidates, formulas too; every observable that the models know, unless given.
    cases : sequence of Case
    sums : bool
        Whether sums over entries, ``sum(x**p * y)``, are candidates as well.
    steps : bool
        Whether the change by one step of descent stands in the place of the rate.
    number : str, optional
        What exponents may depend on; found if not given.
    """
    for name in of or ():
        if name.startswith(("d_", "d(")):
            raise ValueError(f"{name!r} is no candidate: a rate is what the law is about.")
    reader: Claim = Recursion(target) if steps else RateLaw(target, "1")
    taken = [case.samples() for case in cases]
    number = _number(taken, target) if number is None else number
    names, left_out = _candidates(target, of, taken, reader, number, sums)
    blocks = [_block(reader, target, names, samples, number, steps) for samples in taken]
    shapes = [len(rates.shape) for _, rates, _ in blocks]
    depth = max(shapes)
    local = frozenset(n for n in names if all(block[2][n][1] == depth > 1 for block in blocks))
    values = np.concatenate([numbers for numbers, _, _ in blocks])
    rates = np.concatenate([block.ravel() for _, block, _ in blocks])
    columns = {name: np.concatenate([b[2][name][0] for b in blocks]) for name in names}
    columns = {name: np.where(_usable(v), v, np.nan) for name, v in columns.items()}
    kept = _usable(rates)
    before = _before(blocks, target) if steps else None
    if before is not None:
        kept = kept & (np.abs(rates) > SMALL_STEP * np.abs(before))
    rng = np.random.default_rng([seed, 31])
    groups, constant = [], set()
    known = np.unique(values[kept]) if number else np.array([np.nan])
    for one in known:
        here = np.flatnonzero(kept & (values == one) if number else kept)
        here = rng.permutation(here)
        parts = {name: column[here] for name, column in columns.items()}
        groups.append(Group(float(one), rates[here], parts))
        constant |= {name for name, column in parts.items() if _still(column)}
    never = {name for name in names if all(_still(g.columns[name]) for g in groups)}
    return Table(
        target,
        number,
        tuple(groups),
        depth == 1,
        int(len(kept) - kept.sum()),
        tuple(left_out),
        tuple(name for name in names if name in constant | never),
        local,
        tuple(names),
    )


def _block(
    reader: Claim,
    target: str,
    names: Iterable[str],
    samples: Samples,
    number: str,
    steps: bool,
) -> tuple[Array, Array, dict[str, tuple[Array, int]]]:
    """Numbers, rates of shape (S, ...) and columns at the states of one case, the latter flat."""
    if steps:
        values = reader.evaluate(target, samples)
        rates = np.concatenate([np.diff(values, axis=0), np.full_like(values[:1], np.nan)])
    else:
        rates = reader.evaluate(rate_text(target), samples)
    columns = {}
    for name in names:
        value = reader.evaluate(name, samples)
        columns[name] = (_as(value, rates.shape).ravel(), value.ndim)
    numbers = np.full(rates.shape, np.nan)
    if number:
        numbers = _as(reader.evaluate(number, samples), rates.shape)
    return numbers.ravel(), rates, columns


def _as(value: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(value.reshape(*value.shape, *[1] * (len(shape) - value.ndim)), shape)


def _before(
    blocks: Sequence[tuple[Array, Array, dict[str, tuple[Array, int]]]], target: str
) -> Array | None:
    """Values of the target before each step, where it is a candidate."""
    if not all(target in columns for _, _, columns in blocks):
        return None
    return np.concatenate([columns[target][0] for _, _, columns in blocks])


def _usable(values: Array) -> Mask:
    """Where values are finite, not zero, and no residue of rounding."""
    finite = np.isfinite(values)
    largest = np.abs(values[finite]).max(initial=0.0)
    usable: Mask = finite & (np.abs(values) > SMALL * largest)
    return usable


def _still(column: Array) -> bool:
    """Whether a candidate does not vary where it can be used."""
    sizes = np.abs(column[np.isfinite(column)])
    return not len(sizes) or float(np.ptp(sizes)) <= 1e-9 * float(sizes.max())


def _number(taken: Sequence[Samples], target: str) -> str:
    """The number of the models that takes several values, if one does."""
    for name in reversed(NUMBERS):
        try:
            values = [np.asarray(samples.read(name), dtype=float) for samples in taken]
        except (TypeError, ValueError, UnknownNameError):
            continue
        if name in REGISTRY and not target.startswith("local_"):
            continue
        if len(np.unique(np.concatenate([value.ravel() for value in values]))) > 1:
            return name
    return ""


def _candidates(
    target: str,
    of: Sequence[str] | None,
    taken: Sequence[Samples],
    reader: Claim,
    number: str,
    sums: bool,
) -> tuple[list[str], list[str]]:
    """Names that can be read at all states and fit the target's shape, and why others do not."""
    known = [n for n, one in REGISTRY.items() if n not in LEFT_OUT and not one.along_path]
    asked = known if of is None else list(of)
    names: list[str] = []
    left_out: list[str] = []
    for name in asked:
        if name == number:
            continue
        why = ""
        for samples in taken:
            why = _why_not(name, target, samples, reader)
            if why:
                break
        if not why:
            names.append(name)
        elif of is not None:
            left_out.append(f"{name}: {why}")
    if sums:
        names += _sums(asked, taken, reader, number)
        left_out = [one for one in left_out if not any(f"{one.split(':')[0]}" in n for n in names)]
    if of is None:
        names = _without_twins(names, target, taken, reader)
    if not names:
        told = "; ".join(left_out)
        raise ValueError(f"no candidate can be read at the states: {told or 'none is known'}.")
    return names, left_out


def _why_not(name: str, target: str, samples: Samples, reader: Claim) -> str:
    try:
        value = reader.evaluate(name, samples)
    except UNREADABLE as error:
        return str(error)
    shape = reader.evaluate(target, samples).shape
    if value.ndim > len(shape) or value.shape != shape[: value.ndim]:
        return f"it has shape {value.shape[1:]} at each state, the target {shape[1:]}"
    if not np.any(np.isfinite(value) & (value != 0)):
        return "it is zero, or undefined, at all states"
    zero = SMALL * np.max(samples.read("squared_size"))
    if name in ("unbalancedness", "imbalances") and np.nanmax(np.abs(value)) < zero:
        return "it is zero up to rounding at all states"
    return ""


def _without_twins(
    names: Sequence[str], target: str, taken: Sequence[Samples], reader: Claim
) -> list[str]:
    """Leave out observables that count, or equal an earlier one; the target itself comes first."""
    ordered = sorted(names, key=lambda name: (name != target, len(name)))
    kept: list[str] = []
    values: list[Array] = []
    for name in ordered:
        own = np.concatenate([reader.evaluate(name, samples).ravel() for samples in taken])
        if np.all(np.abs(own - np.rint(own))[np.isfinite(own)] < SMALL):
            continue  # a rank or a count, which no law of a rate is made of
        same = any(
            len(own) == len(other) and np.allclose(own, other, rtol=1e-9, atol=0, equal_nan=True)
            for other in values
        )
        if not same:
            kept.append(name)
            values.append(own)
    return kept


def _sums(names: Sequence[str], taken: Sequence[Samples], reader: Claim, number: str) -> list[str]:
    """Sums over entries ``sum(x**p * y)``, with p in the fractions of the number."""
    powers = ["0", "1", "2"]
    if number:
        powers += [f"{a} {sign} {b}/{number}" for a in (1, 2) for b in (1, 2) for sign in "-+"]
    vectors: list[str] = []
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for name in names:
        try:
            shapes[name] = [reader.evaluate(name, samples).shape for samples in taken]
        except UNREADABLE:
            continue
        if all(len(shape) == 2 for shape in shapes[name]):
            vectors.append(name)
    found = []
    for x in vectors:
        if any(np.any(reader.evaluate(x, samples) < 0) for samples in taken):
            continue
        for y in vectors:
            if x != y and shapes[x] == shapes[y]:
                try:  # axes of one length need not be the same
                    reader.evaluate(_sum(x, "1", y), taken[0])
                except UNREADABLE:
                    continue
                found += [_sum(x, p, y) for p in powers]
    return list(dict.fromkeys(found))


def _sum(x: str, power: str, y: str) -> str:
    if power == "0":
        return f"sum({y})"
    return f"sum({x} * {y})" if power == "1" else f"sum({x}**({power}) * {y})"


def known_cases(states: Case | Iterable[Case]) -> tuple[Case, ...]:
    """Return one case, or several, as a tuple."""
    if isinstance(states, Case):
        return (states,)
    remedy = "for example `[RandomStates((3, 3, 3)), RandomStates((3, 3, 3, 3))]`."
    found: tuple[Case, ...] = validation.sequence("states", states, remedy, Case)
    if not found:
        raise ValueError(f"`states` is empty; pass cases, {remedy}")
    return found
