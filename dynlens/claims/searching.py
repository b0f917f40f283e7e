"""The search for a counterexample: states that come as near to violating a claim as they can.

It is split into *attempts*, each with random draws and a budget of states of its own, so that the
result does not depend on how many run at once. An attempt draws states of all shapes, keeps the
worst, and improves on them by `Swarms`, half of which measure numbers by their logarithms. What
looks like a violation is judged by `Claim.check`; nothing else can refute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dynlens.cases.spaces import Space
from dynlens.claims.base import BALANCED, Assumption, Claim
from dynlens.support.swarms import Swarms, offspring
from dynlens.support.typing import Array
from dynlens.verdict import Status, Verdict

SURE = 10.0  # a violation counts if it is so many times its numerical error
SHARES = (1, 1, 2, 2, 4, 4, 8, 8)  # of the budget, one for each attempt
DRAWN = 0.2  # share of an attempt's budget that is drawn at random
BATCH = 2000  # states that are evaluated at once
SWARMS = 8  # at most; fewer, where the budget would not let so many converge
GENERATIONS = 80  # that a swarm takes to do so
STEADY = 0.8  # share of it
NEAR = 2.0**-40  # how far off states and tensors are, beside their largest number
CHECKS = 40  # cases that an attempt may have judged
LAST = -9.0  # the score of a state that cannot be evaluated
LEAST = 1e-12  # sizes below it are all the same to a swarm that measures by logarithms
NARROW = 1e-6  # bounds that are nearer than this make an equation
STEPS = 6  # of Newton's method towards it
NUDGED = 8  # states beside a violation, which must be beyond the claim as far as it


@dataclass(frozen=True)
class Found:
    """What an attempt came to: how many states it saw, and the worst of them."""

    states: int
    row: Array | None
    space: Space
    verdict: Verdict | None = None  # the refutation, if there is one
    whole: bool = True  # whether time did not run out


@dataclass(frozen=True)
class Attack:
    """A claim and the space in which a state is looked for that violates it."""

    claim: Claim
    space: Space
    absolute: bool = False

    def place(self, rows: Array) -> Array:
        """Move states into the space, and to where the claim's assumptions hold that are equations.

        That a state is balanced is one, and so are bounds that leave next to no room.
        """
        rows = self.space.project(rows)
        if any(map(_is_balance, self.claim.assumptions)):
            rows = self.space.balanced(rows)
        equations = list(filter(_is_equation, self.claim.assumptions))
        equations = [a for a in equations if not _is_balance(a)]
        return self._solved(rows, equations) if equations else rows

    def _solved(self, rows: Array, equations: list[Assumption]) -> Array:
        """Take Newton steps, the shortest that there are, to the middle of the bounds."""
        n = rows.shape[1]
        for _ in range(STEPS):
            gaps, room = self._gaps(rows, equations)
            todo = np.flatnonzero((np.abs(gaps) > room).any(axis=1) & np.isfinite(gaps).all(axis=1))
            if not len(todo):
                break
            here = rows[todo]
            widths = 1e-7 * np.maximum(np.abs(here), 1e-3 * np.abs(here).max(axis=1)[:, None])
            widths = np.maximum(widths, 1e-300)
            moved = here[:, None, :] + widths[:, :, None] * np.eye(n)
            there = self._gaps(moved.reshape(-1, n), equations)[0].reshape(len(todo), n, -1)
            with np.errstate(all="ignore"):
                slopes = (there - gaps[todo][:, None, :]) / widths[:, :, None]
            slopes = np.nan_to_num(slopes, posinf=0.0, neginf=0.0)
            step = np.linalg.pinv(slopes.mT) @ gaps[todo][:, :, None]
            rows = rows.copy()
            rows[todo] = self.space.project(here - step[:, :, 0])
        return rows

    def _gaps(self, rows: Array, equations: list[Assumption]) -> tuple[Array, Array]:
        """Distances of the quantities from the middle of their bounds, and what will do."""
        samples, gaps, room = self.space.samples(rows), [], []
        for a in equations:
            assert a.low is not None
            assert a.high is not None
            middle = a.low + (a.high - a.low) / 2
            with np.errstate(all="ignore"):
                value = self.claim.evaluate(a.quantity, samples)
            gaps.append(np.broadcast_to(value, (len(rows),)) - middle)
            room.append(max(1e-3 * (a.high - a.low), 2.0**-51 * abs(middle)))
        return np.stack(gaps, axis=1), np.array(room)

    def score(self, rows: Array) -> Array:
        """What is maximized, shape (S,): positive beyond the claim, below -1 where it is silent.

        Only its order means something. States at which something cannot be computed are last.
        """
        found = np.full(len(rows), LAST)
        whole = np.flatnonzero(np.isfinite(rows).all(axis=1))
        if len(whole):
            found[whole] = self._score(rows[whole])
        return found

    def _score(self, rows: Array) -> Array:
        try:
            return self._scored(rows)
        except np.linalg.LinAlgError:  # of one of them
            if len(rows) == 1:
                return np.full(1, LAST)
            half = len(rows) // 2
            return np.concatenate([self._score(rows[:half]), self._score(rows[half:])])

    def _scored(self, rows: Array) -> Array:
        samples = self.space.samples(rows)
        with np.errstate(all="ignore"):
            outside = _squashed(self.space.outside(rows))
            for a in self.claim.assumptions:
                outside = outside + self._off(a, samples, len(rows))
            found = self.claim.excess(samples, absolute=self.absolute).reshape(len(rows), -1)
            silent = np.isnan(found).all(axis=1)
            if silent.any():
                outside = outside + np.where(silent, self._away(samples, len(rows)), 0.0)
            worst = np.where(np.isnan(found), -np.inf, found).max(axis=1)
            inside = np.where(np.isinf(worst), -1.0, _squashed(worst))
        return np.where(outside > 0, -2.0 - outside, inside)

    def _off(self, assumption: Assumption, samples: object, count: int) -> Array:
        """How far an assumption is from being met."""
        value = self.claim.evaluate(assumption.quantity, samples)  # type: ignore[arg-type]
        value = np.broadcast_to(value, (count,))
        low, high = assumption.low, assumption.high
        below = 0.0 if low is None else _squashed((low - value) / (abs(low) or 1.0))
        above = 0.0 if high is None else _squashed((value - high) / (abs(high) or 1.0))
        off = np.maximum(np.maximum(below, above), 0.0)
        return np.where(assumption.met(value), 0.0, np.maximum(np.nan_to_num(off, nan=1.0), 1e-12))

    def _away(self, samples: object, count: int) -> Array:
        """How far a sample of which nothing is asserted is from where something is."""
        where = getattr(self.claim, "where", None)
        if where is None:
            return np.ones(count)
        value = self.claim.evaluate(where, samples)  # type: ignore[arg-type]
        nearest = value.reshape(count, -1).max(axis=1)
        off = np.maximum(_squashed(-np.nan_to_num(nearest, nan=-1.0)), 1e-12)
        return np.asarray(off)

    def judged(self, row: Array) -> Verdict:
        """Return the verdict on one state, as on any case."""
        return self.claim.check(self.space.case(row))

    def steady(self, row: Array) -> bool:
        """Whether states beside this one are as far beyond the claim.

        Singular values and the like are computed to some roundings of the largest of them, and
        equations are kept to a rounding of the largest number of a factor, which may be much beside
        the small ones; nudging each number in its own last place, as an ordinary check does, tells
        nothing of it. So a violation must stay, to a fifth of itself, where the end-to-end tensor
        is off by so much, and where the state is, and is put into place as it was.
        """
        equations = any(map(_is_equation, self.claim.assumptions))
        if self.space.exact and not equations:
            return True
        here = self.score(row[None])[0]
        rng = np.random.default_rng(0)
        beside = self.score(self.place(self.space.beside(row, rng, 8 * NUDGED, NEAR)))
        blurry = replace(self, space=self.space.blurred(NEAR))
        there = blurry.score(np.repeat(row[None], NUDGED, axis=0))
        beside = beside[beside > -1][:NUDGED]  # where the claim speaks
        if len(beside) < NUDGED // 2:
            return False
        both = np.concatenate([beside, there])
        return bool(np.all((both > STEADY * here) & (both < here / STEADY)))


def refutes(verdict: Verdict) -> bool:
    """Whether a verdict refutes so clearly that its numerical error is no matter."""
    beyond = verdict.residual - verdict.tolerance
    return verdict.status == Status.REFUTED and beyond > SURE * verdict.numerical_error


def _is_balance(assumption: Assumption) -> bool:
    return bool(assumption.quantity == BALANCED.quantity)


def _is_equation(assumption: Assumption) -> bool:
    """Whether it keeps a quantity between two bounds that are next to equal, or states balanced."""
    low, high = assumption.low, assumption.high
    if low is None or high is None:
        return _is_balance(assumption)
    return high - low <= NARROW * max(1.0, abs(low), abs(high))


def attempt(
    claim: Claim,
    space: Space,
    number: int,
    seed: int,
    budget: int,
    until: float,
    report: Callable[[int], object] = lambda states: None,
) -> Found:
    """Search with `budget` states, or until `time.time()` is `until`.

    Parameters
    ----------
    number : int
        Of the attempt; every other one measures violations in the claim's own units.
    report : callable
        Told how many states were seen.
    """
    return _Attempt(claim, space.again(number), number, seed, budget, until, report).run()


class _Attempt:
    """One attempt, as it goes on."""

    def __init__(
        self,
        claim: Claim,
        space: Space,
        number: int,
        seed: int,
        budget: int,
        until: float,
        report: Callable[[int], object],
    ) -> None:
        self.attack = Attack(claim, space, absolute=number % 4 == 3)
        self.rng = np.random.default_rng([seed, number])
        self.budget, self.until, self.report = budget, until, report
        self.states, self.checks = 0, 0
        self.row: Array | None = None
        self.best, self.bar = -np.inf, 0.0
        self.verdict: Verdict | None = None

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.verdict is not None or self.states >= self.budget or self.late

    @property
    def late(self) -> bool:
        return time.time() > self.until

    def run(self) -> Found:
        """Draw, then search from the worst."""
        rows, scores = self._drawn()
        if not self.over and len(rows):
            self._searched(rows[np.argsort(-scores, kind="stable")])
        whole = self.verdict is not None or self.states >= self.budget
        return Found(self.states, self.row, self.attack.space, self.verdict, whole)

    def _drawn(self) -> tuple[Array, Array]:
        wanted = max(int(DRAWN * self.budget), 1)
        kept = [(np.empty((0, len(self.attack.space.low))), np.empty(0))]
        while wanted > 0 and not self.over:
            count = min(BATCH, wanted)
            rows = self.attack.place(self.attack.space.draw(self.rng, count))
            kept.append((rows, self._scored(rows)))
            wanted -= count
        rows, scores = (np.concatenate(parts) for parts in zip(*kept, strict=True))
        good = scores > LAST
        return rows[good], scores[good]

    def _scored(self, rows: Array) -> Array:
        """Score states, remember the worst, and have what looks like a violation judged."""
        scores = self.attack.score(rows)
        self.report(min(len(rows), max(self.budget - self.states, 0)))
        self.states += len(rows)
        k = int(np.argmax(scores))
        if scores[k] > self.best:
            self.best, self.row = float(scores[k]), rows[k].copy()
        if scores[k] > self.bar and self.checks < CHECKS:
            self.checks += 1
            verdict = self.attack.judged(rows[k])
            if refutes(verdict) and self.attack.steady(rows[k]):
                self.verdict, self.row = verdict, rows[k].copy()
            else:  # within its error: look again when it is twice as far
                self.bar = min(2 * float(scores[k]), (1 + float(scores[k])) / 2)
        return scores

    def _searched(self, pool: Array) -> None:
        """Let swarms start from the pool, the worst states first."""
        space = self.attack.space
        enough = (self.budget - self.states) // (GENERATIONS * offspring(pool.shape[1]))
        count = min(max(enough, 1), SWARMS, len(pool))
        maps = [_Map(space, logarithmic=bool(k % 2)) for k in range(count)]
        # The worst half of the swarms' starts, and others from among the worst.
        others = self.rng.permutation(np.arange((count + 1) // 2, max(count, len(pool) // 20)))
        after = iter([*range((count + 1) // 2), *others.tolist()])

        def start(k: int) -> tuple[Array, Array]:
            chosen = next(after, None)
            if chosen is not None:
                return maps[k].start(pool[chosen])
            if self.row is not None and self.rng.random() < 0.5:
                return maps[k].start(self.row)
            return maps[k].start(pool[int(len(pool) * self.rng.random() ** 3)])

        starts, spreads = (np.array(parts) for parts in zip(*map(start, range(count)), strict=True))
        swarms = Swarms(starts, spreads, self.rng)
        while not self.over:
            points = swarms.ask()
            for k in range(count):
                points[k] = maps[k].kept(points[k])
            rows = np.concatenate([maps[k].back(points[k]) for k in range(count)])
            scores = self._scored(self.attack.place(rows))
            swarms.tell(points, scores.reshape(count, -1))
            for k in np.flatnonzero(swarms.stalled).tolist():
                swarms.restart(k, *start(k))


@dataclass(frozen=True)
class _Map:
    """Between the numbers of a state and the coordinates of a swarm, plain or logarithmic."""

    space: Space
    logarithmic: bool

    def to(self, rows: Array) -> Array:
        if not self.logarithmic:
            return rows
        return np.asarray(np.sign(rows) * np.log1p(np.abs(rows) / LEAST))

    def back(self, points: Array) -> Array:
        if not self.logarithmic:
            return points
        with np.errstate(over="ignore"):
            return np.asarray(np.sign(points) * LEAST * np.expm1(np.abs(points)))

    def kept(self, points: Array) -> Array:
        """Coordinates within the bounds."""
        return np.asarray(np.clip(points, self.to(self.space.low), self.to(self.space.high)))

    def start(self, row: Array) -> tuple[Array, Array]:
        """A swarm's middle and spread."""
        if self.logarithmic:
            spread = np.full(len(row), 0.5)
        else:
            spread = 0.2 * np.abs(row) + 0.05 * np.median(np.abs(row)) + LEAST
            spread = np.minimum(spread, 0.2 * (self.space.high - self.space.low))
        return self.to(row), spread


def _squashed(value: Array) -> Array:
    """Any number as one between -1 and 1, in the same order."""
    return np.asarray(value / (1 + np.abs(value)))


__all__ = ["SHARES", "Attack", "Found", "attempt", "refutes"]
