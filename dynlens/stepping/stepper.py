"""What drives one integration step by step, and what the compiled ones have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dynlens.kernels.cache import load_source
from dynlens.kernels.sources import linked, source_of
from dynlens.problems.problem import Problem
from dynlens.stepping.fields import field_data, pasted
from dynlens.stepping.layout import BELOW, EVALUATIONS, LOSS, SAVED, SMALL, STEPS, T_OLD, H, T
from dynlens.support.typing import Array

TOO_SMALL = "Required step size is less than spacing between numbers."

Dense = Callable[[Any], Array]
BESIDE = 16  # numbers that a loop may need besides vectors


@dataclass
class Saves:
    """States at the times asked for, the first `count` of them known.

    A time that is NaN asks for the end of the step that comes next, and becomes its time.
    """

    times: Array
    states: Array
    count: int = 0

    @property
    def complete(self) -> bool:
        """Whether all are known."""
        return self.count == len(self.times)


class Stepper(Protocol):
    """One integration in progress.

    After `advance`, the last step goes from `t_old` to `t` and ends in `y`. If it is `fresh`,
    nothing of it has been saved yet: it may hold an event.
    """

    @property
    def fresh(self) -> bool: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def t(self) -> float: ...
    @property
    def t_old(self) -> float: ...
    @property
    def y(self) -> Array: ...
    @property
    def y_old(self) -> Array: ...
    @property
    def notes(self) -> dict[str, Any]:
        """More to be recorded with the trajectory."""
        ...

    def advance(self, saves: Saves, floor: float, evaluations: int, steps: int) -> str:
        """Step and save until something stops it, and return a text if it failed.

        Parameters
        ----------
        saves : Saves
        floor : float
            Stop with a fresh step once the loss is at or below this; infinite to look at each.
        evaluations : int
            Stop after the step that reaches this number in all.
        steps : int
            Stop after this many more.
        """
        ...

    def dense_output(self) -> Dense:
        """States inside the last step, shape (P,) or (P, T)."""
        ...


_SHARED: dict[str, ModuleType] = {}


def framed(*parts: str) -> str:
    """Text of a loop over steps, with parts that stand in for what `loops.frame` imports."""
    return linked(*parts, source_of("dynlens.stepping.loops.frame"))


def shared_loop(name: str, source: Callable[[], str]) -> ModuleType:
    """Return the loop of one method for all problems, made only once."""
    if name not in _SHARED:
        _SHARED[name] = load_source(source(), name=name)
    return _SHARED[name]


def _beginning() -> str:
    return linked(source_of("dynlens.stepping.loops.begin"))


class CompiledStepper:
    """A stepper whose loop is a generated module.

    Parameters
    ----------
    problem : Problem
    name : str
    source : callable
        Text of a module that has ``advance`` and ``dense``. Where the method has loops of their
        own for tiny problems, it is given the text of a field, and the module has ``begin`` too.
    theta0 : ndarray, shape (P,)
    blocks : int
        Size of the work space in vectors. It begins with the state at the start of the step and
        the state at its end.
    t, t_end : float
    limits : tuple of float
        Passed to the loop: the tolerances, and what the method wants besides.
    own : bool
        Whether a tiny problem gets a loop of its own.
    """

    fresh = False
    # Blocks of the work space: the field at the start of the step, and one to be used before.
    slope, spare = 2, 3
    root = 0.0  # one over the order of the error estimate; zero if the loop chooses its first step

    def __init__(
        self,
        problem: Problem,
        name: str,
        source: Callable[..., str],
        theta0: Array,
        blocks: int,
        t: float,
        t_end: float,
        limits: tuple[float, ...],
        *,
        own: bool = False,
    ) -> None:
        own = own and problem.machine.lines is not None
        self.problem, self.n = problem, theta0.size
        # Several steppers may be at work at once; a loop of its own needs no work space.
        self.arrays = problem.machine.data if own else problem.machine.private_data()
        self.field = field_data(problem, self.arrays, own=own)
        self.name = f"{name.lower()}_own" if own else name.lower()
        if own:
            self.module = problem.machine.loop(self.name, lambda: source(pasted(problem)))
            self.starter = self.module
        else:
            self.module = shared_loop(self.name, source)
            self.starter = shared_loop("begin", _beginning)
        self.w = np.zeros(blocks * self.n + BESIDE)
        self.w[: self.n] = self.w[self.n : 2 * self.n] = theta0
        self.clock, self.counts = np.zeros(8), np.zeros(8, dtype=np.int64)
        self.clock[T] = self.clock[T_OLD] = t
        self.t_end, self.limits = float(t_end), tuple(map(float, limits))

    def begin(self, step: float | None) -> None:
        """Evaluate the field at the start, and choose the first step unless it is given."""
        if self.name not in self.problem.machine.checked:
            self._check()
            self.problem.machine.checked.add(self.name)
        self.clock[H] = step or 0.0
        self._begin(self.w, self.clock, self.counts)

    def _begin(self, w: Array, clock: Array, counts: NDArray[np.int64]) -> None:
        blocks = (self.slope, self.spare, self.root)
        self.starter.begin(w, clock, counts, *blocks, self.t_end, *self.limits[:2], self.field)

    def _check(self) -> None:
        """Compare the field inside the loop, which may be a copy of its own, with the reference."""
        w, clock, n = np.zeros_like(self.w), np.zeros_like(self.clock), self.n
        w[:n] = self.problem.probe
        self._begin(w, clock, np.zeros_like(self.counts))
        self.problem.machine.check(-w[self.slope * n :][:n], float(clock[LOSS]))

    @property
    def t(self) -> float:
        return float(self.clock[T])

    @property
    def t_old(self) -> float:
        return float(self.clock[T_OLD])

    @property
    def y(self) -> Array:
        return self.w[self.n : 2 * self.n].copy()

    @property
    def y_old(self) -> Array:
        return self.w[: self.n].copy()

    @property
    def evaluations(self) -> int:
        return int(self.counts[EVALUATIONS])

    @property
    def steps(self) -> int:
        return int(self.counts[STEPS])

    @property
    def notes(self) -> dict[str, Any]:
        return {}

    def run(self, saves: Saves, floor: float, evaluations: int, steps: int) -> int:
        """Step until something stops the loop, and return what."""
        if np.isnan(self.clock[H]):
            return SMALL
        self.counts[SAVED] = saves.count
        outcome = self.module.advance(
            self.w,
            self.clock,
            self.counts,
            saves.times,
            saves.states,
            float(floor),
            evaluations,
            steps,
            self.t_end,
            *self.limits,
            self.field,
        )
        saves.count = int(self.counts[SAVED])
        self.fresh = outcome == BELOW
        return int(outcome)

    def advance(self, saves: Saves, floor: float, evaluations: int, steps: int) -> str:
        return TOO_SMALL if self.run(saves, floor, evaluations, steps) == SMALL else ""

    def dense_output(self) -> Dense:
        def dense(t: Any) -> Array:
            times = np.atleast_1d(np.asarray(t, dtype=np.float64))
            out = np.empty((len(times), self.n))
            for k, time in enumerate(times):
                if time == self.t:
                    out[k] = self.y
                elif time == self.t_old:
                    out[k] = self.y_old
                else:
                    state = (self.w, self.clock, self.counts)
                    self.module.dense(*state, time, out[k], self.field)
            return out[0] if np.ndim(t) == 0 else out.T

        return dense
