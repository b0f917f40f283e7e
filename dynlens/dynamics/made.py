"""Many trajectories that take the memory of few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import overload

from dynlens.dynamics.trajectory import Trajectory


class Made(Sequence[Trajectory]):
    """Trajectories that are made when they are looked at."""

    def __init__(self, count: int, make: Callable[[int], Trajectory]) -> None:
        self._numbers, self._make = range(count), make

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, k: int) -> Trajectory: ...
    @overload
    def __getitem__(self, k: slice) -> list[Trajectory]: ...
    def __getitem__(self, k: int | slice) -> Trajectory | list[Trajectory]:
        number = self._numbers[k]
        return self._make(number) if isinstance(number, int) else [self._make(j) for j in number]
