r"""What a sequence tends to, with an error: the limit of ``y(x)`` as x tends to infinity.

Nobody knows from finitely many values how the rest is approached, so several kinds of approach are
fitted to several stretches of the end: powers with unknown exponents, with and without a logarithm,
exponentials, inverse logarithms, and drifts that have no limit at all. A kind counts if, fitted
without the last third, it predicts that third as well as the best one does, or to within the
noise; and so does the second best of the same sort. The error is what these kinds disagree by, and
what leaving out the last third, or adding the noise, changes. Where a drift predicts as well as
anything, nothing has settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dynlens.support.typing import Array, Mask

LEAST = 4  # points without which nothing is extrapolated
MOST = 28  # points of a stretch that are fitted
STRETCHES = (3.0, 10.0, 30.0, 100.0, 1e3, 1e5)  # from x_end over this
LEFT_OUT = 0.35  # share of a stretch that the others must predict
AS_GOOD = 4.0  # times the best prediction's error, a prediction counts as well
NEARLY_AS_GOOD = 100.0  # times it, a prediction forced to another limit does not exclude that limit
STANDS = 0.03  # share of a distance that even a logarithm covers over two decades
SAFETY = 2.0  # by which what is seen is taken to be too small
LARGEST = 250.0  # exponent
ROUNDING = 4 * 2.0**-52


@dataclass(frozen=True)
class Extrapolated:
    """A limit with its error, infinite where nothing has settled.

    Parameters
    ----------
    value, error : float
    approach : str
        The kind that predicts best, in words.
    since : float
        Where the stretch that was fitted begins.
    """

    value: float
    error: float
    approach: str
    since: float


class Places(NamedTuple):
    """Where values are, in the coordinates of the approaches; shape (n,) each.

    Parameters
    ----------
    back : ndarray
        ``log(x_end / x)``, falling to 0.
    share : ndarray
        ``1 - x / x_end``, falling to 0.
    log : ndarray
        ``log(x)`` from the first one on: 0 there.
    """

    back: Array
    share: Array
    log: Array

    def at(self, chosen: Any) -> Places:
        return Places(*(values[chosen] for values in self))


class Approach(NamedTuple):
    """A kind of approach: ``y = limit + sum_j b_j phi_j(x)``, with parameters of the phi.

    Parameters
    ----------
    name : str
    phi : callable
        Of places and parameters, shape (k, G, 1), to the columns phi_j, each of shape (G, n).
    ends : tuple of float
        What the columns tend to; NaN if to no limit.
    bounds : tuple of pairs
        Of every parameter, positive; they are searched evenly in their logarithm.
    """

    name: str
    phi: Callable[[Places, Array], tuple[Array, ...]]
    ends: tuple[float, ...]
    bounds: tuple[tuple[float, float], ...]

    @property
    def sort(self) -> str:
        """Powers, exponentials or logarithms."""
        return next(word for word in ("log", "exp", "power") if word in self.name)


NONE = float("nan")
POWER = (0.015, 8.0)
RATIO = (1.15, 4.0)
RATE = (0.5, 300.0)
SHIFT = (0.1, 60.0)


def _grown(exponent: Array) -> Array:
    return np.expm1(np.minimum(exponent, LARGEST))


def _logs(*powers: float) -> Callable[[Places, Array], tuple[Array, ...]]:
    def phi(at: Places, q: Array) -> tuple[Array, ...]:
        u = (at.log[-1] + q[0]) / (at.log + q[0])
        return tuple(u**j - 1 for j in powers)

    return phi


def _log_log(at: Places, q: Array) -> tuple[Array, ...]:
    u = at.log + q[0]
    return 1 / u, np.log(u) / u


def _log_log_squared(at: Places, q: Array) -> tuple[Array, ...]:
    u = at.log + q[0]
    return 1 / u, np.log(u) / u**2


SIMPLE = (
    Approach("a power", lambda at, q: (_grown(q[0] * at.back),), (-1,), (POWER,)),
    Approach(
        "powers p and 2p",
        lambda at, q: tuple(_grown(j * q[0] * at.back) for j in (1, 2)),
        (-1, -1),
        (POWER,),
    ),
    Approach(
        "powers p, 2p and 3p",
        lambda at, q: tuple(_grown(j * q[0] * at.back) for j in (1, 2, 3)),
        (-1, -1, -1),
        (POWER,),
    ),
    Approach(
        "a power times ln(x)",
        lambda at, q: (_grown(q[0] * at.back), at.back * (1 + _grown(q[0] * at.back))),
        (-1, 0),
        (POWER,),
    ),
    Approach("an exponential", lambda at, q: (_grown(q[0] * at.share),), (-1,), (RATE,)),
    Approach("1 / log", _logs(1), (-1,), (SHIFT,)),
    Approach("1 / log and its square", _logs(1, 2), (-1, -1), (SHIFT,)),
    Approach("1 / log to its cube", _logs(1, 2, 3), (-1, -1, -1), (SHIFT,)),
    Approach("1 / sqrt(log)", _logs(0.5), (-1,), (SHIFT,)),
    Approach("1 / sqrt(log) and 1 / log", _logs(0.5, 1), (-1, -1), (SHIFT,)),
    Approach("log log / log", _log_log, (0, 0), (SHIFT,)),
    Approach("1 / log and log log / log^2", _log_log_squared, (0, 0), (SHIFT,)),
    Approach("a growing power", lambda at, q: (_grown(-q[0] * at.back),), (NONE,), ((1e-3, 3.0),)),
)
DOUBLE = (
    Approach(
        "two powers",
        lambda at, q: (_grown(q[0] * at.back), _grown(q[0] * q[1] * at.back)),
        (-1, -1),
        (POWER, RATIO),
    ),
    Approach(
        "two exponentials",
        lambda at, q: (_grown(q[0] * at.share), _grown(q[0] * q[1] * at.share)),
        (-1, -1),
        (RATE, RATIO),
    ),
)


SLOW = (
    Approach(
        "1 / log and a power",
        lambda at, q: (*_logs(1)(at, q), _grown(q[1] * at.back)),
        (-1, -1),
        (SHIFT, POWER),
    ),
    Approach("1 / log to its fourth power", _logs(1, 2, 3, 4), (-1,) * 4, (SHIFT,)),
    Approach(
        "log log / log and 1 / log^2",
        lambda at, q: (*_log_log(at, q), *_logs(2)(at, q)),
        (0, 0, -1),
        (SHIFT,),
    ),
)


class Fit(NamedTuple):
    """An approach fitted: the limit, and what it says at all places."""

    limit: float
    values: Array


def extrapolate(
    x: Array,
    y: Array,
    noise: Array | None = None,
    *,
    enough: Callable[[Extrapolated], bool] = lambda found: False,
) -> Extrapolated:
    """Return the limit of ``y(x)`` for x to infinity.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Positive.
    y : ndarray, shape (n,)
    noise : ndarray, shape (n,), optional
        Numerical error of each value; rounding unless given.
    enough : callable, optional
        Whether a limit is known well enough: once two stretches say so, longer ones are not tried.

    Examples
    --------
    >>> x = np.geomspace(1e4, 1e8, 60)
    >>> found = extrapolate(x, 2 + 1 / np.log(x))
    >>> abs(found.value - 2) < found.error < 1e-6
    True
    >>> extrapolate(x, np.log(x)).error
    inf
    """
    order = np.argsort(x)
    x, y = np.asarray(x, dtype=float)[order], np.asarray(y, dtype=float)[order]
    off = np.zeros_like(y) if noise is None else np.asarray(noise, dtype=float)[order]
    off = np.fmax(off, ROUNDING * np.abs(y))
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(off) & (x > 0)
    x, y, off = x[good], y[good], off[good]
    if len(x) < LEAST:
        last = float(y[-1]) if len(y) else np.nan
        return Extrapolated(last, np.inf, f"only {len(x)} values of at least {LEAST}", np.nan)
    still = _settled(x, y, off)
    if still is not None:
        return still
    found: list[Extrapolated] = []
    for first in reversed(_stretches(x)):  # from the latest
        found.append(_on_stretch(x[first:], y[first:], off[first:]))
        if len(found) > 1 and all(map(enough, found[-2:])):
            break
    best = min(found, key=lambda each: each.error)
    if not np.isfinite(best.error):
        return best
    # Stretches that know better than their distance to the best widen its error.
    apart = [abs(e.value - best.value) - e.error for e in found if np.isfinite(e.error)]
    return Extrapolated(best.value, max(best.error, *apart), best.approach, best.since)


def may_vanish(x: Array, y: Array, noise: Array, since: float) -> bool:
    """Whether y may tend to zero after all, by an approach that is slow.

    More kinds of approach than `extrapolate` knows are forced to the limit zero. If, on the stretch
    that the limit was extrapolated from and on all longer ones, one of them predicts the last third
    nearly as well as the best one that is free, zero cannot be excluded.

    Parameters
    ----------
    x, y, noise : ndarray, shape (n,)
    since : float
        Where that stretch begins.
    """
    order = np.argsort(x)
    x, y, off = (np.asarray(values, dtype=float)[order] for values in (x, y, noise))
    off = np.fmax(off, ROUNDING * np.abs(y))
    good = np.isfinite(y) & np.isfinite(off)
    x, y, off = x[good], y[good], off[good]
    firsts = [first for first in _stretches(x) if x[first] <= since * (1 + 1e-12)]
    for first in firsts:
        long = x[-1] >= 100 * x[first]
        if long and np.ptp(y[first:]) < STANDS * abs(y[-1]):
            return False
    return all(_may_vanish(x[first:], y[first:], off[first:]) for first in firsts)


def _may_vanish(x: Array, y: Array, off: Array) -> bool:
    x, y, off, at, known = _prepared(x, y, off)
    floor = 3 * float(off.max())
    best = min((miss for *_, miss in _tried((*SIMPLE, *DOUBLE), at, y, known)), default=np.inf)
    # Of kinds that fit the truth may be one; of those that fit only nearly it is none.
    allowed = 3 * floor if best <= floor else NEARLY_AS_GOOD * best
    for kind in (*SIMPLE, *DOUBLE, *SLOW):
        if np.isnan(kind.ends).any() or known.sum() <= len(kind.ends) + len(kind.bounds) - 1:
            continue
        values = _fit(kind, at, y, known, forced=True).values
        if float(np.abs(values - y)[~known].max()) <= allowed:
            return True
    return False


def _settled(x: Array, y: Array, off: Array) -> Extrapolated | None:
    """The last value, if nothing but noise has changed for a factor ten in x, or three."""
    late = x >= min(x[-1] / 10, x[-LEAST])
    if x[late][0] > x[-1] / 3:
        return None
    spread, noise = np.ptp(y[late]), off[late].max()
    if spread > 4 * noise:
        return None
    return Extrapolated(float(y[-1]), float(spread + noise), "settled", float(x[late][0]))


def _stretches(x: Array) -> list[int]:
    """First index of every stretch that is tried."""
    wanted = [int(np.searchsorted(x, x[-1] / ratio)) for ratio in STRETCHES]
    if len(x) <= 12:  # few values: without the first ones
        wanted += range(min(3, len(x) - LEAST + 1))
    return sorted({first for first in wanted if len(x) - first >= LEAST} or {0})


def _on_stretch(x: Array, y: Array, off: Array) -> Extrapolated:
    """Extrapolate from all that is given, by the kinds of approach that predict its end."""
    x, y, off, at, known = _prepared(x, y, off)
    floor = 3 * float(off.max())
    tried = list(_tried(SIMPLE, at, y, known))
    if min((miss for *_, miss in tried), default=np.inf) > floor:
        tried += _tried(DOUBLE, at, y, known)
    if not tried:
        return Extrapolated(float(y[-1]), np.inf, "too few values", float(x[0]))
    tried.sort(key=lambda each: each[2])
    kind, _, least = tried[0]
    counted = [each for each in tried if each[2] <= max(floor, AS_GOOD * least)]
    # A best one that does not fit may be near by chance: so the next of its sort counts as well.
    alike = [each for each in tried if each[0].sort == kind.sort]
    counted += [each for each in alike[1:2] if least > floor and each not in counted]
    if not all(np.isfinite(part.limit) for _, part, _ in counted):
        return Extrapolated(float(y[-1]), np.inf, "not settled", float(x[0]))
    every = np.ones(len(y), dtype=bool)
    fits = [_fit(each, at, y, every) for each, *_ in counted]
    full = fits[0]
    limits = np.array([one.limit for one in (*fits, *(part for _, part, _ in counted))])
    if not np.all(np.isfinite(limits)):
        return Extrapolated(float(y[-1]), np.inf, "not settled", float(x[0]))
    # What the best kind does not explain may be of any form, as noise may; and may go on as it is.
    left = float(np.abs(full.values - y).max())
    off = np.maximum(off, max(left, least))
    shaken = [_fit(kind, at, y + sign * off, every) for sign in _signs(at)]
    moved = max(abs(one.limit - full.limit) for one in shaken)
    error = SAFETY * (float(np.abs(limits - full.limit).max()) + moved + float(off[-1]))
    return Extrapolated(full.limit, error, kind.name, float(x[0]))


def _prepared(x: Array, y: Array, off: Array) -> tuple[Array, Array, Array, Places, Mask]:
    """Thin out what is given; where it is, and what predicts the rest."""
    chosen = _thinned(x)
    x, y, off = x[chosen], y[chosen], off[chosen]
    logs = np.log(x)
    at = Places(logs[-1] - logs, 1 - x / x[-1], logs - logs[0])
    known = at.back >= LEFT_OUT * at.back[0]
    known[: LEAST - 1] = True
    known[-1] = False
    return x, y, off, at, known


def _signs(at: Places) -> Iterator[Array]:
    """Patterns of noise: one that bends the curve, and one that is rough."""
    yield np.where(at.back > 0.5 * at.back[0], 1.0, -1.0)
    yield np.where(np.arange(len(at.back)) % 2, 1.0, -1.0)


def _thinned(x: Array) -> NDArray[np.intp]:
    """Indices of at most `MOST` places, evenly spaced in log x."""
    if len(x) <= MOST:
        return np.arange(len(x))
    wanted = np.linspace(np.log(x[0]), np.log(x[-1]), MOST)
    return np.unique(np.abs(np.log(x) - wanted[:, None]).argmin(axis=1))


def _tried(
    kinds: tuple[Approach, ...], at: Places, y: Array, known: Mask
) -> Iterator[tuple[Approach, Fit, float]]:
    """Every kind that the values suffice for: fitted to the first ones, and by how it misses."""
    for kind in kinds:
        if known.sum() <= len(kind.ends) + len(kind.bounds):
            continue
        part = _fit(kind, at, y, known)
        yield kind, part, float(np.abs(part.values - y)[~known].max())


def _fit(kind: Approach, at: Places, y: Array, use: Mask, *, forced: bool = False) -> Fit:
    """Least squares; the parameters of the phi by a search that closes in."""
    inside = at.at(use)
    low, high = np.log(kind.bounds).T
    count = len(low)
    points, rounds = (64, 5) if count == 1 else (14, 9)
    grid = np.linspace(low, high, points)
    width = (high - low) / (points - 1)
    for _ in range(rounds):
        mesh = grid.T if count == 1 else np.array(list(product(*grid.T))).T  # (k, G)
        best = mesh[:, np.argmin(_misfit(kind, inside, y[use], mesh, forced=forced))]
        grid = np.clip(np.linspace(best - width, best + width, points), low, high)
        width = 2 * width / (points - 1)
    columns = np.stack(_columns(kind, at, np.exp(best)[:, None, None], forced=forced), axis=-1)[0]
    size = np.abs(columns[use]).max(axis=0)
    weights = np.linalg.lstsq(columns[use] / size, y[use], rcond=1e-15)[0] / size
    limit = 0.0 if forced else float(weights[0] + weights[1:] @ np.array(kind.ends))
    if any(np.isclose(best, low) & (np.array(kind.bounds)[:, 0] == POWER[0])):
        limit = NONE  # a power of exponent zero is a drift
    return Fit(limit, columns @ weights)


def _columns(kind: Approach, at: Places, q: Array, *, forced: bool) -> list[Array]:
    """What y is a combination of: one and the phi; if forced to zero, the phi less their ends."""
    found = np.broadcast_arrays(*kind.phi(at, q))
    if forced:
        return [column - end for column, end in zip(found, kind.ends, strict=True)]
    return [np.ones_like(found[0]), *found]


def _misfit(kind: Approach, at: Places, y: Array, logs: Array, *, forced: bool) -> Array:
    """Squared norm of what is left of y at every point of a grid of parameters, shape (G,)."""
    units: list[Array] = []
    columns = _columns(kind, at, np.exp(logs)[:, :, None], forced=forced)
    left = np.broadcast_to(y, columns[0].shape)
    for column in columns:  # Gram and Schmidt, twice each, at all points of the grid at once
        column = column / np.maximum(np.abs(column).max(axis=1, keepdims=True), 1e-300)
        for unit in (*units, *units):
            column = column - (column * unit).sum(axis=1, keepdims=True) * unit
        size = np.sqrt((column**2).sum(axis=1, keepdims=True))
        units.append(column / np.maximum(size, 1e-300))
        left = left - (left * units[-1]).sum(axis=1, keepdims=True) * units[-1]
    return np.asarray((left**2).sum(axis=1))
