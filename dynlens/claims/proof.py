"""Claims decided by algebra: identities that sympy reduces to zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.cases.reproduce import reproduce_line
from dynlens.support import validation
from dynlens.verdict import Status, Verdict, weakest


@dataclass(frozen=True)
class Algebra:
    """The case of a symbolic claim: there is nothing to choose."""


@dataclass(frozen=True)
class Identities:
    """Several expressions vanish identically.

    Parameters
    ----------
    statement : str
        In one line.
    derive : callable
        Returns a mapping from a short name to a `dynlens.symbolic.Answer` (zero, nonzero or
        undecided), or to an expression that must vanish. Called when the claim is checked, so that
        stating a theorem does not cost the time of proving it.
    show : callable, optional
        Returns a mapping from a short name to the formula to be displayed.
    """

    statement: str
    derive: Callable[[], Mapping[str, Any]]
    show: Callable[[], Mapping[str, Any]] | None = None

    def check(self, case: Algebra | None = None) -> Verdict:
        """Decide every identity: PROVED, REFUTED with the point that refutes it, or UNDECIDED."""
        from dynlens.symbolic import Answer, Outcome, is_zero

        status = {
            Outcome.ZERO: Status.PROVED,
            Outcome.NONZERO: Status.REFUTED,
            Outcome.UNDECIDED: Status.UNDECIDED,
        }
        derived = validation.mapping("derive", self.derive(), "return a name for each identity.")
        if not derived:
            raise ValueError("`derive` returns no identity; return at least one.")
        answers: dict[str, Answer] = {
            name: found if isinstance(found, Answer) else is_zero(found)
            for name, found in derived.items()
        }
        worst = weakest([status[answer.outcome] for answer in answers.values()])
        told = [f"{name}: {answer.how}" for name, answer in answers.items()]
        at: dict[str, Any] = {}
        for name, answer in answers.items():
            if status[answer.outcome] == worst and worst != Status.PROVED:
                at = {"identity": name, **{str(k): str(v) for k, v in (answer.point or {}).items()}}
                told = [f"{name}: {answer.how}"]
                break
        return Verdict(
            worst,
            self.statement,
            residual=0.0 if worst == Status.PROVED else np.nan,
            attacks=len(answers),
            worst=at,
            note="; ".join(told),
            scope="all values of the symbols",
            reproduce=reproduce_line(self),
        )
