"""Events along a flow: an observable that crosses a value."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynlens.dynamics.trajectory import Crossing
from dynlens.observables import registry
from dynlens.problems.problem import Problem
from dynlens.stepping.stepper import Stepper
from dynlens.support import validation
from dynlens.support.typing import Array

LOOKS = 4  # points of a step at which events are looked for, so that two roots are seen


@dataclass(frozen=True)
class Event:
    """An observable crossing a value.

    Parameters
    ----------
    observable : str
        Name of the observable.
    value : float
        The value that is crossed.
    where : tuple of int
        Index of one entry, for an observable with dims.
    direction : {-1, 0, 1}
        Falling through the value, either way, or rising through it.
    terminal : bool
        Whether the run ends there.
    parameters : tuple of (name, value) pairs
        Parameters of the observable.
    count : int
        Which crossing ends the run, if it is `terminal`.
    """

    observable: str
    value: float
    where: tuple[int, ...] = ()
    direction: int = 0
    terminal: bool = False
    parameters: tuple[tuple[str, Any], ...] = ()
    count: int = 1

    def __post_init__(self) -> None:
        validation.instance(
            "observable", self.observable, str, "an observable is named by a string."
        )
        entry = registry.REGISTRY.get(self.observable)  # None of a model's own quantity
        if entry is not None and entry.along_path:
            raise ValueError(
                f"observable {self.observable!r} is defined along a whole path, not at one state; "
                "watch another one."
            )
        validation.finite("value", self.value)
        object.__setattr__(self, "parameters", validation.pairs("parameters", self.parameters))
        if self.direction not in (-1, 0, 1):
            raise ValueError(f"`direction` must be -1, 0 or 1, got {self.direction!r}.")
        validation.count("count", self.count)

    def height(self, problem: Problem, theta: Array) -> float:
        """Return the observable minus the value."""
        entry = registry.find(self.observable, problem)
        observed = entry(problem, theta, **dict(self.parameters))
        try:
            return float(observed[self.where]) - self.value
        except (IndexError, TypeError) as error:
            raise ValueError(
                f"`where` is {self.where}, but {self.observable!r} has shape {observed.shape}; "
                "name one entry."
            ) from error

    @property
    def name(self) -> str:
        """Short name, such as ``loss = 0.001``."""
        place = f"[{', '.join(map(str, self.where))}]" if self.where else ""
        return f"{self.observable}{place} = {self.value:g}"


def loss_below(value: float, *, terminal: bool = True) -> Event:
    """Return the event of the loss falling below `value`, which ends the run unless told not to."""
    return Event("loss", validation.positive("value", value), (), -1, terminal)


class Watch:
    """The events of one run, and their heights where it was last looked."""

    def __init__(self, problem: Problem, theta: Array, events: Sequence[Event]) -> None:
        self.problem, self.events, self.looked = problem, events, 0
        self.heights = [event.height(problem, theta) for event in events]
        self.crossed = [0] * len(events)

    @property
    def floor(self) -> float:
        """Above this loss no step holds an event; infinite if each may.

        The loss never rises along the flow: it crosses a value once, in the step that ends below.
        """
        if not all(e.observable == "loss" and e.direction <= 0 for e in self.events):
            return np.inf
        ahead = (e.value for e, h in zip(self.events, self.heights, strict=True) if h > 0)
        # Kernel and reference round differently; to look at one step too many is harmless.
        return max((value * (1 + 1e-9) for value in ahead), default=-np.inf)

    def locate(
        self, stepper: Stepper, dense: Callable[[Any], Array]
    ) -> tuple[list[Crossing], Crossing | None]:
        """Crossings inside the last step, in order and up to the first terminal one, and that."""
        if stepper.steps > self.looked + 1:  # the stepper went on without a look
            state = stepper.y_old
            self.heights = [event.height(self.problem, state) for event in self.events]
        self.looked = stepper.steps
        crossings: list[Crossing] = []
        for t, k in sorted(self._roots(stepper, dense)):
            event = self.events[k]
            crossings.append(Crossing(event.name, t, np.asarray(dense(t))))
            self.crossed[k] += 1
            if event.terminal and self.crossed[k] >= event.count:
                return crossings, crossings[-1]
        return crossings, None

    def _roots(
        self, stepper: Stepper, dense: Callable[[Any], Array]
    ) -> Iterator[tuple[float, int]]:
        grid = np.linspace(stepper.t_old, stepper.t, LOOKS + 1)
        for k, event in enumerate(self.events):

            def height(t: float, event: Event = event) -> float:
                return event.height(self.problem, np.asarray(dense(t)))

            left = self.heights[k]
            for a, b in itertools.pairwise(grid):
                right = height(b)
                rising = 1 if right > left else -1
                # A root exactly at `a` was counted when it was the right end.
                crosses = left != 0 and (right == 0 or (left > 0) != (right > 0))
                if crosses and event.direction in (0, rising):
                    yield float(b if right == 0 else _root(height, a, b)), k
                left = right
            self.heights[k] = left


def _root(height: Callable[[float], float], a: float, b: float) -> float:
    """Return where a function crosses zero, to rounding of the time or a tiny part of the step."""
    from scipy.optimize import bisect, brentq

    least = max(1e-15 * (b - a), 1e-300)
    root, how = brentq(height, a, b, xtol=least, full_output=True, disp=False)
    # A flat root makes the fast method crawl.
    return float(root if how.converged else bisect(height, a, b, xtol=least))
