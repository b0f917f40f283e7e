"""Observables of states that are not kept themselves: memory that does not grow with the model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dynlens.observables import registry
from dynlens.problems.problem import Problem
from dynlens.support import validation
from dynlens.support.typing import Array

AT_ONCE = 64  # states observed in one call; a call for each would cost ten times as much


class Kept:
    """Values of some observables along a path that is shown state by state.

    Parameters
    ----------
    problem : Problem
    names : sequence of str

    Examples
    --------
    >>> import dynlens as dl
    >>> problem = dl.Problem(dl.DeepLinear((1, 1)), dl.SquaredLoss(), dl.Full([[2.0]]))
    >>> kept = Kept(problem, ["loss"])
    >>> for theta in ([0.0], [1.0]):
    ...     kept.add(theta)
    >>> kept.values()
    {'loss': array([2. , 0.5])}
    """

    def __init__(self, problem: Problem, names: Iterable[str]) -> None:
        self.problem, self.entries = problem, [registry.find(name, problem) for name in names]
        self._waiting: list[Array] = []
        self._parts: dict[str, list[Array]] = {entry.name: [] for entry in self.entries}

    def add(self, theta: Array) -> None:
        """Show the next state, shape (P,)."""
        self._waiting.append(np.array(theta, dtype=np.float64))
        if len(self._waiting) == AT_ONCE:
            self._observe()

    def values(self) -> dict[str, Array]:
        """Return the values at all states shown so far, each of shape (T, ...)."""
        self._observe()
        return {name: np.concatenate(parts) for name, parts in self._parts.items() if parts}

    def _observe(self) -> None:
        if not self._waiting:
            return
        states = np.array(self._waiting)
        self._waiting.clear()
        # A state that has diverged overflows once more here; the run's status tells it.
        with np.errstate(all="ignore"):
            for entry in self.entries:
                self._parts[entry.name].append(entry(self.problem, states))


def checked_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of observables that can be told state by state, without parameters."""
    listed = validation.sequence("observables", names, "for example ('loss',).", str)
    for name in listed:
        if name in registry.REGISTRY and registry.find(name).along_path:
            raise ValueError(
                f"`observables`: {name!r} follows the whole path; keep the states, and observe it "
                "afterwards."
            )
    return tuple(dict.fromkeys(listed))
