"""Cases of which something is measured by a computation of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature

import numpy as np

from dynlens.cases.base import MORE, Case
from dynlens.cases.systems import SystemSamples
from dynlens.support import validation
from dynlens.support.numerics import Numerics
from dynlens.support.typing import Array, ArrayLike


@dataclass(frozen=True)
class Measurement(Case):
    """Quantities that a computation yields, by name: claims are formulas in these names.

    A subclass is a frozen dataclass of plain data, so that its `repr` can be pasted.

    Notes
    -----
    `measure` is asked twice, and the distance of the two answers is the numerical error: the second
    time its `Numerics` give tighter tolerances, a start off in the last place, finer grids. If that
    refutes a claim, but not by far, more answers are asked for, from starts off at random. What
    depends on random draws draws them from seeds of the case.

    Examples
    --------
    >>> import dynlens as dl
    >>> @dataclass(frozen=True)
    ... class Circle(Measurement):
    ...     corners: int
    ...     def measure(self, numerics):
    ...         angle = numerics.start(np.pi / self.corners)
    ...         return {"perimeter": 2 * self.corners * np.sin(angle)}
    >>> dl.Equal("perimeter", "2 * pi", tolerance=1e-5).check(Circle(1000)).status
    <Status.SUPPORTED: 'SUPPORTED'>
    """

    @abstractmethod
    def measure(self, numerics: Numerics) -> Mapping[str, ArrayLike]:
        """Measure everything: numbers, or arrays of one common length, by name."""

    def samples(self) -> SystemSamples:
        """Return what was measured, with the finer measurement as twin."""
        return self._samples(Numerics(finer=True))

    def closer(self) -> SystemSamples:
        """Return it with more measurements as twins, from starts off by rounding at random."""
        return self._samples(Numerics(finer=True), *(Numerics(nudge=k) for k in range(1, MORE)))

    def _samples(self, *others: Numerics) -> SystemSamples:
        twins = tuple(SystemSamples(_measured(self, numerics), {}) for numerics in others)
        return SystemSamples(_measured(self, Numerics()), {}, None, twins)


@lru_cache(maxsize=128)
def _measured(case: Measurement, numerics: Numerics) -> dict[str, Array]:
    # Until every theorem file says `numerics`:
    old = "fine" in signature(case.measure).parameters
    found = case.measure(numerics.finer if old else numerics)  # type: ignore[arg-type]
    validation.mapping("measure", found, "return a name for each quantity.")
    if not found:
        raise ValueError("`measure` returns nothing; return at least one quantity by its name.")
    arrays = {name: _numbers(name, value) for name, value in found.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    longest = max(lengths.values())
    if set(lengths.values()) - {1, longest}:
        raise ValueError(f"`measure` returns quantities of different lengths: {lengths}.")
    return {name: np.broadcast_to(a, (longest, *a.shape[1:])) for name, a in arrays.items()}


def _numbers(name: str, value: ArrayLike) -> Array:
    """One quantity at every sample; it may be undefined, but it must be there."""
    told = f"measure()[{name!r}]"
    array = np.atleast_1d(validation.real_array(told, value, finite=False))
    if not array.size:
        raise ValueError(f"`{told}` is empty; return one number at least.")
    return array
