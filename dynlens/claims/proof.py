"""Claims decided by algebra: identities that sympy reduces to zero."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dynlens.cases.reproduce import reproduction
from dynlens.support import validation
from dynlens.verdict import Status, Verdict, weakest

if TYPE_CHECKING:
    from dynlens.symbolic import Answer


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
        undecided), or to an expression or a matrix that must vanish, an equation, or an inequality.
        Called when the claim is checked, so that stating a theorem does not cost the time of
        proving it. A truth value or a number of Python's has been decided by whoever made it,
        and is refused.
    show : callable, optional
        Returns a mapping from a short name to the formula to be displayed.
    """

    statement: str
    derive: Callable[[], Mapping[str, Any]]
    show: Callable[[], Mapping[str, Any]] | None = None

    def check(self, case: Algebra | None = None) -> Verdict:
        """Decide every identity: PROVED, REFUTED with the point that refutes it, or UNDECIDED."""
        from dynlens.symbolic import Answer, Outcome
        from dynlens.symbolic.zero import GIVEN

        status = {
            Outcome.ZERO: Status.PROVED,
            Outcome.NONZERO: Status.REFUTED,
            Outcome.UNDECIDED: Status.UNDECIDED,
        }
        derived = validation.mapping("derive", self.derive(), "return a name for each identity.")
        if not derived:
            raise ValueError("`derive` returns no identity; return at least one.")
        answers: dict[str, Answer] = {
            name: found if isinstance(found, Answer) else _decided(name, found)
            for name, found in derived.items()
        }
        worst = weakest([status[answer.outcome] for answer in answers.values()])
        told = [f"{name}: {answer.how}" for name, answer in answers.items()]
        if all(answer.how == GIVEN for answer in answers.values()):
            told.append("nothing was left to reduce, the derivation itself decided")
        at: dict[str, Any] = {}
        residual = 0.0 if worst == Status.PROVED else np.nan
        for name, answer in answers.items():
            if status[answer.outcome] == worst and worst != Status.PROVED:
                at = {"identity": name, **{str(k): str(v) for k, v in (answer.point or {}).items()}}
                told = [f"{name}: {answer}"]
                if worst == Status.REFUTED:
                    residual = float(answer.residual)
                break
        return Verdict(
            worst,
            self.statement,
            residual=residual,
            attacks=len(answers),
            worst=at,
            note="; ".join(told),
            scope="all values of the symbols",
            **reproduction(self),
        )


def _decided(name: str, found: Any) -> Answer:
    """Decide what a derivation returned under a name."""
    import sympy as sp

    from dynlens.symbolic import Answer, Outcome, holds, is_zero

    if found is sp.true:  # a relation that sympy decided by the assumptions of its symbols
        return Answer(Outcome.ZERO, sp.S.Zero, "true as sympy takes it")
    if found is sp.false:
        return Answer(Outcome.NONZERO, sp.nan, "false as sympy takes it")
    if isinstance(found, bool | int | float | np.bool_ | np.number):
        raise TypeError(
            f"{name!r} is {found!r}, which was decided before it came here; return a difference, "
            "or a relation that is not evaluated, such as `sp.Eq(a, b, evaluate=False)`."
        )
    _refuse_floats(name, found)
    if isinstance(found, sp.MatrixBase):
        answers = [is_zero(entry) for entry in found]
        order = (Outcome.NONZERO, Outcome.UNDECIDED, Outcome.ZERO)
        return min(answers, key=lambda answer: order.index(answer.outcome))
    if isinstance(found, sp.Eq):
        return is_zero(found.lhs - found.rhs)
    if isinstance(found, sp.core.relational.Relational):
        return holds(found)
    return is_zero(found)


def _refuse_floats(name: str, found: Any) -> None:
    import sympy as sp

    entries = found if isinstance(found, sp.MatrixBase) else (found,)
    floats = {number for entry in entries for number in sp.sympify(entry).atoms(sp.Float)}
    if floats:
        raise TypeError(
            f"{name!r} contains the floating-point number {min(floats)}, which is not exact; "
            "write a fraction, such as `sp.Rational(1, 10)`."
        )
