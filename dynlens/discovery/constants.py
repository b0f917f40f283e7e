"""The best constant of an inequality: a supremum or infimum searched, guessed, and checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from dynlens.cases.base import Case, ModelSamples, RandomMatrices, Reading, States
from dynlens.claims.equations import AtLeast
from dynlens.claims.falsifying import falsify
from dynlens.support import validation
from dynlens.support.typing import Array
from dynlens.verdict import Status, Verdict

MOST = 30  # parameters up to which a search is worth while
INFINITE = 1e8  # a ratio beyond it is unbounded
CLOSE, ROUGH = 1e-6, 1e-3  # within which a closed form is guessed, the closer ones first
FAR = 1e3  # times the usual size: a state there is on its way to infinity, or to zero
TIGHTER = 0.01  # a constant better by this share must be refuted
KEPT = 4  # states that searches begin from
GENERATIONS = 800
SEARCHED, SECONDS = 10_000, 10.0  # states that the inequality is attacked at, and the time for it


@dataclass(frozen=True)
class BestConstant:
    """The best constant c of ``left <= c * right``, or of ``left >= c * right``.

    Attributes
    ----------
    value : float
        The largest ratio found, or the smallest.
    sampled : float
        The same before any search.
    guess : str
        A closed form, empty where none is near.
    how : str
        ``"attained"``, ``"approached"`` or ``"unbounded"``.
    at : States
        The state it was found at.
    holds, tighter : Verdict or None
        Of the inequality with the guess, and of the one better by a hundredth at that state.
    """

    left: str
    right: str
    supremum: bool
    value: float
    sampled: float
    guess: str
    how: str
    at: States
    holds: Verdict | None = None
    tighter: Verdict | None = None
    where: str | None = None
    note: str = ""
    readings: tuple[tuple[str, Reading], ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def constant(self) -> str:
        """The guess, or else the number found, rounded away from it in the seventh digit."""
        return (
            self.guess
            or f"{self.value + (1 if self.supremum else -1) * abs(self.value) * 1e-6:.8g}"
        )

    @property
    def status(self) -> str:
        """``"SUPPORTED"`` if the constant survived and a better one is refuted, else ``"NONE"``."""
        if self.holds is None or self.tighter is None:
            return "NONE"
        good = self.holds.held and self.tighter.status == Status.REFUTED
        return "SUPPORTED" if good else "NONE"

    @property
    def claim(self) -> AtLeast:
        """The inequality with this constant."""
        return _claim(self, self.constant)

    def __str__(self) -> str:
        sign, word = ("<=", "largest") if self.supremum else (">=", "smallest")
        head = f"{self.status}  {self.left} {sign} {self.constant} * ({self.right})"
        if self.how == "unbounded":
            head = f"NONE  ({self.left}) / ({self.right}) is unbounded"
        elif self.holds is None:
            beyond = "at least" if self.supremum else "at most"
            head = f"NONE  a constant of this inequality is {beyond} {self.value:.6g}"
        ratio = f"{self.value:.15g}, {self.how}; sampled {self.sampled:.6g}"
        rows = [head, f"  {word + ' ratio':<16} {ratio}"]
        if self.holds is not None:
            rows.append(f"  {'this constant':<16} {self.holds.status}")
        if self.tighter is not None:
            rows.append(f"  {'better by 1 %':<16} {self.tighter.status} at the state found")
        if self.note:
            rows.append(f"  {'note':<16} {self.note}")
        return "\n".join(rows)


def best_constant(
    left: str,
    right: str,
    states: Case,
    *,
    supremum: bool = True,
    where: str | None = None,
    readings: Mapping[str, Reading] | tuple[tuple[str, Reading], ...] = (),
    seed: int = 0,
) -> BestConstant:
    """Search the best constant c of ``left <= c * right``, or of ``left >= c * right``.

    The ratio is evaluated at the states, and then improved from the best of them by an evolution
    of samples with a covariance of its own. What it tends to is guessed as ``p sqrt(q) / r``; the
    inequality with this constant is attacked, and the one that is better by a hundredth must be
    refuted at the state found.

    Parameters
    ----------
    left, right : formula
        In names of quantities; where they have several entries, the worst counts.
    states : RandomStates, RandomMatrices or States
    supremum : bool
        Whether ``left`` is to be bounded from above.
    where : formula, optional
        Only states at which it is positive count.
    readings : mapping, optional
        See `Claim`.
    seed : int

    Returns
    -------
    BestConstant

    Notes
    -----
    A supremum need not be attained: the result says whether the search settled or ran away, and
    whether the ratio is unbounded. Of more than 30 parameters only samples are looked at, which is
    a bound on the constant and no guess.

    Examples
    --------
    >>> from dynlens import RandomStates
    >>> found = best_constant("frobenius_norm", "spectral_norm", RandomStates((2, 2), "gaussian"))
    >>> found.guess, found.how
    ('sqrt(2)', 'attained')
    """
    began = time.perf_counter()
    validation.instance("states", states, Case, "for example `RandomStates((3, 3, 3))`.")
    samples = states.samples()
    if not isinstance(samples, ModelSamples):
        raise TypeError(f"`states` must be states of a problem, got {type(states).__name__}.")
    if where is None and isinstance(states, RandomMatrices) and states.determinant is not None:
        where = "determinant" if states.determinant > 0 else "-determinant"
    names = validation.pairs("readings", readings)
    reader = AtLeast(left, right, readings=names)
    sign = 1.0 if supremum else -1.0

    def ratio(theta: Array) -> Array:
        return _ratios(reader, left, right, where, ModelSamples(samples.problem, theta), sign)

    values = ratio(samples.theta)
    if not np.isfinite(values).any():
        raise ValueError("the ratio is undefined at all of the states; look at `where`.")
    order = np.argsort(-np.where(np.isfinite(values), values, -np.inf))
    sampled = float(values[order[0]])
    usual = float(np.median(np.linalg.norm(samples.theta, axis=1)))
    best, value, note = samples.theta[order[0]], sampled, ""
    if samples.theta.shape[1] > MOST:
        note = f"more than {MOST} parameters: the best of the samples, without a search"
    else:
        rng = np.random.default_rng([validation.seed_of(seed), 41])
        for k in order[:KEPT]:
            state, found = evolve(ratio, samples.theta[k], rng)
            if found > value:
                best, value = state, found
            if value > INFINITE:
                break
    right_sizes = _sizes(reader, right, ModelSamples(samples.problem, samples.theta))
    right_here = _sizes(reader, right, ModelSamples(samples.problem, best[None]))
    ran = _far(float(np.linalg.norm(best)), usual)
    ran |= _far(float(right_here[0]), float(np.median(right_sizes)))
    how = "unbounded" if value > INFINITE else "approached" if ran else "attained"
    guess = "" if note or how == "unbounded" else closed_form(sign * value)
    found_at = States(samples.problem, (tuple(best.tolist()),))
    result = BestConstant(
        left, right, supremum, sign * value, sign * sampled, guess, how, found_at,
        where=where, note=note, readings=names,
    )  # fmt: skip
    if not note and how != "unbounded":
        better = f"({result.constant}) * {1 - sign * TIGHTER!r}"
        result = replace(
            result,
            holds=falsify(result.claim, states, states=SEARCHED, seconds=SECONDS),
            tighter=_claim(result, better).check(found_at),
        )
    return replace(result, seconds=time.perf_counter() - began)


def _claim(found: BestConstant, constant: str) -> AtLeast:
    bound = f"({constant}) * ({found.right})"
    sides = (bound, found.left) if found.supremum else (found.left, bound)
    return AtLeast(*sides, where=found.where, readings=found.readings, tolerance=1e-9)


def _ratios(
    reader: AtLeast, left: str, right: str, where: str | None, samples: ModelSamples, sign: float
) -> Array:
    """The worst ratio at each state, times the sign; minus infinity where there is none."""
    with np.errstate(all="ignore"):
        above, below = reader.evaluate(left, samples), reader.evaluate(right, samples)
        depth = max(above.ndim, below.ndim)
        above, below = (v.reshape(*v.shape, *[1] * (depth - v.ndim)) for v in (above, below))
        values = sign * (above / below)
        if where is not None:
            inside = reader.evaluate(where, samples) > 0
            inside = inside.reshape(*inside.shape, *[1] * (values.ndim - inside.ndim))
            values = np.where(inside, values, -np.inf)
        values = np.where(np.isnan(values), -np.inf, values).reshape(len(samples), -1)
        return np.asarray(values.max(axis=1))


def _sizes(reader: AtLeast, formula: str, samples: ModelSamples) -> Array:
    with np.errstate(all="ignore"):
        values = np.abs(reader.evaluate(formula, samples)).reshape(len(samples), -1)
    return np.nan_to_num(np.nanmax(np.where(np.isfinite(values), values, 0), axis=1))


def _far(size: float, usual: float) -> bool:
    return not usual / FAR < size < usual * FAR


def evolve(
    objective: Callable[[Array], Array], start: Array, rng: np.random.Generator
) -> tuple[Array, float]:
    """Climb from a state by an evolution strategy that adapts its covariance (CMA-ES).

    Parameters
    ----------
    objective : callable
        Of states (n, P), returns (n,).
    start : ndarray, shape (P,)
    rng : Generator

    Returns
    -------
    state : ndarray, shape (P,)
    value : float

    Examples
    --------
    >>> state, value = evolve(
    ...     lambda x: -np.abs(x - [1.0, 2.0]).sum(axis=1), np.zeros(2), np.random.default_rng(0)
    ... )
    >>> np.allclose(state, [1, 2])
    True
    """
    size = len(start)
    many = 8 + 4 * int(np.log(size + 1)) + size
    parents = many // 2
    weights = np.log(parents + 0.5) - np.log(np.arange(1, parents + 1))
    weights /= weights.sum()
    effective = 1 / np.sum(weights**2)
    fade = (4 + effective / size) / (size + 4 + 2 * effective / size)
    path_fade = (effective + 2) / (size + effective + 5)
    rank_one = 2 / ((size + 1.3) ** 2 + effective)
    rank_many = min(
        1 - rank_one, 2 * (effective - 2 + 1 / effective) / ((size + 2) ** 2 + effective)
    )
    damping = 1 + 2 * max(0.0, np.sqrt((effective - 1) / (size + 1)) - 1) + path_fade
    usual = np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))
    mean, step = start.copy(), 0.3 * max(float(np.linalg.norm(start)) / size**0.5, 1e-3)
    covariance, basis, lengths = np.eye(size), np.eye(size), np.ones(size)
    path, drift = np.zeros(size), np.zeros(size)
    best, value, since = start, float(objective(start[None])[0]), 0
    for _ in range(GENERATIONS):
        z = rng.standard_normal((many, size))
        moves = (z * lengths) @ basis.T
        states = mean + step * moves
        values = objective(states)
        order = np.argsort(-values)
        if values[order[0]] > value:
            gain = values[order[0]] - value
            best, value = states[order[0]], float(values[order[0]])
            since = 0 if gain > 1e-14 * abs(value) else since + 1
        else:
            since += 1
        chosen = moves[order[:parents]]
        moved = weights @ chosen
        mean = mean + step * moved
        whitened = basis @ ((basis.T @ moved) / lengths)
        drift = (1 - path_fade) * drift + np.sqrt(
            path_fade * (2 - path_fade) * effective
        ) * whitened
        path = (1 - fade) * path + np.sqrt(fade * (2 - fade) * effective) * moved
        covariance = (
            (1 - rank_one - rank_many) * covariance
            + rank_one * np.outer(path, path)
            + rank_many * (chosen.T * weights) @ chosen
        )
        excess = float(np.linalg.norm(drift)) / usual - 1
        step *= float(np.exp(min(0.6, path_fade / damping * excess)))
        eigenvalues, basis = np.linalg.eigh((covariance + covariance.T) / 2)
        lengths = np.sqrt(np.maximum(eigenvalues, 1e-30))
        small = step * lengths.max() < 1e-14 * max(float(np.linalg.norm(mean)), 1e-300)
        if value > INFINITE or small or since > 60 or not np.isfinite(step):
            break
    return best, value


def closed_form(value: float) -> str:
    """A number ``p sqrt(q) / r`` with small p, q and r that is near; empty if there is none.

    Examples
    --------
    >>> closed_form(1.4142135), closed_form(0.99999999), closed_form(2.123456)
    ('sqrt(2)', '1', '')
    """
    if not np.isfinite(value) or value == 0:
        return ""
    forms: list[tuple[Any, ...]] = []
    for q in (1, 2, 3, 5, 6):
        for r in range(1, 7):
            for p in range(1, 25):
                share = Fraction(p, r)
                if share.denominator == r:
                    gap = abs(float(share) * np.sqrt(q) / abs(value) - 1)
                    forms.append((p + r + 2 * (q > 1) + q, gap, share, q))
    for allowed in (CLOSE, ROUGH):
        near = [form for form in forms if form[1] < allowed and (allowed == CLOSE or form[0] < 12)]
        if near:
            _, _, share, q = min(near, key=lambda form: form[:2])
            head = "" if share == 1 and q > 1 else str(share)
            tail = f"sqrt({q})" if q > 1 else ""
            text = "*".join(part for part in (head, tail) if part)
            return f"-{text}" if value < 0 else text
    return ""
