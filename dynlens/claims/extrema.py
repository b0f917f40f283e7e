"""Suprema and infima: bounds that are kept everywhere, and come as near as one likes."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace

import numpy as np

from dynlens.cases.base import Case, Samples
from dynlens.cases.formulas import Formula, as_text
from dynlens.cases.paths import Path
from dynlens.cases.reproduce import reproduction
from dynlens.claims.base import Claim
from dynlens.claims.equations import AtLeast
from dynlens.claims.falsifying import falsify
from dynlens.claims.sides import named
from dynlens.dynamics.trajectory import Trajectory
from dynlens.support import validation
from dynlens.support.typing import Array
from dynlens.verdict import Status, Verdict


@dataclass(frozen=True)
class Extremum(Claim):
    """The best bound of a quantity over all states of a case; of which kind, subclasses say.

    Two things are judged, both by `falsify`: that no state goes beyond the value, and that one goes
    beyond the value less a share of it. If none is found that does, the claim is UNDECIDED: that a
    search finds nothing says nothing.

    Parameters
    ----------
    of : formula
        Such as the ratio ``left / right``, whose infimum is the best constant c of
        ``left >= c * right`` where ``right`` is positive.
    value : formula
    share : float
        How near to the value a state must come, as a share of it; by itself, where it is 0.
    where : formula, optional
        Only states at which it is positive count.
    """

    of: Formula
    value: Formula
    share: float = field(default=0.01, kw_only=True)
    where: Formula = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if callable(self.of) or callable(self.value):
            raise TypeError("`of` and `value` must be formulas, not functions.")
        validation.share("share", self.share)

    @abstractmethod
    def bound(self, value: str) -> AtLeast:
        """Return the claim that a value bounds the quantity."""

    def _bound(self, left: str, right: str) -> AtLeast:
        more = {f: getattr(self, f) for f in ("assumptions", "given", "readings", "where")}
        return AtLeast(left, right, **more)

    @property
    def _tighter(self) -> str:
        """The value less a share of it, towards what is inside."""
        sign = "-" if isinstance(self, Supremum) else "+"
        own = f"({self.value})"
        size = str(self.share) if own in ("(0)", "(0.0)") else f"{self.share} * Abs{own}"
        return f"{own} {sign} {size}"

    def check(self, case: Case | Trajectory) -> Verdict:
        if isinstance(case, Trajectory):
            case = Path.of(case)
        kept = falsify(self.bound(self.value), case)
        if kept.status == Status.REFUTED:
            return replace(kept, statement=self.statement, note="a state goes beyond it")
        near = falsify(self.bound(self._tighter), case)
        found = replace(kept, statement=self.statement, **reproduction(self, case))
        if near.status == Status.REFUTED:
            return replace(found, note=f"{near.reproduce.partition('.check(')[2][:-2]} comes near")
        status = Status.UNDECIDED if found.held else found.status
        note = f"no state was found that comes within {self.share:g} of it"
        return replace(found, status=status, note=note)

    def measure(self, samples: Samples) -> Array:
        return np.asarray(self.bound(as_text(self.value, "value")).measure(samples))


@dataclass(frozen=True)
class Supremum(Extremum):
    """The least upper bound of a quantity over all states of a case; see `Extremum`.

    Examples
    --------
    >>> from dynlens import Box
    >>> box = Box({"x": (0, 100)})
    >>> Supremum("x / (1 + x**2)", "1/2").check(box).status
    <Status.SUPPORTED: 'SUPPORTED'>
    >>> Supremum("x / (1 + x**2)", "0.49").check(box).status
    <Status.REFUTED: 'REFUTED'>
    """

    @property
    def statement(self) -> str:
        return f"sup {named(self.of)} = {named(self.value)}"

    def bound(self, value: str) -> AtLeast:
        return self._bound(value, self.of)


@dataclass(frozen=True)
class Infimum(Extremum):
    """The greatest lower bound of a quantity over all states of a case; see `Extremum`.

    Examples
    --------
    >>> from dynlens import Box
    >>> box = Box({"x": (0.1, 5), "y": (0.2, 7)})
    >>> Infimum("(x + y) / sqrt(x * y)", "2").check(box).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    @property
    def statement(self) -> str:
        return f"inf {named(self.of)} = {named(self.value)}"

    def bound(self, value: str) -> AtLeast:
        return self._bound(self.of, value)


__all__ = ["Infimum", "Supremum"]
